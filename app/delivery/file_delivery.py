"""Tables and segments to a storage: part after part under temporary names, then all of them published together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.core.errors import SendoffError, TryAgain
from app.core.exports import Export, OnlyChanges
from app.core.receipts import ReceiptFile
from app.core.row_deltas import Whole
from app.core.run_pointers import SentFile
from app.core.runs import PhaseName, Status
from app.delivery.files import RunFolder
from app.delivery.guard import demand_files_within, files_seen, keep_seen
from app.delivery.ports import Deps, FileSource, PartFile, RowCount
from app.delivery.published import PublishedRuns, place_folder
from app.delivery.records import Records
from app.destinations.contract import FileDestination, FileSession
from app.destinations.description import Description
from app.destinations.files import CUT
from app.jobs import JobContext

_WHY_WHOLE = {
    Whole.FIRST: "it is the first run of this export to this place, or its table is new.",
    Whole.OTHER_FIELDS: "other fields, types or another key are chosen than in the run before.",
}


@dataclass(frozen=True, slots=True)
class FileDelivery:
    """One run to a storage; `deliver` raises what stops it, and then the storage is as it was before.

    Rows, files and bytes are counted when they are published, because before that nobody there can see them.
    """

    export: Export
    description: Description
    destination: FileDestination
    deps: Deps
    records: Records

    def deliver(self, ctx: JobContext) -> Status | None:
        """Send everything; no item is ever skipped."""
        known = place_folder(self.deps.folder, self.export.id, self.destination.where(""))
        earlier = PublishedRuns(known)
        now = self.deps.clock()
        moment = earlier.moment_of_attempt(now)
        if moment != now:
            self.records.run_log.info(
                f"Goes on with the files of {moment:%Y-%m-%d %H:%M}, which were cut off on their way."
            )
        try:
            self._deliver(moment, known, earlier, ctx)
        except BaseException as error:
            if not (isinstance(error, TryAgain) and error.code in CUT):
                earlier.attempted()
            raise
        return None

    def _deliver(self, moment: datetime, known: Path, earlier: PublishedRuns, ctx: JobContext) -> None:
        source = self.deps.files(self.export, self.description, moment)
        items = source.items()
        with _staging(RunFolder(self.deps.folder, self.records.state.run.id).staging) as staging:
            counts = self._count(source, items, known, staging, ctx)
            found = files_seen(self.export, dict(zip(items, counts, strict=True)), known, self.deps)
            demand_files_within(self.export, found, self.records.state.run.approval)
            self.records.state.begin(PhaseName.MATCH)
            self.records.state.begin(PhaseName.SEND)
            earlier.attempt(moment)
            with self.destination.session(known / "left.jsonl") as session:
                sent = self._put_all(session, source, items, staging, earlier, ctx)
                self.records.state.begin(PhaseName.CONFIRM)
                if self.export.layout.only_changes is not OnlyChanges.OFF and earlier.overlaps(sent):
                    raise _same_minute()
                earlier.begin(self.records.state.run.id, moment, sent)
                session.publish(ctx)
                earlier.attempted()
                earlier.finish()
                source.published(known)
                keep_seen(found, known)
                self._published(sent, counts)
                self._clear(session, source, earlier, ctx)

    def _count(
        self, source: FileSource, items: Sequence[str], known: Path, staging: Path, ctx: JobContext
    ) -> list[RowCount]:
        self.records.state.begin(PhaseName.COUNT)
        counts = []
        for item in items:
            count = source.count(item, known, staging, ctx)
            for line in _words_of(item, count, self.export.layout.only_changes):
                self.records.run_log.info(line)
            self.records.state.left_out(count.left_out, suppressed=count.suppressed)
            counts.append(count)
        self.records.state.set_total(sum(count.rows for count in counts), "rows")
        return counts

    @property
    def _keep(self) -> int | None:
        """How many runs stay, this one among them; None for all."""
        layout = self.export.layout
        return layout.keep_runs if layout.keep_earlier_runs else 1

    def _put_all(
        self,
        session: FileSession,
        source: FileSource,
        items: Sequence[str],
        staging: Path,
        earlier: PublishedRuns,
        ctx: JobContext,
    ) -> list[SentFile]:
        sent: list[SentFile] = []
        for item in items:
            for part in source.parts(item, staging, ctx, session.near):
                self._put(session, item, part, sent, ctx)
        kept = earlier.sums_kept(self._keep, sent)
        for part in source.about(self.records.state.run.id, sent, staging, self.destination.where, kept):
            self._put(session, "", part, sent, ctx)
        return sent

    def _put(self, session: FileSession, item: str, part: PartFile, sent: list[SentFile], ctx: JobContext) -> None:
        """Send one file, move on by its rows as its bytes go, and give its room on the drive free."""
        ctx.check()
        stored = session.put(part.source, part.target, ctx, self._advance(part))
        part.source.unlink(missing_ok=True)  # what was written near its place was moved there
        self.records.run_log.info(
            f"{self.destination.where(stored.path)}: {stored.bytes:,} bytes, SHA-256 {stored.sha256}."
        )
        sent.append(SentFile(item, stored.path, part.rows, stored.bytes, stored.sha256, part.which))

    def _advance(self, part: PartFile) -> Callable[[int], None]:
        size = max(part.source.stat().st_size, 1)
        counted = told = 0

        def progress(bytes_sent: int) -> None:
            nonlocal counted, told
            if bytes_sent > told:
                self.records.state.sent(bytes_sent - told)
                told = bytes_sent
            rows = part.rows * min(bytes_sent, size) // size
            if rows > counted:
                self.records.state.advance(rows - counted)
                counted = rows

        return progress

    def _published(self, sent: Sequence[SentFile], counts: Sequence[RowCount]) -> None:
        for file in sent:
            self.records.state.stored(rows=file.rows, files=1, bytes_=file.bytes)
        told = self.export.layout.only_changes is OnlyChanges.THREE_FILES
        for changes in (count.changes for count in counts):
            if changes is not None and changes.whole is None:
                self.records.state.compared(changes, removed=changes.removed if told else 0)
        where = self.destination.where
        self.records.book.stored([ReceiptFile(where(file.path), file.rows, file.bytes, file.sha256) for file in sent])
        self.records.run_log.info(f"Published {len(sent):,} {'file' if len(sent) == 1 else 'files'}.")

    def _clear(self, session: FileSession, source: FileSource, earlier: PublishedRuns, ctx: JobContext) -> None:
        """Remove what the layout does not keep; the new files stay whatever happens here."""
        outdated = earlier.outdated(self._keep)
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
        self.records.run_log.info("Earlier files were removed." if below is None else "Earlier files were replaced.")


def _words_of(item: str, count: RowCount, only: OnlyChanges) -> Iterator[str]:
    """A count as lines of the log."""
    numbers = {
        "without a usable identifier": count.unknown,
        "without consent": count.no_consent,
        "suppressed": count.suppressed,
    }
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in numbers.items() if number)
    changes = count.changes
    if changes is None or changes.whole is not None:
        text = f"“{item}” has {count.rows:,} rows."
    else:
        text = (
            f"“{item}”: {changes.added:,} rows were added, {changes.changed:,} changed, {changes.removed:,} removed, "
            f"{changes.unchanged:,} are as they were."
        )
    yield f"{text} Left out: {reasons}." if reasons else text
    if count.not_parted_by:
        yield f"“{item}” has no field “{count.not_parted_by}”: its rows are not parted into folders."
    if changes is not None and changes.whole is not None:
        yield f"All rows of “{item}” are written: {_WHY_WHOLE[changes.whole]}"
    elif changes is not None and changes.removed and only is OnlyChanges.CHANGED:
        yield f"The files do not tell which rows of “{item}” were removed; three files would."


def _same_minute() -> TryAgain:
    return TryAgain(
        "Changes of an earlier run lie under the same names.",
        "It was of the same minute, and its changes would be lost; nothing was published.",
        "Run the export again in a minute.",
        code="same_minute",
    )


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A private folder for the parts that wait to be sent, gone afterwards whatever happens."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
