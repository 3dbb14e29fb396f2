"""Several batches of one segment on their way at once, each lane with a session and a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from app.destinations.contract import Batch, SegmentSession
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

    A limit on requests a second is kept by each session for itself, so that is one.
    """
    return 1 if pace.requests_per_second is not None else max(1, min(pace.simultaneous - 1, MOST_LANES))


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
        busy: dict[Future[None], _Lane] = {}
        try:
            for number, batch in enumerate(batches, 1):
                lane = self._free_lane(busy)
                ctx.check()
                busy[lane.submit(deliver, number, batch)] = lane
        finally:
            wait(busy)
        for future in busy:
            future.result()

    def once(self, act: Callable[[SegmentSession], T]) -> T:
        """Do something with a session that was opened, while no batch is on its way."""
        return self._lanes[0].submit(act).result()

    def _free_lane(self, busy: dict[Future[None], _Lane]) -> _Lane:
        """A lane with nothing to do, opened when need be; raises what a batch raised meanwhile."""
        while True:
            for future in [each for each in busy if each.done()]:
                future.result()
                del busy[future]
            idle = next((lane for lane in self._lanes if lane not in busy.values()), None)
            if idle is not None:
                return idle
            can_open = len(self._lanes) < self._most
            done, _going = wait(busy, PATIENCE_SECONDS if can_open else None, FIRST_COMPLETED)
            if not done and can_open:
                return self._open()

    def _open(self) -> _Lane:
        lane = self._stack.enter_context(_Lane(self._open_session))
        self._lanes.append(lane)
        return lane


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
