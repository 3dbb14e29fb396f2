"""Small charts of a panel: shares of a whole, one bar a run, a speed over time. Their values also stand in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint


class StackedBar(QWidget):
    """Parts of a whole side by side, 8 px high; the grey rest was not reached."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._parts: tuple[tuple[float, str], ...] = ()
        self.setAccessibleName(name)
        self.setFixedHeight(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_parts(self, parts: Sequence[tuple[float, str]], words: str = "") -> None:
        """Show shares (0 to 1) with their colour roles, from the start."""
        self._parts = tuple(parts)
        self.setAccessibleDescription(words)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the parts inside one rounded track."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        clip = QPainterPath()
        clip.addRoundedRect(area, 4, 4)
        painter.setClipPath(clip)
        painter.fillRect(area, self._theme.color("track"))
        left = 0.0
        for share, role in self._parts:
            if share <= 0:
                continue
            width = max(3.0, share * area.width())
            painter.fillRect(QRectF(left, 0, width, area.height()), self._theme.color(role))
            left += width + 1


@dataclass(frozen=True)
class TrendPoint:
    """One run: its value, the tooltip, and the colour role of its bar."""

    value: float
    words: str
    role: str = "accent_soft"


class TrendBars(QWidget):
    """One bar a run, oldest first, each with its tooltip."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._points: tuple[TrendPoint, ...] = ()
        self.setAccessibleName(name)
        self.setFixedHeight(58)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_points(self, points: Sequence[TrendPoint]) -> None:
        """Show these runs."""
        self._points = tuple(points)
        self.setAccessibleDescription(". ".join(point.words for point in points))
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the drawer lets it."""
        return QSize(280, 58)

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the bar under the pointer."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for point, bar in zip(self._points, self._bars(), strict=True):
                if bar.left() - 2 <= event.pos().x() <= bar.right() + 2:
                    QToolTip.showText(event.globalPos(), point.words, self)
                    return True
            QToolTip.hideText()
            return True
        return super().event(event)

    def _bars(self) -> list[QRectF]:
        if not self._points:
            return []
        step = self.width() / max(12, len(self._points))
        top = max((point.value for point in self._points), default=0.0) or 1.0
        room = self.height() - 2
        bars = []
        for number, point in enumerate(self._points):
            height = max(2.0, room * point.value / top)
            bars.append(QRectF(number * step, room - height, step - 5, height))
        return bars

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint bars on a base line."""
        painter = QPainter(self)
        for point, bar in zip(self._points, self._bars(), strict=True):
            paint.box(painter, bar, 2, fill=self._theme.color(point.role))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("line"))


class SpeedLine(QWidget):
    """A speed over time as a line over a soft fill."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._values: tuple[float, ...] = ()
        self.setAccessibleName(name)
        self.setFixedHeight(52)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_values(self, values: Sequence[float], words: str = "") -> None:
        """Show these values, oldest first."""
        self._values = tuple(values)
        self.setAccessibleDescription(words)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint fill and line."""
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("line"))
        if len(self._values) < 2:
            return
        top = max(self._values) or 1.0
        step = self.width() / (len(self._values) - 1)
        room = self.height() - 4
        line = QPainterPath()
        for number, value in enumerate(self._values):
            point = QPointF(number * step, self.height() - 1 - room * value / top)
            if number == 0:
                line.moveTo(point)
            else:
                line.lineTo(point)
        area = QPainterPath(line)
        area.lineTo(self.width(), self.height())
        area.lineTo(0, self.height())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(area, self._theme.color("accent_subtle"))
        painter.setPen(QPen(self._theme.color("bar"), 1.5, Qt.PenStyle.SolidLine))
        painter.drawPath(line)
