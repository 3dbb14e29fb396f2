"""The part of Settings about what the operating system tells of runs while Sendoff is in the background."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.notifications import Topic, set_wanted, wanted
from app.ui.preferences import Preferences
from app.ui.theme import Theme
from app.ui.widgets.checks import Toggle
from app.ui.widgets.labels import Label, row


class NotificationsPart(QWidget):
    """A switch for each topic; kept at once, for this person on this computer."""

    def __init__(self, theme: Theme, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        lines = {
            Topic.TROUBLE: self.tr("A run fails, is held or skipped"),
            Topic.REJECTS: self.tr("A run finishes with rejects"),
            Topic.EVERY: self.tr("Every finished run"),
        }
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(12)
        self.switches: dict[Topic, Toggle] = {}
        for topic, label in lines.items():
            switch = self.switches[topic] = Toggle(theme, name=label)
            switch.setChecked(wanted(preferences, topic))
            switch.toggled.connect(lambda on, t=topic: set_wanted(preferences, t, on=on))
            stack.addLayout(row(Label(theme, label, "body-medium"), None, switch))
        self.setProperty("words", " ".join(lines.values()))
