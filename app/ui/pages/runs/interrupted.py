"""A run that was interrupted: what is certain, what is in doubt, and what *Resume run* will do, told before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from app.core.batches import Batch, BatchState
from app.core.interruptions import DoubtRoad, Interruption, neighbours
from app.ui.formats import Formats, seconds_between
from app.ui.pages.runs.batch_strip import BatchStrip, look_of, numbers_words, state_words
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.card_table import CardTable
from app.ui.widgets.cells import TWO_LINES
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.columns import Column, NumberCell, TextCell
from app.ui.widgets.labels import Card, Label, column, row
from app.ui.widgets.notes import Note
from app.ui.widgets.step_number import StepNumber

_ICONS = {"check": "check-circle-fill", "question": "question-fill", "": "circle"}
_STEP = 20
_BATCH, _KNOWN, _WIDE = 0, 3, 640
_BATCH_WIDTH = 76


@dataclass(frozen=True)
class _Row:
    key: str
    batches: tuple[Batch, ...]


class InterruptedView(QWidget):
    """Numbers, strip, table and steps of one interrupted run. Signals name what the person asked for.

    `resume_asked(send_again)`, `plan_asked`, `leave_asked`.
    """

    resume_asked = Signal(bool)
    plan_asked = Signal()
    leave_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._found: Interruption | None = None
        self._note = Note(theme, "warning", "")
        self._numbers = QGridLayout()
        self._strip = BatchStrip(theme, formats)
        self._under_strip = Label(theme, "", "caption", "text2")
        name = self.tr("Batches by what is known of them")
        self._table = CardTable(theme, name, self._columns(), "", row_height=TWO_LINES)
        self._steps = QVBoxLayout()
        self.again = CheckBox(theme, self.tr("Send them again all the same"))
        self.resume = Button(theme, self.tr("Resume run"), "primary", icon="play")
        self.plan = Button(theme, self.tr("Make a new plan instead"), "secondary")
        self.leave = Button(theme, self.tr("Leave it"), "ghost")
        self._time = Label(theme, "", "caption", "text2")
        self._card = Card(theme, self.tr("What Resume will do"), margin=20)
        self._foot = Label(theme, "", "caption", "text2", wrap=True)
        self._assemble()
        self.resume.clicked.connect(lambda: self.resume_asked.emit(self.again.isChecked()))
        self.plan.clicked.connect(self.plan_asked)
        self.leave.clicked.connect(self.leave_asked)

    def show_interruption(self, found: Interruption, *, may_run: bool) -> None:
        """Show one; without the right to run exports there is nothing to press."""
        if self._found is None or self._found.run.id != found.run.id:
            self.again.setChecked(False)
        self._found = found
        self._say_what_happened(found)
        self._fill_numbers(found)
        self._strip.set_batches(found.batches)
        self._strip.setVisible(bool(found.batches))
        self._under_strip.set_words(
            self.tr("{batches} in the order of sending, {members}").format(
                batches=self._formats.counted(len(found.batches), "batches"),
                members=self._formats.counted(found.planned, "members"),
            )
        )
        self._under_strip.setVisible(bool(found.batches))
        groups = neighbours(found.batches)
        self._table.set_rows([_Row(str(group[0].number), group) for group in groups])
        self._fit_table()
        self._table.setVisible(bool(found.batches))
        self._tell_steps(found)
        self._card.setVisible(may_run)
        can = not found.hindrance
        self.resume.setVisible(can)
        self.again.setVisible(can and found.road is DoubtRoad.LEAVE and found.numbers.in_doubt > 0)
        self._time.set_words(self._takes(found) if can else "")
        self._foot.set_words(self._if_left(found))
        self._foot.setVisible(can)

    def _assemble(self) -> None:
        self._numbers.setHorizontalSpacing(24)
        self._numbers.setVerticalSpacing(0)
        self._steps.setContentsMargins(0, 0, 0, 0)
        self._steps.setSpacing(10)
        self._card.body.setSpacing(12)
        self._card.body.addLayout(self._steps)
        self._card.body.addWidget(self.again)
        self._card.body.addLayout(row(self.resume, self.plan, self.leave, None, self._time))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self._note)
        layout.addLayout(self._numbers)
        layout.addLayout(column(self._strip, self._under_strip, spacing=4))
        for part in (self._table, self._card, self._foot):
            layout.addWidget(part)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """With little room what is known stands below what Resume does."""
        super().resizeEvent(event)
        self._fit_table()

    def _fit_table(self) -> None:
        """Numbers of batches are never cut: with long ones what is known gives way as well."""
        if self._found is None or not self._found.batches:
            return
        table = self._table.table
        table.setColumnWidth(_BATCH, self._batch_width())
        table.set_column_visible("known", not self._is_narrow())
        table.viewport().update()

    def _batch_width(self) -> int:
        metrics, formats = self._theme.metrics("body-medium"), self._formats
        groups = neighbours(() if self._found is None else self._found.batches)
        longest = max((metrics.horizontalAdvance(numbers_words(group, formats)) for group in groups), default=0)
        return max(_BATCH_WIDTH, longest + 24)

    def _say_what_happened(self, found: Interruption) -> None:
        time = self._formats.clock_to_the_second(found.stopped_at)
        what = self.tr("Sendoff stopped at {time} while this run was going").format(time=time)
        if found.replaces_files:
            why = self.tr(
                "Sendoff was closed by force, or the computer shut down. Nothing at the destination was replaced."
            )
        elif not found.batches:
            why = self.tr("Sendoff was closed by force, or the computer shut down. Nothing had been sent yet.")
        elif found.road is DoubtRoad.LEAVE:
            why = self.tr(
                "Sendoff was closed by force, or the computer shut down. Everything sent until then is recorded batch by "
                "batch. Nobody is lost."
            )
        else:
            why = self.tr(
                "Sendoff was closed by force, or the computer shut down. Everything sent until then is recorded batch by "
                "batch. Nobody is lost, and nobody is there twice."
            )
        self._note.set_note("warning", what, f"{why} {found.hindrance}".strip())

    def _fill_numbers(self, found: Interruption) -> None:
        while (item := self._numbers.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        if not found.batches:
            return
        n, numbers = self._formats.number, found.numbers
        rejected = sum(batch.totals.rejected for batch in found.batches)
        arrived = self.tr("Arrived: {name} confirmed them").format(name=found.destination)
        if rejected:
            arrived = self.tr("Answered: {name} took {taken}, rejected {rejected}").format(
                name=found.destination, taken=n(numbers.answered - rejected), rejected=n(rejected)
            )
        figures = (
            (n(numbers.answered), arrived, "success" if numbers.answered > rejected else "text"),
            (n(numbers.in_doubt), self.tr("In doubt: sent, no answer seen"), "warning"),
            (n(numbers.not_sent), self.tr("Not sent"), "text"),
        )
        for at, (number, words, ink) in enumerate(figures):
            self._numbers.addWidget(Label(self._theme, number, "display", ink), 0, at)
            self._numbers.addWidget(Label(self._theme, words, "caption", "text2"), 1, at)
        self._numbers.setColumnStretch(len(figures), 1)

    def _columns(self) -> Sequence[Column[_Row]]:
        formats = self._formats
        return (
            Column(
                "batch",
                self.tr("Batch"),
                lambda r: TextCell(numbers_words(r.batches, formats), role="body-medium"),
                width=_BATCH_WIDTH,
            ),
            Column(
                "members",
                self.tr("Members"),
                lambda r: NumberCell(formats.number(sum(batch.members for batch in r.batches))),
                align="right",
                width=72,
            ),
            Column("state", self.tr("State"), self._state, width=98),
            Column(
                "known", self.tr("What is known"), lambda r: TextCell(self._known(r.batches), ink="text2"), width=214
            ),
            Column(
                "does", self.tr("What Resume does"), lambda r: self._does_and_known(r.batches), width=200, stretch=True
            ),
        )

    def _state(self, item: _Row) -> TextCell:
        look = look_of(item.batches[0].state)
        ink = look.ink if look.icon else "text2"
        return TextCell(state_words(item.batches[0].state), icon=_ICONS[look.icon], icon_role=ink)

    def _known(self, group: Sequence[Batch]) -> str:
        state = group[0].state
        if state is BatchState.WAITING:
            return self.tr("Never left this computer")
        settled = [batch.settled_at for batch in group if batch.settled_at is not None]
        if state is not BatchState.IN_DOUBT and settled:
            words = self.tr("Confirmed at {time}") if len(group) == 1 else self.tr("Confirmed, last one at {time}")
            return words.format(time=self._formats.clock_to_the_second(max(settled)))
        left = [batch.left_at for batch in group if batch.left_at is not None]
        words = self.tr("Sent {time}, no answer seen")
        return words.format(time=self._formats.clock_to_the_second(max(left))) if left else ""

    def _is_narrow(self) -> bool:
        return self.width() < _WIDE + self._batch_width() - _BATCH_WIDTH

    def _does_and_known(self, group: Sequence[Batch]) -> TextCell:
        lines = [self._does(group), self._known(group) if self._is_narrow() else ""]
        return TextCell(*filter(None, lines)) if any(lines) else TextCell("")

    def _does(self, group: Sequence[Batch]) -> str:
        if self._found is None or self._found.hindrance:
            return ""
        state = group[0].state
        if state is BatchState.WAITING:
            return self.tr("Send")
        if state is not BatchState.IN_DOUBT:
            return self.tr("Nothing")
        name = self._found.destination
        return {
            DoubtRoad.ASK: self.tr("Ask {name}, send the missing ones").format(name=name),
            DoubtRoad.SEND_AGAIN: self.tr("Send again, which does no harm"),
            DoubtRoad.LEAVE: self.tr("Leave it in doubt"),
        }[self._found.road]

    def _tell_steps(self, found: Interruption) -> None:
        while (item := self._steps.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        if found.hindrance:
            words = self.tr("Run the export again: it finds out what is missing and sends only that.")
            self._steps.addWidget(Label(self._theme, words, "body", "text2", wrap=True))
            return
        for number, (what, detail) in enumerate(self._step_words(found), 1):
            part = QWidget()
            words = column(
                Label(self._theme, what, "body-strong", wrap=True),
                Label(self._theme, detail, "caption", "text2", wrap=True),
                spacing=1,
            )
            mark = column(StepNumber(self._theme, number, "current", _STEP), None)
            line = row(mark, words, spacing=12)
            line.setStretch(1, 1)
            part.setLayout(line)
            self._steps.addWidget(part)

    def _step_words(self, found: Interruption) -> list[tuple[str, str]]:
        n, numbers, name = self._formats.number, found.numbers, found.destination
        in_doubt, not_sent = n(numbers.in_doubt), n(numbers.not_sent)
        if not found.batches:
            return [self._whole_step(found), self._last_step()]
        steps: list[tuple[str, str]] = []
        rest = self.tr("Send the {n} that never left").format(n=not_sent) if numbers.not_sent else ""
        if numbers.in_doubt and found.road is DoubtRoad.ASK:
            steps.append(
                (
                    self.tr("Ask {name} which of the {n} in doubt arrived").format(name=name, n=in_doubt),
                    self.tr("{name} can be asked, so nobody who arrived is sent twice.").format(name=name),
                )
            )
            rest = self.tr("Send those that did not arrive, then the other {n}").format(n=not_sent)
            if not numbers.not_sent:
                rest = self.tr("Send those that did not arrive")
        elif numbers.in_doubt and found.road is DoubtRoad.SEND_AGAIN:
            steps.append(
                (
                    self.tr("Send the {n} in doubt again").format(n=in_doubt),
                    self.tr("{name} can't be asked, but whoever is there stays there once.").format(name=name),
                )
            )
            rest = rest and self.tr("Then send the other {n}").format(n=not_sent)
        elif numbers.in_doubt:
            doubtful = [group for group in neighbours(found.batches) if group[0].state is BatchState.IN_DOUBT]
            which = ", ".join(numbers_words(group, self._formats) for group in doubtful)
            steps.append(
                (
                    self.tr("Leave the {n} in doubt as they are").format(n=in_doubt),
                    self.tr("{name} can't be asked. Sending batch {which} again may reach {members} twice.").format(
                        name=name, which=which, members=self._formats.counted(numbers.in_doubt, "members")
                    ),
                )
            )
            rest = rest and self.tr("Send the other {n}").format(n=not_sent)
        plan = self.tr(
            "With the plan of {time}. Who left, took consent back or was suppressed since then is left out."
        ).format(time=self._formats.clock(found.run.started_at or found.run.queued_at))
        if rest:
            steps.append((rest, plan))
        return [*steps, self._last_step()]

    def _whole_step(self, found: Interruption) -> tuple[str, str]:
        """What is done of a run that had sent nothing, and of one that writes files."""
        if found.replaces_files:
            return self.tr("Write the files again"), self.tr("The old ones stay until the new ones are whole.")
        return self.tr("Make the plan and send it"), self.tr("With the tables and rules of now.")

    def _last_step(self) -> tuple[str, str]:
        close = self.tr("The receipt will show both parts and the interruption.")
        return self.tr("Read back and close the run"), close

    def _takes(self, found: Interruption) -> str:
        """How long the rest takes at the speed of the first part."""
        seconds = seconds_between(found.run.started_at, found.stopped_at)
        if not seconds or not found.numbers.answered:
            return ""
        left = (found.numbers.in_doubt + found.numbers.not_sent) * seconds / found.numbers.answered
        return self.tr("Takes about {time}").format(time=self._formats.duration(max(1.0, left)))

    def _if_left(self, found: Interruption) -> str:
        if not found.numbers.in_doubt:
            return self._if_left_without_doubt(found)
        if found.next_due is None:
            return self.tr(
                "If you leave it, the next run of this export sees to the members in doubt and sends what is missing."
            )
        words = self.tr(
            "If you leave it, the next scheduled run, {day} {time}, sees to the members in doubt first and then sends what "
            "is missing."
        )
        due = found.next_due
        return words.format(day=self._formats.day_date(due), time=self._formats.clock(due))

    def _if_left_without_doubt(self, found: Interruption) -> str:
        if found.next_due is None:
            return self.tr("If you leave it, the next run of this export sends what is missing.")
        due = found.next_due
        words = self.tr("If you leave it, the next scheduled run, {day} {time}, sends what is missing.")
        return words.format(day=self._formats.day_date(due), time=self._formats.clock(due))
