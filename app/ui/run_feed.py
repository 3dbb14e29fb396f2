"""Brings the runs' news from worker threads to the main thread, merged to four a second."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.core.runs import Run

EVERY_MS = 250


class RunFeed(QObject):
    """Signals `updated(object)`: a tuple of the runs that changed, each in its newest state. Main thread only.

    `listener` may be called from any thread.
    """

    updated = Signal(object)
    _stirred = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting: dict[str, Run] = {}
        self._active: dict[str, Run] = {}
        self._ended: set[str] = set()
        self._stop: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._on_pause_over)
        self._stirred.connect(self._on_stirred, Qt.ConnectionType.QueuedConnection)

    def follow(self, stop: Callable[[], None]) -> None:
        """Keep what ends the subscription, for `close`."""
        self._stop = stop

    def listener(self, run: Run) -> None:
        """Take news of a run, on the thread that made it."""
        with self._lock:
            first = not self._waiting
            self._waiting[run.id] = run
        if first:
            self._stirred.emit()

    def active(self) -> tuple[Run, ...]:
        """Return this process's runs that have not ended, as far as they were told."""
        with self._lock:
            waiting = dict(self._waiting)
        known = {**self._active, **waiting}
        return tuple(run for run in known.values() if not run.status.ended)

    def ended(self, run_id: str) -> bool:
        """Whether the end of a run was told already: a list read a moment ago may still call it active."""
        return run_id in self._ended

    def close(self) -> None:
        """Hear nothing more."""
        self._timer.stop()
        if self._stop is not None:
            self._stop()
            self._stop = None

    def _on_stirred(self) -> None:
        if not self._timer.isActive():
            self._deliver()

    def _on_pause_over(self) -> None:
        self._deliver()

    def _deliver(self) -> None:
        with self._lock:
            news, self._waiting = tuple(self._waiting.values()), {}
        if not news:
            return
        for run in news:
            if run.status.ended:
                self._active.pop(run.id, None)
                self._ended.add(run.id)
            else:
                self._active[run.id] = run
        self._timer.start()
        self.updated.emit(news)
