"""Buttons: primary, secondary, ghost, danger, link; with an icon, a menu caret, or a spinner while busy."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus

Kind = Literal["primary", "secondary", "ghost", "danger", "link"]

_PAD, _LINK_PAD = 13, 3
_INK = {"primary": "on_accent", "secondary": "text", "ghost": "text", "danger": "danger", "link": "accent_text"}
_HOVER = {"primary": "accent_hover", "secondary": "hover", "ghost": "hover", "danger": "danger_subtle"}
_PRESSED = {"primary": "accent_hover", "secondary": "pressed", "ghost": "pressed", "danger": "danger_subtle"}


class Button(KeyboardFocus, QPushButton):
    """A painted push button.

    Args:
        theme: the theme.
        text: verb first; empty for an icon alone, then `name` is needed.
        kind: primary, secondary, ghost, danger or link.
        icon: icon at the left, by name.
        trailing: icon at the right, e.g. "arrow-right" or "caret-down" (a menu set with `setMenu` adds the caret itself).
        small: 28 px high instead of 32.
        name: accessible name when it differs from the text.
        shortcut_hint: shown in the tooltip after the name; it does not create a shortcut.
    """

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        kind: Kind = "secondary",
        *,
        icon: str = "",
        trailing: str = "",
        small: bool = False,
        name: str = "",
        shortcut_hint: QKeySequence | QKeySequence.StandardKey | str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._theme = theme
        self._kind: Kind = kind
        self._icon = icon
        self._trailing = trailing
        self._height = 28 if small else 32
        self._busy = False
        self._focus_lent_to: QWidget | None = None
        self._shown_state = ""
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_LayoutUsesWidgetRect)
        self.setCursor(Qt.CursorShape.PointingHandCursor if kind == "link" else Qt.CursorShape.ArrowCursor)
        self.setFont(theme.font("body-medium"))
        self.setText(text)
        self.setAccessibleName(name or text)
        if name and not text:
            self.setToolTip(name)
        if shortcut_hint is not None:
            keys = QKeySequence(shortcut_hint).toString(QKeySequence.SequenceFormat.NativeText)
            self.setToolTip(f"{name or text} ({keys})")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._refont)

    def set_words(self, text: str) -> None:
        """Change text and accessible name."""
        self.setText(text)
        self.setAccessibleName(text)
        self.updateGeometry()

    def set_icon_name(self, icon: str) -> None:
        """Change the icon at the left."""
        self._icon = icon
        self.updateGeometry()
        self.update()

    def set_trailing(self, icon: str) -> None:
        """Change the icon at the right."""
        self._trailing = icon
        self.updateGeometry()
        self.update()

    def set_kind(self, kind: Kind) -> None:
        """Change the look."""
        self._kind = kind
        self.updateGeometry()
        self.update()

    def show_state(self, state: str) -> None:
        """Paint as "hover", "pressed" or "focus" whatever the pointer does: for the gallery."""
        self._shown_state = state
        self.update()

    def is_busy(self) -> bool:
        """Whether the spinner turns in place of the icon."""
        return self._busy

    def set_busy(self, busy: bool, text: str | None = None) -> None:  # noqa: FBT001 - reads like setEnabled
        """Turn a spinner in place of the icon and refuse clicks; `text` replaces the words meanwhile."""
        had_focus = self.window().focusWidget() is self
        self._busy = busy
        self.setEnabled(not busy)
        if busy:
            # Qt gives the focus of a disabled button to the next one, where the next key would do something else.
            self._focus_lent_to = self.window().focusWidget() if had_focus else None
        elif self._focus_lent_to is not None and self.window().focusWidget() is self._focus_lent_to:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        if text is not None:
            self.set_words(text)
        if busy:
            self._theme.motion.follow(self)
        self.updateGeometry()
        self.update()

    def spin(self) -> bool:
        """Repaint the spinner (see `Motion`)."""
        if not self._busy or not self.isVisible():
            return False
        self.update()
        return True

    def showEvent(self, event: QEvent) -> None:
        """A busy button that comes back turns again."""
        super().showEvent(event)
        if self._busy:
            self._theme.motion.follow(self)

    def sizeHint(self) -> QSize:
        """As wide as its parts."""
        if not self.text():
            return QSize(self._height, self._height)
        width = self._theme.metrics("body-medium").horizontalAdvance(self.text())
        pad = _LINK_PAD if self._kind == "link" else _PAD
        return QSize(width + self._parts_width() + 2 * pad, self._height)

    def inset(self) -> int:
        """How far left of a margin it must begin for what people see of it at rest to stand at the margin, in px."""
        return {"link": _LINK_PAD, "ghost": _PAD}.get(self._kind, 0)

    def minimumSizeHint(self) -> QSize:
        """Never narrower than its text."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter clicks as Space does: in a dialog Qt would have it click another button, elsewhere nothing."""
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            if not event.isAutoRepeat():
                self.click()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint ground, icon, text and focus ring."""
        painter = QPainter(self)
        self._paint_ground(painter)
        self._paint_content(painter)
        if self._shown_state == "focus" or (self.hasFocus() and self.focus_visible):
            paint.focus_ring(painter, self._theme, self.rect(), 6, filled=self._kind == "primary")

    def _parts_width(self) -> int:
        left = 22 if self._icon or self._busy else 0
        trailing = self._trailing_name()
        right = 0 if not trailing else (16 if trailing.startswith("caret") else 20)
        return left + right

    def _trailing_name(self) -> str:
        return self._trailing or ("caret-down" if self.menu() is not None and self.text() else "")

    def _ink(self) -> str:
        if not self.isEnabled() and not self._busy:
            return "disabled"
        if self._busy and self._kind == "primary":
            return "disabled"
        return _INK[self._kind]

    def _paint_ground(self, painter: QPainter) -> None:
        theme, kind = self._theme, self._kind
        if kind == "link":
            return
        fill: QColor | None = {
            "primary": theme.color("accent"),
            "secondary": theme.color("surface"),
            "danger": theme.color("surface"),
        }.get(kind)
        edge_role = {"secondary": "border", "danger": "danger_line"}.get(kind)
        if not self.isEnabled():
            if kind == "primary":
                fill, edge_role = theme.color("neutral_subtle"), "line"
            elif kind != "ghost":
                edge_role = "border"
        elif self.isDown() or self._shown_state == "pressed":
            fill = theme.color(_PRESSED[kind])
        elif (self.underMouse() and not self._shown_state) or self._shown_state == "hover":
            fill = theme.color(_HOVER[kind])
        if fill is not None or edge_role:
            paint.box(painter, self.rect(), 6, fill=fill, edge=theme.color(edge_role) if edge_role else None)

    def _paint_content(self, painter: QPainter) -> None:
        theme, ink = self._theme, self._ink()
        width = theme.metrics("body-medium").horizontalAdvance(self.text()) if self.text() else 0
        if not self.text():
            spot = QRect(0, 0, 16, 16)
            spot.moveCenter(self.rect().center())
            role = ink if self._kind in ("primary", "danger") or not self.isEnabled() else "text2"
            self._paint_mark(painter, spot, role)
            return
        total = width + self._parts_width()
        left = self.rect().left() + max(0, (self.width() - total) // 2)
        middle = self.height() // 2
        if self._icon or self._busy:
            role = "text2" if ink == "text" else ink
            self._paint_mark(painter, QRect(left, middle - 8, 16, 16), role)
            left += 22
        paint.text(
            painter,
            theme,
            QRect(left, 0, width + 2, self.height()),
            self.text(),
            role="body-medium",
            ink=ink,
            elide=Qt.TextElideMode.ElideNone,
        )
        trailing = self._trailing_name()
        if trailing:
            size = 12 if trailing.startswith("caret") else 14
            spot = QRect(left + width + (4 if size == 12 else 6), middle - size // 2, size, size)
            paint.icon(painter, theme, spot, trailing, ink)

    def _paint_mark(self, painter: QPainter, spot: QRect, role: str) -> None:
        if self._busy:
            paint.spinner(painter, self._theme, spot)
        else:
            paint.icon(painter, self._theme, spot, self._icon, role)

    def _refont(self) -> None:
        self.setFont(self._theme.font("body-medium"))
        self.updateGeometry()


class IconButton(Button):
    """A ghost button that is an icon alone; `name` is its accessible name and tooltip."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        name: str,
        *,
        small: bool = True,
        shortcut_hint: QKeySequence | QKeySequence.StandardKey | str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(
            theme, "", "ghost", icon=icon, small=small, name=name, shortcut_hint=shortcut_hint, parent=parent
        )
