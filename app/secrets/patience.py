"""Calls that may block on a person: one at a time, each with a limit."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Overdue(Exception):
    """The work was not done in time, or was given up and asked to go on."""


class Attempt:
    """One piece of work and whether its caller still waits for it."""

    def __init__(self) -> None:
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """Nobody waits any longer; the next `check` ends the work."""
        self._given_up.set()

    def check(self) -> None:
        """Call before each step that changes something.

        Raises:
            Overdue: the caller has been told that it failed, so nothing more may be changed.
        """
        if self._given_up.is_set():
            raise Overdue


class _Outcome(Generic[T]):
    """What the helper thread leaves for the waiting one."""

    value: T
    error: BaseException | None = None


class Patience:
    """Runs work in a helper thread and stops waiting after `seconds`.

    An unlock prompt blocks inside the operating system and cannot be interrupted. Work that was given up may still sit
    there; the next call waits for it (within its own limit), so two calls never touch the store at the same time and
    prompts never pile up. Any thread may call; calls take turns.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._helper: threading.Thread | None = None

    def run(self, work: Callable[[Attempt], T]) -> T:
        """Do `work` and return what it returns.

        Raises:
            Overdue: it took longer than the limit.
            Exception: whatever the work raised.
        """
        deadline = time.monotonic() + self._seconds
        if not self._turn.acquire(timeout=self._seconds):
            raise Overdue
        try:
            self._wait(deadline)
            return self._run(work, deadline)
        finally:
            self._turn.release()

    def _wait(self, deadline: float) -> None:
        if self._helper is None:
            return
        self._helper.join(max(0.0, deadline - time.monotonic()))
        if self._helper.is_alive():
            raise Overdue
        self._helper = None

    def _run(self, work: Callable[[Attempt], T], deadline: float) -> T:
        attempt = Attempt()
        outcome: _Outcome[T] = _Outcome()

        def body() -> None:
            try:
                outcome.value = work(attempt)
            except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
                outcome.error = error

        # A daemon: a prompt nobody answers must not keep the program from ending.
        self._helper = threading.Thread(target=body, name="secret-store", daemon=True)
        self._helper.start()
        try:
            self._wait(deadline)
        except Overdue:
            attempt.give_up()
            raise
        if outcome.error is not None:
            raise outcome.error
        return outcome.value
