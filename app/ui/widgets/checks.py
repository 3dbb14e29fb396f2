"""Check box, radio button and toggle: a mark and words beside it. Real Qt controls with own paint."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QRadioButton,
    QSizePolicy,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus


class _Marked(KeyboardFocus):
    """What check boxes and radio buttons share: a mark at the left, words at the right, the ring around the mark."""

    _theme: Theme
    _gap = 10
    _mark = 16

    def _set_up(self, theme: Theme, text: str, name: str) -> None:
        self._theme = theme
        self.setText(text)
        self.setAccessibleName(name or text)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAttribute(Qt.WidgetAttribute.WA_LayoutUsesWidgetRect)
        self.setFont(theme.font("body"))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Mark, gap and words; 28 px high, the least target."""
        words = self._theme.metrics("body").horizontalAdvance(self.text()) + self._gap + 2 if self.text() else 0
        return QSize(self._mark + 4 + words, 28)

    def minimumSizeHint(self) -> QSize:
        """Never narrower than its words."""
        return self.sizeHint()

    def hitButton(self, position: QPoint) -> bool:
        """The whole widget is the target."""
        return self.rect().contains(position)

    def _mark_rect(self) -> QRect:
        left = 0 if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else self.width() - self._mark
        return QRect(left, (self.height() - 16) // 2, self._mark, 16)

    def _paint_words(self, painter: QPainter) -> None:
        offset = self._mark + self._gap
        area = self.rect().adjusted(offset, 0, 0, 0)
        align = Qt.AlignmentFlag.AlignLeft
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            area = self.rect().adjusted(0, 0, -offset, 0)
            align = Qt.AlignmentFlag.AlignRight
        ink = "text" if self.isEnabled() else "disabled"
        paint.text(painter, self._theme, area, self.text(), ink=ink, align=align)

    def _paint_ring(self, painter: QPainter, radius: float) -> None:
        if self.hasFocus() and self.focus_visible:
            ring = self._mark_rect().adjusted(-3, -3, 3, 3).intersected(self.rect().adjusted(-3, 0, 0, 0))
            paint.focus_ring(painter, self._theme, ring, radius)


class CheckBox(_Marked, QCheckBox):
    """A check box; `setTristate` gives the partly state. `name` when there is no text."""

    def __init__(self, theme: Theme, text: str = "", *, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set_up(theme, text, name)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint box, words and ring."""
        painter = QPainter(self)
        paint.check_mark(
            painter,
            self._theme,
            self._mark_rect(),
            self.checkState(),
            enabled=self.isEnabled(),
            hover=self.underMouse(),
        )
        self._paint_words(painter)
        self._paint_ring(painter, 6)


class Radio(_Marked, QRadioButton):
    """A radio button; put several under one parent or in a QButtonGroup."""

    def __init__(self, theme: Theme, text: str = "", *, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set_up(theme, text, name)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint mark, words and ring."""
        painter = QPainter(self)
        paint.radio_mark(painter, self._theme, self._mark_rect(), on=self.isChecked(), enabled=self.isEnabled())
        self._paint_words(painter)
        self._paint_ring(painter, 11)


class Toggle(_Marked, QCheckBox):
    """A switch for settings that apply at once; a check box to screen readers."""

    _mark = 36

    def __init__(self, theme: Theme, text: str = "", *, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set_up(theme, text, name)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint track, knob, words and ring."""
        painter = QPainter(self)
        theme = self._theme
        mark = self._mark_rect()
        track = QRect(mark.left(), (self.height() - 20) // 2, 36, 20)
        on = self.isChecked()
        if not self.isEnabled():
            paint.box(painter, track, 10, fill=theme.color("neutral_subtle"), edge=theme.color("border"))
            knob = "disabled"
        elif on:
            paint.box(painter, track, 10, fill=theme.color("accent_hover" if self.underMouse() else "accent"))
            knob = "on_accent"
        else:
            paint.box(painter, track, 10, fill=theme.color("surface"), edge=theme.color("control"))
            knob = "control"
        size = 14 if on else 12
        right = on == (self.layoutDirection() == Qt.LayoutDirection.LeftToRight)
        x = track.right() + 1 - 3 - size if right else track.left() + 3
        y = track.top() + (20 - size) / 2
        paint.box(painter, QRectF(x, y, size, size), size / 2, fill=theme.color(knob))
        self._paint_words(painter)
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, track.adjusted(-3, -3, 3, 3).intersected(self.rect()), 13)
