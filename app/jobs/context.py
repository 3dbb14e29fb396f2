"""What a long piece of work gets from its caller: a way to be cancelled and a way to report progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Cancelled(Exception):
    """The person, or a newer question, cancelled this work."""


class CancelToken:
    """A request to stop, set once from any thread and seen by the work between its steps.

    Thread safe. Callbacks registered with `on_cancel` run in the cancelling thread and must be quick; they close what
    the work is blocked on (a response, a database cursor).
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Ask the work to stop; asking twice is harmless."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise `Cancelled` when somebody asked to stop."""
        if self._event.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Wait that long, or raise `Cancelled` as soon as somebody asks to stop."""
        if self._event.wait(seconds):
            raise Cancelled

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Run `callback` if the cancel comes while the block runs, or at once when it came before."""
        with self._lock:
            already = self._event.is_set()
            if not already:
                self._callbacks.append(callback)
        if already:
            callback()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; counts are plain integers of any size.

    `total` is None while it is not known. `unit` is "members", "rows", "files" or "bytes". `bytes_done` are bytes of files that
    left beside that, `bytes_per_second` and `seconds_left` are None where nobody can know.
    """

    stage: str
    done: int = 0
    total: int | None = None
    unit: str = "members"
    note: str = ""
    bytes_done: int = 0
    bytes_per_second: float | None = None
    seconds_left: float | None = None

    @property
    def share(self) -> float | None:
        """Part done from 0 to 1, or None when the total is unknown."""
        if not self.total:
            return None
        return min(1.0, self.done / self.total)


def _silent(_progress: Progress) -> None:
    """Progress nobody asked for."""


@dataclass(slots=True)
class JobContext:
    """Handed to every long operation; `report` may be called as often as wanted, listeners get at most ten a second.

    Thread safe as far as its listener is.
    """

    token: CancelToken = field(default_factory=CancelToken)
    listener: Callable[[Progress], None] = _silent
    interval: float = 0.1
    _last_sent: float = 0.0
    _last_stage: str = ""

    def check(self) -> None:
        """Raise `Cancelled` when somebody asked to stop."""
        self.token.check()

    def report(self, progress: Progress, *, final: bool = False) -> None:
        """Tell the listener; a new stage and a `final` report always get through."""
        now = time.monotonic()
        if final or progress.stage != self._last_stage or now - self._last_sent >= self.interval:
            self._last_sent = now
            self._last_stage = progress.stage
            self.listener(progress)
