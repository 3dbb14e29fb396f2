"""The right side of a condition: what its value is typed, picked or chosen with, by operator and type."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.core.segment_editing import NO_VALUE
from app.core.segment_questions import DATES, EMPTY, LISTS, NUMBERS, WINDOW, asked_type
from app.core.segments import Condition, Operator, Scalar, Span, Unit
from app.core.tables import ColumnType
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.values import read, shown
from app.ui.pages.segments.words import unit_word
from app.ui.theme import Theme
from app.ui.widgets.fields import Input
from app.ui.widgets.labels import Label
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker
from app.ui.widgets.value_picker import ValueItem, ValuePicker

Value = Scalar | tuple[Scalar, ...] | Span
MOST_DIGITS = 5


class ValuePart(QWidget):
    """One way to give a value. Signal `edited(object)` gives it, `NO_VALUE` while it is none; `problem(str)` what is wrong."""

    edited = Signal(object)
    problem = Signal(str)

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.theme = state.context.theme
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)
        self.line.setSpacing(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_value(self, value: Value) -> None:
        """Show a value without `edited`."""

    def mark(self, *, wrong: bool) -> None:
        """Give it the danger edge."""


class Typed(ValuePart):
    """One value that is typed, or two with "and" between them."""

    def __init__(self, state: BuilderState, kind: ColumnType, *, two: bool = False) -> None:
        super().__init__(state)
        self._kind = kind
        self._two = two
        example = {ColumnType.TIME: "18:30", **dict.fromkeys(DATES, "31 Mar 2026"), **dict.fromkeys(NUMBERS, "0")}
        names = (self.tr("From"), self.tr("To")) if two else (self.tr("Value"),)
        self.inputs = [Input(self.theme, name=name, placeholder=example.get(kind, "")) for name in names]
        for number, field in enumerate(self.inputs):
            if number:
                self.line.addWidget(Label(self.theme, self.tr("and"), "caption", "text2"))
            field.setMinimumWidth(56)
            self.line.addWidget(field, 1)
            field.textEdited.connect(self._on_edited)
            field.editingFinished.connect(self._on_left)

    def show_value(self, value: Value) -> None:
        """Show it, unless what stands here means the same: nothing is rewritten under the fingers of who types."""
        if value != self._value(self._read()[0]):
            self._write(value)

    def mark(self, *, wrong: bool) -> None:
        """Give the fields the danger edge."""
        for field in self.inputs:
            field.set_error_state(wrong)

    def _read(self) -> tuple[list[Scalar], str]:
        """The values, None for those that are none, and the first text that can't be read."""
        found: list[Scalar] = []
        wrong = ""
        for field in self.inputs:
            text = field.text()
            if self._kind is ColumnType.TEXT and text.strip():
                found.append(text)
                continue
            try:
                found.append(read(text, self._kind, self.state.context.formats))
            except ValueError:
                found.append(None)
                wrong = wrong or text.strip()
        return found, wrong

    def _value(self, found: list[Scalar]) -> Value:
        if self._two:
            return tuple(found) if any(value is not None for value in found) else NO_VALUE
        return NO_VALUE if found[0] is None else found[0]

    def _write(self, value: Value) -> None:
        values = value if isinstance(value, tuple) else (value,)
        for number, field in enumerate(self.inputs):
            each = values[number] if number < len(values) else None
            words = "" if isinstance(each, Span) else shown(each, self._kind, self.state.context.formats)
            if field.text() != words:
                field.setText(words)

    def _on_edited(self, _words: str) -> None:
        self.problem.emit("")
        self.edited.emit(self._value(self._read()[0]))

    def _on_left(self) -> None:
        found, wrong = self._read()
        if not wrong:
            self.problem.emit("")
            self._write(self._value(found))
        elif self._kind in NUMBERS:
            self.problem.emit(self.tr("“{text}” is not a number.").format(text=wrong))
        elif self._kind is ColumnType.TIME:
            self.problem.emit(self.tr("“{text}” is not a time of day. Write for example 18:30.").format(text=wrong))
        else:
            self.problem.emit(self.tr("“{text}” is not a date. Write for example 2026-03-31.").format(text=wrong))


class Picked(ValuePart):
    """One value or several from the most frequent ones, or typed."""

    def __init__(self, state: BuilderState, condition: Condition, kind: ColumnType, *, several: bool) -> None:
        super().__init__(state)
        self._kind = kind
        self._several = several
        self._condition = condition
        name = self.tr("Values") if several else self.tr("Value")
        self.picker = ValuePicker(self.theme, name, several=several, accepts=self._accepts, shows=self._shows)
        self.line.addWidget(self.picker, 1)
        self.picker.changed.connect(self._on_changed)
        self.picker.opened.connect(self._offer)
        state.values_ready.connect(self._on_values_ready)

    def show_value(self, value: Value) -> None:
        """Show what is chosen."""
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        self.picker.set_values([self._plain(v) for v in values if not isinstance(v, Span)])

    def mark(self, *, wrong: bool) -> None:
        """Give it the danger edge."""
        self.picker.set_error_state(wrong)

    def _plain(self, value: Scalar) -> str:
        if value is None:
            return ""
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _accepts(self, text: str) -> str:
        text = text.strip()
        if not text or self._kind is ColumnType.TEXT:
            return text
        if self._kind is ColumnType.BOOLEAN:
            words = {self.tr("Yes"): "true", self.tr("No"): "false"}
            return next((kept for word, kept in words.items() if text.casefold() in {word.casefold(), kept}), "")
        try:
            return str(read(text, self._kind, self.state.context.formats))
        except ValueError:
            return ""

    def _shows(self, text: str) -> str:
        if not text:
            return self.tr("(empty)")
        if self._kind is ColumnType.BOOLEAN:
            return self.tr("Yes") if text == "true" else self.tr("No")
        return shown(self._value(text), self._kind, self.state.context.formats)

    def _value(self, text: str) -> Scalar:
        """The scalar a kept text stands for."""
        if self._kind is ColumnType.BOOLEAN and text:
            return text == "true"
        if self._kind not in NUMBERS or not text:
            return text
        number = float(text)
        return int(text) if text.lstrip("-").isdigit() else number

    def _on_changed(self, texts: tuple[str, ...]) -> None:
        values = tuple(self._value(text) for text in texts)
        self.edited.emit(values if self._several else values[0] if values else NO_VALUE)

    def _offer(self) -> None:
        popup = self.picker.popup
        if popup is None:
            return
        frequent = () if self._condition.aggregate is not None else self.state.values(self._condition.field)
        if frequent is None:
            return
        number = self.state.context.formats.number
        items = [ValueItem(value, self._shows(value), number(rows)) for value, rows in frequent]
        popup.set_frequent(items, "" if items else self.tr("No frequent values here: type one."))

    def _on_values_ready(self, field: object) -> None:
        if field == self._condition.field:
            self._offer()


class YesNo(ValuePart):
    """Yes or no."""

    def __init__(self, state: BuilderState) -> None:
        super().__init__(state)
        items = [PickItem("true", self.tr("Yes")), PickItem("false", self.tr("No"))]
        self.select = Picker(self.theme, self.tr("Value"), items, placeholder=self.tr("Choose"), least_width=160)
        self.line.addWidget(self.select, 1)
        self.select.chosen.connect(lambda key: self.edited.emit(key == "true"))

    def show_value(self, value: Value) -> None:
        """Show it; a list of one is that one."""
        if isinstance(value, tuple) and len(value) == 1:
            (value,) = value
        self.select.set_current_key(str(value).lower() if isinstance(value, bool) else "")

    def mark(self, *, wrong: bool) -> None:
        """Give it the danger edge."""
        self.select.set_error_state(wrong)


class Length(ValuePart):
    """A number and a unit of time."""

    def __init__(self, state: BuilderState) -> None:
        super().__init__(state)
        self._span = Span(30, Unit.DAYS)
        self.number = Input(self.theme, name=self.tr("How many"))
        self.number.setMaxLength(MOST_DIGITS)
        self.number.setFixedWidth(56)
        self.unit = unit_picker(self.theme)
        self.line.addWidget(self.number)
        self.line.addWidget(self.unit, 1)
        self.number.textEdited.connect(lambda _words: self._tell())
        self.number.editingFinished.connect(self._on_left)
        self.unit.chosen.connect(lambda _key: self._tell())

    def show_value(self, value: Value) -> None:
        """Show it."""
        if isinstance(value, Span):
            self._span = value
            if not self.number.hasFocus() or self.number.text() != str(value.number):
                self.number.setText(str(value.number))
            self.unit.set_current_key(value.unit.value)

    def mark(self, *, wrong: bool) -> None:
        """Give it the danger edge."""
        self.number.set_error_state(wrong)

    def _tell(self) -> None:
        text = self.number.text().strip()
        if text.isascii() and text.isdigit() and int(text) > 0:
            self._span = Span(int(text), Unit(self.unit.current_key()))
            self.problem.emit("")
            self.edited.emit(self._span)
        else:
            self.edited.emit(NO_VALUE)

    def _on_left(self) -> None:
        text = self.number.text().strip()
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            self.problem.emit(self.tr("A length of time needs a whole number above zero."))


def unit_picker(theme: Theme) -> Picker:
    """A picker of units of time."""
    items = [PickItem(unit.value, unit_word(unit)) for unit in Unit]
    made = Picker(theme, QCoreApplication.translate("ValuePart", "Unit of time"), items, least_width=160)
    made.setMinimumWidth(84)
    return made


def part_kind(condition: Condition, column: ColumnType) -> str:
    """Which of the parts a condition needs; a part of the same kind can go on showing another value."""
    kind, operator = asked_type(column, condition.aggregate), condition.operator
    if not condition.field.table or operator in EMPTY:
        return ""
    if operator in WINDOW:
        return "length"
    if operator in LISTS:
        return f"several {kind} {condition.field} {condition.aggregate}"
    if kind is ColumnType.BOOLEAN:
        return "yes or no"
    if operator is Operator.BETWEEN:
        return f"two {kind}"
    if kind is ColumnType.TEXT and operator in {Operator.IS, Operator.IS_NOT}:
        return f"one {kind} {condition.field}"
    return f"typed {kind}"


def make_part(state: BuilderState, condition: Condition, column: ColumnType) -> ValuePart | None:
    """The part a condition needs; None when it asks for no value."""
    kind = asked_type(column, condition.aggregate)
    makers: dict[str, Callable[[], ValuePart]] = {
        "length": lambda: Length(state),
        "several": lambda: Picked(state, condition, kind, several=True),
        "yes": lambda: YesNo(state),
        "two": lambda: Typed(state, kind, two=True),
        "one": lambda: Picked(state, condition, kind, several=False),
        "typed": lambda: Typed(state, kind),
    }
    word = part_kind(condition, column).partition(" ")[0]
    return makers[word]() if word else None
