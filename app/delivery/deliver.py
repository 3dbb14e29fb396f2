"""One run from start to end: whatever happens, it ends in a status, and its sentences tell how far it came."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from app.core.errors import FixSettings, SendoffError, as_sendoff_error
from app.core.exports import Export, ExportKind
from app.core.guards import Held
from app.core.runs import PhaseName, Run, RunError, Status
from app.core.undoing import Undoable, kept_words
from app.data.undoing import changed_segments, undoable
from app.delivery.file_delivery import FileDelivery
from app.delivery.files import RunFolder
from app.delivery.guard import HeldBack
from app.delivery.journal import Journal
from app.delivery.judge import NothingSent
from app.delivery.ports import Deps, Opened
from app.delivery.receipts import ReceiptBook
from app.delivery.records import Records
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState, outcome_status
from app.delivery.segment_delivery import SegmentDelivery
from app.destinations.contract import Exchange, FileDestination
from app.jobs import Cancelled, JobContext

logger = logging.getLogger(__name__)

_SAME_WAIT = 0.5  # seconds by which waits for one moment differ


def deliver(
    run: Run, export: Export, opened: Opened, deps: Deps, ctx: JobContext, on_update: Callable[[Run], None]
) -> Run:
    """Do the run and give it back ended; never raises for anything a delivery meets.

    `on_update` is called from this thread, and from the destination's when that tells of a slow-down.
    """
    files = opened.description.any_field  # they are written whole, there is nothing to compare
    phases = [name for name in PhaseName if not (files and name is PhaseName.PLAN)]
    folder = RunFolder(deps.folder, run.id)
    book = ReceiptBook(folder, lambda: state.phase, deps.clock)
    state = RunState(run, on_update, deps.clock, phases, on_end=partial(_close, book))
    try:
        with (
            book,
            RunLog(folder, deps.redact, lambda: state.phase, deps.clock) as log,
            Journal(folder, log.clean, deps.clock) as journal,
        ):
            book.begin(run, export, opened.description, deps.segments)
            return _Delivery(export, opened, deps, Records(state, log, journal, book)).run(ctx)
    except OSError as error:  # the run's own files: a full drive, a folder that is gone
        return state.finish(Status.FAILED, _told(as_sendoff_error(error), state.run, deps.redact))


def _close(book: ReceiptBook, run: Run) -> None:
    """Write the receipt; the run ends as it ended also when that fails."""
    try:
        book.close(run)
    except OSError:
        logger.exception("The receipt of run %s could not be written", run.id)


class _Delivery:
    def __init__(self, export: Export, opened: Opened, deps: Deps, records: Records) -> None:
        self._export = export
        self._opened = opened
        self._deps = deps
        self._records = records
        self._state = records.state
        self._log = records.run_log
        self._lock = threading.Lock()
        self._slow_until = 0.0

    def run(self, ctx: JobContext) -> Run:
        try:
            skipped = self._deliver(ctx)
        except NothingSent as end:
            return self._nothing_sent(end.status)
        except HeldBack as end:
            return self._held_back(end.held)
        except Cancelled:
            return self._cancelled()
        except Exception as error:  # noqa: BLE001 - the one place where a run's faults become sentences
            return self._failed(error)
        run = self._state.run
        status = outcome_status(run.totals, run.skipped, skipped)
        self._log.info(_arrived(run))
        return self._state.finish(status)

    def _deliver(self, ctx: JobContext) -> Status | None:
        ctx.check()
        self._state.begin(PhaseName.PREPARE)
        _demand_consent(self._export, self._opened)
        destination = self._opened.open(self._slowed, self._reached)
        self._log.info(f"Connected by “{self._state.run.connection_name}” ({self._opened.description.name}).")
        export, description = self._export, self._opened.description
        if isinstance(destination, FileDestination):
            return FileDelivery(export, description, destination, self._deps, self._records).deliver(ctx)
        if export.kind is ExportKind.SEGMENT:
            segments = SegmentDelivery(export, description, destination, self._deps, self._records)
            undone = self._state.run.undoes
            if not undone:
                return segments.deliver(ctx)
            taken_back = RunFolder(self._deps.folder, undone).path
            kept = (undoable(taken_back) or Undoable()).changed
            self._state.kept_values(kept)
            self._log.info(f"Takes back what the run {undone} did. {kept_words(kept)}".rstrip())
            segments.undo(changed_segments(taken_back), ctx)
            return None
        raise FixSettings(
            f"{description.name} takes no tables.",
            "It is a marketing system and takes the members of segments.",
            "Give this export a connection to a storage.",
            code="kind",
        )

    def _slowed(self, seconds: float, words: str) -> None:
        self._state.slowed()
        until = time.monotonic() + seconds
        with self._lock:
            told = until <= self._slow_until + _SAME_WAIT
            self._slow_until = max(self._slow_until, until)
        if told:  # others of our requests wait for the same moment
            return
        text = f"{self._opened.description.name} asked to slow down. Waiting {seconds:,.0f} s, then continuing."
        self._log.warning(f"{text} It said: {words}" if words else text)

    def _reached(self, exchange: Exchange) -> None:
        self._state.reached(exchange.host)
        self._records.book.contacted(exchange)
        self._records.journal.exchanged(exchange)
        if not exchange.answered:  # nothing is sent twice in silence
            self._log.warning(
                f"{self._opened.description.name} did not answer a request to the end; it may have acted on it."
            )

    def _nothing_sent(self, status: Status) -> Run:
        sentences = " ".join(f"{s.segment}: {s.sentence}" for s in self._state.run.skipped)
        large = status is Status.SKIPPED_TOO_LARGE
        fix = (
            "Split the segment into smaller ones, or choose a destination that takes more."
            if large
            else "Widen the segment, or match a field that more members have."
        )
        return self._state.finish(status, RunError("Nothing was sent.", sentences, fix, "fix_data"))

    def _held_back(self, held: Held) -> Run:
        cause = f"Likely cause: {held.cause.what}. {held.cause.detail}" if held.cause else "No cause found."
        self._log.warning(f"Held: {held.sentence} Nothing was sent. {cause}")
        self._state.hold(held)
        return self._state.finish(Status.HELD)

    def _cancelled(self) -> Run:
        run = self._state.run
        with suppress(OSError):
            self._log.warning(
                f"Cancelled after {_how_far(run)}." if run.done else "Cancelled before anything was sent."
            )
        return self._state.finish(Status.CANCELLED)

    def _failed(self, error: Exception) -> Run:
        if not isinstance(error, SendoffError):
            logger.error("Run %s failed unexpectedly", self._state.run.id, exc_info=error)
        told = _told(as_sendoff_error(error), self._state.run, self._log.clean)
        with suppress(OSError):
            self._log.error(" ".join(part for part in (told.what, told.why, told.fix) if part))
        return self._state.finish(Status.FAILED, told)


def _demand_consent(export: Export, opened: Opened) -> None:
    """An export that was attached to another connection may never have been agreed to."""
    if export.consent is None:
        raise FixSettings(
            f"Nobody agreed yet that this data goes to {opened.description.name}.",
            "Each export needs that consent once before it is sent.",
            "Edit the export and agree in its last step.",
            code="consent",
        )


def _told(error: SendoffError, run: Run, clean: Callable[[str], str]) -> RunError:
    """The three sentences; a run that had begun to send says first how far it came."""
    what, why = error.what, error.why
    if run.done:
        what, why = f"Stopped after {_how_far(run)}.", f"{error.what} {error.why}".strip()
    return RunError(clean(what), clean(why), clean(error.fix), error.action)


def _how_far(run: Run) -> str:
    return f"{run.done:,} of {run.total:,} {run.unit}" if run.total is not None else f"{run.done:,} {run.unit}"


def _of(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _arrived(run: Run) -> str:
    if run.totals.files:
        return f"{_of(run.totals.files, 'file')} with {_of(run.totals.rows, 'row')} arrived."
    words = ("added", "updated", "removed", "unchanged", "rejected")
    numbers = [f"{number:,} {word}" for word in words if (number := getattr(run.totals, word))]
    return f"Members: {', '.join(numbers)}." if numbers else "There was nobody to send."
