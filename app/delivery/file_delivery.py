"""Tables and segments to a storage: part after part under temporary names, then all of them published together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import SendoffError
from app.core.exports import Export
from app.core.receipts import ReceiptFile
from app.core.run_pointers import SentFile
from app.core.runs import PhaseName, Status
from app.delivery.files import RunFolder
from app.delivery.ports import Deps, FileSource, PartFile, RowCount
from app.delivery.published import PublishedRuns
from app.delivery.receipts import ReceiptBook
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState
from app.destinations.contract import FileDestination, FileSession
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
        moment = self.deps.clock()
        source = self.deps.files(self.export, self.description, moment)
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
        earlier = PublishedRuns(self.deps.folder, self.export.id, self.destination.where(""))
        with _staging(folder) as staging, self.destination.session() as session:
            sent = self._put_all(session, source, items, staging, ctx)
            self.state.begin(PhaseName.CONFIRM)
            earlier.begin(self.state.run.id, moment, sent)
            session.publish(ctx)
            earlier.finish()
            self._published(sent)
            self._clear(session, source, earlier, ctx)
        return None

    def _put_all(
        self, session: FileSession, source: FileSource, items: Sequence[str], staging: Path, ctx: JobContext
    ) -> list[SentFile]:
        sent: list[SentFile] = []
        for item in items:
            for part in source.parts(item, staging, ctx, session.near):
                self._put(session, item, part, sent, ctx)
        for part in source.about(self.state.run.id, sent, staging, self.destination.where):
            self._put(session, "", part, sent, ctx)
        return sent

    def _put(self, session: FileSession, item: str, part: PartFile, sent: list[SentFile], ctx: JobContext) -> None:
        """Send one file, move on by its rows as its bytes go, and give its room on the drive free."""
        ctx.check()
        stored = session.put(part.source, part.target, ctx, self._advance(part))
        part.source.unlink(missing_ok=True)  # what was written near its place was moved there
        self.run_log.info(f"{self.destination.where(stored.path)}: {stored.bytes:,} bytes, SHA-256 {stored.sha256}.")
        sent.append(SentFile(item, stored.path, part.rows, stored.bytes, stored.sha256))

    def _advance(self, part: PartFile) -> Callable[[int], None]:
        size = max(part.source.stat().st_size, 1)
        counted = told = 0

        def progress(bytes_sent: int) -> None:
            nonlocal counted, told
            if bytes_sent > told:
                self.state.sent(bytes_sent - told)
                told = bytes_sent
            rows = part.rows * min(bytes_sent, size) // size
            if rows > counted:
                self.state.advance(rows - counted)
                counted = rows

        return progress

    def _published(self, sent: Sequence[SentFile]) -> None:
        for file in sent:
            self.state.stored(rows=file.rows, files=1, bytes_=file.bytes)
        where = self.destination.where
        self.book.stored([ReceiptFile(where(file.path), file.rows, file.bytes, file.sha256) for file in sent])
        self.run_log.info(f"Published {len(sent):,} files.")

    def _clear(self, session: FileSession, source: FileSource, earlier: PublishedRuns, ctx: JobContext) -> None:
        """Remove what the layout does not keep; the new files stay whatever happens here."""
        layout = self.export.layout
        outdated = earlier.outdated(layout.keep_runs if layout.keep_earlier_runs else 1)
        below = source.replace_below
        if below is None and not outdated.paths:
            return
        try:
            session.clear(below, outdated.paths, ctx)
        except SendoffError as error:
            raise type(error)(
                "The new files are there, but earlier ones could not be removed.",
                f"{error.what} {error.why}".strip(),
                error.fix,
                code=error.code,
            ) from error
        earlier.forget(outdated)
        self.run_log.info("Earlier files were removed." if below is None else "Earlier files were replaced.")


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
