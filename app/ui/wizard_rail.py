"""The rail at the left of a wizard: what is made, its steps, and how far it is."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.bars import ProgressBar
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.labels import Area, ElidedLabel, Label
from app.ui.widgets.marks import Badge

RAIL = 232

StepState = Literal["done", "current", "todo"]


class StepButton(KeyboardFocus, QPushButton):
    """A step in the rail; only done steps can be clicked."""

    def __init__(self, theme: Theme, number: int) -> None:
        super().__init__()
        self._theme = theme
        self._number = number
        self._title, self._summary = "", ""
        self._state: StepState = "todo"
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(56)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_step(self, title: str, summary: str, state: StepState) -> None:
        """Show what the step is called, what was chosen there, and whether it is done."""
        self._title, self._summary, self._state = title, summary, state
        words = {"done": self.tr("done"), "current": self.tr("current"), "todo": self.tr("to do")}[state]
        self.setAccessibleName(f"{self._number}. {title}, {words}")
        self.setAccessibleDescription(summary)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if state == "done" else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if state == "done" else Qt.CursorShape.ArrowCursor)
        self.setToolTip(summary)
        self.update()

    def is_done(self) -> bool:
        """Whether one may go back to it."""
        return self._state == "done"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the mark, the title and the summary."""
        painter = QPainter(self)
        theme = self._theme
        current = self._state == "current"
        if current:
            paint.box(painter, self.rect(), 6, fill=theme.color("surface"), edge=theme.color("line"))
        elif self._state == "done" and self.underMouse():
            paint.box(painter, self.rect(), 6, fill=theme.color("hover"))
        self._paint_mark(painter, QRect(12, 10, 20, 20))
        room = self.width() - 42 - 8
        role = "body-strong" if current else "body-medium"
        ink = "text" if current or self._state == "done" else "text2"
        paint.text(painter, theme, QRect(42, 10, room, 20), self._title, role=role, ink=ink)
        paint.text(painter, theme, QRect(42, 29, room, 16), self._summary, role="caption", ink="text2")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)

    def _paint_mark(self, painter: QPainter, mark: QRect) -> None:
        theme = self._theme
        if self._state == "done":
            paint.box(painter, mark, 10, fill=theme.color("success_subtle"))
            paint.icon(painter, theme, mark.adjusted(4, 4, -4, -4), "check-bold", "success")
            return
        current = self._state == "current"
        if current:
            paint.box(painter, mark, 10, fill=theme.color("accent"))
        else:
            paint.box(painter, mark, 10, edge=theme.color("control"))
        ink = "on_accent" if current else "text2"
        centre = Qt.AlignmentFlag.AlignHCenter
        paint.text(painter, theme, mark, str(self._number), role="micro", ink=ink, align=centre)


class Rail(Area):
    """Identity, steps, and how far."""

    def __init__(self, theme: Theme, count: int) -> None:
        super().__init__(theme, "app", "r")
        self.setFixedWidth(RAIL + 1)
        self.badge = Badge(theme, "", theme.tokens["accent"], "", 32)
        self.name = ElidedLabel(theme, "", "body-strong")
        self.kind = ElidedLabel(theme, "", "caption", "text2")
        self.buttons = [StepButton(theme, i + 1) for i in range(count)]
        self.progress_words = Label(theme, "", "caption", "text2")
        self.progress = ProgressBar(theme, self.tr("Steps"))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.name)
        words.addWidget(self.kind)
        identity = QHBoxLayout()
        identity.setContentsMargins(12, 0, 12, 0)
        identity.setSpacing(12)
        identity.addWidget(self.badge)
        identity.addLayout(words, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 0, 12, 0)
        foot.setSpacing(6)
        foot.addWidget(self.progress_words)
        foot.addWidget(self.progress)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 20, 9, 18)
        layout.setSpacing(8)
        layout.addLayout(identity)
        layout.addSpacing(18)
        for button in self.buttons:
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addLayout(foot)
