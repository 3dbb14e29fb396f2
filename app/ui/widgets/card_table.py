"""A short table in a card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.columns import Column
from app.ui.widgets.labels import Card, Label, column
from app.ui.widgets.table import ROW_ONE_LINE, DataTable


class CardTable(QWidget):
    """A table in a card that is as high as its rows, made when there are some; one line of words while there are none.

    `row_height` as of `DataTable`. Signals: `menu_asked(key, place)` for a row's `...`, `opened(key)` for Enter or a double click.
    """

    menu_asked = Signal(str, QPoint)
    opened = Signal(str)

    def __init__(
        self,
        theme: Theme,
        name: str,
        columns: Sequence[Column[Any]],
        nothing: str,
        *,
        row_height: int = ROW_ONE_LINE,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._row_height = row_height
        self._theme = theme
        self._name = name
        self._columns = tuple(columns)
        self._card = Card(theme, margin=1)
        self._card.body.setSpacing(0)
        self._nothing = Label(theme, nothing, "body", "text2", wrap=True)
        self.setLayout(column(self._card, self._nothing))
        self._card.hide()

    @cached_property
    def table(self) -> DataTable:
        """The table itself; making one takes some milliseconds."""
        table = DataTable(
            self._theme,
            self._name,
            self._columns,
            row_height=self._row_height,
            multiple=False,
            sortable=False,
            keep_order=True,
            edge=16,
            in_card=True,
        )
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._card.body.addSpacing(3)
        self._card.body.addWidget(table)
        self._card.body.addSpacing(3)
        table.menu_asked.connect(self.menu_asked)
        table.activated_key.connect(self.opened)
        return table

    def set_rows(self, rows: Iterable[Any], *, with_menu: bool = True) -> None:
        """Show these; the column with `...` is left out for who may do nothing with a row."""
        shown = tuple(rows)
        self._card.setVisible(bool(shown))
        self._nothing.setVisible(not shown)
        if not shown and "table" not in self.__dict__:
            return
        self.table.set_rows(shown)
        self.table.set_height_in_rows(len(shown), -1)  # the card's edge stands for the last line
        for at, each in enumerate(self._columns):
            if each.menu:
                self.table.setColumnHidden(at, not with_menu)
