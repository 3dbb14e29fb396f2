"""Making many widgets without stalling the window: a little in each turn of the event loop, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter

import shiboken6
from PySide6.QtCore import QObject, QTimer

TURN_SECONDS = 0.008


class Turns(QObject):
    """Pieces of work, one after the other, as many a turn as fit into 8 ms. What belongs to a deleted widget is dropped.

    One queue for all, because timers that are due together run in the same turn.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[tuple[QObject, Callable[[], None]]] = deque()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_turn)

    def later(self, owner: QObject, work: Callable[[], None], *, first: bool = False) -> None:
        """Do it in a later turn, before everything else that waits when it is to be `first`."""
        if first:
            self._waiting.appendleft((owner, work))
        else:
            self._waiting.append((owner, work))
        if not self._timer.isActive():
            self._timer.start(0)

    def idle(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def _on_turn(self) -> None:
        began = perf_counter()
        while self._waiting and perf_counter() - began < TURN_SECONDS:
            owner, work = self._waiting.popleft()
            if shiboken6.isValid(owner):
                work()
        if self._waiting:
            self._timer.start(0)
