"""The details of the selected export: identity, problem with its fix, run in progress, last run, trend, details."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.exports import ExportKind
from app.core.run_progress import bytes_per_second
from app.core.runs import Phase, PhaseName, PhaseState, Run, Status
from app.ui.formats import NOTHING, Formats, seconds_between
from app.ui.held_words import cause_words, held_words
from app.ui.pages.exports.lines import ExportLine, LineWords
from app.ui.phrase_words import said
from app.ui.theme import Theme
from app.ui.widgets.bars import ProgressBar
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.charts import SpeedLine, StackedBar, TrendBars, TrendPoint
from app.ui.widgets.labels import Area, Card, ElidedLabel, Label, row
from app.ui.widgets.marks import Badge, StatusLine
from app.ui.widgets.notes import Note

TREND_RUNS = 12
LATELY = timedelta(seconds=10)
"""What was settled in it makes the speed of now: batches settle several at once, one second has none, the next a thousand."""
MARGIN = 20


class Facts(QWidget):
    """Pairs of words, one line each: what at the left, its value at the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self._rows: list[tuple[QWidget, Label, ElidedLabel]] = []

    def set_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Show these pairs; those without a value are left out."""
        shown = [(what, value) for what, value in facts if value]
        while len(self._rows) < len(shown):
            host, what, value = QWidget(), Label(self._theme, "", ink="text2"), ElidedLabel(self._theme)
            value.setAlignment(value.alignment() | value.alignment().AlignRight)
            line = row(what, value)
            line.setStretch(1, 1)
            host.setLayout(line)
            self._layout.addWidget(host)
            self._rows.append((host, what, value))
        for number, (host, what, value) in enumerate(self._rows):
            host.setVisible(number < len(shown))
            if number < len(shown):
                what.set_words(shown[number][0])
                value.set_words(shown[number][1])


class RunningCard(QWidget):
    """A run that goes on: percent, done of total, time left, Cancel run, phases, speed."""

    cancel_asked = Signal()
    log_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, words: LineWords) -> None:
        super().__init__()
        self._formats, self._words = formats, words
        self._stage = Label(theme, "", "body-strong")
        self._percent = Label(theme, "", "number")
        self._bar = ProgressBar(theme, self.tr("Progress of the run"), height=8)
        self._done = Label(theme, "", "caption", "text2")
        self._left = Label(theme, "", "caption", "text2")
        self.cancel = Button(theme, self.tr("Cancel run"), icon="x-circle", shortcut_hint="Ctrl+.")
        self.cancel.clicked.connect(self.cancel_asked)
        self._log = Button(theme, self.tr("Show log"), "ghost")
        self._log.clicked.connect(self.log_asked)
        self._phases = [StatusLine(theme, "", "", "text2") for _ in PhaseName]
        self._times = [Label(theme, "", "caption", "text2") for _ in PhaseName]
        self._speed_words = Label(theme, "", "caption", "text2")
        self._speed = SpeedLine(theme, self.tr("Speed"))
        self._assemble(theme)

    def _assemble(self, theme: Theme) -> None:
        card = Card(theme, margin=14, fill="subtle")
        card.body.setSpacing(8)
        card.body.addLayout(row(self._stage, None, self._percent))
        card.body.addWidget(self._bar)
        card.body.addLayout(row(self._done, None, self._left))
        card.body.addSpacing(2)
        card.body.addLayout(row(self.cancel, self._log, None))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(card)
        layout.addWidget(
            Label(
                theme,
                self.tr("Cancelling keeps what was already sent. The next run sends the rest."),
                "caption",
                "text2",
                wrap=True,
            )
        )
        layout.addSpacing(4)
        layout.addWidget(Label(theme, self.tr("Phases"), "body-strong"))
        for phase, time in zip(self._phases, self._times, strict=True):
            layout.addLayout(row(phase, None, time))
        self._speed_head = QWidget()
        self._speed_head.setLayout(row(Label(theme, self.tr("Speed"), "body-strong"), None, self._speed_words))
        layout.addSpacing(6)
        layout.addWidget(self._speed_head)
        layout.addWidget(self._speed)

    def show_run(self, run: Run, *, cancelling: bool) -> None:
        """Show the newest state of a run."""
        formats = self._formats
        queued = run.status is Status.QUEUED
        stage = self._words.phase(run) or (formats.status(run.status).word)
        self._stage.set_words(stage)
        share = min(1.0, run.done / run.total) if run.total else 0.0
        self._percent.set_words(formats.percent(share, 0) if run.total else "")
        self._bar.set_share(share)
        waits = self.tr("Waits for {export}").format(export=run.waits_for) if run.waits_for else ""
        progress = self.tr("{done} of {total} {unit}").format(
            done=formats.number(run.done), total=formats.number(run.total or 0), unit=self._unit(run)
        )
        if run.bytes_sent:
            progress = self.tr("{progress}, {size}").format(progress=progress, size=formats.bytes(run.bytes_sent))
        self._done.set_words(waits if queued else progress if run.total else self.tr("Starting…"))
        self._left.set_words(self._words.left(run))
        if cancelling:
            self.cancel.set_busy(True, self.tr("Cancelling…"))
        elif self.cancel.is_busy():
            self.cancel.set_busy(False, self.tr("Cancel run"))
        for number, (line, time) in enumerate(zip(self._phases, self._times, strict=True)):
            shown = number < len(run.phases)
            line.setVisible(shown)
            time.setVisible(shown)
            if shown:
                self._show_phase(line, time, run.phases[number])
        values = [point.per_second for point in run.speed]
        self._speed_head.setVisible(len(values) > 1)
        self._speed.setVisible(len(values) > 1)
        if values:
            lately = [point.per_second for point in run.speed if run.speed[-1].at - point.at < LATELY]
            pace = formats.number(round(sum(lately) / len(lately)))
            speed = self.tr("{n} {unit} per second").format(n=pace, unit=self._unit(run))
            rate = bytes_per_second(run, formats.now())
            if rate is not None:
                speed = self.tr("{speed}, {size} / s").format(speed=speed, size=formats.bytes(round(rate)))
            self._speed_words.set_words(speed)
            self._speed.set_values(values, speed)

    def _unit(self, run: Run) -> str:
        return {"rows": self.tr("rows"), "bytes": self.tr("bytes"), "files": self.tr("files")}.get(
            run.unit, self.tr("members")
        )

    def _show_phase(self, line: StatusLine, time: Label, phase: Phase) -> None:
        marks = {
            PhaseState.DONE: ("check-circle-fill", "success"),
            PhaseState.SLOWED: ("warning-fill", "warning"),
            PhaseState.FAILED: ("x-circle-fill", "danger"),
            PhaseState.WAITING: ("circle", "text3"),
            PhaseState.RUNNING: ("", "bar"),
        }
        icon, role = marks[phase.state]
        running = phase.state is PhaseState.RUNNING
        ink = "text2" if phase.state is PhaseState.WAITING else "text"
        line.set_status(self._formats.phase(phase.name), icon, role, ink=ink, running=running)
        seconds = seconds_between(phase.started_at, phase.ended_at or self._formats.now())
        if seconds is None:
            time.set_words("")
        elif running:
            time.set_words(self.tr("{time} so far").format(time=self._formats.duration(max(1, seconds))))
        else:
            time.set_words(self._formats.duration(seconds))


class LastRun(QWidget):
    """What the last run did: four numbers over one bar."""

    def __init__(self, theme: Theme, formats: Formats) -> None:
        super().__init__()
        self._formats = formats
        self._when = Label(theme, "", "caption", "text2")
        self._numbers = [Label(theme, "", "number") for _ in range(4)]
        self._words = [Label(theme, "", "caption", "text2") for _ in range(4)]
        self._bar = StackedBar(theme, self.tr("Last run"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row(Label(theme, self.tr("Last run"), "body-strong"), None, self._when))
        columns = []
        for number, words in zip(self._numbers, self._words, strict=True):
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(number)
            column.addWidget(words)
            columns.append(column)
        layout.addLayout(row(columns[0], None, columns[1], None, columns[2], None, columns[3], spacing=0))
        layout.addWidget(self._bar)

    def show_run(self, run: Run) -> None:
        """Show an ended run."""
        formats, totals = self._formats, run.totals
        when = run.started_at or run.queued_at
        length = seconds_between(run.started_at, run.ended_at)
        parts = [formats.day_and_clock(when), formats.duration(length) if length is not None else ""]
        self._when.set_words(" · ".join(filter(None, parts)))
        self._when.setToolTip(formats.exact(when))
        if run.unit == "rows" or totals.files:
            shown = [
                (self.tr("Rows"), formats.compact(totals.rows), "text"),
                (self.tr("Files"), formats.number(totals.files), "text"),
                (self.tr("Size"), formats.bytes(totals.bytes), "text"),
                (self.tr("Rejected"), formats.number(totals.rejected), "danger" if totals.rejected else "text"),
            ]
        else:
            shown = [
                (self.tr("Added"), formats.compact(totals.added), "success" if totals.added else "text"),
                (self.tr("Updated"), formats.compact(totals.updated), "text"),
                (self.tr("Removed"), formats.compact(totals.removed), "text"),
                (self.tr("Rejected"), formats.compact(totals.rejected), "danger" if totals.rejected else "text"),
            ]
        for (words, value, ink), number, label in zip(shown, self._numbers, self._words, strict=True):
            number.set_words(value)
            number.set_ink(ink)
            label.set_words(words)
        whole = max(run.total or 0, totals.delivered + totals.rejected, 1)
        updated = totals.delivered - totals.added
        self._bar.set_parts(
            [
                (updated / whole, "bar"),
                (totals.added / whole, "success_fill"),
                (totals.rejected / whole, "danger_fill"),
            ],
            ", ".join(f"{words}: {value}" for words, value, _ink in shown),
        )


class ExportDetails(Area):
    """The content of the drawer.

    Signals: `close_asked()`, `fix_asked()`, `log_asked()`, `history_asked()`, `cancel_asked()`.
    """

    close_asked = Signal()
    fix_asked = Signal()
    log_asked = Signal()
    history_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, words: LineWords) -> None:
        super().__init__(theme)
        self._theme, self._formats, self._words = theme, formats, words
        self._line: ExportLine | None = None
        self._cancelling = False
        self._badge = Badge(theme, "  ", "#5B6470", "", size=32)
        self._title = ElidedLabel(theme, "", "title")
        self._where = ElidedLabel(theme, "", "caption", "text2")
        self._close = IconButton(theme, "x", self.tr("Close details"), shortcut_hint="Ctrl+I")
        self._close.clicked.connect(self.close_asked)
        self._problem = Note(theme, "danger", "")
        self._problem.primary_clicked.connect(self.fix_asked)
        self._problem.secondary_clicked.connect(self.log_asked)
        self._running = RunningCard(theme, formats, words)
        self._running.cancel_asked.connect(self.cancel_asked)
        self._running.log_asked.connect(self.log_asked)
        self._last = LastRun(theme, formats)
        self._trend_words = Label(theme, "", "body-strong")
        self._trend = TrendBars(theme, self.tr("Last 12 runs"))
        self._trend_from = Label(theme, "", "caption", "text2")
        self._trend_to = Label(theme, "", "caption", "text2")
        self._details_words = Label(theme, self.tr("Details"), "body-strong")
        self._facts = Facts(theme)
        self._history = Button(theme, self.tr("Open run history"), "link", trailing="arrow-right")
        self._history.clicked.connect(self.history_asked)
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._on_clock)
        self._assemble()

    def _assemble(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self._title)
        names.addWidget(self._where)
        head = row(self._badge, names, self._close, spacing=12)
        head.setStretch(1, 1)
        self._trend_box = QWidget()
        trend = QVBoxLayout(self._trend_box)
        trend.setContentsMargins(0, 0, 0, 0)
        trend.setSpacing(6)
        trend.addLayout(row(self._trend_words, None, Label(self._theme, self.tr("Last 12 runs"), "caption", "text2")))
        trend.addWidget(self._trend)
        trend.addLayout(row(self._trend_from, None, self._trend_to))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 20, MARGIN, 20)
        layout.setSpacing(12)
        layout.addLayout(head)
        for part in (self._problem, self._running, self._last, self._trend_box):
            layout.addWidget(part)
        layout.addWidget(self._details_words)
        layout.addWidget(self._facts)
        layout.addStretch(1)
        layout.addLayout(row(self._history, None))

    def line(self) -> ExportLine | None:
        """Return the export that is shown."""
        return self._line

    def show_line(self, line: ExportLine, *, cancelling: bool = False) -> None:
        """Show an export."""
        self._line, self._cancelling = line, cancelling
        badge = line.row.description.badge
        self._badge.setVisible(True)
        self._badge.set_badge(badge.letters, badge.colour, line.row.description.name)
        self._title.set_words(line.name)
        names = [line.row.description.name, line.row.connection.name if line.row.connection else ""]
        self._where.set_words(" · ".join(dict.fromkeys(filter(None, names))))
        active = line.active
        at = self.window().focusWidget()
        solving = at is not None and self._problem.isAncestorOf(at)
        by_keys = getattr(at, "focus_visible", False)
        self._running.setVisible(active)
        if active and line.run is not None:
            self._running.show_run(line.run, cancelling=cancelling)
        self._show_problem(line)
        ended = line.run if line.run is not None and line.run.started_at is not None and not active else None
        self._last.setVisible(ended is not None)
        if ended is not None:
            self._last.show_run(ended)
        self._facts.set_facts(self._facts_of(line))
        self._history.set_words(self.tr("Open run") if active else self.tr("Open run history"))
        self._trend_words.set_words(
            self.tr("Members sent") if line.export.kind is ExportKind.SEGMENT else self.tr("Rows written")
        )
        if active:
            self._trend_box.hide()
            self._clock.start()
        else:
            self._clock.stop()
        if at is not None and solving:
            # Qt would hand the focus on to what comes next, which is *Cancel run* of the run just started.
            target = at if at.isVisible() else self._history
            target.setFocus(Qt.FocusReason.TabFocusReason if by_keys else Qt.FocusReason.OtherFocusReason)

    def show_trend(self, runs: Sequence[Run]) -> None:
        """Show the last runs, given newest first."""
        ended = [run for run in runs if run.status.ended][:TREND_RUNS]
        ended.reverse()
        active = self._line is not None and self._line.active
        self._trend_box.setVisible(len(ended) > 1 and not active)
        if not ended:
            return
        bad = {Status.FAILED, Status.INTERRUPTED}
        self._trend.set_points(
            [
                TrendPoint(
                    run.totals.delivered,
                    self.tr("{when}: {n}, {status}").format(
                        when=self._formats.day_and_clock(run.queued_at),
                        n=self._formats.number(run.totals.delivered),
                        status=self._formats.status(run.status).word,
                    ),
                    "danger_fill" if run.status in bad else "accent_soft",
                )
                for run in ended
            ]
        )
        now = self._formats.local(self._formats.now()).date()
        today = self._formats.local(ended[-1].queued_at).date() == now
        self._trend_from.set_words(self._formats.date(ended[0].queued_at))
        self._trend_to.set_words(self.tr("Today") if today else self._formats.date(ended[-1].queued_at))

    def show_sums(self, lines: Sequence[ExportLine]) -> None:
        """Show several exports together."""
        self._line = None
        self._clock.stop()
        self._badge.hide()
        self._title.set_words(self.tr("{n} exports").format(n=self._formats.number(len(lines))))
        self._where.set_words(", ".join(dict.fromkeys(line.row.description.name for line in lines)))
        for part in (self._problem, self._running, self._last, self._trend_box):
            part.hide()
        runs = [line.run for line in lines if line.run is not None]
        number = self._formats.number
        members = sum(line.size or 0 for line in lines if line.export.kind is ExportKind.SEGMENT)
        rows_ = sum(line.size or 0 for line in lines if line.export.kind is ExportKind.DATA_OUT)
        self._facts.set_facts(
            [
                (self.tr("Members"), number(members) if members else ""),
                (self.tr("Rows"), number(rows_) if rows_ else ""),
                (self.tr("Added"), number(sum(run.totals.added for run in runs))),
                (self.tr("Rejected"), number(sum(run.totals.rejected for run in runs))),
            ]
        )

    # Inside

    def _show_problem(self, line: ExportLine) -> None:
        run = line.run
        self._problem.setVisible(False)
        if line.active:
            return
        if line.status is Status.NO_CONNECTION:
            self._problem.set_note(
                "warning",
                self.tr("This export has no connection."),
                self.tr("It was detached, or its connection was removed. Attach one and it runs again."),
                primary=self.tr("Attach a connection") if line.editable else "",
            )
        elif run is not None and run.held is not None and line.status is Status.HELD:
            found = run.held.cause
            cause = cause_words(found)[1] if found is not None else self.tr("No cause found. Review the plan.")
            title = self.tr("Held: {why}").format(why=held_words(run.held, self._formats))
            self._problem.set_note("warning", title, cause, primary=self.tr("Review"), secondary=self.tr("Show log"))
        elif run is not None and run.error is not None and line.needs_attention:
            tone = "danger" if run.status is Status.FAILED else "warning"
            detail = " ".join(filter(None, (run.error.why, run.error.fix)))
            primary = self._fix_words(line) if line.editable else ""
            self._problem.set_note(tone, run.error.what, detail, primary=primary, secondary=self.tr("Show log"))
        elif run is not None and run.status is Status.COMPLETED_WITH_REJECTS:
            self._problem.set_note(
                "warning",
                self.tr("{n} of {total} were rejected").format(
                    n=self._formats.number(run.totals.rejected), total=self._formats.number(run.total or 0)
                ),
                self.tr("The rest arrived. Each rejected member is listed with its reason."),
                primary=self.tr("Review rejects"),
            )
        elif run is not None and run.skipped and line.needs_attention:
            sentences = "\n".join(said(each.phrase, each.sentence) for each in run.skipped)
            self._problem.set_note("warning", self._formats.status(run.status).word, sentences)
        else:
            return
        self._problem.setVisible(True)

    def _fix_words(self, line: ExportLine) -> str:
        action = line.run.error.action if line.run is not None and line.run.error is not None else ""
        return {
            "sign_in": self.tr("Sign in again"),
            "fix_settings": self.tr("Edit export"),
            "fix_data": self.tr("Edit export"),
        }.get(action, self.tr("Run again"))

    def _facts_of(self, line: ExportLine) -> list[tuple[str, str]]:
        formats, export = self._formats, line.export
        segment = export.kind is ExportKind.SEGMENT
        names = export.segments if segment else tuple(choice.name for choice in export.tables)
        one = self.tr("Segment") if segment else self.tr("Table")
        many = self.tr("Segments") if segment else self.tr("Tables")
        limit = ""
        if segment and line.row.limit:
            limit = self.tr("{n} of {limit}").format(
                n=formats.number(line.size) if line.size is not None else NOTHING, limit=formats.number(line.row.limit)
            )
        started = ""
        if line.active and line.run is not None and line.run.started_at is not None:
            started = formats.day_and_clock(line.run.started_at)
        what = (one if len(names) == 1 else many, names[0] if len(names) == 1 else formats.number(len(names)))
        rows = "" if segment or line.size is None else formats.number(line.size)
        facts = [(self.tr("Started"), started), what, (self.tr("Limit"), limit), (self.tr("Rows"), rows)]
        if line.active:
            return facts
        due = line.row.next_due
        next_run, zone, there = "", "", ""
        if due is not None:
            next_run = self.tr("{day}, {time}").format(day=formats.day_date(due), time=formats.clock(due))
        if due is not None and export.schedule is not None:
            # The schedule's own time stands in the list: beside the time of this computer it would look like a mistake.
            zone = export.schedule.time_zone
            of_zone = due.astimezone(ZoneInfo(zone))
            if of_zone.utcoffset() != formats.local(due).utcoffset():
                there = formats.time_of_day(of_zone.hour, of_zone.minute)
        return [
            *facts,
            (self.tr("Sync"), formats.sync_mode(export.sync) if segment else ""),
            (self.tr("Next run"), next_run),
            (self.tr("In {zone}").format(zone=zone), there),
            (self.tr("Created"), formats.full_date(export.created_at)),
        ]

    def _on_clock(self) -> None:
        if self._line is not None and self._line.active and self._line.run is not None and self.isVisible():
            self._running.show_run(self._line.run, cancelling=self._cancelling)
