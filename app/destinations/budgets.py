"""What one account at a vendor may be asked, shared by everything in this program that asks it.

Runs of several exports, tests of connections and pickers may go to one account at a time, and two connections may have the
same account. Vendors count all of it together. Another program, or a second Sendoff, is not seen here: then the vendor's own
"too fast" is what slows all of them down.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from app.jobs import JobContext

MARGIN = 0.01
"""Share of a pace that is left unused: a request that is quicker on its way than those before it would else exceed it."""

_GLANCE = 0.05  # how often a wait for a free place looks for a cancel, in seconds


class Budget:
    """The requests one account allows: so many on their way at once, so many a second, none before a moment it asked for.

    Thread safe. Moments lie at equal distances, and a request takes the next one when it begins to wait, so that one who
    wakes up late does not put off those behind it.
    """

    def __init__(
        self, simultaneous: int, per_second: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._places = threading.BoundedSemaphore(max(1, simultaneous))
        self._interval = 0.0 if per_second is None else (1 + MARGIN) / per_second
        self._lock = threading.Lock()
        self._next = 0.0
        self._held_until = 0.0

    @contextmanager
    def turn(self, ctx: JobContext) -> Iterator[None]:
        """A place for one request from the moment it may leave; raises Cancelled when somebody cancels the wait for it."""
        while not self._places.acquire(timeout=_GLANCE):
            ctx.check()
        try:
            self._wait(ctx)
            yield
        finally:
            self._places.release()

    def hold(self, seconds: float) -> None:
        """Let nobody ask before so many seconds have passed: the vendor told one of us and means all."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _wait(self, ctx: JobContext) -> None:
        while True:
            with self._lock:
                now = self._clock()
                moment = max(now, self._next, self._held_until)
                self._next = moment + self._interval
            ctx.token.sleep(moment - now)
            if self._held_until <= moment:
                return


class Budgets:
    """The budgets of all accounts, told apart by host and what proves who we are, of which only a keyed hash is kept.

    Thread safe.
    """

    def __init__(self) -> None:
        self._key = os.urandom(16)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, int, float | None], Budget] = {}

    def of(self, host: str, secrets: Iterable[str], simultaneous: int, per_second: float | None) -> Budget:
        """The budget of the account there that these secrets open."""
        who = hashlib.blake2b("\0".join(sorted(secrets)).encode(), key=self._key, digest_size=16).hexdigest()
        with self._lock:
            return self._known.setdefault((host, who, simultaneous, per_second), Budget(simultaneous, per_second))
