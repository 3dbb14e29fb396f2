"""Parts of the receipt's page: a heading over a table of lines, a card of facts under its heading."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.ui.pages.receipt.words import Figure, Line
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.columns import Column, NumberCell, TextCell
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Card, Label, clear, row
from app.ui.widgets.table import DataTable

ROW, MOST_ROWS, EDGE = 36, 40, 16


class FigureCard(Card):
    """The numbers in one line."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__(theme, margin=0)
        self._theme = theme
        self._grid = QGridLayout()
        self._grid.setContentsMargins(19, 12, 19, 12)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(0)
        self.body.addLayout(self._grid)
        self.setAccessibleName(name)

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show these."""
        clear(self._grid)
        for at, figure in enumerate(figures):
            self._grid.addWidget(Label(self._theme, figure.number, "number", figure.ink), 0, at)
            self._grid.addWidget(Label(self._theme, figure.words, "caption", "text2"), 1, at)
            self._grid.setColumnStretch(at, 1 if at < len(figures) - 1 else 0)


class LineTable(QWidget):
    """A heading, a remark at the right, and a table of lines; hidden while there are none.

    `look` has a letter a column: "c" code that takes the width left, "p" code elided in the middle (paths) that does, "r" code
    at the right that does, "w" words, "t" what the line is called, "n" numbers, "m" code at the right. `widths` are px.
    """

    def __init__(self, theme: Theme, title: str, columns: Sequence[str], look: str, widths: Sequence[int]) -> None:
        super().__init__()
        self._remark = Label(theme, "", "caption", "text2")
        made = [
            _column(at, words, kind, width)
            for at, (words, kind, width) in enumerate(zip(columns, look, widths, strict=True))
        ]
        self.table = DataTable(theme, title, made, row_height=ROW, sortable=False, edge=EDGE, in_card=True)
        card = Card(theme, margin=1)
        card.body.setContentsMargins(1, 4, 1, 4)  # the square viewport would cover the corners
        card.body.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row(Label(theme, title, "subtitle"), None, self._remark))
        layout.addWidget(card)

    def show_lines(self, lines: Sequence[Line], remark: str = "") -> None:
        """Show these; more than a few scroll in place."""
        self.setVisible(bool(lines))
        self._remark.set_words(remark)
        self.table.set_rows(lines)
        few = len(lines) <= MOST_ROWS
        policy = Qt.ScrollBarPolicy
        self.table.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOff if few else policy.ScrollBarAsNeeded)
        # The line under the last row is the card's edge.
        self.table.set_height_in_rows(min(MOST_ROWS, max(1, len(lines))), -1)


def _column(at: int, words: str, kind: str, width: int) -> Column[Line]:
    def cell(line: Line) -> TextCell | NumberCell:
        text = line.cells[at]
        if kind == "n":
            return NumberCell(text, ink="text2" if text == "0" else "text")
        return TextCell(text, role="mono" if kind in "cpmr" else "body", ink="text" if kind in "cpt" else "text2")

    return Column(
        str(at),
        words,
        cell,
        tooltip=(lambda line: line.sum) if kind in "mr" else None,
        align="right" if kind in "nmr" else "left",
        width=width,
        stretch=kind in "cpr",
        middle=kind == "p",
    )


class FactCard(QWidget):
    """A heading with what stands beside it, and facts in a card; see `FactList` for `sentences`. Signal `link_asked`."""

    link_asked = Signal()

    def __init__(self, theme: Theme, title: str, link: str = "", *, sentences: bool = False) -> None:
        super().__init__()
        self._remark = Label(theme, "", "body", "text2")
        self.link = Button(theme, link, "link", parent=self)
        self.link.setVisible(bool(link))
        self.facts = FactList(theme, title, sentences=sentences)
        card = Card(theme, margin=15)
        card.body.addWidget(self.facts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        head = row(Label(theme, title, "subtitle"), self._remark, None)
        if link:
            head.addWidget(self.link)
        layout.addLayout(head)
        layout.addWidget(card)
        self.link.clicked.connect(self.link_asked)

    def show_facts(self, facts: Sequence[Fact], remark: str = "") -> None:
        """Show these; hidden while there are none."""
        self.setVisible(bool(facts))
        self._remark.set_words(remark)
        self.facts.set_facts(facts)
