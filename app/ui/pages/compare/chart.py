"""Members in the audience over time, run by run, with the two that are compared marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus

HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 210, 52, 18, 20, 8
INSET = 8
"""How far the first and the last run stand from the ends of the scale, in px."""
STEPS = 4
HALO = 4


@dataclass(frozen=True)
class AudiencePoint:
    """One run: when it was and how many members the audience held after it."""

    run: str
    at: datetime
    members: int


class AudienceChart(KeyboardFocus, QWidget):
    """Signal `chosen(run, as_a)`: a click or the left and right arrow keys choose B, with Shift A."""

    chosen = Signal(str, bool)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._formats = theme, formats
        self._points: tuple[AudiencePoint, ...] = ()
        self._a, self._b = "", ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Members in the audience"))

    def show_points(self, points: Sequence[AudiencePoint], a: str, b: str) -> None:
        """Show these, oldest first, with A and B marked where they are among them."""
        self._points = tuple(points)
        self._a, self._b = a, b
        words = [
            self.tr("{letter}: {when}, {n}").format(
                letter=letter,
                when=self._formats.day_and_clock(point.at),
                n=self._formats.counted(point.members, "members"),
            )
            for letter, run in (("A", a), ("B", b))
            if (point := self._point(run)) is not None
        ]
        self.setAccessibleDescription(". ".join(words))
        self.update()

    def sizeHint(self) -> QSize:
        """As in the design."""
        return QSize(786, HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the nearest run."""
        places = self._places()
        if places and event.button() == Qt.MouseButton.LeftButton:
            nearest = min(range(len(places)), key=lambda at: abs(places[at].x() - event.position().x()))
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.chosen.emit(self._points[nearest].run, shift)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move B, with Shift A, to the run before or after."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        as_a = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        runs = [point.run for point in self._points]
        moved, other = (self._a, self._b) if as_a else (self._b, self._a)
        at = runs.index(moved) + step if moved in runs else len(runs) - 1
        if 0 <= at < len(runs) and runs[at] == other:
            at += step  # a run is not compared with itself
        if 0 <= at < len(runs):
            self.chosen.emit(runs[at], as_a)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint scale, line and marks."""
        painter, theme = QPainter(self), self._theme
        if len(self._points) < 2:
            words = self.tr("Not enough runs to draw a line.")
            paint.text(painter, theme, self.rect(), words, ink="text2", align=Qt.AlignmentFlag.AlignHCenter)
            return
        area = self._area()
        low, high = self._scale()
        for part in range(STEPS):
            y = round(area.bottom() - area.height() * part / (STEPS - 1))
            painter.fillRect(round(area.left()), y, round(area.width()), 1, theme.color("line"))
            number = self._formats.number(round(low + (high - low) * part / (STEPS - 1)))
            place = QRect(0, y - 9, LEFT - 8, 18)
            paint.text(painter, theme, place, number, role="caption", ink="text2", align=Qt.AlignmentFlag.AlignRight)
        self._paint_days(painter, area)
        self._paint_marks(painter, area)
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)

    def _paint_days(self, painter: QPainter, area: QRectF) -> None:
        """As many dates as have room, the first and the last among them."""
        first, last = self._points[0].at, self._points[-1].at
        number = max(2, min(5, int(area.width() // 130)))
        shown = ""
        for part in range(number):
            share = part / (number - 1)
            words = self._formats.date(first + (last - first) * share)
            if words == shown:
                continue
            shown = words
            x = area.left() + INSET + (area.width() - 2 * INSET) * share
            align = Qt.AlignmentFlag.AlignHCenter
            place = QRect(round(x) - 50, round(area.bottom()) + 6, 100, 16)
            if part == 0:
                align, place = Qt.AlignmentFlag.AlignLeft, QRect(round(area.left()), place.top(), 100, 16)
            elif part == number - 1:
                align, place = Qt.AlignmentFlag.AlignRight, QRect(self.width() - 100, place.top(), 100, 16)
            paint.text(painter, self._theme, place, words, role="caption", ink="text2", align=align)

    def _paint_marks(self, painter: QPainter, area: QRectF) -> None:
        theme, places = self._theme, self._places()
        marks = {
            letter: places[at]
            for letter, run in (("A", self._a), ("B", self._b))
            if (at := next((i for i, point in enumerate(self._points) if point.run == run), None)) is not None
        }
        with paint.saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if len(marks) == 2:
                left, right = sorted(place.x() for place in marks.values())
                painter.fillRect(QRectF(left, area.top(), right - left, area.height()), theme.color("accent_subtle"))
            line = QPainterPath(places[0])
            for place in places[1:]:
                line.lineTo(place)
            painter.setPen(QPen(theme.color("bar"), 1.5))
            painter.drawPath(line)
            for place in marks.values():
                painter.setPen(QPen(theme.color("text2"), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(place.x(), area.top()), QPointF(place.x(), area.bottom()))
                painter.setPen(QPen(theme.color("surface"), 1.5))
                painter.setBrush(theme.color("bar"))
                painter.drawEllipse(place, HALO, HALO)
        self._paint_names(painter, marks)

    def _paint_names(self, painter: QPainter, marks: dict[str, QPointF]) -> None:
        """Letter and number above each mark, side by side where they are near each other."""
        words = {
            letter: f"{letter}  {self._formats.number(point.members)}"
            for letter, run in (("A", self._a), ("B", self._b))
            if letter in marks and (point := self._point(run)) is not None
        }
        metrics, end = self._theme.metrics("caption-medium"), self.width()
        for letter in sorted(words, key=lambda each: -marks[each].x()):
            width = metrics.horizontalAdvance(words[letter]) + 2
            left = min(round(marks[letter].x() - width / 2), end - width)
            end = left - 16
            paint.text(painter, self._theme, QRect(left, 2, width, 18), words[letter], role="caption-medium")

    def _area(self) -> QRectF:
        return QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), HEIGHT - TOP - BOTTOM)

    def _scale(self) -> tuple[float, float]:
        """Round numbers below and above all values, with whole steps between."""
        values = [point.members for point in self._points]
        low, high = min(values), max(values)
        rough = max((high - low) / (STEPS - 1), 1)
        power = 10 ** math.floor(math.log10(rough))
        step = next(
            power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= rough and power * factor >= 1
        )
        start = math.floor(low / step) * step
        while start + step * (STEPS - 1) < high:
            step *= 2
            start = math.floor(low / step) * step
        return start, start + step * (STEPS - 1)

    def _places(self) -> list[QPointF]:
        if not self._points:
            return []
        area, (low, high) = self._area(), self._scale()
        first, last = self._points[0].at, self._points[-1].at
        whole = max((last - first).total_seconds(), 1.0)
        return [
            QPointF(
                area.left() + INSET + (area.width() - 2 * INSET) * (point.at - first).total_seconds() / whole,
                area.bottom() - area.height() * (point.members - low) / (high - low),
            )
            for point in self._points
        ]

    def _point(self, run: str) -> AudiencePoint | None:
        return next((point for point in self._points if point.run == run), None)
