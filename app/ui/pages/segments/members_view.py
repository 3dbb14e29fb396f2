"""The first members of a segment as a small table, personal values hidden until somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.formats import NOTHING
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.columns import Column, TextCell
from app.ui.widgets.labels import Card, IconLine, Label, clear, row
from app.ui.widgets.table import ROW_ONE_LINE, DataTable

if TYPE_CHECKING:
    from app.services.segment_members import MemberPage

SHOWN_COLUMNS = 5
EDGE, NARROWEST, WIDEST, PADDING = 16, 56, 132, 18


@dataclass(frozen=True)
class _MemberRow:
    key: str
    values: tuple[Any, ...]


class MembersView(QWidget):
    """Heading, Show and the rows. Signal `show_asked()`."""

    show_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._hidden = IconLine(theme, "lock-simple", self.tr("Personal values are hidden"))
        self._show = Button(theme, self.tr("Show"), "link", name=self.tr("Show personal values"))
        self._words = Label(theme, "", "body", "text2")
        self._place = QVBoxLayout()
        self._columns: tuple[tuple[str, int], ...] = ()
        self._table: DataTable | None = None
        self._card: Card | None = None
        self._page: MemberPage | None = None
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(8)
        stack.addLayout(row(Label(theme, self.tr("First members"), "subtitle"), None, self._hidden, self._show))
        stack.addWidget(self._words)
        stack.addLayout(self._place)
        self._hidden.hide()
        self._show.hide()
        self._show.clicked.connect(self.show_asked)

    def show_page(self, page: MemberPage | None, *, may_show: bool, words: str) -> None:
        """Show rows, or say why there are none (`words`)."""
        masked = page is not None and bool(page.rows) and page.masked
        self._hidden.setVisible(masked)
        self._show.setVisible(masked and may_show)
        if page is not None and not page.rows:
            words = self.tr("Nobody belongs to it now.")
        self._words.set_words(words)
        rows = page is not None and bool(page.rows)
        self._words.setVisible(not rows)
        if self._card is not None:
            self._card.setVisible(rows)
        if page is None or not page.rows or page == self._page:
            return
        self._page = page
        columns = tuple((name, self._width(page, at)) for at, name in enumerate(page.columns[:SHOWN_COLUMNS]))
        if self._table is None or columns != self._columns:
            self._make(columns)
        if self._table is not None:
            self._table.set_rows(_MemberRow(str(at), tuple(values)) for at, values in enumerate(page.rows))
            self._table.set_height_in_rows(len(page.rows), 16)

    def _width(self, page: MemberPage, at: int) -> int:
        """What the header and the values of a column need, within bounds."""
        body, head = self._theme.metrics("body"), self._theme.metrics("caption-medium")
        needed = [body.horizontalAdvance(_words(values[at])) for values in page.rows]
        return min(max(*needed, head.horizontalAdvance(page.columns[at]), NARROWEST) + PADDING, WIDEST) + (
            0 if at else EDGE - PADDING // 2
        )

    def _make(self, named: tuple[tuple[str, int], ...]) -> None:
        clear(self._place)
        columns = [
            Column(
                name, name, lambda r, at=at: TextCell(_words(r.values[at])), width=width, stretch=at == len(named) - 1
            )
            for at, (name, width) in enumerate(named)
        ]
        self._columns = named
        self._table = DataTable(
            self._theme, self.tr("First members"), columns, row_height=ROW_ONE_LINE, sortable=False, edge=EDGE
        )
        self._card = Card(self._theme, margin=1)
        self._card.body.addSpacing(3)
        self._card.body.addWidget(self._table)
        self._place.addWidget(self._card)


def _words(value: Any) -> str:
    return NOTHING if value is None or value == "" else str(value)
