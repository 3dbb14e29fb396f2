"""What destinations of audiences share: finding the place, previews, opening a session, which finds or makes the audience."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from app.core.errors import TryAgain
from app.core.exports import SyncMode
from app.destinations.batches import Member
from app.destinations.calls import Call
from app.destinations.contract import Place, PreparedRequest, Settings
from app.destinations.http import HttpClient
from app.destinations.jobs import JOB_LOST
from app.destinations.left_jobs import LeftJobs
from app.jobs import JobContext

log = logging.getLogger(__name__)

A = TypeVar("A")
"""An audience as the target tells of it."""
T = TypeVar("T")


class Opened:
    """The audiences that sessions of one destination found or made, by the names of their places. Thread safe.

    A target may not list for a while what was made just now: a further session of the same run would make it once more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}

    def once(self, place: str, find_or_make: Callable[[], T]) -> T:
        """The audience of that place, found or made by the first who asks; others wait for it."""
        with self._lock:
            if place not in self._known:
                self._known[place] = find_or_make()
            known: T = self._known[place]
            return known


class AudienceSession(ABC, Generic[A]):
    """The frame of a `SegmentSession`; used by one thread at a time but where the destination says otherwise."""

    def __init__(self, client: HttpClient, ctx: JobContext) -> None:
        self.client = client
        self.opened = Opened()
        self.left_jobs = LeftJobs()
        self._ctx = ctx

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.client.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @abstractmethod
    def find(self, ctx: JobContext) -> A | None:
        """The audience; None when one named after the segment is not there yet.

        Raises FixSettings for a chosen one that is gone or can't be filled.
        """

    @abstractmethod
    def place_name(self, found: A | None) -> str:
        """What names the audience, found or still to be made, among all places of the connection."""

    @abstractmethod
    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""

    def place(self, ctx: JobContext) -> Place:
        """Where the members go; closes the client."""
        with self.client:
            found = self.find(ctx)
        return Place(self.place_name(found), found is not None)

    def preview(self, members: Sequence[Member], *, removed: bool) -> list[PreparedRequest]:
        """These requests as they would leave; closes the client."""
        with self.client:
            return [self.client.prepared(call) for call in self.calls(members, removing=removed)]

    @contextmanager
    def _working(self, job: str) -> Iterator[None]:
        """While the vendor works on what it took: until the block ends well the job is noted as left."""
        place = self.place_name(None)
        self.left_jobs.begun(place, job)
        try:
            yield
        except TryAgain as error:
            if error.code == JOB_LOST:
                self.left_jobs.ended(place, job)
            raise
        self.left_jobs.ended(place, job)

    def _await_left(self, wait: Callable[[str], object]) -> None:
        """Before the first request that changes the audience: wait for each job that an earlier run left there.

        One the vendor does not know any more has ended. Raises TryAgain for one that goes on for too long.
        """
        place = self.place_name(None)

        def every() -> bool:
            for job in self.left_jobs.left(place):
                log.info("Waiting for work that an earlier run left behind")
                try:
                    wait(job)
                except TryAgain as error:
                    if error.code != JOB_LOST:
                        raise
                self.left_jobs.ended(place, job)
            return True

        self.opened.once(f"left jobs of {place}", every)

    @abstractmethod
    def _open(self) -> None:
        """Find the audience, or make it."""


class AudienceDestination(ABC):
    """The frame of a `SegmentDestination` whose sessions know their place and their requests, and share what they opened."""

    _settings: Settings

    @cached_property
    def _shared(self) -> Opened:
        return Opened()

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> AudienceSession[Any]:
        """See `SegmentDestination.session`."""
        session = self._session(target, segment, mode)
        session.opened = self._shared
        session.left_jobs = self._settings.left_jobs
        return session

    @abstractmethod
    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> AudienceSession[Any]:
        """A session by itself."""

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        """See `SegmentDestination.place`."""
        return self.session(target, segment, SyncMode.UPDATE).place(ctx)

    def preview(
        self,
        target: Mapping[str, str],
        segment: str,
        mode: SyncMode,
        members: Sequence[Member],
        *,
        removed: bool = False,
    ) -> list[PreparedRequest]:
        """See `SegmentDestination.preview`; an audience that is not there yet is shown by a word or 0 in place of its number."""
        return self.session(target, segment, mode).preview(members, removed=removed)
