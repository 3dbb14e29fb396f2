"""What lies over the window inside the window: scrim, focus trap, following the window's size.

Overlays are child widgets, not windows of their own: shadows and rounded corners then need no compositor, and a picture of
the window shows them.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme


def focusable(root: QWidget) -> list[QWidget]:
    """Return the widgets under `root` that take Tab now, in Tab order."""
    found: list[QWidget] = []
    widget = root.nextInFocusChain()
    seen: set[int] = set()
    while widget is not None and id(widget) not in seen:
        seen.add(id(widget))
        if root.isAncestorOf(widget) and _takes_tab(widget):  # most of the chain is the window's, and is passed quickly
            found.append(widget)
        widget = widget.nextInFocusChain()
        if widget is root:
            break
    return found


def _takes_tab(widget: QWidget) -> bool:
    takes = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None
    return takes and widget.isVisible() and widget.isEnabled()


def move_focus_within(root: QWidget, *, forward: bool) -> bool:
    """Move the focus to the next widget under `root`, going round at the ends; the trap of dialogs."""
    ring = focusable(root)
    if not ring:
        return True
    current = root.focusWidget()
    window = root.window()
    current = window.focusWidget() if window is not None else current
    step = 1 if forward else -1
    start = ring.index(current) if current in ring else (-1 if forward else 0)
    at = (start + step) % len(ring)
    ring[at].setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    return True


class Scrim(QWidget):
    """Darkens the whole window, catches every click, and follows the window's size. `pressed` tells a click beside."""

    pressed = Signal()
    resized = Signal()

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self.setGeometry(window.rect())
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the window."""
        if watched is self.parent() and event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
            self.resized.emit()
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nothing behind gets the click."""
        event.accept()
        self.pressed.emit()

    def wheelEvent(self, event: QEvent) -> None:
        """Nothing behind scrolls."""
        event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Darken."""
        QPainter(self).fillRect(self.rect(), self._theme.scrim())
