"""What this person prefers, in one small file of their configuration; never the system's global settings."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, QSettings, Signal

from app.ui.theme import Theme
from app.ui.theme.theme import Choice

_CHOICES = ("system", "light", "dark")


class Preferences(QObject):
    """Theme, motion, row height, and what tables and drawers looked like last. Main thread only.

    Signal `rows_changed()`: the row height changed.
    """

    rows_changed = Signal()

    def __init__(self, ini: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.ini = ini
        self._settings = QSettings(str(ini), QSettings.Format.IniFormat)

    def theme_choice(self) -> Choice:
        """Return "system", "light" or "dark"."""
        kept = self.text("appearance/theme")
        return cast(Choice, kept) if kept in _CHOICES else "system"

    def set_theme_choice(self, theme: Theme, choice: Choice) -> None:
        """Change and keep the theme."""
        self.set_text("appearance/theme", choice)
        theme.set_choice(choice)

    def reduced_motion(self) -> bool:
        """Whether motion is reduced."""
        return self.text("appearance/reduced_motion") == "yes"

    def set_reduced_motion(self, theme: Theme, *, reduced: bool) -> None:
        """Change and keep whether motion is reduced."""
        self.set_text("appearance/reduced_motion", "yes" if reduced else "no")
        theme.motion.reduced = reduced

    def compact_rows(self) -> bool:
        """Whether rows are compact."""
        return self.text("appearance/rows") == "compact"

    def set_compact_rows(self, *, compact: bool) -> None:
        """Change and keep the row height."""
        self.set_text("appearance/rows", "compact" if compact else "comfortable")
        self.rows_changed.emit()

    def text(self, key: str) -> str:
        """Return what was kept under a key, "" when nothing was."""
        kept = self._settings.value(key, "")
        return kept if isinstance(kept, str) else ""

    def set_text(self, key: str, value: str) -> None:
        """Keep a text under a key."""
        self._settings.setValue(key, value)
