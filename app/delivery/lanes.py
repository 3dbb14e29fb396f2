"""Several batches of one segment on their way at once, each lane with a session and a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from app.destinations.contract import Member, SegmentSession
from app.destinations.description import Pace
from app.jobs import JobContext

P = ParamSpec("P")
T = TypeVar("T")

MOST_LANES = 16
PATIENCE_SECONDS = 0.05
"""How long a batch waits for a lane before another one is opened: a quick target needs few, and threads cost the window time."""

Deliver = Callable[[SegmentSession, int, Sequence[Member]], None]


def lanes_for(pace: Pace) -> int:
    """How many sessions may go at once: all the target allows but one, which is left for tests and pickers meanwhile.

    A limit on requests a second is kept by each session for itself, so that is one.
    """
    return 1 if pace.requests_per_second is not None else max(1, min(pace.simultaneous - 1, MOST_LANES))


class Lanes:
    """Opens lanes as a slow target needs them, at most `most`; a context manager that closes their sessions.

    Used by one thread. The first session is open before a second one begins, because it makes what they share at the
    target.
    """

    def __init__(self, open_session: Callable[[], SegmentSession], most: int) -> None:
        self._open_session = open_session
        self._most = most
        self._stack = ExitStack()
        self._lanes: list[_Lane] = []

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def send(self, batches: Iterable[Sequence[Member]], deliver: Deliver, ctx: JobContext) -> None:
        """Deliver every batch with its number from 1; after an error or a cancel those in flight end, then it is raised."""
        busy: dict[Future[None], _Lane] = {}
        try:
            for number, batch in enumerate(batches, 1):
                lane = self._free_lane(busy)
                ctx.check()
                busy[lane.submit(deliver, lane.session, number, batch)] = lane
        finally:
            wait(busy)
        for future in busy:
            future.result()

    def confirm(self, ctx: JobContext) -> str:
        """What the target says it holds now."""
        lane = self._lanes[0]
        return lane.submit(lane.session.confirm, ctx).result()

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
        lane = self._stack.enter_context(_Lane(self._open_session()))
        self._lanes.append(lane)
        return lane


class _Lane:
    """One session, entered, used and left on one thread."""

    def __init__(self, session: SegmentSession) -> None:
        self.session = session
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sendoff-lane")

    def __enter__(self) -> Self:
        try:
            self.session = self.submit(self.session.__enter__).result()
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.submit(self.session.__exit__, kind, error, trace).result()
        finally:
            self._thread.shutdown()

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run the function on the lane's thread."""
        return self._thread.submit(function, *args, **kwargs)
