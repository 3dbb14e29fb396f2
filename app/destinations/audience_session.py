"""What sessions of one audience share: opening finds or makes the audience, leaving closes the client."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from app.destinations.batches import Member
from app.destinations.calls import Call
from app.destinations.contract import PreparedRequest
from app.destinations.http import HttpClient
from app.jobs import JobContext


class AudienceSession(ABC):
    """The frame of a `SegmentSession`; used by one thread at a time but where the destination says otherwise."""

    def __init__(self, client: HttpClient, ctx: JobContext) -> None:
        self.client = client
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
    def calls(self, members: Sequence[Member], *, removing: bool = False) -> Iterator[Call]:
        """The requests `send` or `remove` makes for these members, without asking anybody."""

    def preview(self, members: Sequence[Member], *, removed: bool) -> list[PreparedRequest]:
        """These requests as they would leave; closes the client."""
        with self.client:
            return [self.client.prepared(call) for call in self.calls(members, removing=removed)]

    @abstractmethod
    def _open(self) -> None:
        """Find the audience, or make it."""
