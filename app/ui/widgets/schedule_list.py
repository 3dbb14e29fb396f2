"""What changes for each of several exports: a small list of now and new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint

HEAD, ROW = 36, 36


@dataclass(frozen=True)
class ScheduleChange:
    """One export: badge, name, its schedule now and the new one, in words."""

    letters: str
    color: str
    name: str
    now: str
    new: str


class ScheduleChanges(QWidget):
    """A painted list; silent rows are told by the accessible description."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._changes: tuple[ScheduleChange, ...] = ()
        self.setAccessibleName(self.tr("Schedules now and new"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_changes(self, changes: Sequence[ScheduleChange]) -> None:
        """Show these exports."""
        self._changes = tuple(changes)
        self.setAccessibleDescription(". ".join(f"{c.name}: {c.now}, {c.new}" for c in changes))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Head and rows."""
        return QSize(400, HEAD + ROW * len(self._changes) + 2)

    def minimumSizeHint(self) -> QSize:
        """All rows stay."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card, the head and the rows."""
        painter, theme = QPainter(self), self._theme
        paint.box(painter, self.rect(), 8, fill=theme.color("surface"), edge=theme.color("line"))
        now, arrow, new = round(self.width() * 0.42), round(self.width() * 0.66), round(self.width() * 0.72)
        for left, words in ((12, self.tr("Export")), (now, self.tr("Now")), (new, self.tr("New"))):
            paint.text(painter, theme, QRect(left, 0, 160, HEAD), words, role="caption-medium", ink="text3")
        for number, change in enumerate(self._changes):
            top = HEAD + number * ROW
            painter.fillRect(1, top, self.width() - 2, 1, theme.color("line"))
            paint.badge(painter, theme, QRect(12, top + 8, 20, 20), change.letters, change.color)
            paint.text(painter, theme, QRect(40, top, now - 48, ROW), change.name)
            paint.text(painter, theme, QRect(now, top, arrow - now - 6, ROW), change.now, ink="text2")
            paint.icon(painter, theme, QRect(arrow, top + 11, 14, 14), "arrow-right", "text2")
            same = change.now == change.new
            paint.text(
                painter,
                theme,
                QRect(new, top, self.width() - new - 10, ROW),
                change.new,
                role="body" if same else "body-medium",
                ink="text2" if same else "accent_text",
            )
