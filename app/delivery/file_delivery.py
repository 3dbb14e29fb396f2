"""Tables and segments to a storage: part after part under temporary names, then all of them published together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.exports import Export
from app.core.receipts import ReceiptFile
from app.core.runs import PhaseName, Status
from app.delivery.files import RunFolder
from app.delivery.ports import Deps, FileSource, PartFile, RowCount
from app.delivery.receipts import ReceiptBook
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState
from app.destinations.contract import FileDestination, FileSession, StoredFile
from app.destinations.description import Description
from app.jobs import JobContext


@dataclass(frozen=True, slots=True)
class FileDelivery:
    """One run to a storage; `deliver` raises what stops it, and then the storage is as it was before.

    Rows, files and bytes are counted when they are published, because before that nobody there can see them.
    """

    export: Export
    description: Description
    destination: FileDestination
    deps: Deps
    state: RunState
    run_log: RunLog
    book: ReceiptBook

    def deliver(self, ctx: JobContext) -> Status | None:
        """Send everything; no item is ever skipped."""
        source = self.deps.files(self.export, self.deps.clock())
        items = source.items()

        self.state.begin(PhaseName.COUNT)
        total = 0
        for item in items:
            count = source.count(item, ctx)
            self.run_log.info(_words_of(item, count))
            self.state.left_out(count.left_out, suppressed=count.suppressed)
            total += count.rows
        self.state.set_total(total, "rows")
        self.state.begin(PhaseName.MATCH)

        self.state.begin(PhaseName.SEND)
        folder = RunFolder(self.deps.folder, self.state.run.id).staging
        with _staging(folder) as staging, self.destination.session() as session:
            stored = self._put_all(session, source, items, staging, ctx)
            self.state.begin(PhaseName.CONFIRM)
            session.publish(source.replace_below, ctx)
        self._published(stored)
        return None

    def _put_all(
        self, session: FileSession, source: FileSource, items: Sequence[str], staging: Path, ctx: JobContext
    ) -> list[tuple[StoredFile, int]]:
        stored: list[tuple[StoredFile, int]] = []
        sent: dict[str, list[PartFile]] = {}
        for item in items:
            for part in source.parts(item, staging, ctx, session.near):
                stored.append((self._put(session, part, ctx), part.rows))
                sent.setdefault(item, []).append(part)
        model = source.model(sent, staging, self.destination.where)
        if model is not None:
            stored.append((self._put(session, model, ctx), 0))
        return stored

    def _put(self, session: FileSession, part: PartFile, ctx: JobContext) -> StoredFile:
        """Send one file, move on by its rows as its bytes go, and give its room on the drive free."""
        ctx.check()
        stored = session.put(part.source, part.target, ctx, self._advance(part))
        part.source.unlink(missing_ok=True)  # what was written near its place was moved there
        self.run_log.info(f"{self.destination.where(stored.path)}: {stored.bytes:,} bytes, SHA-256 {stored.sha256}.")
        return stored

    def _advance(self, part: PartFile) -> Callable[[int], None]:
        size = max(part.source.stat().st_size, 1)
        counted = 0

        def progress(bytes_sent: int) -> None:
            nonlocal counted
            rows = part.rows * min(bytes_sent, size) // size
            if rows > counted:
                self.state.advance(rows - counted)
                counted = rows

        return progress

    def _published(self, stored: list[tuple[StoredFile, int]]) -> None:
        for file, rows in stored:
            self.state.stored(rows=rows, files=1, bytes_=file.bytes)
        where = self.destination.where
        self.book.stored([ReceiptFile(where(file.path), rows, file.bytes, file.sha256) for file, rows in stored])
        kept = "" if self.export.layout.keep_earlier_runs else " Earlier files were replaced."
        self.run_log.info(f"Published {len(stored):,} files.{kept}")


def _words_of(item: str, count: RowCount) -> str:
    """A count as a line of the log."""
    numbers = {"without consent": count.no_consent, "suppressed": count.suppressed}
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in numbers.items() if number)
    text = f"“{item}” has {count.rows:,} rows."
    return f"{text} Left out: {reasons}." if reasons else text


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A private folder for the parts that wait to be sent, gone afterwards whatever happens."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
