"""Stopping a query from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

_AGAIN_SECONDS = 0.05


class Interrupter:
    """Interrupts now and again until the job's block ends: an interrupt that falls between two queries is lost.

    `start` may be called from any thread and never waits for the interrupt itself.
    """

    def __init__(self, interrupt: Callable[[], object], again_seconds: float = _AGAIN_SECONDS) -> None:
        self._interrupt = interrupt
        self._again = again_seconds
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to interrupt, unless the block has ended."""
        with self._lock:  # the cancelled block may end, and stop, in the middle of this
            if self._done.is_set():
                return
            self._thread = threading.Thread(target=self._repeat, name="sendoff-interrupt", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """The block has ended."""
        with self._lock:
            self._done.set()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _repeat(self) -> None:
        self._interrupt()
        while not self._done.wait(self._again):
            self._interrupt()
