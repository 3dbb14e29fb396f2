"""Tells of runs that ended while somebody works in another window, by the operating system's own notifications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from app.core.runs import Run, Status
from app.ui.formats import Formats
from app.ui.held_words import held_words
from app.ui.preferences import Preferences

SHOWN_MS = 10_000


class Topic(StrEnum):
    """What is told of; each can be switched off."""

    TROUBLE = "trouble"
    REJECTS = "rejects"
    EVERY = "every"


USUAL = {Topic.TROUBLE: True, Topic.REJECTS: True, Topic.EVERY: False}
_QUIET = {Status.CANCELLED, Status.NO_CONNECTION}
_TOPICS = {Status.SUCCESSFUL: Topic.EVERY, Status.COMPLETED_WITH_REJECTS: Topic.REJECTS}


def wanted(preferences: Preferences, topic: Topic) -> bool:
    """Whether the person wants to be told; a run that is told of anyway is told of once."""
    kept = preferences.text(f"notifications/{topic}")
    return kept == "yes" if kept else USUAL[topic]


def set_wanted(preferences: Preferences, topic: Topic, *, on: bool) -> None:
    """Keep what the person wants to be told."""
    preferences.set_text(f"notifications/{topic}", "yes" if on else "no")


def topic_of(run: Run) -> Topic | None:
    """What a run that ended is told under; None for what a person did and so knows, and for one that goes on."""
    if not run.status.ended or run.status in _QUIET:
        return None
    return _TOPICS.get(run.status, Topic.TROUBLE)


class Tray(QObject):
    """The system's tray, which is what shows notifications on all three systems; its icon stands there only with one.

    Signal `clicked()`: somebody clicked on the notification or the icon.
    """

    clicked = Signal()

    def __init__(self, icon: QIcon, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icon = QSystemTrayIcon(icon, self)
        self._icon.setToolTip(name)
        self._icon.messageClicked.connect(self.clicked)
        self._icon.activated.connect(lambda _why: self.clicked.emit())

    def possible(self) -> bool:
        """Whether this desktop shows any."""
        return QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()

    def show_message(self, title: str, words: str, *, trouble: bool) -> None:
        """Show one, for as long as the system does."""
        kind = QSystemTrayIcon.MessageIcon.Warning if trouble else QSystemTrayIcon.MessageIcon.Information
        self._icon.show()
        self._icon.showMessage(title, words, kind, SHOWN_MS)

    def clear(self) -> None:
        """Take the icon away again."""
        self._icon.hide()


class Notifications(QObject):
    """Listens to runs and tells of those that ended while the window was not in front. Main thread only.

    Signal `opened(str)`: the run somebody wants to see, empty for several.
    """

    opened = Signal(str)

    def __init__(
        self,
        window: QWidget,
        preferences: Preferences,
        formats: Formats,
        tray: Callable[[], Tray],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._preferences = preferences
        self._formats = formats
        self._make_tray = tray
        self._tray: Tray | None = None
        self._told: list[str] = []
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Clear what was told when the window comes to the front."""
        if event.type() is QEvent.Type.WindowActivate:
            self.seen()
        return super().eventFilter(watched, event)

    def on_runs(self, runs: Sequence[Run]) -> None:
        """Hear news of runs."""
        if self._window.isActiveWindow():
            self.seen()
            return
        found = [(run, topic) for run in runs if (topic := topic_of(run)) is not None and self._wants(topic)]
        if not found:
            return
        tray = self._tray = self._tray or self._with_click(self._make_tray())
        if not tray.possible():
            return
        for run, topic in found:
            self._told.append(run.id)
            tray.show_message(self._title(run), self._words(run), trouble=topic is not Topic.EVERY)

    def seen(self) -> None:
        """The window is in front: what was told is seen there."""
        self._told.clear()
        if self._tray is not None:
            self._tray.clear()

    def _wants(self, topic: Topic) -> bool:
        return wanted(self._preferences, topic) or wanted(self._preferences, Topic.EVERY)

    def _with_click(self, tray: Tray) -> Tray:
        tray.setParent(self)
        tray.clicked.connect(self._on_clicked)
        return tray

    def _on_clicked(self) -> None:
        told = self._told[0] if len(self._told) == 1 else ""
        self.seen()
        self.opened.emit(told)

    def _title(self, run: Run) -> str:
        return f"{run.export_name}: {self._formats.status(run.status).word}"

    def _words(self, run: Run) -> str:
        """One sentence that names nobody: notifications are seen by whoever passes by."""
        formats, totals = self._formats, run.totals
        if run.held is not None:
            return held_words(run.held, formats)
        if run.error is not None:
            return run.error.what
        if totals.rows:
            return self.tr("{rows} written.").format(rows=formats.counted(totals.rows, "rows"))
        words = self.tr("{delivered} delivered, {rejected} rejected.")
        return words.format(
            delivered=formats.counted(totals.delivered, "members"), rejected=formats.number(totals.rejected)
        )
