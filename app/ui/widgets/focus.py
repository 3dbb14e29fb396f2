"""Whether a widget shows its focus ring: only when the keyboard brought the focus.

The mixin is a plain class on purpose: two Qt classes as bases of one Python class crash in PySide6.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QWidget

from app.ui.widgets.paint import KEYBOARD


class KeyboardFocus:
    """Mixed in before a Qt class: `focus_visible` tells whether to paint the ring."""

    focus_visible = False

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Remember why the focus came."""
        self.focus_visible = event.reason() in KEYBOARD
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The ring goes with the focus."""
        self.focus_visible = False
        super().focusOutEvent(event)
        self.update()


def take_focus(page: QWidget) -> None:
    """Take the focus from a part of the page that is about to be hidden or switched off.

    Qt would hand it on to whatever comes next, with a ring though nobody pressed a key.
    """
    at = page.window().focusWidget()
    if at is not None and page.isAncestorOf(at):
        page.setFocus(Qt.FocusReason.OtherFocusReason)
