"""LinkedIn's answers: their shapes, and errors of single entries as sentences."""

from __future__ import annotations

import msgspec


class Paging(msgspec.Struct):
    """Where a page of answers lies."""

    start: int = 0
    count: int = 0
    total: int = 0


class Metadata(msgspec.Struct, rename="camel"):
    """How the next page is asked for, in versions that page by a token."""

    next_page_token: str = ""


class AdAccount(msgspec.Struct):
    """One of `GET /adAccounts`."""

    id: int
    name: str = ""
    test: bool = False


class AdAccounts(msgspec.Struct):
    """`GET /adAccounts`."""

    elements: list[AdAccount]
    paging: Paging = msgspec.field(default_factory=Paging)
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class AdAccountUser(msgspec.Struct):
    """One of `GET /adAccountUsers`: what a member may do in an ad account."""

    user: str = ""


class AdAccountUsers(msgspec.Struct):
    """`GET /adAccountUsers`."""

    elements: list[AdAccountUser] = []


class AudienceDestination(msgspec.Struct, rename="camel"):
    """Where an audience is used, with what became of it there."""

    destination: str = ""
    status: str = ""
    audience_size: int | None = None
    matched_count: int | None = None


class DmpSegment(msgspec.Struct, rename="camel"):
    """One of `GET /dmpSegments`; some versions tell status and sizes of the segment, others of its destinations."""

    id: int | str
    name: str
    type: str = ""
    status: str = ""
    audience_size: int | None = None
    matched_count: int | None = None
    destinations: list[AudienceDestination] = []

    @property
    def holds(self) -> str:
        """USER or COMPANY for audiences that are filled entry by entry, another type for all others."""
        return self.type.removesuffix("_STREAMING")

    @property
    def told(self) -> tuple[str, int | None]:
        """Its status and how many members of LinkedIn it reaches, None where LinkedIn does not say."""
        there = next((each for each in self.destinations if each.status), None)
        status = self.status or (there.status if there else "")
        size = self.audience_size if self.audience_size is not None or there is None else there.audience_size
        return status, size


class DmpSegments(msgspec.Struct):
    """`GET /dmpSegments`."""

    elements: list[DmpSegment]
    paging: Paging = msgspec.field(default_factory=Paging)


class EntryError(msgspec.Struct):
    """Why an entry was refused."""

    message: str = ""
    status: int = 0


class EntryResult(msgspec.Struct):
    """What became of one entry of a batch; its place in the answer is its place in the request."""

    status: int
    error: EntryError | None = None
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether the entry is in the audience now."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """What LinkedIn says about a refusal, in one line."""
        said = self.error.message if self.error is not None else self.message
        return " ".join(said.split())


class BatchResult(msgspec.Struct):
    """`POST /dmpSegments/{id}/users` and `.../companies`."""

    elements: list[EntryResult]
