"""A select with search for many entries: looks like `Select`, opens a `PickList`."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.pick_list import PickItem, PickList


class Picker(KeyboardFocus, QPushButton):
    """Signal `chosen(str)` gives the key. `set_items`, `current_key`, `set_current_key`, `set_busy`.

    A select of few choices may be one too: it is made in a twentieth of the time, because its list is made when it opens.
    """

    chosen = Signal(str)

    def __init__(
        self,
        theme: Theme,
        name: str,
        items: Sequence[PickItem] = (),
        *,
        placeholder: str = "",
        least_width: int = 360,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._placeholder = placeholder
        self._least_width = least_width
        self._items = tuple(items)
        self._current = ""
        self._busy = False
        self._error = False
        self.popup: PickList | None = None
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_LayoutUsesWidgetRect)
        self.setFixedHeight(32)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open)
        self._name_it()

    def set_items(self, items: Sequence[PickItem]) -> None:
        """Offer these; the current key stays, also while it is not among them."""
        self._items = tuple(items)
        self._name_it()

    def current_key(self) -> str:
        """The key chosen; empty when none is."""
        return self._current

    def set_current_key(self, key: str) -> None:
        """Choose without `chosen`."""
        self._current = key
        self._name_it()

    def words(self) -> str:
        """What is shown."""
        item = next((each for each in self._items if each.key == self._current), None)
        return item.text if item is not None else self._current

    def set_busy(self, busy: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Turn a spinner in place of the caret."""
        self._busy = busy
        if busy:
            self._theme.motion.follow(self)
        self.update()

    def set_error_state(self, on: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Give it the danger edge."""
        self._error = on
        self.update()

    def spin(self) -> bool:
        """Repaint the spinner (see `Motion`)."""
        if not self._busy or not self.isVisible():
            return False
        self.update()
        return True

    def open(self) -> None:
        """Open the list."""
        popup = PickList(self._theme, self._name, self._items, current=self._current, parent=self)
        popup.picked.connect(self._on_picked)
        popup.closed.connect(self._on_closed)
        self.popup = popup
        popup.open_under(QRect(self.mapToGlobal(self.rect().topLeft()), self.size()), width=self._least_width)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow down and F4 open it, as a select does."""
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_F4, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open()
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """As wide as its words, within reason."""
        width = self._theme.metrics("body").horizontalAdvance(self.words() or self._placeholder)
        return QSize(min(width + 48, 400), 32)

    def minimumSizeHint(self) -> QSize:
        """May shrink: the text elides."""
        return QSize(120, 32)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint field, words and caret."""
        painter = QPainter(self)
        theme, live = self._theme, self.isEnabled()
        paint.field(painter, theme, self, error=self._error)
        words = self.words()
        ink = ("text" if words else "text3") if live else "disabled"
        paint.text(painter, theme, self.rect().adjusted(10, 0, -32, 0), words or self._placeholder, ink=ink)
        spot = QRect(self.width() - 24, self.height() // 2 - 7, 14, 14)
        if self._busy:
            paint.spinner(painter, theme, spot)
        else:
            paint.icon(painter, theme, spot.adjusted(1, 1, -1, -1), "caret-down", "text2" if live else "disabled")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)

    def _name_it(self) -> None:
        self.setAccessibleName(f"{self._name}: {self.words() or self._placeholder}")
        self.setToolTip(self.words())
        self.update()

    def _on_picked(self, key: str) -> None:
        self.set_current_key(key)
        self.chosen.emit(key)

    def _on_closed(self) -> None:
        self.popup = None
        self.setFocus(Qt.FocusReason.OtherFocusReason)
