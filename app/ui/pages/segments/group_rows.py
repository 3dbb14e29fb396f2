"""The conditions and groups of one group, below each other; groups stand in boxes of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.core.segment_editing import BLANK, add, put, remove, set_mode
from app.core.segments import Condition, Group, Mode, Place, Within
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.condition_row import ConditionRow, WindowLine, computed_of
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.labels import Card, Label, row
from app.ui.widgets.menus import Menu

JOINER = 46
DEEPEST_OFFERED = 3
"""The rule's own group and two levels inside it."""


class Joiner(KeyboardFocus, QPushButton):
    """WHERE, AND or OR before a condition; AND and OR turn into each other with a click."""

    def __init__(self, state: BuilderState, place: Place, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._number = number
        self.place = place
        self._mode = Mode.ALL
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(QSize(JOINER, 32))
        self.setAutoDefault(False)
        if number == 0:
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.clicked.connect(self._on_clicked)
        self.show_mode(Mode.ALL)

    def show_mode(self, mode: Mode) -> None:
        """Show how the group is joined."""
        self._mode = mode
        words = self.tr("AND") if mode is Mode.ALL else self.tr("OR")
        if self._number == 0:
            words = self.tr("WHERE")
        else:
            other = self.tr("Any of them is enough") if mode is Mode.ALL else self.tr("All of them must be met")
            self.setToolTip(other)
            self.setAccessibleDescription(other)
        self.setText(words)
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the word."""
        painter, theme = QPainter(self), self._state.context.theme
        live = self._number > 0 and self.underMouse()
        paint.text(painter, theme, self.rect(), self.text(), role="micro", ink="accent_text" if live else "text3")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect().adjusted(-2, 4, -4, -4), 4)

    def _on_clicked(self) -> None:
        other = Mode.ANY if self._mode is Mode.ALL else Mode.ALL
        self._state.do(lambda s: set_mode(s, self.place, other))


class GroupRows(QWidget):
    """The items of a group. Rows stay while their number and kinds stay; only what changed is shown anew.

    Many rows are made over several turns, so that a long rule never stalls the window.
    """

    def __init__(
        self,
        state: BuilderState,
        place: Place,
        *,
        computed: str = "",
        joiners: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._computed = computed
        self._joiners = joiners
        self.place = place
        self._group = Group(Mode.ALL, ())
        self._shape: tuple[str, ...] = ()
        self.items: list[ConditionRow | GroupBox] = []
        self._words: list[Joiner] = []
        self._stack = QVBoxLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.setSpacing(6)

    def show_group(self, group: Group, place: Place) -> None:
        """Show another state of the group."""
        self.place = place
        self._group = group
        shape = tuple(_kind(item) for item in group.items)
        if shape != self._shape:
            self._drop_what_differs(shape)
        for number in range(len(self.items)):
            self._show_item(number)
        for joiner in self._words:
            joiner.place = place
            joiner.show_mode(group.mode)
        self._build_more()

    def rows(self) -> list[ConditionRow]:
        """Every condition in it, also of the groups inside."""
        found: list[ConditionRow] = []
        for item in self.items:
            found += [item] if isinstance(item, ConditionRow) else item.inner.rows()
        return found

    def focus_last(self) -> None:
        """Go to the field of the newest condition."""
        if self.items:
            last = self.items[-1]
            if isinstance(last, ConditionRow):
                last.field.setFocus(Qt.FocusReason.TabFocusReason)
            else:
                last.inner.focus_last()

    def _drop_what_differs(self, shape: tuple[str, ...]) -> None:
        """Keep the rows at the front that fit."""
        same = 0
        for old, new in zip(self._shape, shape, strict=False):
            if old != new:
                break
            same += 1
        for number in reversed(range(same, len(self.items))):
            taken = self._stack.takeAt(number)
            widget = None if taken is None else taken.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        del self.items[same:]
        del self._words[same:]
        self._shape = shape

    def _build_more(self) -> None:
        """Make the row that is missing; of several, one a turn."""
        missing = len(self._shape) - len(self.items)
        if missing == 1:
            self._build_next()
        elif missing > 1:
            self._state.turns.later(self, self._build_next, first=True)

    def _build_next(self) -> None:
        number = len(self.items)
        if number >= len(self._shape):
            return
        if number + 1 < len(self._shape):
            self._state.turns.later(self, self._build_next, first=True)
        self._add(number, self._shape[number])
        self._show_item(number)

    def _show_item(self, number: int) -> None:
        widget, item, place = self.items[number], self._group.items[number], (*self.place, number)
        if isinstance(item, Group) and isinstance(widget, GroupBox):
            widget.show_group(item, place)
        elif isinstance(item, Condition) and isinstance(widget, ConditionRow):
            widget.show_condition(item, place)

    def _add(self, number: int, kind: str) -> None:
        place = (*self.place, number)
        made: ConditionRow | GroupBox
        if kind == "condition":
            made = ConditionRow(self._state, place, self._computed)
            made.show_issue(self._state.issue_at(place))
        else:
            made = GroupBox(self._state, place, kind.removeprefix("group "))
        self.items.append(made)
        if not self._joiners:
            self._stack.addWidget(made)
            return
        joiner = Joiner(self._state, self.place, number)
        joiner.show_mode(self._group.mode)
        self._words.append(joiner)
        line = QWidget()
        layout = row(joiner, made, spacing=6)
        layout.setAlignment(joiner, Qt.AlignmentFlag.AlignTop)
        layout.setStretch(1, 1)
        line.setLayout(layout)
        self._stack.addWidget(line)


class GroupBox(QWidget):
    """A group inside a rule: how it is joined, its conditions, and for linked rows which of them count.

    `computed` is the linked table when all its conditions are computed from that one.
    """

    def __init__(self, state: BuilderState, place: Place, computed: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self._state = state
        self._computed = computed
        self._group = Group(Mode.ALL, ())
        self.place = place
        self._title = Label(theme, computed, "body", "text2")
        self.change = IconButton(theme, "pencil-simple", self.tr("Change which rows count"))
        self.change.setCheckable(True)
        self._head = QWidget()
        self._head.setLayout(row(self._title, self.change, None, spacing=4))
        self._head.setFixedHeight(32)
        self.mode = Segmented(
            theme,
            self.tr("How the group is joined"),
            [Choice(Mode.ALL.value, self.tr("All of")), Choice(Mode.ANY.value, self.tr("Any of"))],
        )
        self.more = IconButton(theme, "plus", self.tr("Add to this group"))
        self.remove = IconButton(theme, "x", self.tr("Remove this group"))
        self.window_line: WindowLine | None = None
        self.inner = GroupRows(state, place, computed=computed, joiners=False)
        card = Card(theme, margin=9, fill="subtle")
        card.body.addLayout(row(self.mode, None, self.more, self.remove, spacing=2))
        self._body = card.body
        card.body.addWidget(self.inner)
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(6)
        stack.addWidget(self._head)
        stack.addWidget(card)
        self._head.setVisible(bool(computed))
        self.mode.chosen.connect(lambda key: state.do(lambda s: set_mode(s, self.place, Mode(key))))
        self.more.clicked.connect(self._on_more)
        self.change.toggled.connect(lambda _on: self._show_window(self._within()))
        self.remove.clicked.connect(lambda: state.do(lambda s: remove(s, self.place)))

    def show_group(self, group: Group, place: Place) -> None:
        """Show another state of the group."""
        self.place = place
        self._group = group
        self.mode.set_current(group.mode.value)
        if self._computed:
            within = self._within()
            self._title.set_words(self._heading(within))
            self._show_window(within)
        self.inner.show_group(group, place)

    def _show_window(self, within: Within | None) -> None:
        """The fields that change the window, made when they are first wanted."""
        if self.change.isChecked() and self.window_line is None:
            self.window_line = WindowLine(self._state)
            self.window_line.edited.connect(self._on_within)
            self._body.insertWidget(1, self.window_line)
        if self.window_line is not None:
            self.window_line.show_within(self._computed, within)
            if not self.change.isChecked():
                self.window_line.hide()
        fields = self._state.fields
        self.change.setVisible(fields is not None and bool(fields.dates(self._computed)))

    def _heading(self, within: Within | None) -> str:
        if within is None:
            return self.tr("{table} at any time").format(table=self._computed)
        return self.tr("{table} in the last {span}").format(table=self._computed, span=within.last)

    def _on_more(self) -> None:
        if self._computed:
            self._add_computed(self._computed)
            return
        if len(self.place) >= DEEPEST_OFFERED:
            self._add(BLANK)
            return
        menu = Menu(self._state.context.theme, self.tr("Add to this group"), self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.add(self.tr("Condition"), lambda: self._add(BLANK), icon="plus")
        fill_group_menu(menu, self._state, self._add)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _add_computed(self, table: str) -> None:
        found = None if self._state.ground is None else self._state.ground.catalog.table(table)
        if found is None:
            return
        new = computed_of(table, found.key or found.columns[0].name)
        within = self._within()
        self._add(replace(new, within=within))

    def _add(self, item: Condition | Group) -> None:
        self._state.do(lambda s: add(s, self.place, item))
        self.inner.focus_last()

    def _within(self) -> Within | None:
        """The window all its conditions have."""
        return next((item.within for item in self._group.items if isinstance(item, Condition)), None)

    def _on_within(self, within: Within | None) -> None:
        """The window of the group is that of each of its conditions."""
        items = tuple(replace(i, within=within) if isinstance(i, Condition) else i for i in self._group.items)
        group = replace(self._group, items=items)
        self._state.do(lambda s: put(s, self.place, group), f"within {self.place}")


class AddLinks(QWidget):
    """Add condition, Add group: below the conditions of a rule. Signal `added()` after something was."""

    added = Signal()

    def __init__(self, state: BuilderState, place: Place, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self.place = place
        self.condition = Button(theme, self.tr("Add condition"), "link", icon="plus")
        self.group = Button(theme, self.tr("Add group"), "link", icon="plus")
        self.setLayout(row(self.condition, self.group, None, spacing=16, margins=(JOINER + 6, 0, 0, 0)))
        self._state = state
        self.condition.clicked.connect(lambda: self._add(BLANK))
        self.group.clicked.connect(self._on_group)

    def _add(self, item: Condition | Group) -> None:
        self._state.do(lambda s: add(s, self.place, item))
        self.added.emit()

    def _on_group(self) -> None:
        menu = Menu(self._state.context.theme, self.tr("Add group"), self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        fill_group_menu(menu, self._state, self._add)
        menu.popup(self.group.mapToGlobal(self.group.rect().bottomLeft()))


def fill_group_menu(menu: Menu, state: BuilderState, chosen: Callable[[Group], None]) -> None:
    """Offer a group of conditions, and one about the rows of each linked table."""
    menu.add(menu.tr("Group of conditions"), lambda: chosen(Group(Mode.ANY, (BLANK,))), icon="brackets-curly")
    for table in state.fields.linked if state.fields is not None else ():
        first = computed_of(table.name, table.key or table.columns[0].name)
        menu.add(
            menu.tr("{table}: counts, sums and dates").format(table=table.name),
            lambda first=first: chosen(Group(Mode.ALL, (first,))),
            icon="table",
        )


def _kind(item: Condition | Group) -> str:
    """What tells one widget from another: a condition, a group, or a group about one linked table."""
    return "condition" if isinstance(item, Condition) else f"group {linked_table(item)}"


def linked_table(group: Group) -> str:
    """The one table from whose rows all its conditions are computed, within one window; empty when there is none."""
    if not group.items or not all(isinstance(item, Condition) and item.aggregate is not None for item in group.items):
        return ""
    asked = {(item.field.table, item.within) for item in group.items if isinstance(item, Condition)}
    return next(iter(asked))[0] if len(asked) == 1 else ""
