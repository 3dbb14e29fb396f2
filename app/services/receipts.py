"""Receipts of runs: read, checked, saved. They are kept with their run, or longer when Settings say so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from app.core.errors import FixData, FixSettings, TellUs
from app.core.receipts import Finding, Receipt, ReceiptPart, digest_of, gets_receipt, is_whole
from app.core.runs import Run, Status
from app.delivery.files import RunFolder
from app.delivery.receipts import read_receipt, seal
from app.services.audit import AuditService
from app.services.saving import saving
from app.store.store import Store


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt as it lies in the workspace, with its sum.

    `whole` tells that nobody changed it since it was written: the sum fits what stands in it, and is the one that the audit
    trail was told, if it was told any.
    """

    receipt: Receipt
    sha256: str
    whole: bool


class ReceiptService:
    """Thread safe. A receipt holds no personal value, so that every role may read and save it."""

    def __init__(self, folder: Path, store: Store, audit: AuditService) -> None:
        self._folder = folder
        self._store = store
        self._audit = audit

    def get(self, run_id: str) -> KeptReceipt:
        """The receipt of a run; FixData when it has none (yet), TellUs when its file can't be read."""
        files = self._files(run_id)
        try:
            found = read_receipt(files) or self._written_late(run_id, files)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            raise TellUs(
                "The receipt can't be read.",
                "Its file is damaged, or a newer Sendoff wrote it.",
                f"Look at {files.receipt}.",
                code="receipt_unreadable",
            ) from None
        if found is None:
            raise _no_receipt(self._store.runs.by_id(run_id))
        receipt, own, fits = found
        told = self._audit.receipt_of(run_id)
        return KeptReceipt(receipt, own, fits and told in {"", own})

    def _written_late(self, run_id: str, files: RunFolder) -> tuple[Receipt, str, bool] | None:
        """The receipt of a run at whose end the drive was full, made of what was noted; None where nothing was, or not yet."""
        run = self._store.runs.by_id(run_id)
        noted = files.ledger_path.exists() or not files.log_path.exists()  # older versions wrote a log alone
        if run is None or not noted or not gets_receipt(run.status):
            return None
        seal(files, run)
        return read_receipt(files)

    def check(self, run_id: str, copy: Path | None = None) -> dict[ReceiptPart, Finding]:
        """Compare a receipt with everything that knows its sums, and with a copy saved as JSON; raises as `get`, FixSettings."""
        files, kept = self._files(run_id), self.get(run_id)
        document = msgspec.json.decode(files.receipt.read_bytes())
        told = self._audit.receipt_of(run_id)
        found = {
            ReceiptPart.ITSELF: _finding(is_whole(document)),
            ReceiptPart.AUDIT_TRAIL: _finding(told == kept.sha256) if told else Finding.NOT_KEPT,
        }
        if copy is not None:
            found[ReceiptPart.COPY] = _finding(_sum_of(copy) == kept.sha256)
        sums = (
            (ReceiptPart.CONFIGURATION, files.configuration, kept.receipt.configuration.sha256),
            (ReceiptPart.REJECTS, files.rejects_path, kept.receipt.rejects.sha256),
        )
        for part, file, expected in sums:
            if expected:
                found[part] = _finding(_sha256(file) == expected) if file.exists() else Finding.NOT_KEPT
        return found

    def has(self, run_id: str) -> bool:
        """Whether the run has a receipt."""
        return self._files(run_id).receipt.is_file()

    def save(self, run_id: str, path: Path, content: bytes | None = None) -> None:
        """Copy the receipt's file as it is, so that its sum can be checked, or write that form of it in its place.

        Raises as `get`, FixSettings, TryAgain.
        """
        self.get(run_id)
        with saving(path):
            path.write_bytes(self._files(run_id).receipt.read_bytes() if content is None else content)

    def _files(self, run_id: str) -> RunFolder:
        if not run_id.isalnum():  # it becomes part of a path
            raise _no_receipt(None)
        return RunFolder(self._folder, run_id)


def _finding(fits: bool) -> Finding:  # noqa: FBT001 - it is what is to be named
    return Finding.FITS if fits else Finding.DIFFERS


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sum_of(copy: Path) -> str:
    """The sum of what stands in a saved receipt."""
    try:
        document = msgspec.json.decode(copy.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        raise FixSettings(
            f"“{copy.name}” is no receipt.",
            "It is not there, can't be read, or holds no JSON.",
            "Name a file that was saved as JSON.",
            code="no_receipt_file",
        ) from None
    return digest_of(document)


def _no_receipt(run: Run | None) -> FixData:
    if run is None:
        why, fix = "There is no such run, or its receipt is not kept any more.", "Look at the list of runs."
    elif not run.status.ended:
        why, fix = "It is written when the run closes.", "Wait until the run has ended."
    elif run.status is Status.HELD:
        why, fix = "It is held, and nothing was sent yet.", "Send it or cancel it; then it has one."
    elif run.status is Status.INTERRUPTED:
        why, fix = "It was interrupted, and may still go on.", "Resume it, or run the export again; then it has one."
    else:
        why, fix = (
            "It was tidied away with old runs, or could not be written.",
            "The page of the run shows what is known.",
        )
    return FixData("This run has no receipt.", why, fix, code="no_receipt")
