"""The plate of a popup with a search field over a list; what is listed and what Enter does is the business of its kinds."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QListView, QStyledItemDelegate, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Label

_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}


class SearchPopup(QFrame):
    """Opens under a place and deletes itself when it closes. Arrow keys, Enter and Esc work while people type.

    Signal `closed()` comes in every case. A kind fills the list with `_list_under` and says in `_on_entered` what Enter does.
    """

    closed = Signal()

    def __init__(self, theme: Theme, name: str, search_words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._theme = theme
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, paint.popups_have_alpha())
        self.search = SearchField(theme, search_words, shortcut=None)
        self.search.installEventFilter(self)
        self.list = QListView()
        self.list.setAccessibleName(name)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.viewport().setAutoFillBackground(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys, Enter and Esc work while the search field has the focus."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _STEPS:
                self._go_to(self.list.currentIndex().row() + _STEPS[event.key()])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._on_entered()
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

    # For the kinds

    def _list_under(self, words: Label, model: QAbstractItemModel, delegate: QStyledItemDelegate) -> None:
        """Lay out the search field, these words, and the list with its model."""
        self.list.setModel(model)
        self.list.setItemDelegate(delegate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(words)
        layout.addWidget(self.list, 1)

    def _open(self, place: QRect, wide: int, high: int) -> None:
        """Show it under `place` (global), or above where there is no room below."""
        spot = QPoint(place.left(), place.bottom() + 4)
        screen = self.screen().availableGeometry()
        if spot.y() + high > screen.bottom() and place.top() - 4 - high >= screen.top():
            spot.setY(place.top() - 4 - high)
        spot.setX(max(screen.left(), min(spot.x(), screen.right() - wide)))
        self.setGeometry(QRect(spot, QSize(wide, high)))
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def _go_to(self, row: int) -> None:
        model = self.list.model()
        count = model.rowCount()
        if count:
            index = model.index(max(0, min(row, count - 1)), 0)
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)

    def _on_entered(self) -> None:
        raise NotImplementedError
