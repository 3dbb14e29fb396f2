"""One condition of a rule: field, question, value; what is wrong with it below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.segment_editing import NO_VALUE, incomplete, put, remove, with_field, with_operator
from app.core.segment_questions import operators_for
from app.core.segments import Aggregate, Condition, FieldRef, Operator, Place, Segment, Span, Unit, Within
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.value_editor import Value, ValuePart, make_part, part_kind, unit_picker
from app.ui.pages.segments.words import field_key, field_of, operator_word
from app.ui.widgets.buttons import IconButton
from app.ui.widgets.fields import Input
from app.ui.widgets.labels import IconLabel, Label, row
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker

FIELD, QUESTION, VALUE = 158, 130, 138
ANY_TIME = "any"


class Problem(QWidget):
    """One sentence under a control, with its mark."""

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self._line = Label(theme, "", "caption", "danger", wrap=True)
        mark = IconLabel(theme, "warning-circle-fill", "danger", 14)
        self.setLayout(row(mark, self._line, spacing=6))
        self.layout().setStretch(1, 1)
        self.hide()

    def words(self) -> str:
        """What is said; empty when nothing is."""
        return self._line.words()

    def say(self, sentence: str) -> None:
        """Say something, or nothing."""
        self._line.set_words(sentence)
        self.setVisible(bool(sentence))


class WindowLine(QWidget):
    """Which linked rows count: all of them, or those of the last months. Signal `edited(object)` gives a `Within` or None."""

    edited = Signal(object)

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self._state = state
        self._table = ""
        self._dates: tuple[str, ...] = ()
        self._within: Within | None = None
        self.when = Picker(theme, self.tr("Which rows count"), least_width=220)
        self.when.setMinimumWidth(150)
        self.number = Input(theme, name=self.tr("How many"))
        self.number.setFixedWidth(52)
        self.number.setMaxLength(5)
        self.unit = unit_picker(theme)
        self.setLayout(row(self.when, self.number, self.unit, None, spacing=6))
        self.when.chosen.connect(self._on_when_chosen)
        self.number.textEdited.connect(lambda _words: self._tell())
        self.unit.chosen.connect(lambda _key: self._tell())

    def show_within(self, table: str, within: Within | None) -> None:
        """Show the window of a condition on that table; hidden where no column says when."""
        dates = self._state.fields.dates(table) if self._state.fields is not None else ()
        if (table, dates) != (self._table, self._dates):
            self._table, self._dates = table, dates
            last = self.tr("{field} in the last")
            self.when.set_items(
                [PickItem(ANY_TIME, self.tr("At any time")), *(PickItem(d, last.format(field=d)) for d in dates)]
            )
        self._within = within
        self.setVisible(bool(dates) or within is not None)
        self.when.set_current_key(ANY_TIME if within is None else within.field.column)
        for part in (self.number, self.unit):
            part.setVisible(within is not None)
        if within is not None:
            if self.number.text() != str(within.last.number) and not self.number.hasFocus():
                self.number.setText(str(within.last.number))
            self.unit.set_current_key(within.last.unit.value)

    def _on_when_chosen(self, key: str) -> None:
        if key == ANY_TIME:
            self.edited.emit(None)
            return
        last = self._within.last if self._within is not None else Span(12, Unit.MONTHS)
        self.edited.emit(Within(FieldRef(self._table, key), last))

    def _tell(self) -> None:
        text = self.number.text().strip()
        good = text.isascii() and text.isdigit() and int(text) > 0
        self.number.set_error_state(not good)
        if good and self._within is not None:
            self.edited.emit(replace(self._within, last=Span(int(text), Unit(self.unit.current_key()))))


class ConditionRow(QWidget):
    """Shows the condition at its place and edits it; `computed` is the linked table whose values alone are offered, or "".

    It stays while other parts are edited, so the focus stays with it.
    """

    def __init__(self, state: BuilderState, place: Place, computed: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self._state = state
        self._computed = computed
        self.place = place
        self._condition: Condition | None = None
        self._kind = ""
        self._issue = ""
        self._typed_problem = ""
        self.field = Picker(theme, self.tr("Field"), placeholder=self.tr("Choose a field"))
        self.field.setMinimumWidth(110)
        self.question = Picker(theme, self.tr("Question"), least_width=180)
        self.part: ValuePart | None = None
        self._value = QWidget()
        self._value_line = QHBoxLayout(self._value)
        self._value_line.setContentsMargins(0, 0, 0, 0)
        self.remove = IconButton(theme, "x", self.tr("Remove this condition"))
        self.window_line: WindowLine | None = None
        self.problem = Problem(state)
        line = row(self.field, self.question, self._value, self.remove, spacing=6)
        for at, share in enumerate((FIELD, QUESTION, VALUE)):
            line.setStretch(at, share)
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(6)
        stack.addLayout(line)
        stack.addWidget(self.problem)
        self.field.chosen.connect(self._on_field_chosen)
        self.question.chosen.connect(self._on_question_chosen)
        self.remove.clicked.connect(lambda: state.do(lambda s: remove(s, self.place)))

    def show_condition(self, condition: Condition, place: Place) -> None:
        """Show another state of the condition."""
        self.place = place
        fields = self._state.fields
        if fields is None:
            return
        before, self._condition = self._condition, condition
        column = fields.column_type(condition.field)
        key = field_key(condition.field, condition.aggregate)
        if before is None or field_key(before.field, before.aggregate) != key:
            self.field.set_items(self._items(condition))
            self.field.set_current_key(key)
            words = [(o.value, operator_word(o)) for o in operators_for(column, condition.aggregate)]
            if condition.operator.value not in dict(words):
                words.append((condition.operator.value, operator_word(condition.operator)))
            self.question.set_items([PickItem(k, w) for k, w in words])
        self.question.setEnabled(bool(condition.field.table))
        self.question.set_current_key(condition.operator.value)
        self._show_part(condition, part_kind(condition, column))
        self._show_window(condition)
        self._mark()

    def show_issue(self, sentence: str) -> None:
        """Say what the tables have against it."""
        self._issue = sentence
        self._mark()

    def _items(self, condition: Condition) -> Sequence[PickItem]:
        """All that can be asked about, and what is asked about now even when it is gone."""
        fields = self._state.fields
        assert fields is not None
        items = fields.computed.get(self._computed, ()) if self._computed else fields.all
        key = field_key(condition.field, condition.aggregate)
        if not key or any(item.key == key for item in items):
            return items
        words = fields.words(condition.field, condition.aggregate, short=bool(self._computed))
        return (PickItem(key, words, "", enabled=False), *items)

    def _show_window(self, condition: Condition) -> None:
        """Which rows count, where something is computed and no group says it for all."""
        if condition.aggregate is not None and not self._computed:
            if self.window_line is None:
                self.window_line = WindowLine(self._state)
                self.window_line.edited.connect(self._on_within)
                self.layout().insertWidget(1, self.window_line)
            self.window_line.show_within(condition.field.table, condition.within)
        elif self.window_line is not None:
            self.window_line.hide()

    def _show_part(self, condition: Condition, kind: str) -> None:
        if kind != self._kind or (self.part is None and kind):
            self._kind = kind
            self._typed_problem = ""
            if self.part is not None:
                self._value_line.removeWidget(self.part)
                self.part.hide()
                self.part.deleteLater()
            fields = self._state.fields
            assert fields is not None
            self.part = make_part(self._state, condition, fields.column_type(condition.field))
            if self.part is not None:
                self._value_line.addWidget(self.part)
                self.part.edited.connect(self._on_value)
                self.part.problem.connect(self._on_typed_problem)
        if self.part is not None:
            self.part.show_value(condition.value)

    def _mark(self) -> None:
        """Outline what is unfinished or wrong, and say why below."""
        condition = self._condition
        if condition is None:
            return
        gone = bool(self._issue)
        self.field.set_error_state(gone or not condition.field.table)
        if self.part is not None:
            lacks = bool(condition.field.table) and incomplete(condition)
            self.part.mark(wrong=lacks or bool(self._typed_problem))
        self.problem.say(self._typed_problem or self._issue)

    def _edit(self, change: Callable[[Condition], Condition], typing: str = "") -> None:
        assert self._condition is not None
        new = change(self._condition)

        def edit(segment: Segment) -> Segment:
            return put(segment, self.place, new)

        self._state.do(edit, typing)

    def _on_field_chosen(self, key: str) -> None:
        field, aggregate = field_of(key)
        fields = self._state.fields
        assert fields is not None
        self._issue = self._typed_problem = ""
        kind = fields.column_type(field)
        self._edit(lambda condition: with_field(condition, field, kind, aggregate))

    def _on_question_chosen(self, key: str) -> None:
        self._typed_problem = ""
        self._edit(lambda condition: with_operator(condition, Operator(key)))

    def _on_value(self, value: Value) -> None:
        typing = f"value {self.place}"
        self._edit(lambda condition: replace(condition, value=value), typing)

    def _on_typed_problem(self, sentence: str) -> None:
        self._typed_problem = sentence
        self._mark()

    def _on_within(self, within: Within | None) -> None:
        self._edit(lambda condition: replace(condition, within=within), f"within {self.place}")


def computed_of(table: str, key: str) -> Condition:
    """The first thing asked about linked rows: how many there are."""
    return Condition(FieldRef(table, key), Operator.AT_LEAST, NO_VALUE, Aggregate.COUNT)
