"""The one table of the window: rows by key, painted cells, remembered columns.

table = DataTable(theme, "Exports", columns)
table.set_rows(rows)                       # keeps selection and scroll
table.selection_changed.connect(...)       # read table.selected_keys()
table.activated_key.connect(...)           # Enter or double click
table.cell_action.connect(...)             # (row key, column key) of a link, button, picker, check box, note
table.menu_asked.connect(...)              # (row key, QPoint): `...`, right click, Shift+F10
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QSignalBlocker,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.ui.theme import Theme
from app.ui.widgets.cells import EDGE
from app.ui.widgets.columns import CheckCell, Column, GroupRow, NoteRow, NumberCell, SpanRow, StatusCell
from app.ui.widgets.paint import KEYBOARD
from app.ui.widgets.table_columns import ColumnsView
from app.ui.widgets.table_model import CELL_ROLE, ROW_ROLE

ROW, ROW_WITH_CONTROLS, ROW_ONE_LINE, NOTE_ROW, GROUP_ROW = 52, 56, 40, 48, 36


class DataTable(ColumnsView):
    """A table of rows known by key.

    Args:
        theme: the theme.
        name: accessible name: what the rows are.
        columns: what each row shows.
        row_height: 52 for two lines, 56 with controls in it, 40 for one line.
        key: the row's key; `row.key` without it.
        live: whether a row can be selected.
        multiple: whether several rows may be selected.
        sortable: whether a click on a header sorts; notes stay under their rows.
        keep_order: do not sort again by itself when values change (a count that moves must not move its row).
        edge: margin at both ends in px.

    `cell_clicked(key, column)` is a click that took its row, `cell_action(key, column)` one on a link or box, which did not.
    """

    cell_action = Signal(str, str)
    cell_clicked = Signal(str, str)
    activated_key = Signal(str)
    menu_asked = Signal(str, QPoint)
    selection_changed = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str,
        columns: Sequence[Column[Any]],
        *,
        row_height: int = ROW,
        key: Callable[[Any], str] | None = None,
        live: Callable[[Any], bool] | None = None,
        multiple: bool = True,
        sortable: bool = True,
        keep_order: bool = False,
        edge: int = EDGE,
        in_card: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, columns, key=key, live=live, edge=edge, in_card=in_card, parent=parent)
        self._row_height = row_height
        self._keep_order = keep_order
        self._focus_visible = False
        self._had_spans = False
        self._pressed_cell: tuple[str, str] | None = None
        self._spin_check = QTimer(self)
        self._spin_check.setSingleShot(True)
        self._spin_check.setInterval(0)
        self._spin_check.timeout.connect(self._follow_spinners)
        self.proxy.setDynamicSortFilter(not keep_order)
        self.proxy.setSourceModel(self.rows_model)
        self._set_up_view(name, multiple=multiple)
        self._set_up_delegate()
        self._set_up_header(sortable=sortable)
        for signal in (
            self.proxy.modelReset,
            self.proxy.layoutChanged,
            self.proxy.rowsInserted,
            self.proxy.rowsRemoved,
        ):
            signal.connect(self._on_rows_moved)
        self.columns_shown.connect(self._on_rows_moved)
        self.proxy.dataChanged.connect(self._spin_check.start)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)

    # Rows

    def set_rows(self, rows: Iterable[Any]) -> None:
        """Show these rows; selection, current row and scroll position stay."""
        current = self.current_key()
        picked = set(self.selected_keys())
        self.rows_model.set_rows(rows)
        if picked and not self.selected_keys():
            self.select_keys([key for key in picked if self.rows_model.position(key) is not None], current=current)

    def update_row(self, row: Any) -> None:
        """Replace one row by another of the same key."""
        self.rows_model.update_row(row)

    def row(self, key: str) -> Any | None:
        """Return the row with a key, or None."""
        return self.rows_model.row_of(key)

    def visible_keys(self) -> list[str]:
        """Return the keys of the rows that pass the filter, in the order on screen, without notes."""
        rows = (self.proxy.index(i, 0).data(ROW_ROLE) for i in range(self.proxy.rowCount()))
        return [self.rows_model.key_of(row) for row in rows if not isinstance(row, SpanRow)]

    def selected_keys(self) -> list[str]:
        """Return the keys of the selected rows, from top to bottom."""
        indexes = sorted(self.selectionModel().selectedRows(), key=lambda i: i.row())
        return [self.rows_model.key_of(index.data(ROW_ROLE)) for index in indexes]

    def selected_rows(self) -> list[Any]:
        """Return the selected rows, from top to bottom."""
        return [self.rows_model.row_of(key) for key in self.selected_keys()]

    def current_key(self) -> str:
        """Return the key of the current row; empty without one."""
        index = self.currentIndex()
        return self.rows_model.key_of(index.data(ROW_ROLE)) if index.isValid() else ""

    def select_keys(self, keys: Sequence[str], *, current: str = "") -> None:
        """Select these rows and nothing else; `current` (or the first) becomes the current row."""
        model = self.selectionModel()
        model.clearSelection()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for key in keys:
            index = self._index_of(key)
            if index.isValid():
                model.select(index, flags)
        at = self._index_of(current or (keys[0] if keys else ""))
        if at.isValid():
            model.setCurrentIndex(at, QItemSelectionModel.SelectionFlag.NoUpdate)

    def rect_of(self, key: str, column_key: str) -> QRect:
        """Return a cell's place in global coordinates, to open a menu or an editor at it."""
        column = next(i for i, c in enumerate(self.columns) if c.key == column_key)
        at = self._index_of(key)
        rect = self.visualRect(self.proxy.index(at.row(), column))
        return QRect(self.viewport().mapToGlobal(rect.topLeft()), rect.size())

    # Filter

    def set_filter_words(self, words: str) -> None:
        """Keep rows that hold every word."""
        self.proxy.set_words(words)

    def set_filter(self, accept: Callable[[Any], bool] | None) -> None:
        """Keep rows that fulfil a condition; None keeps all."""
        self.proxy.set_condition(accept)

    # Qt

    def spin(self) -> bool:
        """Repaint the visible cells that spin (see `Motion`)."""
        if not self.isVisible():
            return False
        cells = self._spinning_cells()
        for index in cells:
            self.viewport().update(self.visualRect(index))
        return bool(cells)

    def showEvent(self, event: QShowEvent) -> None:
        """Spinners turn again."""
        super().showEvent(event)
        self._follow_spinners()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring when the keyboard came; land on a row."""
        super().focusInEvent(event)
        self._focus_visible = event.reason() in KEYBOARD
        if self._focus_visible and not self.currentIndex().isValid() and self.proxy.rowCount():
            self.selectionModel().setCurrentIndex(
                self.proxy.index(0, self._first_column()), QItemSelectionModel.SelectionFlag.NoUpdate
            )
        self._show_focus()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The ring goes."""
        super().focusOutEvent(event)
        self._focus_visible = False
        self._show_focus()

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        """The ring follows the current row."""
        super().currentChanged(current, previous)
        self._show_focus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Space ticks, Tab leaves; the rest is the view's."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._activate_current()
            return
        if key == Qt.Key.Key_Space and self._tick_current():
            return
        if not self._focus_visible and key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End):
            self._focus_visible = True
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not event.modifiers() and self._select_first():
            return
        super().keyPressEvent(event)
        self._show_focus()

    def _select_first(self) -> bool:
        """Take the row with the ring when none is taken: from an only row the arrows lead nowhere, from the first past it."""
        current = self.current_key()
        if not current or self.selected_keys():
            return False
        self.select_keys([current])
        self._show_focus()
        return True

    def keyboardSearch(self, search: str) -> None:
        """Type-ahead goes by the first column with a title, whatever column was clicked."""
        index = self.currentIndex()
        names = next((i for i, column in enumerate(self.columns) if column.title), 0)
        if index.column() != names and self.proxy.rowCount():
            start = self.proxy.index(max(index.row(), 0), names)
            self.selectionModel().setCurrentIndex(start, QItemSelectionModel.SelectionFlag.NoUpdate)
        super().keyboardSearch(search)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a box or link acts and does not select."""
        self._focus_visible = False
        index = self.indexAt(event.position().toPoint())
        self._pressed_cell = None
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            if self._acts(index, event):
                self.setFocus(Qt.FocusReason.MouseFocusReason)
                return
            pressed = index.data(ROW_ROLE)
            if not isinstance(pressed, SpanRow):
                self._pressed_cell = self.rows_model.key_of(pressed), self.columns[index.column()].key
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the delegate tell what was hit."""
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and self._acts(index, event):
            if isinstance(index.data(ROW_ROLE), SpanRow) or not self._hits_dots(index, event):
                self._on_delegate_acted(index)
            else:
                self._on_dots_hit(index)
            return
        super().mouseReleaseEvent(event)
        # By the cell that was pressed: selecting its row may open a drawer, and move the columns under the pointer.
        cell, self._pressed_cell = self._pressed_cell, None
        row = index.data(ROW_ROLE) if index.isValid() else None
        if (
            cell is not None
            and row is not None
            and not isinstance(row, SpanRow)
            and self.rows_model.key_of(row) == cell[0]
        ):
            self.cell_clicked.emit(*cell)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the row, unless a box or link was meant."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and self._acts(index, event):
            return
        super().mouseDoubleClickEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self._activate_current()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the hovered row and show the hand over what acts."""
        index = self.indexAt(event.position().toPoint())
        self._hover(index.row() if index.isValid() else -1)
        hand = index.isValid() and self._acts(index, event)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """No row is hovered."""
        super().leaveEvent(event)
        self._hover(-1)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Right click, Shift+F10 or the Menu key ask for the row's menu."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid() or isinstance(index.data(ROW_ROLE), SpanRow):
            return
        place = event.globalPos()
        if by_key:
            rect = self.visualRect(self.proxy.index(index.row(), self._first_column()))
            place = self.viewport().mapToGlobal(rect.bottomLeft() + QPoint(self._edge, 0))
        elif not self.selectionModel().isSelected(index):
            self.select_keys([self.rows_model.key_of(index.data(ROW_ROLE))])
        self.menu_asked.emit(self.rows_model.key_of(index.data(ROW_ROLE)), place)

    # Inside

    def _set_up_view(self, name: str, *, multiple: bool) -> None:
        self.setModel(self.proxy)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName(name)
        self.setFont(self._theme.font("body"))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        mode = QAbstractItemView.SelectionMode
        self.setSelectionMode(mode.ExtendedSelection if multiple else mode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QTableView.Shape.NoFrame)
        vertical = self.verticalHeader()
        vertical.hide()
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setMinimumSectionSize(28)
        vertical.setDefaultSectionSize(self._row_height)
        self.proxy.sort(-1)

    def _set_up_delegate(self) -> None:
        self._delegate.padding = self.cell_padding
        self._delegate.row_rect = self._row_rect
        self._delegate.first_column = self._first_column
        self._delegate.joined_below = self._has_note_below

    def set_row_height(self, height: int) -> None:
        """Make rows of other height, as `row_height` of the constructor."""
        if height != self._row_height:
            self._row_height = height
            self.verticalHeader().setDefaultSectionSize(height)
            self._on_rows_moved()

    def set_height_in_rows(self, rows: int, extra: int = 0) -> None:
        """Be as high as the header and so many rows, and `extra` px."""
        self.setFixedHeight(self._header_height + self._row_height * rows + extra)

    def _index_of(self, key: str) -> QModelIndex:
        at = self.rows_model.position(key)
        if at is None:
            return QModelIndex()
        return self.proxy.mapFromSource(self.rows_model.index(at, 0))

    def _row_rect(self, row: int) -> QRect:
        header = self.horizontalHeader()
        width = max(header.length(), self.viewport().width())
        return QRect(-header.offset(), self.rowViewportPosition(row), width, self.rowHeight(row))

    def _has_note_below(self, row: int) -> bool:
        return isinstance(self.proxy.index(row + 1, 0).data(ROW_ROLE), NoteRow)

    def _acts(self, index: QModelIndex, event: QMouseEvent) -> bool:
        place = event.position().toPoint()
        return self._hits_dots(index, event) or self._delegate.hits_action(self.visualRect(index), place, index)

    def _hits_dots(self, index: QModelIndex, event: QMouseEvent) -> bool:
        if isinstance(index.data(ROW_ROLE), SpanRow) or not self.columns[index.column()].menu:
            return False
        rect = self._delegate.dots_rect(self.visualRect(index), index.column())
        return rect.contains(event.position().toPoint())

    def _on_delegate_acted(self, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        column = "note" if isinstance(row, SpanRow) else self.columns[index.column()].key
        self.cell_action.emit(self.rows_model.key_of(row), column)

    def _on_dots_hit(self, index: QModelIndex) -> None:
        key = self.rows_model.key_of(index.data(ROW_ROLE))
        if key not in self.selected_keys():
            self.select_keys([key])
        rect = self._delegate.dots_rect(self.visualRect(index), index.column())
        self.menu_asked.emit(key, self.viewport().mapToGlobal(rect.bottomLeft()))

    def _activate_current(self) -> None:
        index = self.currentIndex()
        if not index.isValid():
            return
        row = index.data(ROW_ROLE)
        if isinstance(row, SpanRow):
            if isinstance(row, NoteRow) and row.link:
                self.cell_action.emit(row.key, "note")
        elif self.rows_model.is_live(row):
            self.activated_key.emit(self.rows_model.key_of(row))

    def _tick_current(self) -> bool:
        index = self.currentIndex()
        for i, column in enumerate(self.columns):
            cell = self.proxy.index(index.row(), i).data(CELL_ROLE) if index.isValid() else None
            if isinstance(cell, CheckCell) and cell.enabled:
                self.cell_action.emit(self.rows_model.key_of(index.data(ROW_ROLE)), column.key)
                return True
        return False

    def _hover(self, row: int) -> None:
        before = self._delegate.hovered_row
        if row == before:
            return
        self._delegate.hovered_row = row
        for touched in (before, row):
            if touched >= 0:
                self.viewport().update(self._row_rect(touched))

    def _show_focus(self) -> None:
        before = self._delegate.focus_row
        index = self.currentIndex()
        row = index.row() if self._focus_visible and self.hasFocus() and index.isValid() else -1
        self._delegate.focus_row = row
        for touched in {before, row}:
            if touched >= 0:
                self.viewport().update(self._row_rect(touched))

    def _spinning_cells(self) -> list[QModelIndex]:
        top = max(self.rowAt(0), 0)
        bottom = self.rowAt(self.viewport().height() - 1)
        if bottom < 0:
            bottom = self.proxy.rowCount() - 1
        found = []
        for row in range(top, bottom + 1):
            for column in range(len(self.columns)):
                index = self.proxy.index(row, column)
                cell = index.data(CELL_ROLE)
                if (isinstance(cell, StatusCell) and cell.running) or (isinstance(cell, NumberCell) and cell.counting):
                    found.append(index)
        return found

    def _follow_spinners(self) -> None:
        if self.isVisible() and self._spinning_cells():
            self._theme.motion.follow(self)

    def _on_rows_moved(self) -> None:
        """Notes and headings have their own height and span; everything else the row height."""
        self._spin_check.start()
        spans = self.rows_model.has_spans
        if not spans and not self._had_spans:
            return
        self._had_spans = spans
        self.clearSpans()
        header = self.verticalHeader()
        blocker = QSignalBlocker(header)
        for i in range(self.proxy.rowCount()):
            row = self.proxy.index(i, 0).data(ROW_ROLE)
            height = {NoteRow: NOTE_ROW, GroupRow: GROUP_ROW}.get(type(row), self._row_height)
            header.resizeSection(i, height)
            if isinstance(row, SpanRow):
                self.setSpan(i, 0, 1, len(self.columns))
        blocker.unblock()
        self.doItemsLayout()

    def _on_selection_changed(self) -> None:
        self.selection_changed.emit()
