"""Fields for when: a time of day, and days of the week."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractSpinBox, QHBoxLayout, QPushButton, QTimeEdit, QWidget

from app.core.schedules import WEEKDAYS
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus


class TimeField(QTimeEdit):
    """A time of day with a clock at the left; up and down change the part under the cursor."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(name)
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setFont(theme.font("body"))
        self.setFixedHeight(32)
        self.lineEdit().setTextMargins(30, 0, 0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the text anew."""
        super().resizeEvent(event)
        self._place_text()

    def changeEvent(self, event: QEvent) -> None:
        """Place the text anew when the theme changed."""
        super().changeEvent(event)
        self._place_text()

    def _place_text(self) -> None:
        """Give the text the whole field: the style sheet leaves it 1 px."""
        self.lineEdit().setGeometry(self.rect().adjusted(2, 1, -2, -1))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field with our edge and the clock."""
        painter, theme = QPainter(self), self._theme
        edge = theme.color("focus" if self.hasFocus() else "control")
        width = 2.0 if self.hasFocus() else 1.0
        paint.box(painter, self.rect(), 6, fill=theme.color("surface"), edge=edge, width=width)
        paint.icon(painter, theme, QRect(10, 8, 16, 16), "clock", "text2")


class DayButton(KeyboardFocus, QPushButton):
    """One day: on or off."""

    def __init__(self, theme: Theme, words: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(words, parent)
        self._theme = theme
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setFixedSize(QSize(36, 32))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint it like a chip with corners."""
        painter, theme = QPainter(self), self._theme
        on = self.isChecked()
        fill = "accent_subtle" if on else "hover" if self.underMouse() else "surface"
        edge = "accent" if on else "border"
        paint.box(painter, self.rect(), 6, fill=theme.color(fill), edge=theme.color(edge))
        ink = "accent_text" if on else "text2"
        centre = Qt.AlignmentFlag.AlignHCenter
        paint.text(painter, theme, self.rect(), self.text(), role="body-medium", ink=ink, align=centre)
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)


class DayPicker(QWidget):
    """The seven days in the locale's order, several on. Signal `changed()`; days are "mon" to "sun"."""

    changed = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Days of the week"))
        first = formats.locale.firstDayOfWeek().value - 1
        self._buttons: dict[str, DayButton] = {}
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for at in range(7):
            number = (first + at) % 7
            button = DayButton(theme, formats.weekday(number)[:2], formats.locale.standaloneDayName(number + 1))
            button.toggled.connect(lambda _on: self.changed.emit())
            self._buttons[WEEKDAYS[number]] = button
            line.addWidget(button)
        line.addStretch(1)

    def button(self, day: str) -> DayButton:
        """Return the button of a day."""
        return self._buttons[day]

    def days(self) -> tuple[str, ...]:
        """Return the chosen days from Monday on."""
        return tuple(day for day in WEEKDAYS if self._buttons[day].isChecked())

    def set_days(self, days: Sequence[str]) -> None:
        """Choose days."""
        for day, button in self._buttons.items():
            button.setChecked(day in days)
