"""The columns of a table: their widths, order, header and what is remembered of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QTableView, QWidget

from app.ui.theme import Theme
from app.ui.widgets import column_memory
from app.ui.widgets.cells import EDGE, PAD, CellDelegate
from app.ui.widgets.columns import Column
from app.ui.widgets.table_header import HEIGHT, IN_CARD, Header
from app.ui.widgets.table_model import FilterProxy, RowModel


class ColumnsView(QTableView):
    """A view of a `RowModel` behind its filter, as far as columns go; `DataTable` adds the rows.

    Signals: `header_action(column key)` for a check box in a header, `columns_changed` for widths, order and sorting,
    `columns_shown` when other columns are seen.
    """

    header_action = Signal(str)
    columns_changed = Signal()
    columns_shown = Signal()

    def __init__(
        self,
        theme: Theme,
        columns: Sequence[Column[Any]],
        *,
        key: Callable[[Any], str] | None = None,
        live: Callable[[Any], bool] | None = None,
        edge: int = EDGE,
        in_card: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._edge = edge
        self._header_height = IN_CARD if in_card else HEIGHT
        self._sorted = (-1, Qt.SortOrder.AscendingOrder)
        self.columns = tuple(columns)
        options = {"key": key} if key is not None else {}
        self.rows_model = RowModel(self.columns, live=live, parent=self, **options)
        self.proxy = FilterProxy(self)
        self._delegate = CellDelegate(theme, self.columns, self)

    def set_header_check(self, column_key: str, checked: bool | None) -> None:  # noqa: FBT001 - three states
        """Show a check box in a header; a click emits `header_action(column_key)`."""
        header = self.horizontalHeader()
        if isinstance(header, Header):
            header.check_states[column_key] = checked
            header.viewport().update()

    def set_column_title(self, column_key: str, title: str) -> None:
        """Call a column something else."""
        if any(column.key == column_key and column.title == title for column in self.columns):
            return
        self.columns = tuple(replace(c, title=title) if c.key == column_key else c for c in self.columns)
        self.rows_model.columns = self.columns
        self._delegate.set_columns(self.columns)
        header = self.horizontalHeader()
        if isinstance(header, Header):
            header.set_columns(self.columns)

    def set_column_visible(self, column_key: str, visible: bool) -> None:  # noqa: FBT001 - reads like setVisible
        """Show or hide a column."""
        at = next(i for i, c in enumerate(self.columns) if c.key == column_key)
        self.setColumnHidden(at, not visible)
        self._stretch()
        self.columns_shown.emit()
        self.columns_changed.emit()

    def fill_columns_menu(self, menu: QMenu) -> None:
        """Add one checkable action for each column that may be hidden."""
        for i, column in enumerate(self.columns):
            if not column.hideable or not column.title:
                continue
            action = QAction(column.title, menu)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(i))
            action.setData(column.key)
            action.toggled.connect(self._on_column_toggled)
            menu.addAction(action)

    def save_columns(self) -> str:
        """Return widths, order, hidden columns and sorting as JSON, by column key."""
        return column_memory.write(self, self.columns)

    def restore_columns(self, saved: str) -> bool:
        """Put back what `save_columns` gave; unknown columns are left out. False when it is of another version or broken."""
        restored = column_memory.read(self, self.columns, saved)
        self.columns_shown.emit()
        return restored

    def sort_by(self, column_key: str, *, descending: bool = False) -> None:
        """Sort by a column."""
        at = next(i for i, c in enumerate(self.columns) if c.key == column_key)
        self.sortByColumn(at, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)

    def cell_padding(self, column: int) -> tuple[int, int]:
        """Return left and right padding of a column in px.

        The page's margin stands before the first column and after a last column of numbers; words may run nearer to the
        end, as they elide.
        """
        header = self.horizontalHeader()
        shown = [header.logicalIndex(i) for i in range(header.count())]
        shown = [i for i in shown if not header.isSectionHidden(i)]
        if not shown:
            return PAD, PAD
        left = self._edge if column == shown[0] else PAD
        right = PAD
        if self.columns[column].align == "left":
            right = PAD if column == shown[-1] else PAD // 2
        elif column == shown[-1]:
            right = self._edge
        return left, right

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the stretching column the width that is left."""
        super().resizeEvent(event)
        self._stretch()

    # Inside

    def _set_up_header(self, *, sortable: bool) -> None:
        header = Header(self._theme, self.columns, self.cell_padding, self, self._header_height)
        self.setHorizontalHeader(header)
        for i, column in enumerate(self.columns):
            header.resizeSection(i, column.width)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(sortable)
        self.proxy.sort(-1)
        header.sectionClicked.connect(self._on_header_clicked)
        header.sectionResized.connect(self._on_section_resized)
        header.sectionMoved.connect(self._on_section_moved)
        header.sortIndicatorChanged.connect(self._on_sort_changed)

    def _first_column(self) -> int:
        header = self.horizontalHeader()
        for i in range(header.count()):
            logical = header.logicalIndex(i)
            if not header.isSectionHidden(logical):
                return logical
        return 0

    def _stretch(self) -> None:
        stretching = [i for i, c in enumerate(self.columns) if c.stretch and not self.isColumnHidden(i)]
        if not stretching:
            return
        header = self.horizontalHeader()
        blocker = QSignalBlocker(header)
        fixed = (i for i in range(header.count()) if i not in stretching and not self.isColumnHidden(i))
        left = self.viewport().width() - sum(map(header.sectionSize, fixed))
        for number, i in enumerate(stretching):
            share = left // (len(stretching) - number)
            header.resizeSection(i, max(self.columns[i].width, share))
            left -= share
        blocker.unblock()
        self.updateGeometries()
        self.viewport().update()
        header.viewport().update()

    def _on_header_clicked(self, section: int) -> None:
        column = self.columns[section]
        header = self.horizontalHeader()
        if isinstance(header, Header) and column.key in header.check_states:
            self.header_action.emit(column.key)

    def _on_sort_changed(self, section: int, order: Qt.SortOrder) -> None:
        """A column without a sort value cannot be sorted: put the arrow back."""
        if section >= 0 and self.columns[section].sort is None:
            header = self.horizontalHeader()
            header.setSortIndicator(self._sorted[0], self._sorted[1])
            return
        self._sorted = (section, order)
        self.columns_changed.emit()

    def _on_section_resized(self, _section: int, _before: int, _after: int) -> None:
        self.columns_changed.emit()
        self.viewport().update()

    def _on_section_moved(self, _section: int, _before: int, _after: int) -> None:
        self.columns_changed.emit()
        self.viewport().update()

    def _on_column_toggled(self, visible: bool) -> None:  # noqa: FBT001 - a signal's argument
        action = self.sender()
        if isinstance(action, QAction):
            self.set_column_visible(action.data(), visible)
