"""What one account at a vendor may be asked, shared by everything of this person on this computer that asks it.

Runs of several exports, tests of connections and pickers may go to one account at a time, from the window, the command line
and schedules, and two connections may have the same account. Vendors count all of it together, and so does this, over all
processes. Another computer, or another program, is not seen: then the vendor's own "too fast" is what slows all of us down.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.destinations.shared_budgets import Moments, Places, SharedFolder
from app.jobs import JobContext

MARGIN = 0.01
"""Share of a pace that is left unused: a request that is quicker on its way than those before it would else exceed it."""

PIECE = 1 << 18
"""Bytes that go at once where nothing limits them: less costs CPU, more makes a cancel wait."""

_LEAST_PIECE = 1 << 12
_RESTARTED = 1.0
_FURTHEST = 86_400.0
_WORTH_TELLING = 1.0
_SLOW_FOR = 60.0
"""Seconds for which the slowest pace that somebody keeps counts for all of an account."""

Clock = Callable[[], float]
steady = time.perf_counter
"""What `time.monotonic` is elsewhere; on Windows that one steps by 16 ms. All processes of a computer share it."""


class Account:
    """What everybody who asks one account has in common; with a folder in all processes. Thread safe.

    The moments are when they were last changed, when the next request may leave, until when nobody may ask, and the slowest
    pace with when it stops to count.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.places = Places(folder)
        try:
            self._moments = Moments(5, None if folder is None else folder / "moments")
        except OSError:  # as in `Places`, which says so
            self._moments = Moments(5)

    def next(self, now: Clock, interval: float) -> tuple[float, float, float]:
        """Take the next moment for a request, `interval` seconds before the one after it.

        Gives now, that moment, and the one before which the vendor asked for no request.
        """
        with self._moments.changing() as told:
            moment = now()
            _forget_nonsense(told, moment)
            _changed, free, held, slowest, until = told
            leaves = max(moment, free, held)
            if interval >= slowest or moment > until:
                slowest, until = interval, leaves + max(_SLOW_FOR, interval)
            if slowest or leaves > moment:
                told[:] = moment, leaves + slowest, held, slowest, until
            return moment, leaves, held

    def held_until(self) -> float:
        """The moment before which nobody may ask."""
        with self._moments.changing() as told:
            return told[2]

    def hold(self, now: Clock, seconds: float) -> None:
        """Let nobody ask before so many seconds have passed."""
        with self._moments.changing() as told:
            moment = now()
            _forget_nonsense(told, moment)
            told[0], told[2] = moment, max(told[2], moment + seconds)

    def used(self) -> None:
        """Keep what is shared from being tidied away."""
        if self._folder is not None:
            with suppress(OSError):
                os.utime(self._folder)


def _forget_nonsense(told: list[float], now: float) -> None:
    """The clock begins anew with the computer: moments that were told in what is the future now mean nothing."""
    sound = all(map(math.isfinite, told)) and told[0] <= now + _RESTARTED and max(told[1:3]) <= now + _FURTHEST
    if not sound:
        told[:] = [0.0] * len(told)


class Budget:
    """The requests one account allows: so many on their way at once, so many a second, none before a moment it asked for.

    Thread safe. Moments lie at equal distances, and a request takes the next one when it begins to wait, so that one who
    wakes up late does not put off those behind it. Of several paces for one account the slowest counts.
    """

    def __init__(
        self,
        simultaneous: int,
        per_second: float | None,
        clock: Clock = steady,
        account: Account | None = None,
    ) -> None:
        self._clock = clock
        self._account = account or Account()
        self._simultaneous = max(1, simultaneous)
        self._interval = 0.0 if per_second is None else (1 + MARGIN) / per_second

    @contextmanager
    def turn(self, ctx: JobContext, on_hold: Callable[[float], None] = lambda _seconds: None) -> Iterator[None]:
        """A place for one request from the moment it may leave; raises Cancelled when somebody cancels the wait for it.

        `on_hold` is told how many seconds the vendor asked for while we wait for either, whomever of us it told.
        """
        told = 0.0

        def tell(now: float, held: float) -> None:
            nonlocal told
            if held > told and held - now >= _WORTH_TELLING:
                told = held
                on_hold(held - now)

        place = self._account.places.take(
            self._simultaneous, ctx, lambda: tell(self._clock(), self._account.held_until())
        )
        try:
            self._wait(ctx, tell)
            yield
        finally:
            self._account.places.give_back(place)

    def hold(self, seconds: float) -> None:
        """Let nobody ask before so many seconds have passed: the vendor told one of us and means all."""
        self._account.hold(self._clock, seconds)

    def _wait(self, ctx: JobContext, tell: Callable[[float, float], None]) -> None:
        while True:
            now, moment, held = self._account.next(self._clock, self._interval)
            tell(now, held)
            ctx.token.sleep(moment - now)
            if moment <= now or self._account.held_until() <= moment:
                return


class Line:
    """The bytes that may leave for one account: so many a second, by everybody together. Thread safe.

    `piece` is how many bytes should leave at once, so that nobody waits longer than a moment.
    """

    def __init__(self, bytes_per_second: float | None, clock: Clock = steady, moments: Moments | None = None) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._moments = moments or Moments(2)
        self.piece = PIECE if bytes_per_second is None else max(_LEAST_PIECE, min(PIECE, int(bytes_per_second / 4)))

    @property
    def limited(self) -> bool:
        """Whether anything has to wait."""
        return self._rate is not None

    def delay(self, size: int) -> float:
        """Take the next moment for that many bytes and say how many seconds it is away."""
        if self._rate is None:
            return 0.0
        with self._moments.changing() as told:
            now = self._clock()
            _forget_nonsense(told, now)
            begin = max(now, told[1])
            told[:] = now, begin + size / self._rate
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
    """The budgets of all accounts, told apart by host and by what the vendor counts (counting.py). Thread safe.

    With a folder they are those of all processes that use the same one; what lies there tells nothing of accounts.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._shared = SharedFolder(shared)
        self._key = os.urandom(16)
        self._lock = threading.Lock()
        self._accounts: dict[str, Account] = {}
        self._lines: dict[tuple[str, float | None], Line] = {}
        self._turns: dict[tuple[str, int], Budget] = {}
        self._told: dict[str, str] = {}

    def of(self, host: str, who_asks: Iterable[str], simultaneous: int, per_second: float | None) -> Budget:
        """The budget there of the account that these texts tell apart: what names it, or the secrets that open it."""
        who = _who(host, who_asks)
        known = self._digest(who)
        with self._lock:
            if known not in self._accounts:
                self._accounts[known] = Account(self._shared.of(b"requests\0" + who))
            account = self._accounts[known]
        account.used()
        return Budget(simultaneous, per_second, account=account)

    def told_of(self, host: str, secrets: Iterable[str]) -> str | None:
        """The mark of the account that these secrets open, as far as it was asked for; empty when nobody told."""
        with self._lock:
            return self._told.get(self._digest(_who(host, secrets)))

    def tell(self, host: str, secrets: Iterable[str], mark: str) -> None:
        """Note whose account it is that these secrets open."""
        with self._lock:
            self._told[self._digest(_who(host, secrets))] = mark

    def turns(self, place: str, secrets: Iterable[str], simultaneous: int) -> Budget:
        """How many parts go to a storage at once: the choice of whoever sends, so that each process has its own."""
        known = (self._digest(_who(place, secrets)), simultaneous)
        with self._lock:
            return self._turns.setdefault(known, Budget(simultaneous, None))

    def line(self, host: str, secrets: Iterable[str], bytes_per_second: float | None) -> Line:
        """The way there of the account that these secrets open."""
        who = _who(host, secrets)
        known = (self._digest(who), bytes_per_second)
        with self._lock:
            if known not in self._lines:
                self._lines[known] = Line(bytes_per_second, moments=self._line_moments(who, bytes_per_second))
            return self._lines[known]

    def _line_moments(self, who: bytes, bytes_per_second: float | None) -> Moments:
        folder = None if bytes_per_second is None else self._shared.of(b"bytes\0" + who)
        try:
            return Moments(2, None if folder is None else folder / "moments")
        except OSError:
            return Moments(2)

    def _digest(self, who: bytes) -> str:
        """Secrets stay in no memory longer than they must; only a keyed hash is kept."""
        return hashlib.blake2b(who, key=self._key, digest_size=16).hexdigest()


def _who(host: str, secrets: Iterable[str]) -> bytes:
    return "\0".join([host, *sorted(secrets)]).encode()
