"""The part of Settings about what the operating system tells of runs while Sendoff is in the background."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.notifications import Topic, set_wanted, wanted
from app.ui.pages.setting_lines import setting_line, stacked
from app.ui.preferences import Preferences
from app.ui.theme import Theme
from app.ui.widgets.checks import Toggle


class NotificationsPart(QWidget):
    """A switch for each topic; kept at once, for this person on this computer."""

    def __init__(self, theme: Theme, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        lines = {
            Topic.TROUBLE: self.tr("A run fails, is held or skipped"),
            Topic.REJECTS: self.tr("A run finishes with rejects"),
            Topic.EVERY: self.tr("Every finished run"),
        }
        self.switches = {topic: Toggle(theme, name=label) for topic, label in lines.items()}
        for topic, switch in self.switches.items():
            switch.setChecked(wanted(preferences, topic))
            switch.toggled.connect(lambda on, t=topic: set_wanted(preferences, t, on=on))
        rows = (setting_line(theme, lines[topic], "", switch) for topic, switch in self.switches.items())
        stacked(self, *rows, spacing=12)
