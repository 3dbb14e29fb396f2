"""What a destination fulfils, so that delivery, the wizard and the command line never know which one it is.

A destination's module defines `create(settings: Settings) -> SegmentDestination | FileDestination`. Settings hold the
connection's plain values and its secrets, read from the keyring for this one use. All methods may block, are called off
the main thread, obey `ctx.token`, and raise only errors of `app.core.errors` (or `Cancelled`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from app.core.connections import TestResult
from app.core.exports import SyncMode
from app.core.forecasts import Quota
from app.destinations.batches import Member, Outcome
from app.destinations.budgets import Budgets
from app.destinations.left_jobs import LeftJobs
from app.jobs import JobContext


class Keyring(Protocol):
    """The keyring's entries of one connection while it is in use. Thread safe; every method may block."""

    def read(self, field_id: str) -> str | None:
        """The secret as it is kept now: another process may have renewed it."""
        ...

    def keep(self, field_id: str, value: str) -> None:
        """Keep a secret that was renewed in use."""
        ...

    def mask(self, secret: str) -> None:
        """Have a new secret masked in logs from now on."""
        ...


class NoKeyring:
    """The keyring of a connection that is not saved yet: renewed secrets live as long as it is open."""

    def read(self, field_id: str) -> str | None:  # noqa: ARG002 - the protocol's names
        """Nothing is kept."""
        return None

    def keep(self, field_id: str, value: str) -> None:
        """Nothing is kept."""

    def mask(self, secret: str) -> None:
        """Nothing is logged under this name."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was made, answered or not: its host, the bytes of it and of its answer, and its body.

    `sign_in` tells that it was made to sign in or to renew that, which may happen in the middle of other work, `answered`
    that a whole answer came.
    """

    host: str
    sent: int
    received: int
    body: bytes = field(default=b"", repr=False)
    sign_in: bool = False
    answered: bool = True


Ledger = Callable[[Exchange], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """A connection opened for use; `repr` never shows a secret.

    `on_slow` is told the seconds and the target's words each time the target asks to slow down; `ledger` is called after
    each request, on its thread, so that a run can say where its bytes went. `keyring` takes secrets that a vendor renews
    while they are used. `budgets` is shared by all connections and programs of a person, so that an account is not asked too much:
    `account` is the one the vendor told of earlier, by which budgets are told apart where it counts by account. Where it is not
    known yet it is asked for once and `on_account` is told; without `on_account` nobody asks. `left_jobs` outlives the process,
    so that work a vendor took of a run that was killed is waited for.
    """

    values: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    on_slow: Callable[[float, str], None] = lambda _seconds, _words: None
    ledger: Ledger = lambda _exchange: None
    keyring: Keyring = field(default_factory=NoKeyring, repr=False)
    budgets: Budgets = field(default_factory=Budgets, repr=False)
    account: str = ""
    on_account: Callable[[str], None] | None = None
    left_jobs: LeftJobs = field(default_factory=LeftJobs, repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a picker: an audience, a list, an ad account. `detail` is the second line, `members` its size."""

    id: str
    name: str
    detail: str = ""
    members: int | None = None


@dataclass(frozen=True, slots=True)
class TargetField:
    """A field of the target that can be filled; the required ones come from the description, others may be discovered.

    `meaning` is the name of the `Meaning` that fits it, or OWN_ID of core/matching.py; `normalise` names a rule of
    core/identifiers.py; `max_length` is in characters. `identifies` is for files: a row goes into one when of some identifier all
    matched columns that bear its name are filled.
    """

    id: str
    name: str
    type: str = "text"
    required: bool = False
    meaning: str = "none"
    normalise: str = "trim"
    max_length: int | None = None
    identifies: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the members of a segment go: the audience, list or tag by what names it there, and whether it is there already."""

    name: str
    there: bool


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request exactly as it would go over the wire, secrets masked."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a target says it holds: a sentence for the log, empty when it can't be asked.

    `members` counts them where the target's number means the same as ours: those of this place, whoever sent them.
    """

    sentence: str = ""
    members: int | None = None


class SegmentSession(Protocol):
    """One segment being sent to one audience; a context manager, used by one thread."""

    def __enter__(self) -> Self:
        """Prepare the target: find the audience, make the tag, read its fields."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release what was opened; what was sent stays."""
        ...

    def send(self, members: Sequence[Member], ctx: JobContext) -> Sequence[Outcome]:
        """Add or update at most the description's `batch_size` members, a `Batch` in a run; one outcome per member, in order.

        When it raises, none of the members counts as delivered. A cancel is honoured before the request, never in it.
        """
        ...

    def confirm(self, ctx: JobContext) -> Confirmation:
        """Ask the target what it holds now."""
        ...


@runtime_checkable
class RemovingSession(SegmentSession, Protocol):
    """A session of a destination that declares the sync mode mirror."""

    def remove(self, members: Sequence[Member], ctx: JobContext) -> Sequence[Outcome]:
        """Take members out of the audience or off the tag, known by their key fields; otherwise as `send`.

        Nobody is unsubscribed, archived or deleted. Who is not there (any more) counts as removed.
        """
        ...


@runtime_checkable
class AskingSession(SegmentSession, Protocol):
    """A session of a destination that says in its description that it `asks`."""

    def holds(self, members: Sequence[Member], ctx: JobContext) -> Sequence[bool]:
        """For each member whether it is there as `send` would leave it; only asks. Any number of them, in order."""
        ...


@runtime_checkable
class SegmentDestination(Protocol):
    """A marketing system that takes members one batch at a time."""

    def test(self, ctx: JobContext) -> TestResult:
        """Reach the target with these settings and say what was reached."""
        ...

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """The entries of the picker of one export field (`audience_id` ...)."""
        ...

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """All fields that can be filled in this audience: those of the description plus the audience's own."""
        ...

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        """Where the members of this segment go; only asks. One name stands for one place, whatever else is in `target`."""
        ...

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> SegmentSession:
        """Begin sending one segment, by its name."""
        ...

    def preview(
        self,
        target: Mapping[str, str],
        segment: str,
        mode: SyncMode,
        members: Sequence[Member],
        *,
        removed: bool = False,
    ) -> list[PreparedRequest]:
        """The requests `send` would make for these members, built by the same code, without any network.

        With `removed` those that `remove` would make, by a destination that can.
        """
        ...


@runtime_checkable
class ReadingDestination(SegmentDestination, Protocol):
    """A destination that can say who is in a place, which the sync mode replace needs."""

    def read_members(
        self, target: Mapping[str, str], segment: str, ctx: JobContext
    ) -> Iterator[Sequence[Mapping[str, str | None]]]:
        """Everybody who is there now, whoever sent them, page by page; only asks, and nobody is there in a place that is not.

        Each is told by the values of the key fields it is known by there, in the form the fields' rules give.
        """
        ...


@runtime_checkable
class MeteredDestination(SegmentDestination, Protocol):
    """A destination that can be asked how many requests its account may still make today."""

    def quota(self, ctx: JobContext) -> Quota | None:
        """What is left; None where the account does not tell. Only asks."""
        ...


@runtime_checkable
class UnsubscribeReader(Protocol):
    """A destination whose description says `reads_unsubscribes`."""

    def unsubscribed(self, target: Mapping[str, str], ctx: JobContext) -> Iterator[Sequence[str]]:
        """E-mail addresses of who opted out or can't be reached any more where the export goes, page by page; only asks."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that arrived; `path` is relative to the connection's folder."""

    path: str
    bytes: int
    sha256: str


class FileSession(Protocol):
    """Files on their way: put under temporary names, published together or not at all. A context manager.

    Leaving the block without `publish` removes every temporary file, but for those that may be taken up after a cut; the last
    good data is untouched.
    """

    @property
    def near(self) -> Path | None:
        """A folder of this session on the storage itself, for who writes there without us; None where that can't be.

        It need not be there yet, and is gone when the block is left. What is `put` from it is not copied.
        """
        ...

    def __enter__(self) -> Self:
        """Connect."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clean up what was not published and disconnect."""
        ...

    def put(self, source: Path, path: str, ctx: JobContext, progress: Callable[[int], None]) -> StoredFile:
        """Send one local file to a temporary name beside `path` (relative, `/`), verify its size; `progress` gets bytes sent so far."""
        ...

    def publish(self, ctx: JobContext) -> None:
        """Give every file its final name, in the order in which they were put, and look whether all of them are there whole.

        When one fails, the earlier files are back under their names.
        """
        ...

    def clear(self, below: str | None, paths: Sequence[str], ctx: JobContext) -> None:
        """After `publish`: remove what lies below the folder, and these files; never what was published just now."""
        ...


@runtime_checkable
class FileDestination(Protocol):
    """A storage that takes files."""

    def test(self, ctx: JobContext) -> TestResult:
        """Reach the storage, write, read back and remove a small file, and say what was reached."""
        ...

    def where(self, path: str) -> str:
        """The full address of a path below the connection's folder, as shown to people (no secret)."""
        ...

    def session(self, notes: Path | None = None) -> FileSession:
        """Begin sending files.

        In the file `notes` of this computer a session that is cut off leaves word of what arrived and was not published. The next
        one with the same notes takes it up where its files are the same, and removes the rest.
        """
        ...
