"""Several batches of one segment on their way at once, each lane with a session and a thread of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from app.destinations.batches import Batch
from app.destinations.contract import SegmentSession
from app.destinations.description import Pace
from app.jobs import JobContext

P = ParamSpec("P")
T = TypeVar("T")

MOST_LANES = 16
PATIENCE_SECONDS = 0.05
"""How long a batch waits for a lane before another one is opened: a quick target needs few, and threads cost the window time."""

Deliver = Callable[[SegmentSession, int, Batch], None]


def lanes_for(pace: Pace) -> int:
    """How many sessions may go at once: all the target allows but one, which is left for tests and pickers meanwhile.

    Where so many requests a second are allowed, more than two seconds' worth of them on their way would only wait.
    """
    useful = MOST_LANES if pace.requests_per_second is None else math.ceil(2 * pace.requests_per_second)
    return max(1, min(pace.simultaneous - 1, MOST_LANES, useful))


class Lanes:
    """Opens lanes as a slow target needs them, at most `most`; a context manager that closes their sessions.

    Used by one thread. The first session is open before a second one begins, because it makes what they share at the
    target; the others open while batches are on their way.
    """

    def __init__(self, open_session: Callable[[], SegmentSession], most: int) -> None:
        self._open_session = open_session
        self._most = most
        self._stack = ExitStack()
        self._lanes: list[_Lane] = []

    def __enter__(self) -> Self:
        first = self._open()
        try:
            first.session.result()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def send(self, batches: Iterable[Batch], deliver: Deliver, ctx: JobContext) -> None:
        """Deliver every batch with its number from 1; after an error or a cancel those in flight end, then it is raised."""
        dealer = _Dealer(self._lanes)
        try:
            for number, batch in enumerate(batches, 1):
                lane = self._free_lane(dealer)
                ctx.check()
                dealer.deal(lane, lane.submit(deliver, number, batch))
        finally:
            dealer.wait()
        dealer.finish()

    def once(self, act: Callable[[SegmentSession], T]) -> T:
        """Do something with a session that was opened, while no batch is on its way."""
        return self._lanes[0].submit(act).result()

    def _free_lane(self, dealer: _Dealer) -> _Lane:
        """A lane with nothing to do, opened when need be; raises what a batch raised meanwhile."""
        dealer.check()
        lane = dealer.idle(PATIENCE_SECONDS if len(self._lanes) < self._most else None)
        dealer.check()
        return self._open() if lane is None else lane

    def _open(self) -> _Lane:
        lane = self._stack.enter_context(_Lane(self._open_session))
        self._lanes.append(lane)
        return lane


class _Dealer:
    """Knows which lanes are idle and what went wrong; its own thread deals, those of the lanes come back to it."""

    def __init__(self, lanes: Iterable[_Lane]) -> None:
        self._idle: SimpleQueue[_Lane] = SimpleQueue()
        self._going: dict[_Lane, Future[None]] = {}
        self._failed: list[Future[None]] = []
        for lane in lanes:
            self._idle.put(lane)

    def deal(self, lane: _Lane, going: Future[None]) -> None:
        """The lane is busy until this is done."""
        self._going[lane] = going
        going.add_done_callback(lambda done: self._done(lane, done))

    def idle(self, patience: float | None) -> _Lane | None:
        """The lane that has been idle for longest; None when none becomes so within that many seconds."""
        try:
            return self._idle.get(timeout=patience)
        except Empty:
            return None

    def wait(self) -> None:
        """Until all have done what they were dealt, well or not."""
        wait(self._going.values())

    def finish(self) -> None:
        """Raise the first error there was; nobody is busy any more."""
        self.check()
        for done in self._going.values():  # a future is done a moment before it says so here
            done.result()

    def check(self) -> None:
        """Raise the first error there was."""
        if self._failed:
            self._failed[0].result()

    def _done(self, lane: _Lane, done: Future[None]) -> None:
        if done.exception() is not None:
            self._failed.append(done)
        self._idle.put(lane)


class _Lane:
    """One session, made, entered, used and left on one thread; `session` is there once it is entered."""

    def __init__(self, open_session: Callable[[], SegmentSession]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sendoff-lane")
        self.session = self._thread.submit(lambda: open_session().__enter__())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.session.exception() is None:
                self._thread.submit(self.session.result().__exit__, kind, error, trace).result()
        finally:
            self._thread.shutdown()

    def submit(
        self, function: Callable[Concatenate[SegmentSession, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Run the function with the session on the lane's thread; the future raises what entering the session raised."""
        return self._thread.submit(lambda: function(self.session.result(), *args, **kwargs))
