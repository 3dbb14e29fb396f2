"""The list of runs by day, newest first: painted rows between day titles."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.core.runs import Run, Status
from app.ui.formats import Formats
from app.ui.pages.runs.words import RunRow, day_title, list_detail, list_result
from app.ui.theme import Theme
from app.ui.widgets import paint

ROW, TITLE, EDGE = 52, 36, 24
ITEM_ROLE = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class _Model(QAbstractListModel):
    """Day titles (text) and runs (RunRow) in one list; a title can't be selected."""

    def __init__(self, formats: Formats, parent: QWidget) -> None:
        super().__init__(parent)
        self._formats = formats
        self.items: list[str | RunRow] = []

    def set_rows(self, rows: Iterable[RunRow]) -> None:
        """Show these runs, newest first; the same list in the same order is updated in place."""
        items: list[str | RunRow] = []
        for title, group in groupby(rows, lambda row: day_title(row.run, self._formats)):
            items += [title, *group]
        if [_identity(item) for item in items] == [_identity(item) for item in self.items]:
            self.items = items
            self.dataChanged.emit(self.index(0), self.index(max(len(items) - 1, 0)))
            return
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Titles and runs together."""
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The item itself, or its words."""
        item = self.items[index.row()]
        if role == ITEM_ROLE:
            return item
        if isinstance(item, str):
            return item if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole} else None
        if role == Qt.ItemDataRole.DisplayRole:
            return item.run.export_name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            status = self._formats.status(item.run.status).word
            return f"{item.run.export_name}, {item.destination}, {list_detail(item.run, self._formats)}, {status}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._formats.exact(item.run.started_at or item.run.queued_at)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only runs can be selected."""
        if isinstance(self.items[index.row()], str):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


def _identity(item: str | RunRow) -> str:
    return item if isinstance(item, str) else item.key


class _Delegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, formats: Formats, parent: QListView) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """A title is lower than a run."""
        return QSize(200, TITLE if isinstance(index.data(ITEM_ROLE), str) else ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a title or a run."""
        item = index.data(ITEM_ROLE)
        rect = QRect(option.rect)
        if isinstance(item, str):
            area = rect.adjusted(EDGE, 8, -EDGE, 0)
            paint.text(painter, self._theme, area, item, role="caption-medium", ink="text3")
            return
        self._paint_ground(painter, rect, option)
        self._paint_run(painter, rect, item)

    def _paint_ground(self, painter: QPainter, rect: QRect, option: QStyleOptionViewItem) -> None:
        theme = self._theme
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, theme.color("selected"))
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), theme.color("accent"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.color("hover"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, theme.color("line"))

    def _paint_run(self, painter: QPainter, rect: QRect, row: RunRow) -> None:
        theme, formats, run = self._theme, self._formats, row.run
        paint.badge(
            painter, theme, QRect(rect.left() + EDGE, rect.top() + 12, 28, 28), row.badge.letters, row.badge.colour
        )
        words = formats.status(run.status)
        mark = QRect(rect.right() - EDGE + 3 - 16, rect.top() + 18, 16, 16)
        if run.status is Status.RUNNING:
            paint.spinner(painter, theme, mark)
        else:
            paint.icon(painter, theme, mark, words.icon, words.role)
        result = list_result(run, formats)
        width = theme.metrics("caption-medium").horizontalAdvance(result) + 4
        right = QRect(mark.left() - 10 - width, rect.top(), width, rect.height())
        paint.text(painter, theme, right, result, role="caption-medium", ink="text2", align=Qt.AlignmentFlag.AlignRight)
        left = rect.left() + EDGE + 40
        area = QRect(left, rect.top() + 7, right.left() - left - 8, 20)
        paint.text(painter, theme, area, run.export_name, role="body-medium")
        paint.text(painter, theme, area.translated(0, 19), list_detail(run, formats), role="caption", ink="text2")


class RunList(QListView):
    """Runs by day; several can be selected. Main thread only.

    Signals: `selected_changed(run id)` when another one is chosen (empty text for none), `marked_changed()` when more or fewer
    are selected.
    """

    selected_changed = Signal(str)
    marked_changed = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = _Model(formats, self)
        self.setModel(self._model)
        self.setItemDelegate(_Delegate(theme, formats, self))
        self.setAccessibleName(self.tr("Runs"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.selectionModel().selectionChanged.connect(lambda _more, _fewer: self.marked_changed.emit())

    def set_rows(self, rows: Iterable[RunRow]) -> None:
        """Show these runs; the selected one stays selected while it is there."""
        chosen = self.selected()
        self._model.set_rows(rows)
        if chosen and self.selected() != chosen:
            self.select(chosen)
        if any(isinstance(item, RunRow) and item.run.status is Status.RUNNING for item in self._model.items):
            self._theme.motion.follow(self)

    def selected(self) -> str:
        """The id of the chosen run, or an empty text."""
        item = self.currentIndex().data(ITEM_ROLE) if self.currentIndex().isValid() else None
        return item.key if isinstance(item, RunRow) else ""

    def marked(self) -> list[Run]:
        """All selected runs."""
        items = [index.data(ITEM_ROLE) for index in self.selectionModel().selectedIndexes()]
        return [item.run for item in items if isinstance(item, RunRow)]

    def select(self, run_id: str) -> bool:
        """Choose a run; False when it is not in the list. An empty id chooses the first."""
        for number, item in enumerate(self._model.items):
            if isinstance(item, RunRow) and (item.key == run_id or not run_id):
                self.setCurrentIndex(self._model.index(number))
                return True
        return False

    def spin(self) -> bool:
        """Repaint while something runs (see `Motion`)."""
        running = any(isinstance(item, RunRow) and item.run.status is Status.RUNNING for item in self._model.items)
        if running and self.isVisible():
            self.viewport().update()
            return True
        return False

    def event(self, event: QEvent) -> bool:
        """Turn again when shown again."""
        if event.type() == QEvent.Type.Show:
            self._theme.motion.follow(self)
        return super().event(event)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        item = current.data(ITEM_ROLE) if current.isValid() else None
        self.selected_changed.emit(item.key if isinstance(item, RunRow) else "")
