"""The one object that knows how the window looks; it is passed to every widget, never looked up."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication, QStyleFactory

from app.ui.theme.fonts import ROLES, build_font, load_fonts
from app.ui.theme.icons import IconSet
from app.ui.theme.motion import Motion
from app.ui.theme.palette import build_palette
from app.ui.theme.qss import build_qss
from app.ui.theme.tokens import MODES, SCRIM

Mode = Literal["light", "dark"]
Choice = Literal["system", "light", "dark"]


class Theme(QObject):
    """Colours, fonts and icons by role, and the mode that is on.

    Create one after the `QApplication`, call `apply()`, and pass it on. `changed` comes after the mode
    changed and the application already has its new palette and style sheet: widgets that paint by role only repaint, which
    Qt does by itself, so only widgets that *keep* a colour, an icon or a font have to listen. Main thread only.
    """

    changed = Signal()

    def __init__(self, app: QApplication, choice: Choice = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._choice: Choice = choice
        self._fonts: dict[str, QFont] = {}
        self._icons = IconSet()
        self.motion = Motion(self)
        load_fonts()
        self._mode: Mode = self._wanted_mode()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._on_system_scheme_changed)

    @property
    def mode(self) -> Mode:
        """The mode on screen: "light" or "dark"."""
        return self._mode

    @property
    def choice(self) -> Choice:
        """What Settings says: "system" follows the system."""
        return self._choice

    @property
    def tokens(self) -> dict[str, str]:
        """The colour roles of the mode on screen."""
        return MODES[self._mode]

    def apply(self) -> None:
        """Give the application its style, palette, style sheet and font."""
        if self._app.style().name().lower() != "fusion":
            self._app.setStyle(QStyleFactory.create("Fusion"))
        self._app.setPalette(build_palette(self.tokens))
        self._app.setFont(self.font("body"))
        self._app.setStyleSheet(build_qss(self.tokens))

    def set_choice(self, choice: Choice) -> None:
        """Follow the system or stay light or dark; emits `changed` when the mode on screen changes."""
        self._choice = choice
        self._switch(self._wanted_mode())

    def color(self, role: str) -> QColor:
        """Return the colour of a role; KeyError for a role that does not exist."""
        return QColor(self.tokens[role])

    def scrim(self) -> QColor:
        """Return the colour laid over the window behind a dialog."""
        value, opacity = SCRIM[self._mode]
        color = QColor(value)
        color.setAlphaF(opacity)
        return color

    def font(self, role: str) -> QFont:
        """Return the font of a type role ("body", "caption-medium", "page" ...); KeyError otherwise."""
        font = self._fonts.get(role)
        if font is None:
            font = build_font(role)
            self._fonts[role] = font
        return font

    def metrics(self, role: str) -> QFontMetrics:
        """Return the metrics of a type role."""
        return QFontMetrics(self.font(role))

    def line_height(self, role: str) -> int:
        """Return the line height of a type role in px."""
        return ROLES[role].line

    def icon(self, name: str, role: str = "text2") -> QIcon:
        """Return an icon by its name ("play", "check-circle-fill", "mdi6.set-all") in the colour of a role."""
        return self._icons.get(name, self.tokens[role])

    def _wanted_mode(self) -> Mode:
        if self._choice != "system":
            return self._choice
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return "dark" if dark else "light"

    def _on_system_scheme_changed(self, _scheme: Qt.ColorScheme) -> None:
        self._switch(self._wanted_mode())

    def _switch(self, mode: Mode) -> None:
        if mode == self._mode:
            return
        self._mode = mode
        self.apply()
        self.changed.emit()
