"""Closing the window: ask when something runs, stop it, wait without freezing, then end."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.runner import Job, JobRunner
from app.ui.theme import Theme
from app.ui.widgets.bars import Spinner
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import Area, Label, row

log = logging.getLogger(__name__)

POLL_MS = 50
PATIENCE_SECONDS = 20.0
"""Longer than the services wait for the batch in flight."""


class Stopping(Area):
    """What the whole window shows while the last batch ends."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        words = self.tr("Stopping…")
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addLayout(row(None, Spinner(theme, words), Label(theme, words, "title"), None))
        layout.addSpacing(8)
        layout.addLayout(
            row(
                None, Label(theme, self.tr("The batch in flight ends first, so that it is counted."), ink="text2"), None
            )
        )
        layout.addStretch(1)


@runtime_checkable
class KeepsWork(Protocol):
    """A wizard that holds what is not kept yet."""

    def flush(self) -> Job | None:
        """Begin to keep it; None when there is nothing."""
        ...


@runtime_checkable
class HoldsChanges(Protocol):
    """A page on which something is edited that is saved only when the person says so."""

    def unsaved(self) -> str:
        """The name of what would be lost, or an empty text."""
        ...


def ask_to_lose(theme: Theme, window: QWidget, name: str, confirm: str, then: Callable[[], None]) -> ConfirmDialog:
    """Ask before changes to the thing of that name are lost; `then` follows when the person agrees."""
    dialog = ConfirmDialog(
        theme,
        window,
        title=QCoreApplication.translate("Closing", "Discard the changes to “{name}”?").format(name=name),
        sentence=QCoreApplication.translate("Closing", "They are not saved, and nothing brings them back."),
        confirm=confirm,
        cancel=QCoreApplication.translate("Closing", "Go on editing"),
        danger=True,
    )
    dialog.accepted.connect(then)
    dialog.open()
    return dialog


def kept_by(widget: QWidget | None) -> Job | None:
    """The job that keeps what the widget holds, where it is one that holds something."""
    return widget.flush() if isinstance(widget, KeepsWork) else None


class Closing(QObject):
    """The close protocol; main thread only. Signal `done()`: everything has stopped and the program may end.

    Args:
        running: how many exports run in this process.
        stop: ends the services; blocks, called on a thread of its own.
        show_stopping: puts `Stopping` into the window.
        unsaved: the name of what is edited and not saved, or an empty text.
        keep: begins to keep what a wizard has not kept yet; the job that does it, None when there is nothing.
    """

    done = Signal()

    def __init__(
        self,
        theme: Theme,
        window: QWidget,
        runner: JobRunner,
        *,
        running: Callable[[], int],
        stop: Callable[[], None],
        show_stopping: Callable[[], None],
        unsaved: Callable[[], str],
        keep: Callable[[], Job | None],
    ) -> None:
        super().__init__(window)
        self._theme = theme
        self._window = window
        self._runner = runner
        self._running = running
        self._stop = stop
        self._show_stopping = show_stopping
        self._unsaved = unsaved
        self._keep = keep
        self._keeping: Job | None = None
        self._refusing = False
        self._thread: threading.Thread | None = None
        self._deadline = 0.0
        self._asked = False
        self._began = False
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._on_poll)

    def may_close(self) -> bool:
        """Answer the window's close event: always no; the window is closed by `done` when all has stopped."""
        if self._began:
            return False
        name = self._unsaved()
        if not name:
            self._begin_or_ask()
        elif not self._asked:
            self._asked = True
            dialog = ask_to_lose(self._theme, self._window, name, self.tr("Discard and close"), self._begin_or_ask)
            dialog.finished.connect(self._on_answered)
        return False

    def _begin_or_ask(self) -> None:
        self._asked = False
        number = self._running()
        if number:
            self._ask(number)
        else:
            self.begin()

    def begin(self) -> None:
        """Keep what a wizard holds, then refuse new work, cancel what goes on, and wait for its end."""
        if self._began:
            return
        self._began = True
        self._deadline = monotonic() + PATIENCE_SECONDS
        self._keeping = self._keep()
        self._show_stopping()
        self._timer.start()
        self._on_poll()

    def _ask(self, number: int) -> None:
        if self._asked:
            return
        self._asked = True
        one = number == 1
        dialog = ConfirmDialog(
            self._theme,
            self._window,
            title=self.tr("Stop the running export?") if one else self.tr("Stop {n} running exports?").format(n=number),
            sentence=self.tr("What was sent stays there. The next run sends the rest."),
            confirm=self.tr("Stop and close"),
            cancel=self.tr("Go on running"),
            danger=True,
        )
        dialog.accepted.connect(self.begin)
        dialog.finished.connect(self._on_answered)
        dialog.open()

    def _on_answered(self, _code: int) -> None:
        self._asked = False

    def _on_poll(self) -> None:
        late = monotonic() > self._deadline
        if self._keeping is not None and self._keeping.running and not late:
            return
        if not self._refusing:
            self._refusing = True
            self._runner.begin_shutdown()
        if self._thread is None and (self._runner.is_idle() or late):
            # A thread of its own: the window's threads take no work any more, and this one waits for runs.
            self._thread = threading.Thread(target=self._stop_quietly, name="sendoff-closing", daemon=True)
            self._thread.start()
        elif self._thread is not None and not self._thread.is_alive():
            self._timer.stop()
            self.done.emit()
        elif late and monotonic() > self._deadline + PATIENCE_SECONDS:
            log.error("Something did not stop; the program ends without it.")
            logging.shutdown()
            os._exit(0)

    def _stop_quietly(self) -> None:
        try:
            self._stop()
        except Exception:
            log.exception("The workspace did not close cleanly.")
