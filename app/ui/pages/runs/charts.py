"""Two small charts of a run: its phases on one time axis, and its speed while sending."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.runs import Phase, PhaseState, Run
from app.ui.formats import Formats, seconds_between
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.labels import ElidedLabel

PHASE_ROW, AXIS, NAMES, TIMES = 26, 24, 136, 76
LABELS = 30
FILLS = {PhaseState.SLOWED: "warning_fill", PhaseState.FAILED: "danger_fill"}
MARKS = {
    PhaseState.DONE: ("check-circle-fill", "success"),
    PhaseState.SLOWED: ("warning-fill", "warning"),
    PhaseState.FAILED: ("x-circle-fill", "danger"),
    PhaseState.WAITING: ("clock", "text3"),
}
NEVER = "minus-circle", "text3"
"""Of a phase that a run has not, or did not come to before it ended."""


def _slowed_at(run: Run) -> datetime | None:
    return next((phase.slowed_at for phase in run.phases if phase.slowed_at is not None), None)


def _round_top(fastest: float) -> float:
    """The top of an axis with a middle and an end people can read: 180 for 171."""
    step = max(2.0, 2.0 * 10.0 ** (math.floor(math.log10(max(fastest, 1.0))) - 1))
    return math.ceil(max(fastest, 1.0) / step) * step


class UnitLabel(ElidedLabel):
    """A unit at the right, in full where there is room, else short."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._units = "", ""
        super().__init__(theme, "", "caption", "text2", parent=parent)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def set_units(self, full: str, short: str) -> None:
        """Show this unit."""
        self._units = full, short
        self._choose()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may have room for other words."""
        super().resizeEvent(event)
        self._choose()

    def _choose(self) -> None:
        full, short = self._units
        self.set_words(full if self.fontMetrics().horizontalAdvance(full) <= self.width() else short)


class PhaseChart(QWidget):
    """One row a phase: mark, name, bar on the common axis, duration. Slow and failed ones are coloured and named."""

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._run: Run | None = None
        self.setMinimumSize(288, PHASE_ROW * 5 + AXIS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_run(self, run: Run) -> None:
        """Show the phases of a run."""
        self._run = run
        words = [f"{self._formats.phase(p.name)}: {self._length(p)}" for p in run.phases]
        self.setAccessibleName(self.tr("Phases"))
        self.setAccessibleDescription(", ".join(words))
        self.setFixedHeight(PHASE_ROW * max(len(run.phases), 1) + AXIS)
        self.update()

    def sizeHint(self) -> QSize:
        """All phases and the axis."""
        return QSize(406, self.height())

    def _seconds(self, phase: Phase) -> float | None:
        return seconds_between(phase.started_at, phase.ended_at or (self._formats.now() if phase.started_at else None))

    def _length(self, phase: Phase) -> str:
        seconds = self._seconds(phase)
        return self._formats.duration(seconds) if seconds is not None else "–"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the rows and the axis."""
        if self._run is None or not self._run.phases:
            return
        painter = QPainter(self)
        start = next((p.started_at for p in self._run.phases if p.started_at), None)
        end = self._run.ended_at or self._formats.now()
        whole = max(seconds_between(start, end) or 0.0, 0.001)
        area = QRect(NAMES + 12, 0, self.width() - NAMES - TIMES - 24, self.height() - AXIS)
        self._paint_axis(painter, area, whole)
        for number, phase in enumerate(self._run.phases):
            self._paint_phase(painter, QRect(0, number * PHASE_ROW, self.width(), PHASE_ROW), area, phase, whole)

    def _paint_axis(self, painter: QPainter, area: QRect, whole: float) -> None:
        """Five lines; a run of few seconds has fewer, so that no label comes twice."""
        parts = max(1, min(4, round(whole), area.width() // 40))
        for part in range(parts + 1):
            x = area.left() + round(area.width() * part / parts)
            painter.fillRect(x, 0, 1, area.height(), self._theme.color("line"))
            minutes, seconds = divmod(round(whole * part / parts), 60)
            label = f"{minutes}:{seconds:02d}"
            if part and not minutes and not seconds:
                continue
            paint.text(
                painter,
                self._theme,
                QRect(x - 30, area.bottom() + 4, 60, 18),
                label,
                role="caption",
                ink="text3",
                align=Qt.AlignmentFlag.AlignHCenter,
            )

    def _never(self, phase: Phase) -> bool:
        """Whether the run has no such phase: it ended before, or is in a later one, as one that undoes counts nobody."""
        if self._run is None or phase.state is not PhaseState.WAITING:
            return False
        after = self._run.phases[self._run.phases.index(phase) + 1 :]
        return self._run.status.ended or any(later.state is not PhaseState.WAITING for later in after)

    def _paint_phase(self, painter: QPainter, row: QRect, area: QRect, phase: Phase, whole: float) -> None:
        theme = self._theme
        mark = QRect(row.left(), row.top() + 5, 16, 16)
        if phase.state is PhaseState.RUNNING:
            paint.spinner(painter, theme, mark)
        else:
            paint.icon(painter, theme, mark, *(NEVER if self._never(phase) else MARKS[phase.state]))
        paint.text(painter, theme, QRect(24, row.top(), NAMES - 20, row.height()), self._formats.phase(phase.name))
        paint.text(
            painter,
            theme,
            QRect(row.right() - TIMES, row.top(), TIMES, row.height()),
            self._length(phase),
            role="caption",
            ink="text2",
            align=Qt.AlignmentFlag.AlignRight,
        )
        seconds = self._seconds(phase)
        if seconds is None or self._run is None:
            return
        begun = seconds_between(self._run.phases[0].started_at, phase.started_at) or 0.0
        left = area.left() + area.width() * min(begun / whole, 1.0)
        width = max(4.0, area.width() * min(seconds / whole, 1.0 - min(begun / whole, 1.0)))
        bar = QRect(round(min(left, area.right() - 4)), row.center().y() - 4, round(width), 10)
        paint.box(painter, bar, 3, fill=theme.color(FILLS.get(phase.state, "bar")))


class SpeedChart(QWidget):
    """The speed over the time of sending, as a line over a soft fill; a dashed line where the destination slowed it."""

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._run: Run | None = None
        self._slowed = ""
        self.setMinimumSize(220, 150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_run(self, run: Run, destination: str) -> None:
        """Show the speed of a run to that destination."""
        self._run = run
        fastest = max((point.per_second for point in run.speed), default=0.0)
        self.setAccessibleName(
            self.tr("Speed while sending, at most {n} per second").format(n=self._formats.number(round(fastest)))
        )
        self._slowed = self.tr("Slowed by {destination}").format(destination=destination)
        self.setAccessibleDescription(self._slowed if _slowed_at(run) else "")
        self.update()

    def sizeHint(self) -> QSize:
        """As in the design."""
        return QSize(300, 150)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint axis, fill and line."""
        painter = QPainter(self)
        points = self._run.speed if self._run is not None else ()
        if len(points) < 2:
            ended = self._run is not None and self._run.status.ended
            words = self.tr("Too short to measure a speed.") if ended else self.tr("Measured as soon as it sends.")
            paint.text(
                painter,
                self._theme,
                self.rect(),
                words,
                role="caption",
                ink="text2",
                align=Qt.AlignmentFlag.AlignHCenter,
            )
            return
        top = _round_top(max(point.per_second for point in points) * 1.1)
        labels = [self._formats.compact(round(top * part / 2)) for part in range(3)]
        metrics = self._theme.metrics("caption")
        room = max(LABELS, *(metrics.horizontalAdvance(label) + 2 for label in labels))
        area = QRect(room + 6, 18, self.width() - room - 6, self.height() - 46)
        for part, label in enumerate(labels):
            y = area.bottom() - round(area.height() * part / 2)
            painter.fillRect(area.left(), y, area.width(), 1, self._theme.color("line"))
            paint.text(
                painter,
                self._theme,
                QRect(0, y - 9, room, 18),
                label,
                role="caption",
                ink="text3",
                align=Qt.AlignmentFlag.AlignRight,
            )
        whole = max((points[-1].at - points[0].at).total_seconds(), 0.001)
        places = [
            QPointF(
                area.left() + area.width() * (p.at - points[0].at).total_seconds() / whole,
                area.bottom() - area.height() * p.per_second / top,
            )
            for p in points
        ]
        self._paint_line(painter, area, places)
        slowed = None if self._run is None else _slowed_at(self._run)
        if slowed is not None and points[0].at <= slowed <= points[-1].at:
            self._paint_slowed(painter, area, area.width() * (slowed - points[0].at).total_seconds() / whole)
        for at, align in ((points[0].at, Qt.AlignmentFlag.AlignLeft), (points[-1].at, Qt.AlignmentFlag.AlignRight)):
            paint.text(
                painter,
                self._theme,
                QRect(area.left(), area.bottom() + 6, area.width(), 18),
                self._formats.local(at).strftime("%H:%M:%S"),
                role="caption",
                ink="text3",
                align=align,
            )

    def _paint_slowed(self, painter: QPainter, area: QRect, at: float) -> None:
        x = area.left() + round(at)
        with paint.saved(painter):
            painter.setPen(QPen(self._theme.color("warning"), 1.0, Qt.PenStyle.DashLine))
            painter.drawLine(x, area.top() + 6, x, area.bottom())
        width = self._theme.metrics("caption").horizontalAdvance(self._slowed) + 4
        left = max(area.left(), min(x - width // 2, area.right() - width))
        label = QRect(left, 0, width, 18)
        paint.text(painter, self._theme, label, self._slowed, role="caption", ink="warning")

    def _paint_line(self, painter: QPainter, area: QRect, places: list[QPointF]) -> None:
        line = QPainterPath(places[0])
        for before, place in pairwise(places):
            middle = (before.x() + place.x()) / 2  # both handles level: the curve never rises above what was measured
            line.cubicTo(QPointF(middle, before.y()), QPointF(middle, place.y()), place)
        fill = QPainterPath(line)
        fill.lineTo(places[-1].x(), area.bottom())
        fill.lineTo(places[0].x(), area.bottom())
        with paint.saved(painter):
            painter.fillPath(fill, self._theme.color("accent_subtle"))
            painter.setPen(QPen(self._theme.color("bar"), 1.5))
            painter.drawPath(line)
