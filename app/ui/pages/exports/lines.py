"""What one row of the list of exports says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.exports import Export, ExportKind
from app.core.run_progress import seconds_left
from app.core.runs import Run, Status, export_status
from app.ui.formats import NOTHING, Formats, StatusWords
from app.ui.held_words import held_in_short
from app.ui.widgets.columns import BadgeCell, Column, NumberCell, StatusCell, TextCell

if TYPE_CHECKING:
    from app.services.exports import ExportRow


@dataclass(frozen=True)
class ExportLine:
    """A row of the service with the newest state of its latest run; `recounting` dims a number that is counted again."""

    row: ExportRow
    run: Run | None
    recounting: bool = False

    @property
    def key(self) -> str:
        """The export's id."""
        return self.row.export.id

    @property
    def export(self) -> Export:
        """The export."""
        return self.row.export

    @property
    def name(self) -> str:
        """Its display name."""
        return self.row.export.name

    @property
    def active(self) -> bool:
        """Whether a run goes on or waits."""
        return self.run is not None and not self.run.status.ended

    @property
    def status(self) -> Status | None:
        """What the list shows, with the newest state of the run."""
        return export_status(self.run, attached=self.row.connection is not None)

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look."""
        return self.status is not None and self.status.needs_attention

    @property
    def editable(self) -> bool:
        """Whether this role may change it."""
        return self.row.permission == "edit"

    @property
    def size(self) -> int | None:
        """Members of a segment export, rows of a data-out export."""
        return self.row.members if self.export.kind is ExportKind.SEGMENT else self.row.rows

    def with_run(self, run: Run) -> ExportLine:
        """The line with a newer state of its latest run."""
        return replace(self, run=run)


class LineWords(QObject):
    """Says lines in words and cells; main thread only."""

    def __init__(self, formats: Formats, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._formats = formats

    # Words

    def kind(self, export: Export) -> str:
        """Return "Segments · 4", "Segment" or "Tables · 5"."""
        number = len(export.segments) if export.kind is ExportKind.SEGMENT else len(export.tables)
        if export.kind is ExportKind.SEGMENT:
            if number == 1:
                return self.tr("Segment")
            return self.tr("Segments · {n}").format(n=self._formats.number(number))
        return self.tr("Table") if number == 1 else self.tr("Tables · {n}").format(n=self._formats.number(number))

    def connection(self, line: ExportLine) -> str:
        """Return the connection's name."""
        return line.row.connection.name if line.row.connection is not None else self.tr("None")

    def size(self, line: ExportLine) -> str:
        """Return the number of members, or of rows with the word."""
        if line.size is None:
            return NOTHING
        if line.export.kind is ExportKind.SEGMENT:
            return self._formats.number(line.size)
        if line.size == 1:
            return self.tr("1 row")
        return self.tr("{n} rows").format(n=self._formats.compact(line.size))

    def status(self, line: ExportLine) -> StatusWords:
        """Return the word of the status."""
        if line.status is None:
            return StatusWords(self.tr("Not run yet"), "circle", "text3", "text2")
        return self._formats.status(line.status)

    def detail(self, line: ExportLine) -> str:
        """Return the second line of the status: the reason or the result, short enough to stand in full."""
        if line.status is Status.NO_CONNECTION:
            return self.tr("Attach one to run")
        run = line.run
        if run is None or line.status is None:
            return ""
        if line.status is Status.SUCCESSFUL:
            return self._result(run, segment=line.export.kind is ExportKind.SEGMENT)
        say = {
            Status.QUEUED: self._queue,
            Status.COMPLETED_WITH_REJECTS: self._rejects,
            Status.FAILED: self._reason,
            Status.CANCELLED: self._how_far,
            Status.INTERRUPTED: self._how_far,
            Status.HELD: self._held,
        }.get(line.status)
        return say(run) if say is not None else self._skipped(line)

    def _queue(self, run: Run) -> str:
        return self.tr("After {export}").format(export=run.waits_for) if run.waits_for else self.tr("Starts soon")

    def _rejects(self, run: Run) -> str:
        return self.tr("{n} rejected").format(n=self._formats.number(run.totals.rejected))

    def _held(self, run: Run) -> str:
        return held_in_short(run.held, self._formats) if run.held is not None else ""

    def _how_far(self, run: Run) -> str:
        if not run.done or not run.total:
            return self.tr("Nothing was sent")
        number = self._formats.number
        return self.tr("After {done} of {total}").format(done=number(run.done), total=number(run.total))

    def _skipped(self, line: ExportLine) -> str:
        if line.status is Status.SKIPPED_TOO_SMALL:
            return self.tr("Below the minimum")
        if line.status is not Status.SKIPPED_TOO_LARGE:
            return ""
        over = (line.size or 0) - (line.row.limit or 0)
        if line.row.limit is None or over <= 0:
            return self.tr("Over the limit")
        return self.tr("{n} over limit").format(n=self._formats.number(over))

    def _result(self, run: Run, *, segment: bool) -> str:
        totals, number = run.totals, self._formats.number
        if run.unit == "rows" and totals.rows and segment:
            return self.tr("{n} sent").format(n=number(totals.rows))
        if run.unit == "rows":
            return self._formats.counted(totals.files, "files")
        for value, words in (
            (totals.added, self.tr("{n} added")),
            (totals.updated, self.tr("{n} updated")),
            (totals.removed, self.tr("{n} removed")),
            (totals.unchanged, self.tr("{n} unchanged")),
        ):
            if value:
                return words.format(n=number(value))
        return self.tr("Nothing to send")

    def _reason(self, run: Run) -> str:
        action = run.error.action if run.error is not None else ""
        return {
            "sign_in": self.tr("Sign in again"),
            "fix_settings": self.tr("Check the settings"),
            "try_again": self.tr("Try again later"),
            "fix_data": self.tr("Check the data"),
            "ask_admin": self.tr("Ask an admin"),
        }.get(action, self.tr("See the log"))

    def left(self, run: Run) -> str:
        """Return the time left of a running run, "" while it is not known."""
        seconds = seconds_left(run, self._formats.now())
        return "" if seconds is None else self._formats.time_left(seconds)

    def last_run(self, line: ExportLine) -> tuple[str, str]:
        """Return when it ran last, in two lines."""
        run = line.run
        if run is None:
            return NOTHING, ""
        if run.status is Status.RUNNING:
            return self.tr("Now"), self.left(run)
        when = run.ended_at or run.started_at or run.queued_at
        days = (self._formats.local(self._formats.now()).date() - self._formats.local(when).date()).days
        second = self._formats.clock(when) if days < 2 else self._formats.date(when)
        return self._formats.relative_time(when), second

    def schedule(self, line: ExportLine) -> tuple[str, str]:
        """Return the schedule and the time to the next run."""
        schedule = line.export.schedule
        if schedule is not None and line.row.connection is None:
            return self.tr("Paused"), NOTHING
        due = line.row.next_due
        return self._formats.schedule(schedule), NOTHING if due is None else self._formats.until(due)

    # Cells

    def columns(self) -> tuple[Column[ExportLine], ...]:
        """Return the columns of the list."""
        formats = self._formats
        return (
            Column(
                "name",
                self.tr("Display name"),
                lambda line: TextCell(line.name, self.kind(line.export), "body-medium"),
                sort=lambda line: line.name.casefold(),
                width=144,
                stretch=True,
                menu=True,
                hideable=False,
            ),
            Column(
                "destination",
                self.tr("Destination"),
                lambda line: BadgeCell(
                    line.row.description.badge.letters, line.row.description.badge.colour, line.row.description.name
                ),
                sort=lambda line: line.row.description.name.casefold(),
                width=116,
            ),
            Column(
                "connection",
                self.tr("Connection"),
                lambda line: TextCell(self.connection(line), ink="text2"),
                sort=lambda line: self.connection(line).casefold(),
                width=104,
            ),
            Column(
                "members",
                self.tr("Members"),
                self._size_cell,
                sort=lambda line: -1 if line.size is None else line.size,
                tooltip=self._size_tip,
                align="right",
                width=98,
            ),
            Column(
                "status",
                self.tr("Status"),
                self._status_cell,
                sort=lambda line: self.status(line).word,
                tooltip=self._status_tip,
                accessible=lambda line: self.tr("Status: {word}, {detail}").format(
                    word=self.status(line).word, detail=self._progress_words(line)
                ),
                width=186,
            ),
            Column(
                "last_run",
                self.tr("Last run"),
                lambda line: TextCell(*self.last_run(line)),
                sort=self._last_run_order,
                tooltip=lambda line: "" if line.run is None else formats.exact(self._when(line.run)),
                width=84,
            ),
            Column(
                "schedule",
                self.tr("Schedule"),
                lambda line: TextCell(*self.schedule(line)),
                sort=lambda line: line.row.next_due.timestamp() if line.row.next_due else float("inf"),
                tooltip=lambda line: formats.exact(line.row.next_due) if line.row.next_due else "",
                width=92,
            ),
        )

    @staticmethod
    def _when(run: Run) -> datetime:
        return run.ended_at or run.started_at or run.queued_at

    def _last_run_order(self, line: ExportLine) -> float:
        """Going on first, then the newest."""
        if line.run is None:
            return 0.0
        return float("inf") if line.run.status is Status.RUNNING else self._when(line.run).timestamp()

    def _size_cell(self, line: ExportLine) -> NumberCell:
        ink = "text3" if line.recounting or line.size is None else "text"
        if line.export.kind is not ExportKind.SEGMENT or line.size is None or not line.row.limit:
            return NumberCell(self.size(line), ink=ink)
        return NumberCell(self.size(line), line.size / line.row.limit, ink=ink)

    def _size_tip(self, line: ExportLine) -> str:
        if line.size is None:
            return self.tr("Not counted yet")
        number = self._formats.number(line.size)
        if line.export.kind is not ExportKind.SEGMENT:
            return self._formats.counted(line.size, "rows")
        if not line.row.limit:
            return self._formats.counted(line.size, "members")
        return self.tr("{n} of {limit} ({percent})").format(
            n=number,
            limit=self._formats.number(line.row.limit),
            percent=self._formats.percent(line.size / line.row.limit),
        )

    def _status_cell(self, line: ExportLine) -> StatusCell:
        words, run = self.status(line), line.run
        if run is not None and line.status is Status.RUNNING:
            if run.total:
                share = min(1.0, run.done / run.total)
                percent = self._formats.percent(share, 0)
                return StatusCell("", "", words.word, running=True, fraction=share, percent=percent)
            return StatusCell("", "", words.word, self.phase(run), running=True)
        return StatusCell(words.icon, words.role, words.word, self.detail(line), ink=words.ink)

    def phase(self, run: Run) -> str:
        """Return the phase a run is in."""
        current = [phase for phase in run.phases if phase.started_at is not None and phase.ended_at is None]
        return self._formats.phase(current[-1].name) if current else ""

    def _progress_words(self, line: ExportLine) -> str:
        run = line.run
        if run is not None and line.status is Status.RUNNING:
            return self._formats.percent(run.done / run.total, 0) if run.total else self.phase(run)
        return self.detail(line)

    def _status_tip(self, line: ExportLine) -> str:
        error = line.run.error if line.run is not None else None
        if error is not None and line.status is not Status.NO_CONNECTION:
            return f"{error.what} {error.why}".strip()
        return ""


def newer(run: Run, than: Run | None) -> bool:
    """Whether this state of a run is not older than the other one."""
    if than is None or run.queued_at > than.queued_at:
        return True
    if run.id != than.id:
        return False
    return run.status.ended or not than.status.ended
