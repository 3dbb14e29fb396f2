"""Gathers the receipt of a run while it goes, and writes it when the run closes: `receipt.json` in `runs/{id}/`, once.

Beside it lies `configuration.json`, what the run was told to do. Both are readable by their owner only.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any, Self

import msgspec

from app.core.batches import Batch
from app.core.configurations import configuration_document
from app.core.exports import Export, ExportKind, OnlyChanges
from app.core.file_guards import file_guard_words
from app.core.guards import guard_words
from app.core.receipts import (
    SUM,
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
    pieces,
    sealed,
)
from app.core.runs import PhaseName, Run
from app.core.segments import Segment
from app.delivery.files import RunFolder, mask_addresses
from app.delivery.journal import read_journal
from app.delivery.ledger import Answered, Contacted, Gathered, Line, Stored, Told, read_ledger
from app.destinations.contract import Confirmation, Exchange
from app.destinations.description import Description
from app.jobs.drive import remove, write_whole
from app.version import VERSION

REASONS = 20
"""Reasons of rejects that are counted by themselves; the rest stand together under an empty one."""

logger = logging.getLogger(__name__)

_TAIL = 100
_SUM_AT_THE_END = re.compile(rb'"sha256": "([0-9a-f]{64})"\n\}\n$')
_LONG_NUMBER = re.compile(r"\+?\d[\d ()/-]{5,}\d")
_USES = {PhaseName.SEND: HostUse.MEMBERS, PhaseName.CONFIRM: HostUse.READ_BACK}


class ReceiptBook:
    """What a receipt needs to know of one run, earlier parts of it included; a context manager.

    Thread safe: destinations report hosts from threads of their own.
    """

    def __init__(self, folder: RunFolder, phase: Callable[[], PhaseName], clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._phase = phase
        self._clock = clock
        self._lock = threading.Lock()
        self._gathered = Gathered()
        self._lines = folder.ledger_writer()
        self._closed = False
        self._reading = False
        self._sends_files = False

    def __enter__(self) -> Self:
        self._gathered = read_ledger(self._folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write_no_more()

    def begin(self, run: Run, export: Export, description: Description, segments: Sequence[Segment]) -> None:
        """Keep what the run is told to do."""
        document = configuration_document(export, run.connection_name, segments, VERSION)
        self._sends_files = description.any_field
        self._note(Told(_facts(run, export, description, digest_of(document))))
        write_whole(self._folder.configuration, [canonical(document)])

    def contacted(self, exchange: Exchange) -> None:
        """Count one request."""
        phase = self._phase()  # before the lock: whoever ends the run holds the run's lock and wants ours
        use = HostUse.SIGN_IN if exchange.sign_in else self._use(phase)
        self._note(Contacted(exchange.host, use, exchange.sent, exchange.received))

    def stored(self, files: Sequence[ReceiptFile]) -> None:
        """Note files that arrived."""
        self._note(*map(Stored, files))

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
        self._note(Answered(ReadBack(segment, self._clock(), expected, told.members, told.sentence)))

    def not_read_back(self, segment: str, expected: int | None, why: str) -> None:
        """Note that the destination could not be asked."""
        self._note(Answered(ReadBack(segment, self._clock(), expected, sentence=_clean(why), failed=True)))

    def close(self, run: Run) -> None:
        """Write the receipt of a run that is over for good; of one that may go on everything stays noted. Raises OSError."""
        self._write_no_more()
        if gets_receipt(run.status):
            with self._lock:
                receipt = receipt_of(run, self._folder, self._gathered)
            write_receipt(self._folder, receipt)

    def _use(self, phase: PhaseName) -> HostUse:
        if self._sends_files and phase in {PhaseName.SEND, PhaseName.CONFIRM}:
            return HostUse.FILES
        return HostUse.READ_BACK if self._reading else _USES.get(phase, HostUse.SET_UP)

    def _note(self, *lines: Line) -> None:
        with self._lock:
            for line in lines:
                self._gathered.add(line)
            if not self._closed:
                # A full drive stops a run where it notes who is sent. Here it would look as if a request had failed.
                with suppress(OSError):
                    self._lines.write(lines)

    def _write_no_more(self) -> None:
        with self._lock, suppress(OSError):
            self._closed = True
            self._lines.close()


def receipt_of(run: Run, folder: RunFolder, gathered: Gathered) -> Receipt:
    """The receipt of an ended run, also of one that never began."""
    assert run.ended_at is not None, "a run has ended before it gets a receipt"
    known = gathered.configuration or ReceiptConfiguration(run.destination, run.connection_name, version=VERSION)
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
        hosts=gathered.hosts,
        batches=tuple(batch for batch in read_journal(folder, ended=True) if batch.left_at is not None),
        files=gathered.files,
        read_backs=gathered.read_backs,
        rejects=_rejects(folder),
        skipped=run.skipped,
        error=run.error,
        interruptions=run.interruptions,
        undoes=run.undoes,
        kept_values=run.kept_values,
    )


def write_receipt(folder: RunFolder, receipt: Receipt) -> None:
    """Write it, whole or not at all; a run that has one keeps it. Raises OSError."""
    if not folder.receipt.exists():
        document: dict[str, Any] = msgspec.to_builtins(replace(receipt, batches=()))
        document["batches"] = _Plain(receipt.batches)
        write_whole(folder.receipt, pieces(sealed(document), to_read=True))
    remove(folder.ledger_path)


def seal(folder: RunFolder, run: Run, *, for_good: bool = False) -> None:
    """Give a run that closes a receipt, unless it has one; a drive that can't take it is no reason to end differently.

    One that was interrupted or held gets one only when it is over `for_good`.
    """
    if not (for_good or gets_receipt(run.status)) or folder.receipt.exists():
        return
    try:
        write_receipt(folder, receipt_of(run, folder, read_ledger(folder)))
    except OSError:
        logger.exception("The receipt of run %s could not be written", run.id)


class _Plain:
    """Batches as JSON has them, made one by one each time they are gone through."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return map(msgspec.to_builtins, self._batches)


def read_receipt(folder: RunFolder) -> tuple[Receipt, str, bool] | None:
    """The receipt, its sum, and whether it is still as it was written; None when there is none.

    Raises msgspec.DecodeError, msgspec.ValidationError, OSError.
    """
    try:
        document = msgspec.json.decode(folder.receipt.read_bytes())
    except FileNotFoundError:
        return None
    return msgspec.convert(document, Receipt), str(document.get(SUM, "")), is_whole(document)


def written_sum(folder: RunFolder) -> str:
    """The sum that stands at the end of a receipt's file, empty when there is none; the file is not read as a whole."""
    try:
        with folder.receipt.open("rb") as file:
            file.seek(max(0, folder.receipt.stat().st_size - _TAIL))
            found = _SUM_AT_THE_END.search(file.read())
    except OSError:
        return ""
    return "" if found is None else found[1].decode()


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
        guard=_guard_words(export, description),
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


def _guard_words(export: Export, description: Description) -> str:
    if description.any_field:
        return file_guard_words(export.guard, compared=export.layout.only_changes is not OnlyChanges.OFF)
    return guard_words(export.guard, export.sync)
