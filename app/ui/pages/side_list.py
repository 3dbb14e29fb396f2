"""The list at the left of a page: search above, then one row a thing with its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.columns import Column, NumberCell, TextCell
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Area, Label, row
from app.ui.widgets.table import ROW, ROW_ONE_LINE, DataTable


@dataclass(frozen=True)
class SideRow:
    """One thing: title, an optional second line, a number as shown; `counting` turns a spinner under the number.

    With `as_of` the number is an old one: dimmed, with its time under it.
    """

    key: str
    title: str
    detail: str = ""
    number: str = ""
    icon: str = ""
    counting: str = ""
    detail_ink: str = "text2"
    as_of: str = ""


class _Rows(DataTable):
    """Rows of one line, or of two once a second line stands in one of them."""

    def set_rows(self, rows: Iterable[Any]) -> None:
        """Show these."""
        rows = tuple(rows)
        height = ROW if any(row.detail or row.as_of for row in rows) else ROW_ONE_LINE
        if height != self._row_height:
            self._row_height = height
            self.verticalHeader().setDefaultSectionSize(height)
        super().set_rows(rows)


class SideList(Area):
    """Search field, rows, footer; `chosen(key)` when another row is selected (empty text for none).

    Args:
        theme: the theme.
        name: what the rows are.
        placeholder: words in the search field.
        width: px.
    """

    chosen = Signal(str)

    def __init__(
        self,
        theme: Theme,
        name: str,
        placeholder: str,
        *,
        width: int = 272,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, "surface", "r", parent=parent)
        self._last = ""
        self.search = SearchField(theme, placeholder, shortcut=QKeySequence.StandardKey.Find)
        self.table = _Rows(
            theme,
            name,
            [
                Column(
                    "title",
                    name,
                    lambda r: TextCell(r.title, r.detail, icon=r.icon, detail_ink=r.detail_ink),
                    width=100,
                    stretch=True,
                ),
                Column(
                    "number",
                    self.tr("Number"),
                    lambda r: NumberCell(
                        r.number, detail=r.as_of, counting=r.counting, ink="text3" if r.as_of else "text2"
                    ),
                    align="right",
                    width=84,
                ),
            ],
            row_height=ROW_ONE_LINE,
            multiple=False,
            sortable=False,
            edge=20,
        )
        self.table.horizontalHeader().hide()
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._foot = Label(theme, "", "caption", "text2")
        foot = Area(theme, "surface", "t")
        foot.setFixedHeight(32)
        foot.setLayout(row(self._foot, None, margins=(20, 0, 16, 0)))
        self.setFixedWidth(width)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 1, 0)
        layout.setSpacing(8)
        layout.addLayout(row(self.search, margins=(16, 0, 16, 0)))
        layout.addWidget(self.table, 1)
        layout.addWidget(foot)
        self.search.textChanged.connect(self.table.set_filter_words)
        self.table.selection_changed.connect(self._on_selection_changed)

    def set_rows(self, rows: Iterable[SideRow], foot: str) -> None:
        """Show these; the chosen one stays chosen, else the first is."""
        rows = tuple(rows)
        self.table.set_rows(rows)
        self._foot.set_words(foot)
        if rows and not self.table.selected_keys():
            self.select(rows[0].key)

    def select(self, key: str) -> None:
        """Choose a row."""
        if self.table.row(key) is not None:
            self.table.select_keys([key])

    def key(self) -> str:
        """The chosen row's key, or an empty text."""
        return next(iter(self.table.selected_keys()), "")

    def _on_selection_changed(self) -> None:
        key = self.key()
        if key != self._last:
            self._last = key
            self.chosen.emit(key)
