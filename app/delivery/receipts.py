"""Gathers the receipt of a run while it goes, and writes it when the run closes: `receipt.json` in `runs/{id}/`, once.

Beside it lies `configuration.json`, what the run was told to do. Both are readable by their owner only.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

import msgspec

from app.core.configurations import configuration_document
from app.core.exports import Export, ExportKind
from app.core.guards import guard_words
from app.core.receipts import (
    SUM,
    HostTraffic,
    HostUse,
    ReadBack,
    Receipt,
    ReceiptConfiguration,
    ReceiptFile,
    ReceiptRejects,
    canonical,
    digest_of,
    gets_receipt,
    is_whole,
    sealed,
)
from app.core.runs import PhaseName, Run, Status
from app.core.segments import Segment
from app.delivery.files import RunFolder, mask_addresses
from app.delivery.journal import read_journal
from app.destinations.contract import Confirmation, Exchange
from app.destinations.description import Description
from app.version import VERSION

REASONS = 20
"""Reasons of rejects that are counted by themselves; the rest stand together under an empty one."""

logger = logging.getLogger(__name__)

_LONG_NUMBER = re.compile(r"\+?\d[\d ()/-]{5,}\d")
_USES = {PhaseName.SEND: HostUse.MEMBERS, PhaseName.CONFIRM: HostUse.READ_BACK}


class ReceiptBook:
    """What a receipt needs to know of one run. Thread safe: destinations report hosts from threads of their own."""

    def __init__(self, folder: RunFolder, phase: Callable[[], PhaseName], clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._phase = phase
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[tuple[str, HostUse], tuple[int, int, int]] = {}
        self._files: list[ReceiptFile] = []
        self._read_backs: list[ReadBack] = []
        self._reading = False
        self._configuration: ReceiptConfiguration | None = None
        self._sends_files = False

    def begin(self, run: Run, export: Export, description: Description, segments: Sequence[Segment]) -> None:
        """Keep what the run is told to do."""
        document = configuration_document(export, run.connection_name, segments, VERSION)
        self._sends_files = description.any_field
        self._configuration = _facts(run, export, description, digest_of(document))
        _write(self._folder.configuration, canonical(document))

    def contacted(self, exchange: Exchange) -> None:
        """Count one request."""
        phase = self._phase()  # before the lock: whoever ends the run holds the run's lock and wants ours
        with self._lock:
            key = exchange.host, HostUse.SIGN_IN if exchange.sign_in else self._use(phase)
            requests, sent, received = self._hosts.get(key, (0, 0, 0))
            self._hosts[key] = requests + 1, sent + exchange.sent, received + exchange.received

    def stored(self, files: Sequence[ReceiptFile]) -> None:
        """Note files that arrived."""
        with self._lock:
            self._files += files

    @contextmanager
    def reading_back(self) -> Iterator[None]:
        """Requests in this block ask the destination what it holds."""
        self._reading = True
        try:
            yield
        finally:
            self._reading = False

    def read_back(self, segment: str, expected: int | None, told: Confirmation) -> None:
        """Note what the destination says it holds."""
        self._note(ReadBack(segment, self._clock(), expected, told.members, told.sentence))

    def not_read_back(self, segment: str, expected: int | None, why: str) -> None:
        """Note that the destination could not be asked."""
        self._note(ReadBack(segment, self._clock(), expected, sentence=_clean(why), failed=True))

    def close(self, run: Run) -> None:
        """Write the receipt of a run that is over for good, or what is known so far of one that is held; raises OSError."""
        with self._lock:
            hosts = tuple(HostTraffic(host, use, *counted) for (host, use), counted in sorted(self._hosts.items()))
            receipt = receipt_of(
                run,
                self._folder,
                self._configuration,
                hosts=hosts,
                files=tuple(self._files),
                read_backs=tuple(self._read_backs),
            )
        if run.status is Status.HELD:
            _write(self._folder.receipt_so_far, msgspec.json.encode(receipt))
        write_receipt(self._folder, receipt)

    def _use(self, phase: PhaseName) -> HostUse:
        if self._sends_files and phase in {PhaseName.SEND, PhaseName.CONFIRM}:
            return HostUse.FILES
        return HostUse.READ_BACK if self._reading else _USES.get(phase, HostUse.SET_UP)

    def _note(self, answer: ReadBack) -> None:
        with self._lock:
            self._read_backs.append(answer)


def receipt_of(
    run: Run,
    folder: RunFolder,
    configuration: ReceiptConfiguration | None = None,
    **gathered: Any,  # noqa: ANN401 - the other fields of a receipt
) -> Receipt:
    """The receipt of an ended run, also of one that never began."""
    assert run.ended_at is not None, "a run has ended before it gets a receipt"
    known = configuration or ReceiptConfiguration(run.destination, run.connection_name, version=VERSION)
    return Receipt(
        run=run.id,
        export=run.export_name,
        status=run.status,
        trigger=run.trigger,
        queued_at=run.queued_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        totals=run.totals,
        unit=run.unit,
        configuration=known,
        planned=run.total,
        held=run.audience,
        batches=tuple(batch for batch in read_journal(folder, ended=True) if batch.left_at is not None),
        rejects=_rejects(folder),
        skipped=run.skipped,
        error=run.error,
        **gathered,
    )


def write_receipt(folder: RunFolder, receipt: Receipt) -> None:
    """Write it, whole or not at all; a run that has one keeps it, and one that may go on gets none. Raises OSError."""
    if gets_receipt(receipt.status) and not folder.receipt.exists():
        document: dict[str, Any] = msgspec.to_builtins(receipt)
        _write(folder.receipt, msgspec.json.format(msgspec.json.encode(sealed(document)), indent=2) + b"\n")


def seal(folder: RunFolder, run: Run) -> None:
    """Give a run that closes a receipt, unless it has one; a drive that can't take it is no reason to end differently."""
    if not gets_receipt(run.status) or folder.receipt.exists():
        return
    try:
        write_receipt(folder, _so_far(folder, run) or receipt_of(run, folder))
        folder.receipt_so_far.unlink(missing_ok=True)
    except OSError:
        logger.exception("The receipt of run %s could not be written", run.id)


def _so_far(folder: RunFolder, run: Run) -> Receipt | None:
    """What was known when the run was held, with how it ended since."""
    try:
        known = msgspec.json.decode(folder.receipt_so_far.read_bytes(), type=Receipt)
    except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
        return None
    return replace(known, status=run.status, ended_at=run.ended_at or known.ended_at, error=run.error)


def read_receipt(folder: RunFolder) -> tuple[Receipt, str, bool] | None:
    """The receipt, its sum, and whether it is still as it was written; None when there is none.

    Raises msgspec.DecodeError, msgspec.ValidationError, OSError.
    """
    try:
        document = msgspec.json.decode(folder.receipt.read_bytes())
    except FileNotFoundError:
        return None
    return msgspec.convert(document, Receipt), str(document.get(SUM, "")), is_whole(document)


def clear_receipts(workspace: Path, before: datetime) -> None:
    """Delete the receipts written before that moment which outlived their runs, in the workspace of that folder."""
    for receipt in (workspace / "runs").glob("*/receipt.json"):
        with suppress(OSError):
            if receipt.stat().st_mtime < before.timestamp() and [*receipt.parent.iterdir()] == [receipt]:
                rmtree(receipt.parent)


def read_configuration(folder: RunFolder) -> Mapping[str, Any] | None:
    """What the run was told to do; None when it is not kept."""
    try:
        document: dict[str, Any] = msgspec.json.decode(folder.configuration.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return document


def _facts(run: Run, export: Export, description: Description, digest: str) -> ReceiptConfiguration:
    segments = export.kind is ExportKind.SEGMENT
    labels = {field.id: field.label for field in description.export_fields}
    names = {field.id: field.name for field in description.fields}
    return ReceiptConfiguration(
        destination=description.name,
        connection=run.connection_name,
        target={labels.get(key, key): value for key, value in export.target.items() if value},
        items=export.segments if segments else tuple(table.name for table in export.tables),
        fields=tuple(names.get(field, field) for field in export.match),
        sync=export.sync.value if segments and not description.any_field else "",
        guard=guard_words(export.guard, export.sync) if segments and not description.any_field else "",
        version=VERSION,
        sha256=digest,
    )


def _rejects(folder: RunFolder) -> ReceiptRejects:
    reasons: Counter[str] = Counter()
    for reject in folder.all_rejects():
        reasons[_clean(reject.reason)] += 1
    if not reasons:
        return ReceiptRejects()
    most = dict(reasons.most_common(REASONS))
    rest = reasons.total() - sum(most.values())
    with folder.rejects_path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ReceiptRejects(reasons.total(), {**most, **({"": rest} if rest else {})}, digest)


def _clean(words: str) -> str:
    """What a destination says may name the member: without addresses and phone numbers."""
    return _LONG_NUMBER.sub("•••", mask_addresses(words))


def _write(path: Path, content: bytes) -> None:
    """Put a file on the drive, whole or not at all, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
