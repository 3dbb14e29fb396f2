"""The part of Settings about how the window looks; applies at once, for this person on this computer."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QRadioButton, QWidget

from app.ui.pages.setting_lines import setting_line, side_by_side, stacked
from app.ui.preferences import Preferences
from app.ui.theme import Theme
from app.ui.theme.theme import Choice as ThemeChoice
from app.ui.theme.tokens import MODES
from app.ui.widgets import paint
from app.ui.widgets.checks import Toggle
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.focus import KeyboardFocus


class ThemeCard(KeyboardFocus, QRadioButton):
    """A small picture of a theme; a radio button."""

    def __init__(self, theme: Theme, choice: str, words: str) -> None:
        super().__init__(words)
        self._theme = theme
        self._choice = choice
        self.setAccessibleName(words)
        self.setFixedSize(QSize(148, 96))

    def hitButton(self, position: Any) -> bool:
        """The whole card can be clicked."""
        return self.rect().contains(position)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture and the choice under it."""
        painter, theme = QPainter(self), self._theme
        plate = self.rect().adjusted(0, 0, 0, -32)
        sides = {"system": ("light", "dark"), "light": ("light",), "dark": ("dark",)}[self._choice]
        width = plate.width() // len(sides)
        for number, mode in enumerate(sides):
            part = plate.adjusted(number * width, 0, 0, 0)
            tokens = MODES["light" if mode == "light" else "dark"]
            paint.box(painter, part, 6, fill=QColor(tokens["surface"]))
            for line, (length, role) in enumerate(((0.35, "accent"), (0.75, "track"), (0.55, "track"))):
                bar = part.adjusted(12, 14 + line * 14, 0, 0)
                bar.setHeight(5)
                bar.setWidth(round(width * length))
                paint.box(painter, bar, 2.5, fill=QColor(tokens[role]))
        edge = "accent" if self.isChecked() else "line"
        paint.box(painter, plate, 6, edge=theme.color(edge), width=2.0 if self.isChecked() else 1.0)
        mark = self.rect().adjusted(0, plate.height() + 8, 0, 0)
        mark.setWidth(16)
        mark.setHeight(16)
        paint.radio_mark(painter, theme, mark, on=self.isChecked())
        paint.text(painter, theme, self.rect().adjusted(24, plate.height() + 4, 0, -4), self.text())
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)


class AppearancePart(QWidget):
    """The theme, the height of rows, and whether things move."""

    def __init__(self, theme: Theme, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._preferences = preferences
        self.themes: dict[ThemeChoice, ThemeCard] = {
            "system": ThemeCard(theme, "system", self.tr("Match system")),
            "light": ThemeCard(theme, "light", self.tr("Light")),
            "dark": ThemeCard(theme, "dark", self.tr("Dark")),
        }
        self.rows = Segmented(
            theme,
            self.tr("Row height"),
            [Choice("comfortable", self.tr("Comfortable")), Choice("compact", self.tr("Compact"))],
        )
        self.motion = Toggle(theme, name=self.tr("Reduce motion"))
        self.themes[preferences.theme_choice()].setChecked(True)
        self.rows.set_current("compact" if preferences.compact_rows() else "comfortable")
        self.motion.setChecked(preferences.reduced_motion())
        for choice, card in self.themes.items():
            card.clicked.connect(lambda _on=False, c=choice: preferences.set_theme_choice(theme, c))
        self.rows.chosen.connect(lambda key: preferences.set_compact_rows(compact=key == "compact"))
        self.motion.toggled.connect(lambda on: preferences.set_reduced_motion(theme, reduced=on))
        stacked(
            self,
            side_by_side(*self.themes.values()),
            setting_line(theme, self.tr("Row height"), self.tr("For tables opened from now on"), self.rows),
            setting_line(theme, self.tr("Reduce motion"), self.tr("No slides, still spinners"), self.motion),
        )
