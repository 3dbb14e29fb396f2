"""A popup that picks one of many: search at the top, then names with type and a sample; thousands of entries stay quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.labels import Label
from app.ui.widgets.search_popup import SearchPopup

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


class PickList(SearchPopup):
    """Picks one entry. Signal `picked(str)` gives the key; see `SearchPopup` for the rest."""

    picked = Signal(str)

    def __init__(
        self, theme: Theme, name: str, items: Sequence[PickItem], *, current: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, name, QCoreApplication.translate("PickList", "Search"), parent)
        self._items = _Items(items, self)
        self._filter = _Filter(self)
        self._filter.setSourceModel(self._items)
        self._empty = Label(theme, self.tr("Nothing matches."), "body", "text2")
        self._empty.setContentsMargins(14, 8, 14, 8)
        self._empty.hide()
        samples = any(item.sample for item in items)
        self._list_under(self._empty, self._filter, _Delegate(theme, self.list, samples=samples))
        self.search.textChanged.connect(self._on_search_changed)
        self.list.clicked.connect(self._pick)
        self._go_to(next((i for i, item in enumerate(self._items.items) if item.key == current), 0))

    def open_under(self, place: QRect, *, width: int = 0) -> None:
        """Show it under `place` (global), or above where there is no room below."""
        self._open(place, max(place.width(), width), min(_ROW * max(len(self._items.items), 1) + 62, 360))

    def pick(self, key: str) -> None:
        """Pick by key, as a click does."""
        self.picked.emit(key)
        self.close()

    def _on_entered(self) -> None:
        self._pick(self.list.currentIndex())

    def _pick(self, index: Index) -> None:
        item = index.data(_ITEM) if index.isValid() else None
        if item is not None and item.enabled:
            self.pick(item.key)

    def _on_search_changed(self, words: str) -> None:
        self._filter.set_words(words)
        self._empty.setVisible(self._filter.rowCount() == 0)
        self._go_to(0)
