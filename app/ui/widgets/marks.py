"""Small marks: pills, destination badges, status lines; and the tones they share with notes."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint


@dataclass(frozen=True)
class ToneColors:
    """The colour roles and the icon of a tone."""

    fill: str
    ink: str
    edge: str
    icon: str


TONES: dict[str, ToneColors] = {
    "info": ToneColors("accent_subtle", "accent_text", "", "info-fill"),
    "accent": ToneColors("accent_subtle", "accent_text", "", "info-fill"),
    "neutral": ToneColors("neutral_subtle", "text2", "", "info"),
    "success": ToneColors("success_subtle", "success", "", "check-circle-fill"),
    "warning": ToneColors("warning_subtle", "warning", "warning_line", "warning-fill"),
    "danger": ToneColors("danger_subtle", "danger", "danger_line", "warning-circle-fill"),
}
"""Tones by name: neutral, accent (or info), success, warning, danger."""


def pill_width(theme: Theme, words: str, *, icon: bool) -> int:
    """Return the width of a pill in px."""
    return theme.metrics("caption-medium").horizontalAdvance(words) + 16 + (15 if icon else 0)


def paint_pill(painter: QPainter, theme: Theme, rect: QRect, words: str, tone: str, icon: str = "") -> None:
    """Paint a pill into `rect`."""
    colors = TONES[tone]
    paint.box(painter, rect, 6, fill=theme.color(colors.fill))
    left = rect.left() + 8
    if icon:
        mark = QRect(left - 2, rect.center().y() - 6, 14, 14)
        paint.icon(painter, theme, mark, icon, colors.ink)
        left += 15
    area = QRect(left, rect.top(), rect.right() - left - 5, rect.height())
    paint.text(painter, theme, area, words, role="caption-medium", ink=colors.ink)


class Pill(QWidget):
    """A short word on a tinted plate. `tone`: neutral, accent, success, warning, danger."""

    def __init__(
        self, theme: Theme, words: str, tone: str = "neutral", *, icon: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_pill(words, tone, icon)

    def set_pill(self, words: str, tone: str = "neutral", icon: str = "") -> None:
        """Show another word or tone."""
        self._words, self._tone, self._icon = words, tone, icon
        self.setAccessibleName(words)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as its word."""
        return QSize(pill_width(self._theme, self._words, icon=bool(self._icon)), 22)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the pill."""
        paint_pill(QPainter(self), self._theme, self.rect(), self._words, self._tone, self._icon)


class Badge(QWidget):
    """A destination's two-letter monogram; `name` is the destination. Sizes: 20 in rows, 32 in heads."""

    def __init__(
        self, theme: Theme, letters: str, color: str, name: str, size: int = 20, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedSize(size, size)
        self.set_badge(letters, color, name)

    def set_badge(self, letters: str, color: str, name: str) -> None:
        """Show another destination."""
        self._letters, self._color = letters, color
        self.setAccessibleName(name)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the monogram."""
        paint.badge(QPainter(self), self._theme, self.rect(), self._letters, self._color)


class StatusLine(QWidget):
    """Icon and word of a status; `running` turns the spinner."""

    def __init__(
        self,
        theme: Theme,
        word: str,
        icon: str = "",
        role: str = "text2",
        *,
        ink: str = "text",
        running: bool = False,
        font: str = "body-medium",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._font = font
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_status(word, icon, role, ink=ink, running=running)

    def set_status(
        self, word: str, icon: str = "", role: str = "text2", *, ink: str = "text", running: bool = False
    ) -> None:
        """Show another status."""
        self._word, self._icon, self._role, self._ink, self._running = word, icon, role, ink, running
        self.setAccessibleName(word)
        if running and self.isVisible():
            self._theme.motion.follow(self)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Icon, gap, word."""
        return QSize(self._theme.metrics(self._font).horizontalAdvance(self._word) + 26, 20)

    def minimumSizeHint(self) -> QSize:
        """A status never elides."""
        return self.sizeHint()

    def spin(self) -> bool:
        """Repaint (see `Motion`)."""
        if not self._running or not self.isVisible():
            return False
        self.update()
        return True

    def showEvent(self, event: QShowEvent) -> None:
        """Turn while visible."""
        super().showEvent(event)
        if self._running:
            self._theme.motion.follow(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint icon and word."""
        painter = QPainter(self)
        mark = QRect(0, (self.height() - 16) // 2, 16, 16)
        if self._running:
            paint.spinner(painter, self._theme, mark)
        elif self._icon:
            paint.icon(painter, self._theme, mark, self._icon, self._role)
        area = self.rect().adjusted(24, 0, 0, 0)
        paint.text(
            painter, self._theme, area, self._word, role=self._font, ink=self._ink, elide=Qt.TextElideMode.ElideNone
        )
