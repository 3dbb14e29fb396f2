"""Content with a panel of facts at its right, which gives the content more room on a small window."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.labels import Area, row
from app.ui.widgets.scroll import Scroll

NARROW = 1100
"""Pixels of the whole below which the panel is the narrow one."""


class WithPanel(QWidget):
    """`panel` is the right side, where `facts` scroll.

    Args:
        theme: the theme.
        content: the left side.
        facts: what the panel shows.
        widths: of the panel, in pixels: usually, and on a small window.
    """

    def __init__(self, theme: Theme, content: QWidget, facts: QWidget, widths: tuple[int, int]) -> None:
        super().__init__()
        self._widths = widths
        self.panel = Area(theme, "subtle", "l")
        self.panel.setLayout(row(Scroll(facts)))
        both = row(content, self.panel, spacing=0)
        both.setStretch(0, 1)
        self.setLayout(both)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the width of the panel."""
        super().resizeEvent(event)
        self.panel.setFixedWidth(self._widths[self.width() < NARROW])
