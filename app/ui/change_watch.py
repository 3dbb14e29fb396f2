"""Notices what this or another process wrote into the workspace."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs import JobContext
from app.ui.runner import Finished, Job, JobRunner, Outcome

EVERY_MS = 1000


class ChangeWatch(QObject):
    """Asks each second, off the main thread; signal `changed()` when the number is another one than before."""

    changed = Signal()

    def __init__(self, runner: JobRunner, number: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._number = number
        self._known: int | None = None
        self._job: Job | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._on_tick)

    def start(self) -> None:
        """Begin to ask."""
        self._timer.start()
        self._on_tick()

    def stop(self) -> None:
        """Ask no more."""
        self._timer.stop()

    def _on_tick(self) -> None:
        if self._job is None or not self._job.running:
            self._job = self._runner.submit("queries", "Look for changes", self._ask, on_finished=self._on_answered)

    def _ask(self, _ctx: JobContext) -> int:
        return self._number()

    def _on_answered(self, finished: Finished) -> None:
        if finished.outcome is not Outcome.DONE or not self._timer.isActive():
            return
        known, self._known = self._known, finished.value
        if known is not None and known != self._known:
            self.changed.emit()
