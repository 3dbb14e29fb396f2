"""One timer drives every spinner of the window."""

from __future__ import annotations

import weakref
from typing import Protocol

import shiboken6
from PySide6.QtCore import QElapsedTimer, QObject, QTimer

TURN_MS = 900
FRAME_MS = 33
HOVER_MS, SLIDE_MS, TOAST_MS = 120, 180, 240


class Spinning(Protocol):
    """Something on screen that turns: it is asked once per frame to repaint, and says whether it still turns."""

    def spin(self) -> bool:
        """Repaint what turns; return False when nothing visible turns any more."""
        ...


class Motion(QObject):
    """The shared clock of spinners, and whether motion is reduced.

    The timer runs only while something visible turns. With `reduced` it never runs: spinners become a still icon, slides
    are skipped. Main thread only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.reduced = False
        self._things: weakref.WeakSet[Spinning] = weakref.WeakSet()
        self._clock = QElapsedTimer()
        self._clock.start()
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._on_tick)

    def angle(self) -> float:
        """Return the turn of every spinner now, in degrees clockwise from the top."""
        return 0.0 if self.reduced else (self._clock.elapsed() % TURN_MS) * 360.0 / TURN_MS

    def follow(self, thing: Spinning) -> None:
        """Let `thing` turn from now on; held weakly and dropped as soon as its `spin` returns False."""
        if self.reduced:
            return
        self._things.add(thing)
        if not self._timer.isActive():
            self._timer.start()

    def running(self) -> bool:
        """Whether the timer runs."""
        return self._timer.isActive()

    def duration(self, milliseconds: int) -> int:
        """Return how long an animation lasts: 0 when motion is reduced."""
        return 0 if self.reduced else milliseconds

    def _on_tick(self) -> None:
        for thing in list(self._things):
            # A widget Qt has deleted may still have a Python wrapper somewhere.
            if not shiboken6.isValid(thing) or not thing.spin():
                self._things.discard(thing)
        if not self._things:
            self._timer.stop()
