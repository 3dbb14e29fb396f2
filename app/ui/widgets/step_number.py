"""The number of a step: a tick when done, on accent when current, an outline before."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint

StepState = Literal["done", "current", "waiting"]


class StepNumber(QWidget):
    """A round number of `size` px; silent for screen readers, the words beside it say the state."""

    def __init__(
        self, theme: Theme, number: int, state: StepState = "waiting", size: int = 28, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._number = number
        self._state: StepState = state
        self.setFixedSize(size, size)

    def set_state(self, state: StepState) -> None:
        """Show another state."""
        self._state = state
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint it."""
        painter, theme, radius = QPainter(self), self._theme, self.width() / 2
        if self._state == "done":
            paint.box(painter, self.rect(), radius, fill=theme.color("success_subtle"))
            mark = QRect(0, 0, 14, 14)
            mark.moveCenter(self.rect().center())
            paint.icon(painter, theme, mark, "check-bold", "success")
            return
        current = self._state == "current"
        edge = None if current else theme.color("control")
        paint.box(painter, self.rect(), radius, fill=theme.color("accent" if current else "surface"), edge=edge)
        role = "body-strong" if self.width() > 24 else "micro"
        ink = "on_accent" if current else "text2"
        centre = Qt.AlignmentFlag.AlignHCenter
        paint.text(painter, theme, self.rect(), str(self._number), role=role, ink=ink, align=centre)
