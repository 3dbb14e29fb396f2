"""Typing in the builder keeps the window quick: no turn of its event loop works 50 ms, whatever is counted meanwhile."""

from __future__ import annotations

import time

from PySide6.QtCore import QAbstractEventDispatcher, QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from tests.ui.builder_bench import BuilderBench, bench, desk  # noqa: F401 - fixtures

STALL_MS = 50
EVERY_MS = 40
"""As a quick typist does."""


class Turns(QObject):
    """How long the main thread worked in each turn of its event loop, in milliseconds of its own processor time.

    Not by the clock on the wall: other programs may hold up a test machine as long as they like.
    """

    def __init__(self) -> None:
        super().__init__()
        self.worked: list[float] = []
        self._begun = time.thread_time()
        # Sleeping takes no processor time, so it does not matter where in a turn this is.
        QAbstractEventDispatcher.instance().awake.connect(self._turned)

    def _turned(self) -> None:
        now = time.thread_time()
        self.worked.append((now - self._begun) * 1000)
        self._begun = now


def press(target: QObject, letter: str) -> None:
    """A key that waits in the queue of events, as one from the keyboard does."""
    key = Qt.Key.Key_Backspace if letter == "\b" else Qt.Key(ord(letter.upper()))
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        words = "" if letter == "\b" else letter
        QApplication.postEvent(target, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, words))


def turn_for(milliseconds: int) -> None:
    """Let the event loop turn as it does in the program; `QTest.qWait` never lets it sleep."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def test_typing_never_stalls_the_window(desk: BuilderBench) -> None:  # noqa: F811 - the fixture
    desk.new()
    row = desk.row(0, 0)
    desk.pick(row.field, "Spend")
    desk.choose(row.question, "at most")
    desk.settle()
    field = desk.row(0, 0).part.inputs[0]
    field.setFocus(Qt.FocusReason.TabFocusReason)
    field.selectAll()
    turns = Turns()
    for letter in "8001\b\b\b\b25\b\b7777\b\b\b300":
        press(field, letter)
        turn_for(EVERY_MS)
    turn_for(300)
    assert field.text() == "7300"
    worst = sorted(turns.worked)[-5:]
    assert len(turns.worked) > 20
    assert worst[-1] < STALL_MS, worst
