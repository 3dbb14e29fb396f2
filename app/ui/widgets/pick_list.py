"""A popup that picks one of many: search at the top, then names with type and a sample; thousands of entries stay quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Label

Index = QModelIndex | QPersistentModelIndex
_ITEM = int(Qt.ItemDataRole.UserRole) + 1
_ROW = 36


@dataclass(frozen=True)
class PickItem:
    """One entry: `detail` (a type) and `sample` stand at the right; the words of all three are searched."""

    key: str
    text: str
    detail: str = ""
    sample: str = ""
    enabled: bool = True


class _Items(QAbstractListModel):
    def __init__(self, items: Sequence[PickItem], parent: QObject) -> None:
        super().__init__(parent)
        self.items = tuple(items)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item = self.items[index.row()]
        if role == _ITEM:
            return item
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return item.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (item.text, item.detail, item.sample)))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not self.items[index.row()].enabled:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren


class _Filter(QSortFilterProxyModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words: tuple[str, ...] = ()

    def set_words(self, words: str) -> None:
        self.beginFilterChange()
        self._words = tuple(words.casefold().split())
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, source_row: int, _parent: Index) -> bool:
        item = self.sourceModel().items[source_row]
        text = f"{item.text} {item.detail} {item.sample}".casefold()
        return all(word in text for word in self._words)


class _Delegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, parent: QObject, *, samples: bool) -> None:
        super().__init__(parent)
        self._theme = theme
        self._samples = samples

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = self._theme
        item: PickItem = index.data(_ITEM)
        states = option.state
        if item.enabled and states & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            paint.box(painter, option.rect.adjusted(4, 1, -4, -1), 4, fill=theme.color("hover"))
        area = option.rect.adjusted(14, 0, -14, 0)
        third = area.width() // 3 if self._samples else 0
        sample = QRect(area.right() - third, area.top(), third, area.height())
        detail = QRect(sample.left() - 108, area.top(), 100, area.height())
        words = QRect(area.left(), area.top(), detail.left() - area.left() - 8, area.height())
        if not item.detail and not item.sample:
            words = area
        paint.text(painter, theme, words, item.text, ink="text" if item.enabled else "disabled")
        paint.text(painter, theme, detail, item.detail, role="caption", ink="text3")
        align = Qt.AlignmentFlag.AlignRight
        paint.text(painter, theme, sample, item.sample, role="mono", ink="text3", align=align)


class PickList(QFrame):
    """Opens under a place, picks one entry and deletes itself. Arrow keys, Enter, Esc; typing searches.

    Signals: `picked(str)` gives the key; `closed()` comes in every case.
    """

    picked = Signal(str)
    closed = Signal()

    def __init__(
        self, theme: Theme, name: str, items: Sequence[PickItem], *, current: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._theme = theme
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, paint.popups_have_alpha())
        self.search = SearchField(theme, self.tr("Search"), shortcut=None)
        self._items = _Items(items, self)
        self._filter = _Filter(self)
        self._filter.setSourceModel(self._items)
        self.list = QListView()
        self.list.setAccessibleName(name)
        self.list.setModel(self._filter)
        samples = any(item.sample for item in items)
        self.list.setItemDelegate(_Delegate(theme, self.list, samples=samples))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.viewport().setAutoFillBackground(False)
        self._empty = Label(theme, self.tr("Nothing matches."), "body", "text2")
        self._empty.setContentsMargins(14, 8, 14, 8)
        self._empty.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self._empty)
        layout.addWidget(self.list, 1)
        self.search.textChanged.connect(self._on_search_changed)
        self.search.installEventFilter(self)
        self.list.clicked.connect(self._pick)
        self._go_to(next((i for i, item in enumerate(self._items.items) if item.key == current), 0))

    def open_under(self, place: QRect, *, width: int = 0) -> None:
        """Show it under `place` (global), or above where there is no room below."""
        wide = max(place.width(), width)
        high = min(_ROW * max(len(self._items.items), 1) + 62, 360)
        spot = QPoint(place.left(), place.bottom() + 4)
        screen = self.screen().availableGeometry()
        if spot.y() + high > screen.bottom() and place.top() - 4 - high >= screen.top():
            spot.setY(place.top() - 4 - high)
        spot.setX(max(screen.left(), min(spot.x(), screen.right() - wide)))
        self.setGeometry(QRect(spot, QSize(wide, high)))
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def pick(self, key: str) -> None:
        """Pick by key, as a click does."""
        self.picked.emit(key)
        self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys and Enter work while the search field has the focus."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            at = self.list.currentIndex().row()
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            if event.key() in steps:
                self._go_to(at + steps[event.key()])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._pick(self.list.currentIndex())
                return True
            if event.key() == Qt.Key.Key_Escape and not self.search.text():
                self.close()
                return True
        return super().eventFilter(watched, event)

    def closeEvent(self, event: QEvent) -> None:
        """Tell that it is gone."""
        super().closeEvent(event)
        self.closed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the plate."""
        radius = 8 if paint.popups_have_alpha() else 0
        fill, edge = self._theme.color("raised"), self._theme.color("border")
        paint.box(QPainter(self), self.rect(), radius, fill=fill, edge=edge)

    def _go_to(self, row: int) -> None:
        count = self._filter.rowCount()
        if count:
            index = self._filter.index(max(0, min(row, count - 1)), 0)
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)

    def _pick(self, index: Index) -> None:
        item = index.data(_ITEM) if index.isValid() else None
        if item is not None and item.enabled:
            self.pick(item.key)

    def _on_search_changed(self, words: str) -> None:
        self._filter.set_words(words)
        self._empty.setVisible(self._filter.rowCount() == 0)
        self._go_to(0)
