"""Receipts of runs: read, checked, saved. They outlive nothing: they are kept with the run, or longer when Settings say so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.core.errors import FixData, FixSettings, TellUs, as_sendoff_error
from app.core.receipts import Receipt
from app.core.runs import Run, Status
from app.delivery.files import RunFolder
from app.delivery.receipts import read_receipt
from app.store.store import Store


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt as it lies in the workspace, with its sum; `whole` tells that nobody changed it since it was written."""

    receipt: Receipt
    sha256: str
    whole: bool


class ReceiptService:
    """Thread safe. A receipt holds no personal value, so that every role may read and save it."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store

    def get(self, run_id: str) -> KeptReceipt:
        """The receipt of a run; FixData when it has none (yet), TellUs when its file can't be read."""
        files = self._files(run_id)
        try:
            found = read_receipt(files)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            raise TellUs(
                "The receipt can't be read.",
                "Its file is damaged, or a newer Sendoff wrote it.",
                f"Look at {files.receipt}.",
                code="receipt_unreadable",
            ) from None
        if found is None:
            raise _no_receipt(self._store.runs.by_id(run_id))
        return KeptReceipt(*found)

    def has(self, run_id: str) -> bool:
        """Whether the run has a receipt."""
        return self._files(run_id).receipt.is_file()

    def save(self, run_id: str, path: Path, content: bytes | None = None) -> None:
        """Copy the receipt's file as it is, so that its sum can be checked, or write that form of it in its place.

        Raises as `get`, FixSettings, TryAgain.
        """
        self.get(run_id)
        try:
            path.write_bytes(self._files(run_id).receipt.read_bytes() if content is None else content)
        except OSError as error:
            told = as_sendoff_error(error)
            if told.code == "disk_full":
                raise told from None
            raise FixSettings(
                f"“{path.name}” could not be written.",
                f"The folder {path.parent} is not there or may not be changed.",
                "Choose another place.",
                code="not_writable",
            ) from None

    def _files(self, run_id: str) -> RunFolder:
        if not run_id.isalnum():  # it becomes part of a path
            raise _no_receipt(None)
        return RunFolder(self._folder, run_id)


def _no_receipt(run: Run | None) -> FixData:
    if run is None:
        why, fix = "There is no such run, or its receipt is not kept any more.", "Look at the list of runs."
    elif not run.status.ended:
        why, fix = "It is written when the run closes.", "Wait until the run has ended."
    elif run.status is Status.HELD:
        why, fix = "It is held, and nothing was sent yet.", "Send it or cancel it; then it has one."
    elif run.status is Status.INTERRUPTED:
        why, fix = "It was interrupted, and may still go on.", "Run the export again; that run has one."
    else:
        why, fix = "An older Sendoff did this run, which wrote no receipts.", "The page of the run shows what is known."
    return FixData("This run has no receipt.", why, fix, code="no_receipt")
