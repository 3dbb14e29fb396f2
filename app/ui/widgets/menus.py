"""Menus in our look: icon, words, shortcut at the right in a quieter colour."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint


class Menu(QMenu):
    """A painted `QMenu`. `add(...)` adds one action; `addSeparator()` a line.

    Fill it when it opens, or keep it: icons are named, so a change of theme needs nothing.
    """

    def __init__(self, theme: Theme, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._alpha = paint.popups_have_alpha()
        self.setAccessibleName(name)
        self.setFont(theme.font("body"))
        if self._alpha:
            self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
            self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
            self.setWindowFlag(Qt.WindowType.NoDropShadowWindowHint)

    def add(
        self,
        words: str,
        callback: Callable[[], object] | None = None,
        *,
        icon: str = "",
        shortcut: QKeySequence | QKeySequence.StandardKey | str | None = None,
        enabled: bool = True,
        reason: str = "",
        danger: bool = False,
        checked: bool | None = None,
    ) -> QAction:
        """Add an action.

        Args:
            words: verb first.
            callback: called when chosen.
            icon: by name.
            shortcut: shown at the right; the shortcut itself belongs to the page.
            enabled: whether it is possible now.
            reason: why it is not, as tooltip.
            danger: painted in the danger colour.
            checked: makes it checkable.
        """
        action = QAction(words, self)
        action.setProperty("icon_name", icon)
        action.setProperty("danger", danger)
        if shortcut is not None:
            keys = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")
            action.setProperty("keys", keys)
        action.setEnabled(enabled)
        action.setToolTip(reason or words)
        if reason:
            self.setToolTipsVisible(True)
        if checked is not None:
            action.setCheckable(True)
            action.setChecked(checked)
        if callback is not None:
            action.triggered.connect(lambda _checked=False: callback())
        self.addAction(action)
        return action

    def sizeHint(self) -> QSize:
        """Room for icons and shortcuts beside the words."""
        size = super().sizeHint()
        return QSize(max(self._wanted_width(), size.width()), size.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint plate and actions."""
        painter = QPainter(self)
        theme = self._theme
        if self._alpha:
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
            painter.fillRect(self.rect(), Qt.GlobalColor.transparent)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        radius = 8 if self._alpha else 0
        paint.box(painter, self.rect(), radius, fill=theme.color("raised"), edge=theme.color("border"))
        for action in self.actions():
            area = self.actionGeometry(action)
            if area.isEmpty():
                continue
            if action.isSeparator():
                painter.fillRect(1, area.center().y(), self.width() - 2, 1, theme.color("line"))
            else:
                self._paint_action(painter, action, area)

    def _wanted_width(self) -> int:
        metrics = self._theme.metrics("body")
        widest = 0
        for action in self.actions():
            width = metrics.horizontalAdvance(action.text()) + 72
            keys = action.property("keys")
            if keys:
                width += self._theme.metrics("caption").horizontalAdvance(keys) + 24
            widest = max(widest, width)
        return max(widest, 180)

    def _paint_action(self, painter: QPainter, action: QAction, area: QRect) -> None:
        theme = self._theme
        live = action.isEnabled()
        area = QRect(6, area.top(), self.width() - 12, area.height())
        if self.activeAction() is action and live:
            paint.box(painter, area, 6, fill=theme.color("hover"))
        danger = bool(action.property("danger"))
        ink = ("danger" if danger else "text") if live else "disabled"
        mark_role = ("danger" if danger else "text2") if live else "disabled"
        left = area.left() + 10
        name = action.property("icon_name")
        icons = any(a.property("icon_name") or a.isCheckable() for a in self.actions())
        mark = QRect(left, area.center().y() - 7, 16, 16)
        if action.isCheckable():
            state = Qt.CheckState.Checked if action.isChecked() else Qt.CheckState.Unchecked
            paint.check_mark(painter, theme, mark, state, enabled=live)
        elif name:
            paint.icon(painter, theme, mark, name, mark_role)
        elif not action.icon().isNull():
            action.icon().paint(painter, mark)
        if icons:
            left += 26
        words = QRect(left, area.top(), area.right() - left - 10, area.height())
        paint.text(painter, theme, words, action.text().replace("&", ""), ink=ink)
        keys = action.property("keys") or action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        if keys:
            quiet = "text3" if live else "disabled"
            spot = area.adjusted(0, 0, -10, 0)
            paint.text(painter, theme, spot, keys, role="caption", ink=quiet, align=Qt.AlignmentFlag.AlignRight)
        if action.menu() is not None:
            paint.icon(
                painter, theme, QRect(area.right() - 20, area.center().y() - 5, 12, 12), "caret-right", mark_role
            )
