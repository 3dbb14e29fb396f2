"""Painting shared by widgets and cell delegates; each function leaves the painter as it found it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import bidirectional

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication, QIcon, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.theme.tokens import contrast, readable_ink

LEAST_FILL = 4.0
RIGHT_TO_LEFT = "\u200f"
"""A mark without a look, after which what stood before it goes on to the left."""
KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


@contextmanager
def saved(painter: QPainter) -> Iterator[QPainter]:
    """Antialiased painting whose pen, brush, font and clip are put back afterwards."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    try:
        yield painter
    finally:
        painter.restore()


def box(
    painter: QPainter,
    rect: QRect | QRectF,
    radius: float,
    *,
    fill: QColor | None = None,
    edge: QColor | None = None,
    width: float = 1.0,
) -> None:
    """Paint a rounded box; the edge lies inside `rect`."""
    with saved(painter):
        area = QRectF(rect)
        if edge is not None:
            inset = width / 2
            area = area.adjusted(inset, inset, -inset, -inset)
            radius = max(0.0, radius - inset)
        painter.setPen(QPen(edge, width) if edge is not None else Qt.PenStyle.NoPen)
        painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area, radius, radius)


def shadow(painter: QPainter, rect: QRectF, radius: float, *, blur: int, offset: int, opacity: float) -> None:
    """Paint a soft shadow around `rect`, to be painted before the box itself; the caller leaves `blur` px of margin."""
    with saved(painter):
        painter.setPen(Qt.PenStyle.NoPen)
        steps = max(1, blur)
        layer = QColor(0, 0, 0)
        # Layers that lie on each other add up to about `opacity` under the box and fade to nothing at its margin.
        layer.setAlphaF(opacity * 2 / steps)
        painter.setBrush(layer)
        half = steps // 2
        for i in range(steps):
            spread = half - i
            area = rect.adjusted(-spread, -spread + offset, spread, spread + offset)
            if area.width() > 0 and area.height() > 0:
                painter.drawRoundedRect(area, radius + max(spread, 0), radius + max(spread, 0))


def field(painter: QPainter, theme: Theme, widget: QWidget, *, error: bool) -> None:
    """Paint the ground and the edge of a field one chooses in."""
    live = widget.isEnabled()
    edge = "danger_fill" if error else ("control" if live else "border")
    fill = ("hover" if widget.underMouse() else "surface") if live else "neutral_subtle"
    box(painter, widget.rect(), 6, fill=theme.color(fill), edge=theme.color(edge))


def focus_ring(painter: QPainter, theme: Theme, rect: QRect, radius: float, *, filled: bool = False) -> None:
    """Paint the 2 px keyboard focus ring inside `rect`; `filled` adds the inner line of filled buttons."""
    box(painter, rect, radius, edge=theme.color("focus"), width=2.0)
    if filled:
        inner = QRectF(rect).adjusted(2, 2, -2, -2)
        box(painter, inner, max(0.0, radius - 2), edge=theme.color("on_accent"), width=1.5)


def elided(metrics: QFontMetrics, words: str, mode: Qt.TextElideMode, width: int) -> str:
    """Return as much of one line as has room; of Arabic and Hebrew the dots stand at the left, where their words end."""
    if mode == Qt.TextElideMode.ElideNone:
        return words
    shown = metrics.elidedText(words, mode, width)
    strong = next((way for way in map(bidirectional, words) if way in {"L", "R", "AL"}), "L")
    return shown if shown == words or strong == "L" else f"{shown}{RIGHT_TO_LEFT}"


def text(
    painter: QPainter,
    theme: Theme,
    rect: QRect,
    words: str,
    *,
    role: str = "body",
    ink: str = "text",
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> int:
    """Paint one line of text, elided to `rect` and centred in its height; return the width it took in px."""
    if not words or rect.width() <= 0:
        return 0
    with saved(painter):
        font = theme.font(role)
        metrics = QFontMetrics(font)
        shown = elided(metrics, words, elide, rect.width())
        painter.setFont(font)
        painter.setPen(theme.color(ink))
        flags = int((align | Qt.AlignmentFlag.AlignVCenter).value) | int(Qt.TextFlag.TextSingleLine.value)
        painter.drawText(rect, flags, shown)
        return metrics.horizontalAdvance(shown)


def icon(painter: QPainter, theme: Theme, rect: QRect, name: str, role: str = "text2") -> None:
    """Paint an icon to fill `rect`, sharp at the device's ratio."""
    picture: QIcon = theme.icon(name, role)
    if not picture.isNull():
        picture.paint(painter, rect)


def badge_rect(rect: QRect, size: int) -> QRect:
    """Return a square of `size` px at the left of `rect`, centred in its height."""
    return QRect(rect.left(), rect.top() + (rect.height() - size) // 2, size, size)


def badge(painter: QPainter, theme: Theme, rect: QRect, letters: str, color: str) -> None:
    """Paint a destination's two-letter monogram in its colour (`#RRGGBB`), the same in both modes.

    A near-black one gets an edge on the dark surface; the letters are white or near-black, whichever reads better.
    """
    ground = QColor(color)
    near = theme.mode == "dark" and contrast(color, theme.tokens["surface"]) < 1.6
    size = rect.height()
    radius = 5 if size <= 24 else 8
    box(painter, rect, radius, fill=ground, edge=theme.color("border") if near else None)
    with saved(painter):
        font = theme.font("micro")
        font = type(font)(font)
        font.setPixelSize(max(7, round(size * (0.46 if size <= 24 else 0.42))))
        font.setWeight(font.Weight.Bold)
        painter.setFont(font)
        painter.setPen(QColor(readable_ink(color)))
        painter.drawText(QRectF(rect), Qt.AlignmentFlag.AlignCenter, letters)


def bar(
    painter: QPainter,
    theme: Theme,
    rect: QRectF,
    share: float,
    *,
    fill: str = "bar",
    least: bool = True,
    mirrored: bool = False,
) -> None:
    """Paint a fully rounded bar filled to `share` (0 to 1); with `least`, anything above 0 fills at least 4 px."""
    radius = rect.height() / 2
    box(painter, rect, radius, fill=theme.color("track"))
    share = min(max(share, 0.0), 1.0)
    length = rect.width() * share
    if share > 0 and least:
        length = max(length, LEAST_FILL)
    if length > 0:
        part = QRectF(rect)
        part.setWidth(length)
        if mirrored:
            part.moveRight(rect.right())
        with saved(painter):
            clip = QPainterPath()
            clip.addRoundedRect(rect, radius, radius)
            painter.setClipPath(clip)
            box(painter, part, radius, fill=theme.color(fill))


def limit_fill(share: float) -> str:
    """Return the colour role of a limit bar: the accent up to 80 %, the warning colour from there on."""
    return "warning_fill" if share >= 0.8 else "bar"


def spinner(painter: QPainter, theme: Theme, rect: QRect) -> None:
    """Paint the spinner as it stands now; with reduced motion a still clock."""
    if theme.motion.reduced:
        icon(painter, theme, rect, "hourglass", "text2")
        return
    with saved(painter):
        width = 2.0 if rect.width() >= 14 else 1.6
        area = QRectF(rect).adjusted(width, width, -width, -width)
        painter.setPen(QPen(theme.color("track"), width))
        painter.drawEllipse(area)
        pen = QPen(theme.color("bar"), width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        start = 150.0 - theme.motion.angle()
        painter.drawArc(area, int(start * 16), -100 * 16)


def check_mark(
    painter: QPainter, theme: Theme, rect: QRect, state: Qt.CheckState, *, enabled: bool = True, hover: bool = False
) -> None:
    """Paint a 16 px check box: empty, ticked or partly."""
    square = QRect(0, 0, 16, 16)
    square.moveCenter(rect.center())
    if not enabled:
        box(painter, square, 4, fill=theme.color("neutral_subtle"), edge=theme.color("border"))
        mark = "disabled"
    elif state == Qt.CheckState.Unchecked:
        box(painter, square, 4, fill=theme.color("hover" if hover else "surface"), edge=theme.color("control"))
        return
    else:
        box(painter, square, 4, fill=theme.color("accent_hover" if hover else "accent"))
        mark = "on_accent"
    if state == Qt.CheckState.Checked:
        icon(painter, theme, square.adjusted(2, 2, -2, -2), "check-bold", mark)
    elif state == Qt.CheckState.PartiallyChecked:
        with saved(painter):
            painter.setPen(QPen(theme.color(mark), 2))
            middle = square.center().y() + 0.5
            painter.drawLine(QPointF(square.left() + 4.5, middle), QPointF(square.right() - 3.5, middle))


def radio_mark(painter: QPainter, theme: Theme, rect: QRect, *, on: bool, enabled: bool = True) -> None:
    """Paint a 16 px radio mark."""
    circle = QRect(0, 0, 16, 16)
    circle.moveCenter(rect.center())
    if not enabled:
        box(painter, circle, 8, fill=theme.color("neutral_subtle"), edge=theme.color("border"))
    elif on:
        box(painter, circle, 8, fill=theme.color("accent"))
    else:
        box(painter, circle, 8, fill=theme.color("surface"), edge=theme.color("control"))
    if on:
        box(painter, QRectF(circle).adjusted(5, 5, -5, -5), 3, fill=theme.color("on_accent" if enabled else "disabled"))


def popups_have_alpha() -> bool:
    """Whether top-level popups may be translucent; on plain X11 a compositor cannot be relied on."""
    return QGuiApplication.platformName() != "xcb"
