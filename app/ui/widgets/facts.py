"""Short lists of facts in panels: a label at the left, its value at the right; ticks with words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.labels import IconLabel, Label, Line, row

LONG_LABEL = 22
"""Characters from which a label takes lines: on one it would push the values beyond the panel's edge."""


@dataclass(frozen=True)
class Fact:
    """One line; `strong` sets it off by a hairline and bold type, as a sum. `role` is the value's type, `tip` its tooltip."""

    label: str
    value: str
    ink: str = "text"
    strong: bool = False
    role: str = ""
    tip: str = ""


class FactList(QWidget):
    """Facts under each other; `set_facts` shows others. `align` "right" for numbers, "left" for words in a summary.

    With `sentences` the labels are long and the values short: labels take the room, and more lines than one.
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        align: str = "right",
        label_width: int = 0,
        sentences: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._right = align == "right"
        self._label_width = label_width
        self._sentences = sentences
        self._shown: tuple[Fact, ...] = ()
        self.setAccessibleName(name)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._values: list[Label] = []

    def facts(self) -> tuple[Fact, ...]:
        """What is shown."""
        return self._shown

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these; when only values changed, the labels stay where they are."""
        shown = tuple(facts)
        if shown == self._shown:
            return
        same = [(f.label, f.strong, f.role) for f in shown] == [(f.label, f.strong, f.role) for f in self._shown]
        self._shown = shown
        if same:
            for label, fact in zip(self._values, shown, strict=True):
                label.set_words(fact.value)
                label.set_ink(fact.ink)
                label.setToolTip(fact.tip)
            return
        self._clear()
        for fact in shown:
            self._add(fact)
        self.updateGeometry()

    def _clear(self) -> None:
        self._values.clear()
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _add(self, fact: Fact) -> None:
        at = self._grid.rowCount()
        if fact.strong:
            self._grid.addWidget(Line(self._theme), at, 0, 1, 2)
            at += 1
        role = "body-strong" if fact.strong else "body"
        wraps = bool(self._label_width) or self._sentences or len(fact.label) > LONG_LABEL
        label = Label(self._theme, fact.label, role, "text" if fact.strong else "text2", wrap=wraps)
        if self._label_width:
            label.setFixedWidth(self._label_width)
        # A long value takes a second line rather than the end of its words.
        value = Label(
            self._theme, fact.value, fact.role or role, fact.ink, wrap=not self._right or len(fact.value) > 18
        )
        side = Qt.AlignmentFlag.AlignRight if self._right else Qt.AlignmentFlag.AlignLeft
        height = Qt.AlignmentFlag.AlignTop if self._sentences else Qt.AlignmentFlag.AlignVCenter
        value.setAlignment(side | height)
        value.setAccessibleName(f"{fact.label}: {fact.value}")
        value.setToolTip(fact.tip)
        at_first_line = bool(self._label_width) or not wraps
        self._grid.addWidget(label, at, 0, Qt.AlignmentFlag.AlignTop if at_first_line else Qt.AlignmentFlag(0))
        self._grid.addWidget(value, at, 1)
        self._grid.setColumnStretch(0 if self._sentences else 1, 1)
        self._values.append(value)


class TickList(QWidget):
    """Sentences, each behind a tick or another mark."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[tuple[str, str, str], ...] = ()
        self.setAccessibleName(name)
        self._stack = QVBoxLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.setSpacing(6)

    def set_lines(self, lines: Sequence[str | tuple[str, str, str]]) -> None:
        """Show these; a line is its words, or (icon, colour role, words)."""
        shown = tuple(("check", "success", line) if isinstance(line, str) else line for line in lines)
        if shown == self._shown:
            return
        self._shown = shown
        while (item := self._stack.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for icon, role, words in shown:
            holder = QWidget()
            line = row(IconLabel(self._theme, icon, role, 14), Label(self._theme, words, "body", wrap=True), spacing=10)
            line.setStretch(1, 1)
            line.setAlignment(line.itemAt(0).widget(), Qt.AlignmentFlag.AlignTop)
            line.itemAt(0).widget().setFixedHeight(20)
            holder.setLayout(line)
            self._stack.addWidget(holder)
