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

PIECE = 1 << 18
"""Bytes that go at once where nothing limits them: less costs CPU, more makes a cancel wait."""

_LEAST_PIECE = 1 << 12
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


class Line:
    """The bytes that may leave for one account: so many a second, by everybody together. Thread safe.

    `piece` is how many bytes should leave at once, so that nobody waits longer than a moment.
    """

    def __init__(self, bytes_per_second: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0
        self.piece = PIECE if bytes_per_second is None else max(_LEAST_PIECE, min(PIECE, int(bytes_per_second / 4)))

    @property
    def limited(self) -> bool:
        """Whether anything has to wait."""
        return self._rate is not None

    def delay(self, size: int) -> float:
        """Take the next moment for that many bytes and say how many seconds it is away."""
        if self._rate is None:
            return 0.0
        with self._lock:
            now = self._clock()
            begin = max(now, self._free_at)
            self._free_at = begin + size / self._rate
            return begin - now

    def take(self, size: int, ctx: JobContext) -> None:
        """Wait until that many bytes may leave; raises Cancelled."""
        seconds = self.delay(size)
        if seconds > 0:
            ctx.token.sleep(seconds)

    def spent(self, size: int, ctx: JobContext) -> None:
        """Wait as long as bytes that have left should have taken; raises Cancelled."""
        if self._rate is not None and size > 0:
            ctx.token.sleep(self.delay(size) + size / self._rate)


class Budgets:
    """The budgets of all accounts, told apart by host and what proves who we are, of which only a keyed hash is kept.

    Thread safe.
    """

    def __init__(self) -> None:
        self._key = os.urandom(16)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, int, float | None], Budget] = {}
        self._lines: dict[tuple[str, str, float | None], Line] = {}

    def of(self, host: str, secrets: Iterable[str], simultaneous: int, per_second: float | None) -> Budget:
        """The budget of the account there that these secrets open."""
        known = (host, self._who(secrets), simultaneous, per_second)
        with self._lock:
            return self._known.setdefault(known, Budget(simultaneous, per_second))

    def line(self, host: str, secrets: Iterable[str], bytes_per_second: float | None) -> Line:
        """The way there of the account that these secrets open."""
        known = (host, self._who(secrets), bytes_per_second)
        with self._lock:
            return self._lines.setdefault(known, Line(bytes_per_second))

    def _who(self, secrets: Iterable[str]) -> str:
        return hashlib.blake2b("\0".join(sorted(secrets)).encode(), key=self._key, digest_size=16).hexdigest()
