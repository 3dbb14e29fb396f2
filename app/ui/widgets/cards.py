"""Cards of the galleries: a connection to choose, a destination to connect. Real buttons with own paint."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QRadioButton, QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus


class ConnectionCard(KeyboardFocus, QRadioButton):
    """A connection as a card to choose: monogram, name, destination, and its health below. Cards of one parent exclude each other.

    `badge` is (letters, "#RRGGBB"), `status` is (icon, colour role, words).
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        detail: str,
        *,
        badge: tuple[str, str],
        status: tuple[str, str, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title, self._detail = title, detail
        self._badge, self._status = badge, status
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(title)
        self.setAccessibleDescription(f"{detail}. {status[2]}")
        self.setToolTip(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def title(self) -> str:
        """The connection's name."""
        return self._title

    def set_status(self, icon: str, role: str, words: str) -> None:
        """Show another health."""
        self._status = (icon, role, words)
        self.setAccessibleDescription(f"{self._detail}. {words}")
        self.update()

    def sizeHint(self) -> QSize:
        """Three lines."""
        return QSize(240, 84)

    def minimumSizeHint(self) -> QSize:
        """Narrow columns elide the name."""
        return QSize(180, 84)

    def hitButton(self, position: QPoint) -> bool:
        """The whole card is the target."""
        return self.rect().contains(position)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card."""
        painter = QPainter(self)
        theme = self._theme
        on, live = self.isChecked(), self.isEnabled()
        fill = "accent_subtle" if on else ("hover" if self.underMouse() and live else "surface")
        paint.box(
            painter, self.rect(), 8, fill=theme.color(fill), edge=theme.color("accent" if on else "line"), width=1.0
        )
        paint.badge(painter, theme, QRect(14, 14, 28, 28), *self._badge)
        paint.radio_mark(painter, theme, QRect(self.width() - 30, 14, 16, 16), on=on, enabled=live)
        words = QRect(54, 10, self.width() - 54 - 36, 20)
        paint.text(painter, theme, words, self._title, role="body-strong", ink="text" if live else "disabled")
        below = QRect(54, 29, self.width() - 54 - 14, 16)
        paint.text(painter, theme, below, self._detail, role="caption", ink="text2" if live else "text3")
        icon, role, status = self._status
        paint.icon(painter, theme, QRect(14, 55, 14, 14), icon, role)
        health = QRect(34, 54, self.width() - 34 - 14, 16)
        paint.text(painter, theme, health, status, role="caption", ink="text2" if live else "text3")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 8)


BEFORE_NAME, AFTER_NAME = 42, 36
"""Pixels of a tile before its name, for the badge, and after it, for the mark."""


class DestinationTile(KeyboardFocus, QPushButton):
    """A destination to connect: monogram, name, and a plus (or another mark) at the right.

    `mark_role` colours the mark; `hover_mark` takes its place under the pointer or the keyboard's focus.
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        badge: tuple[str, str],
        mark: str = "plus",
        mark_role: str = "text2",
        hover_mark: str = "",
        tooltip: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._theme = theme
        self._name, self._badge, self._mark = name, badge, mark
        self._mark_role, self._hover_mark = mark_role, hover_mark
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_LayoutUsesWidgetRect)
        self.setAccessibleName(name)
        self.setAccessibleDescription(tooltip)
        self.setToolTip(tooltip or name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @staticmethod
    def width_of(theme: Theme, name: str) -> int:
        """The width in which that name and its mark are whole."""
        return BEFORE_NAME + theme.metrics("body-medium").horizontalAdvance(name) + 1 + AFTER_NAME

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(self.width_of(self._theme, self._name), 44)

    def minimumSizeHint(self) -> QSize:
        """Narrow columns elide the name."""
        return QSize(130, 44)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the tile."""
        painter = QPainter(self)
        theme, live = self._theme, self.isEnabled()
        fill = "hover" if self.underMouse() and live else "surface"
        paint.box(painter, self.rect(), 8, fill=theme.color(fill), edge=theme.color("line"))
        paint.badge(painter, theme, QRect(12, 12, 20, 20), *self._badge)
        right = self.width() - 14
        near = live and (self.underMouse() or (self.hasFocus() and self.focus_visible))
        mark, role = self._mark, self._mark_role
        if near and self._hover_mark:
            mark, role = self._hover_mark, "accent_text"
        if mark:
            paint.icon(painter, theme, QRect(right - 14, 15, 14, 14), mark, role if live else "disabled")
            right -= 22
        words = QRect(BEFORE_NAME, 0, right - BEFORE_NAME, self.height())
        paint.text(painter, theme, words, self._name, role="body-medium", ink="text" if live else "text3")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 8)


class RadioCard(KeyboardFocus, QRadioButton):
    """A choice that needs a sentence: title, detail, mark; the chosen card has the accent edge.

    Cards under one parent exclude each other. `badge` is (letters, "#RRGGBB"); `status` is (icon, colour role, words) at the right.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        detail: str = "",
        *,
        icon: str = "",
        badge: tuple[str, str] | None = None,
        status: tuple[str, str, str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = title
        self._detail = detail
        self._icon = icon
        self._badge = badge
        self._status = status
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(title)
        self.setAccessibleDescription(". ".join(filter(None, (detail, status[2] if status else ""))))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Two lines or one."""
        words = max(
            self._theme.metrics("body-medium").horizontalAdvance(self._title),
            self._theme.metrics("caption").horizontalAdvance(self._detail),
        )
        status = self._theme.metrics("caption").horizontalAdvance(self._status[2]) + 32 if self._status else 0
        return QSize(words + status + 96, 60 if self._detail else 44)

    def minimumSizeHint(self) -> QSize:
        """May shrink: the detail elides."""
        return QSize(160, self.sizeHint().height())

    def hitButton(self, position: QPoint) -> bool:
        """The whole card is the target."""
        return self.rect().contains(position)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card."""
        painter = QPainter(self)
        theme = self._theme
        on, live = self.isChecked(), self.isEnabled()
        fill = "accent_subtle" if on else ("hover" if self.underMouse() and live else "surface")
        edge = "accent" if on else "line"
        paint.box(painter, self.rect(), 8, fill=theme.color(fill), edge=theme.color(edge))
        paint.radio_mark(painter, theme, QRect(16, self.height() // 2 - 8, 16, 16), on=on, enabled=live)
        left = 44
        if self._badge:
            paint.badge(painter, theme, QRect(left, self.height() // 2 - 12, 24, 24), *self._badge)
            left += 36
        elif self._icon:
            paint.icon(painter, theme, QRect(left, self.height() // 2 - 8, 16, 16), self._icon, "text2")
            left += 28
        right = self.width() - 16
        if self._status:
            icon, role, words = self._status
            width = theme.metrics("caption").horizontalAdvance(words) + 2
            spot = QRect(right - width, 0, width, self.height())
            paint.text(painter, theme, spot, words, role="caption", ink="text2")
            paint.icon(painter, theme, QRect(spot.left() - 22, self.height() // 2 - 8, 16, 16), icon, role)
            right = spot.left() - 30
        self._paint_words(painter, QRect(left, 0, right - left, self.height()), live=live)
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 8)

    def _paint_words(self, painter: QPainter, area: QRect, *, live: bool) -> None:
        theme = self._theme
        ink = "text" if live else "disabled"
        if not self._detail:
            paint.text(painter, theme, area, self._title, role="body-medium", ink=ink)
            return
        middle = area.height() // 2
        first = QRect(area.left(), middle - 20, area.width(), 20)
        second = QRect(area.left(), middle + 1, area.width(), 18)
        paint.text(painter, theme, first, self._title, role="body-medium", ink=ink)
        paint.text(painter, theme, second, self._detail, role="caption", ink="text2" if live else "text3")
