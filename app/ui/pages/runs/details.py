"""Everything about one run: numbers, phases, speed, rejects, log."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.core.guards import NEWER, SENT
from app.core.interruptions import Interruption
from app.core.run_progress import bytes_per_second
from app.core.runs import LogLine, RejectPage, Run, Status, Totals
from app.ui.formats import Formats, seconds_between
from app.ui.held_words import cause_words, held_words
from app.ui.pages.runs.charts import PhaseChart, SpeedChart, UnitLabel
from app.ui.pages.runs.interrupted import InterruptedView
from app.ui.pages.runs.log_view import LogView
from app.ui.pages.runs.rejects import RejectsCard
from app.ui.pages.runs.words import RunRow, took, trigger_sentence
from app.ui.phrase_words import said
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import ElidedLabel, Label, Line, column, row
from app.ui.widgets.marks import Badge, Pill
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Flowing

NAME_WIDTH, EDGE = 280, 24
NARROW = 620
"""Less room than this is not enough for two charts beside each other."""
TONES = {"success": "success", "warning": "warning", "danger": "danger", "bar": "accent"}


@dataclass(frozen=True)
class RunDetails:
    """What the details show; read in a job. `may_run` and `may_save` follow the role."""

    row: RunRow
    rejects: RejectPage
    log: tuple[LogLine, ...]
    export_exists: bool
    may_run: bool
    may_save: bool
    has_receipt: bool = False
    has_before: bool = False
    interruption: Interruption | None = None


class RunDetailsView(QScrollArea):
    """The right side of the page; signals name what the person asked for."""

    open_export_asked = Signal(str)
    receipt_asked = Signal(str)
    compare_asked = Signal(str)
    run_again_asked = Signal(str)
    cancel_asked = Signal(str)
    held_asked = Signal(str)
    save_rejects_asked = Signal(str)
    field_chosen = Signal(str)
    more_rejects_asked = Signal()
    copy_log_asked = Signal(str)
    resume_asked = Signal(str, bool)
    plan_asked = Signal(str)
    leave_asked = Signal(str)
    retry_asked = Signal(str)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._details: RunDetails | None = None
        self._of_two = False
        self._asked_to_cancel = ""
        self._badge = Badge(theme, "", "#636C7B", "", 32)
        self._name = ElidedLabel(theme, "", "title")
        self._pill = Pill(theme, "")
        self._line = Label(theme, "", "caption", "text2", wrap=True)
        self._open = Button(theme, self.tr("Open export"), "ghost", icon="arrow-square-out")
        self.receipt = Button(theme, self.tr("Show receipt"), "link", icon="file-text", small=True)
        self.compare = Button(theme, self.tr("Compare with the run before"), "link", icon="swap", small=True)
        self._again = Button(theme, self.tr("Run again"), "secondary", icon="play")
        self._cancel = Button(theme, self.tr("Cancel run"), "secondary", icon="x-circle")
        self._show_log = Button(theme, self.tr("Show log"), "ghost", icon="file-text")
        self.interrupted = InterruptedView(theme, formats)
        self._under_head = Line(theme)
        self._note = Note(theme, "danger", "")
        self._note.primary_clicked.connect(self._on_note_clicked)
        self._skipped = Note(theme, "warning", "")
        self._numbers_area = QWidget()
        self._numbers = QGridLayout()
        self._suppressed = Label(theme, "", "caption", "text2", wrap=True)
        self._phases = PhaseChart(theme, formats)
        self._speed = SpeedChart(theme, formats)
        self._speed_unit = UnitLabel(theme)
        self._rejects = RejectsCard(theme, formats)
        self._log = LogView(theme, formats)
        self._connect()
        self._assemble()

    def show_details(self, details: RunDetails) -> None:
        """Show another run, or newer numbers of the same one."""
        same = self._details is not None and self._details.row.key == details.row.key
        at = self.window().focusWidget()
        inside = at is not None and self.isAncestorOf(at)
        self._details = details
        run = details.row.run
        self._show_head(details)
        self._show_problem(run)
        self._fill_numbers(run)
        self._phases.set_run(run)
        self._speed.set_run(run, details.row.destination)
        self._speed_unit.set_units(*self._unit_words(run))
        can_retry = run.status.ended and details.may_run and details.export_exists
        self._rejects.show_page(details.rejects, may_save=details.may_save, may_retry=can_retry)
        self._log.show_lines(details.log)
        self._show_interruption(details, keep_log=same)
        if not same:
            self.verticalScrollBar().setValue(0)
        if inside and at is not None and not at.isVisible():
            self.setFocus(Qt.FocusReason.OtherFocusReason)  # else Qt hands it on to wherever comes next

    def offer_comparison(self, *, of_two: bool) -> None:
        """Say whether two selected runs would be compared, or this one with the one before."""
        self._of_two = of_two
        self.compare.set_words(
            self.tr("Compare the two selected runs") if of_two else self.tr("Compare with the run before")
        )
        self.compare.setVisible(of_two or (self._details is not None and self._details.has_before))

    def _connect(self) -> None:
        self._open.clicked.connect(lambda: self.open_export_asked.emit(self._run.export_name))
        self.receipt.clicked.connect(lambda: self.receipt_asked.emit(self._run.id))
        self.compare.clicked.connect(lambda: self.compare_asked.emit(self._run.id))
        self._again.clicked.connect(lambda: self.run_again_asked.emit(self._run.export_name))
        self._cancel.clicked.connect(self._on_cancel_clicked)
        self.interrupted.resume_asked.connect(lambda again: self.resume_asked.emit(self._run.id, again))
        self.interrupted.plan_asked.connect(lambda: self.plan_asked.emit(self._run.export_name))
        self.interrupted.leave_asked.connect(lambda: self.leave_asked.emit(self._run.id))
        self._show_log.clicked.connect(self._on_show_log)
        self._rejects.again_asked.connect(lambda: self.retry_asked.emit(self._run.id))
        self._rejects.save_asked.connect(lambda: self.save_rejects_asked.emit(self._run.id))
        self._rejects.field_chosen.connect(self.field_chosen)
        self._rejects.more_asked.connect(self.more_rejects_asked)
        self._log.copy_asked.connect(self.copy_log_asked)

    def _assemble(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setAccessibleName(self.tr("Details of the run"))
        self._pill.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        title = row(self._name, self._pill, None, spacing=10)
        title.setStretch(0, 1_000)  # up to its own width; with less room than that it gives way first
        said = column(title, self._line, spacing=2)
        again = row(self._again, self._cancel)  # a ghost has room of its own, two edges beside each other have none
        head = row(self._badge, 8, said, self._show_log, self._open, 8, again, spacing=0)
        head.setStretch(2, 1)
        self._charts = QWidget()
        charts = row(
            column(Label(self._theme, self.tr("Phases"), "subtitle"), 4, self._phases, spacing=4),
            column(
                self._speed_head(),
                4,
                self._speed,
                None,
                spacing=4,
            ),
            spacing=24,
        )
        charts.setStretch(0, 4)
        charts.setStretch(1, 3)
        charts.setContentsMargins(0, 0, 0, 0)
        self._charts.setLayout(charts)
        self._chart_row = charts
        more = row(self.receipt, self.compare, self._suppressed, None, spacing=16)
        more.setContentsMargins(0, 0, 0, 0)
        self._more = QWidget()
        self._more.setLayout(more)
        self._numbers_area.setLayout(self._numbers)
        self._numbers.setContentsMargins(0, 0, 0, 0)
        self._numbers.setHorizontalSpacing(16)
        self._numbers.setVerticalSpacing(0)
        body = Flowing()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(EDGE, 16, EDGE, 20)
        layout.setSpacing(12)
        for part in (
            head,
            self._under_head,
            self._note,
            self._skipped,
            self.interrupted,
            self._numbers_area,
            self._more,
            self._charts,
            self._rejects,
            self._log,
        ):
            layout.addLayout(part) if not isinstance(part, QWidget) else layout.addWidget(part)
        layout.addStretch(1)
        self.setWidget(body)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the rejects know how much room there is; with little, the charts stand below each other and words give way."""
        super().resizeEvent(event)
        room = self.viewport().width() - 2 * EDGE
        self._rejects.set_room(room)
        narrow = room < NARROW
        self._chart_row.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        words = self.tr("Open export")
        self._open.setText("" if narrow else words)
        self._open.setToolTip(words if narrow else "")

    def _speed_head(self) -> QHBoxLayout:
        """The unit gives way first when there is little room."""
        head = row(Label(self._theme, self.tr("Speed while sending"), "subtitle"), self._speed_unit)
        head.setStretch(1, 1)
        return head

    @property
    def _run(self) -> Run:
        assert self._details is not None
        return self._details.row.run

    def _show_head(self, details: RunDetails) -> None:
        run, formats = details.row.run, self._formats
        words = formats.status(run.status)
        self._badge.set_badge(details.row.badge.letters, details.row.badge.colour, details.row.destination)
        self._name.setMaximumWidth(min(self._theme.metrics("title").horizontalAdvance(run.export_name) + 2, NAME_WIDTH))
        self._name.set_words(run.export_name)
        self._pill.set_pill(words.word, TONES.get(words.role, "neutral"), words.icon)
        when = formats.day_and_clock(run.started_at or run.queued_at)
        length = took(run, formats)
        where = ", ".join(dict.fromkeys(filter(None, (details.row.destination, run.connection_name))))
        sentence = (
            self.tr("{where}. {when}, took {length}. {trigger}")
            if run.ended_at and length and run.status is not Status.INTERRUPTED
            else self.tr("{where}. {when}. {trigger}")
        )
        self._line.set_words(
            sentence.format(where=where, when=when, length=length, trigger=trigger_sentence(run, formats))
        )
        going = not run.status.ended
        self._cancel.setVisible(going and details.may_run)
        asked = self._asked_to_cancel == run.id
        self._cancel.setEnabled(not asked)
        self._cancel.set_words(self.tr("Cancelling…") if asked else self.tr("Cancel run"))
        self._again.setVisible(not going and details.may_run and details.export_exists)
        self._open.setVisible(details.export_exists)
        self.receipt.setVisible(details.has_receipt)
        self.offer_comparison(of_two=self._of_two)

    def _on_note_clicked(self) -> None:
        if self._details is not None:
            self.held_asked.emit(self._details.row.key)

    def _show_interruption(self, details: RunDetails, *, keep_log: bool) -> None:
        """An interrupted run shows what is certain in place of phases and speed, and its log when it is asked for."""
        found = details.interruption
        for part in (self._under_head, self._numbers_area, self._charts, self._more):
            part.setVisible(found is None)
        self.interrupted.setVisible(found is not None)
        self._show_log.setVisible(found is not None)
        self._log.setVisible(found is None or (keep_log and self._log.isVisible()))
        if found is not None:
            self._note.hide()
            self._again.hide()
            self._rejects.setVisible(details.rejects.total > 0)
            self.interrupted.show_interruption(found, may_run=details.may_run)

    def _on_show_log(self) -> None:
        self._log.show()
        QTimer.singleShot(0, self, lambda: self.ensureWidgetVisible(self._log))

    def _show_problem(self, run: Run) -> None:
        self._note.setVisible(run.error is not None or run.held is not None)
        if run.held is not None:
            title = self.tr("Held: {why}").format(why=held_words(run.held, self._formats))
            waits = run.status is Status.HELD and run.held.waits
            found = run.held.cause
            cause = cause_words(found)[1] if found is not None else self.tr("No cause found. Review the plan.")
            told = {
                SENT: self.tr("Somebody agreed to send it anyway, by a later run."),
                NEWER: self.tr("A later run has begun since."),
            }.get(run.held.answer, cause)
            self._note.set_note("warning", title, told, primary=self.tr("Review") if waits else "")
        elif run.error is not None:
            tone = "danger" if run.status is Status.FAILED else "warning"
            self._note.set_note(tone, run.error.what, f"{run.error.why} {run.error.fix}".strip())
        nothing = run.status in {Status.SKIPPED_TOO_LARGE, Status.SKIPPED_TOO_SMALL} and run.error is not None
        self._skipped.setVisible(bool(run.skipped) and not nothing)  # the note above has the same sentences
        if run.skipped:
            title = (
                self.tr("1 segment was skipped")
                if len(run.skipped) == 1
                else self.tr("{n} segments were skipped").format(n=self._formats.number(len(run.skipped)))
            )
            self._skipped.set_note(
                "warning", title, "\n".join(f"{s.segment}: {said(s.phrase, s.sentence)}" for s in run.skipped)
            )

    def _fill_numbers(self, run: Run) -> None:
        while (item := self._numbers.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        for at, (number, words, ink) in enumerate(self._figures(run)):
            self._numbers.addWidget(Label(self._theme, number, "number", ink), 0, at)
            self._numbers.addWidget(Label(self._theme, words, "caption", "text2"), 1, at)
            self._numbers.setColumnStretch(at, 1)
        number = run.totals.suppressed
        words = self.tr("{n} of those left out are on the suppression list.")
        self._suppressed.set_words(words.format(n=self._formats.number(number)) if number else "")
        self._suppressed.setVisible(bool(number))

    def _changed_rows(self, totals: Totals) -> list[tuple[str, str, str]]:
        """How the rows came about, of an export that writes what changed."""
        if not (totals.added or totals.updated or totals.removed or totals.unchanged):
            return []
        compact = self._formats.compact
        return [
            (compact(totals.added), self.tr("Added"), "success" if totals.added else "text"),
            (compact(totals.updated), self.tr("Changed"), "text"),
            (compact(totals.removed), self.tr("Removed"), "text"),
        ]

    def _figures(self, run: Run) -> list[tuple[str, str, str]]:
        n, totals = self._formats.number, run.totals
        seconds = seconds_between(run.started_at, run.ended_at or self._formats.now())
        speed = round(run.done / seconds) if seconds and run.done else 0
        pace = (self.tr("{n} / s").format(n=n(speed)) if speed else "–", self.tr("Average speed"), "text")
        if totals.rows or totals.files or run.bytes_sent:
            going = not run.status.ended  # what is on its way counts, though nobody there can see it yet
            rate = bytes_per_second(run, self._formats.now())
            told = "" if rate is None else self.tr("{size} / s").format(size=self._formats.bytes(round(rate)))
            return [
                (self._formats.compact(run.done if going else totals.rows), self.tr("Rows"), "text"),
                *self._changed_rows(totals),
                (n(totals.files), self.tr("Files"), "text"),
                (self._formats.bytes(run.bytes_sent if going else totals.bytes), self.tr("Size"), "text"),
                *([(n(totals.left_out), self.tr("Left out"), "text2")] if totals.left_out else []),
                pace,
                *([(told, self.tr("Data rate"), "text")] if told else []),
            ]
        return [
            (n(totals.delivered), self.tr("Delivered"), "text"),
            (n(totals.added), self.tr("Added"), "success" if totals.added else "text"),
            (n(totals.updated), self.tr("Updated"), "text"),
            (n(totals.removed), self.tr("Removed"), "text"),
            *([(n(totals.unchanged), self.tr("Unchanged"), "text2")] if totals.unchanged else []),
            (n(totals.rejected), self.tr("Rejected"), "warning" if totals.rejected else "text"),
            (n(totals.left_out), self.tr("Left out"), "text"),
            pace,
        ]

    def _unit_words(self, run: Run) -> tuple[str, str]:
        return {
            "members": (self.tr("members per second"), self.tr("members / s")),
            "rows": (self.tr("rows per second"), self.tr("rows / s")),
            "bytes": (self.tr("bytes per second"), self.tr("bytes / s")),
        }.get(run.unit, ("", ""))

    def _on_cancel_clicked(self) -> None:
        self._asked_to_cancel = self._run.id
        self._cancel.set_words(self.tr("Cancelling…"))
        self._cancel.setEnabled(False)
        self.cancel_asked.emit(self._run.id)
