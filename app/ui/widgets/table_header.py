"""The header of a `DataTable`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHeaderView, QTableView

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.columns import Column

HEIGHT = 36
IN_CARD = 32
"""In a rounded card, whose edge stands 4 px above: the square viewport would cover the corners."""


class Header(QHeaderView):
    """Words aligned as their column, the sort arrow after them, a check box over a check column.

    `padding` gives left and right padding of a column in px, as for its cells; `high` is its height in px.
    """

    def __init__(
        self,
        theme: Theme,
        columns: tuple[Column[Any], ...],
        padding: Callable[[int], tuple[int, int]],
        table: QTableView,
        high: int = HEIGHT,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._theme = theme
        self._table = table
        self._columns = columns
        self._padding = padding
        self.check_states: dict[str, bool | None] = {}
        self.setFixedHeight(high)
        self.setSectionsMovable(True)
        self.setSectionsClickable(True)
        self.setMinimumSectionSize(40)
        self.setHighlightSections(False)
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def set_columns(self, columns: tuple[Column[Any], ...]) -> None:
        """Show these instead; they have the same keys."""
        self._columns = columns
        self.viewport().update()

    def sizeHint(self) -> QSize:
        """As high as it is."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Paint one header cell."""
        theme = self._theme
        painter.fillRect(rect, theme.color("surface"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, theme.color("line"))
        column = self._columns[section]
        left, right = self._padding(section)
        area = rect.adjusted(left, 0, -right, -1)
        if column.key in self.check_states:
            checked = self.check_states[column.key]
            state = (
                Qt.CheckState.PartiallyChecked
                if checked is None
                else (Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)
            )
            paint.check_mark(painter, theme, QRect(area.left(), area.top(), 16, area.height()), state)
            return
        sorted_by = (
            self._table.isSortingEnabled() and self.sortIndicatorSection() == section and column.sort is not None
        )
        self._paint_words(painter, area, column, arrow=sorted_by)

    def _paint_words(self, painter: QPainter, area: QRect, column: Column[Any], *, arrow: bool) -> None:
        theme = self._theme
        room = area.width() - (18 if arrow else 0) - (20 if column.info else 0)
        metrics = theme.metrics("caption-medium")
        shown = metrics.elidedText(column.title, Qt.TextElideMode.ElideRight, max(room, 0))
        width = metrics.horizontalAdvance(shown)
        total = width + (18 if arrow else 0) + (20 if column.info else 0)
        left = area.right() + 1 - total if column.align == "right" else area.left()
        middle = area.center().y()
        if column.info:
            paint.icon(painter, theme, QRect(left, middle - 6, 14, 14), "info", "text3")
            left += 20
        paint.text(
            painter, theme, QRect(left, area.top(), width + 2, area.height()), shown, role="caption-medium", ink="text3"
        )
        if arrow:
            down = self.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
            mark = QRect(left + width + 5, middle - 5, 12, 12)
            paint.icon(painter, theme, mark, "arrow-down" if down else "arrow-up", "text3")
