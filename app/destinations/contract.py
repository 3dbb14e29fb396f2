"""What a destination fulfils, so that delivery, the wizard and the command line never know which one it is.

A destination's module defines `create(settings: Settings) -> SegmentDestination | FileDestination`. Settings hold the
connection's plain values and its secrets, read from the keyring for this one use. All methods may block, are called off
the main thread, obey `ctx.token`, and raise only errors of `app.core.errors` (or `Cancelled`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, Self, TypeVar, overload, runtime_checkable

from app.core.connections import TestResult
from app.core.exports import SyncMode
from app.core.forecasts import Quota
from app.destinations.budgets import Budgets
from app.jobs import JobContext

T = TypeVar("T")


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
    while they are used. `budgets` is shared by all connections and programs of a person, so that an account is not asked too much.
    """

    values: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    on_slow: Callable[[float, str], None] = lambda _seconds, _words: None
    ledger: Ledger = lambda _exchange: None
    keyring: Keyring = field(default_factory=NoKeyring, repr=False)
    budgets: Budgets = field(default_factory=Budgets, repr=False)


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
class Member:
    """One member on its way: our key, the target field values after normalising (None = no value), its row in the plan."""

    key: str
    values: Mapping[str, str | None]
    row: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch(Sequence[Member]):
    """Members on their way, kept column by column; each `Member` is made when it is asked for.

    `columns` holds the values by target field and `rows` the rows in the plan, all as long as `keys`. `known` tells who was
    there before as far as we know, and is empty where that is nobody. A session for millions works on the columns: `Batch.of`
    gives what it was handed in that form. Immutable, so that threads may share it.
    """

    keys: Sequence[str]
    columns: Mapping[str, Sequence[str | None]]
    rows: Sequence[int]
    known: Sequence[bool] = ()

    @classmethod
    def of(cls, members: Sequence[Member]) -> Batch:
        """These members as columns; a field that only some of them have counts as empty for the others."""
        if isinstance(members, Batch):
            return members
        fields = dict.fromkeys(name for member in members for name in member.values)
        columns = {name: [member.values.get(name) for member in members] for name in fields}
        return cls([member.key for member in members], columns, [member.row for member in members])

    def column(self, field_id: str) -> Sequence[str | None]:
        """The values of a field; nobody has any when it is not matched."""
        found = self.columns.get(field_id)
        return [None] * len(self.keys) if found is None else found

    def objects(self, names: Mapping[str, str]) -> list[dict[str, str]]:
        """For each member its values of these fields under those names, without the empty ones."""
        return objects_of({name: self.column(field_id) for field_id, name in names.items()}, len(self.keys))

    def picked(self, places: Sequence[int]) -> Batch:
        """Those at these places, in that order."""
        columns = {name: [values[i] for i in places] for name, values in self.columns.items()}
        known = [self.known[i] for i in places] if self.known else ()
        return Batch([self.keys[i] for i in places], columns, [self.rows[i] for i in places], known)

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> Member: ...

    @overload
    def __getitem__(self, place: slice) -> Batch: ...

    def __getitem__(self, place: int | slice) -> Member | Batch:
        if isinstance(place, slice):
            columns = {name: values[place] for name, values in self.columns.items()}
            return Batch(self.keys[place], columns, self.rows[place], self.known[place])
        values = {name: column[place] for name, column in self.columns.items()}
        return Member(self.keys[place], values, self.rows[place])

    def __iter__(self) -> Iterator[Member]:
        return (self[place] for place in range(len(self.keys)))


def objects_of(columns: Mapping[str, Sequence[T | None]], number: int) -> list[dict[str, T]]:
    """That many objects made of columns, without what is None or empty text."""
    objects: list[dict[str, T]] = [{} for _ in range(number)]
    for name, values in columns.items():  # column by column: a third of what row by row takes
        for each, value in zip(objects, values, strict=True):
            if value is not None and value != "":
                each[name] = value
    return objects


class OutcomeKind(StrEnum):
    """What the target did with a member; an invalid one was refused by a rule of ours and never sent.

    TAKEN is for targets that do not say whether a member was new there: then what we know of the place decides.
    """

    ADDED = "added"
    UPDATED = "updated"
    TAKEN = "taken"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    REJECTED = "rejected"
    INVALID = "invalid"

    @property
    def refused(self) -> bool:
        """Whether the member was not taken."""
        return self in {OutcomeKind.REJECTED, OutcomeKind.INVALID}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the target did with one member; one that was refused has the target's field, our sentence and the fix."""

    key: str
    kind: OutcomeKind
    field: str = ""
    reason: str = ""
    fix: str = ""


_NOBODY: Mapping[int, Outcome] = MappingProxyType({})
_ARRIVED = tuple(kind for kind in OutcomeKind if kind is not OutcomeKind.REJECTED)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes(Sequence[Outcome]):
    """What the target did with a batch: the same with everybody but `others`, known by their places in it.

    Costs next to nothing when all went well; `keys` are those of the batch.
    """

    keys: Sequence[str]
    kind: OutcomeKind
    others: Mapping[int, Outcome] = field(default_factory=lambda: _NOBODY)

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Outcomes:
        """These outcomes, one per member in order; what became of most of them stands for all."""
        if isinstance(outcomes, Outcomes):
            return outcomes
        counted = Counter(each.kind for each in outcomes if not each.kind.refused)
        kind = counted.most_common(1)[0][0] if counted else OutcomeKind.UPDATED
        others = {place: each for place, each in enumerate(outcomes) if each.kind is not kind}
        return cls([each.key for each in outcomes], kind, others)

    @classmethod
    def made(
        cls, keys: Sequence[str], kinds: Sequence[OutcomeKind | None], refused: Callable[[int], Outcome]
    ) -> Outcomes:
        """Outcomes by kind, one per key; `refused` makes that of a place that has none."""
        counted = Counter(kinds)
        usual = max(_ARRIVED, key=lambda kind: counted[kind])
        if counted[usual] == len(kinds):
            return cls(keys, usual)
        others = {
            place: refused(place) if kind is None else Outcome(keys[place], kind)
            for place, kind in enumerate(kinds)
            if kind is not usual
        }
        return cls(keys, usual, others)

    def for_batch(self, batch: Batch) -> Outcomes:
        """With ADDED or UPDATED for who was TAKEN, by what is known of the batch's members."""
        taken = OutcomeKind.TAKEN
        if self.kind is not taken and all(each.kind is not taken for each in self.others.values()):
            return self
        if not any(batch.known):
            kinds: Sequence[OutcomeKind] = (OutcomeKind.ADDED,) * len(self.keys)
        else:
            kinds = [OutcomeKind.UPDATED if known else OutcomeKind.ADDED for known in batch.known]
        usual = kinds[0] if self.kind is taken and kinds else self.kind
        others = {
            place: Outcome(each.key, kinds[place]) if each.kind is taken else each
            for place, each in self.others.items()
        }
        if self.kind is taken:
            rest = (place for place, kind in enumerate(kinds) if kind is not usual and place not in self.others)
            others |= {place: Outcome(self.keys[place], kinds[place]) for place in rest}
        return Outcomes(self.keys, usual, others)

    @property
    def refused(self) -> Mapping[int, Outcome]:
        """The members that were not taken, by their places."""
        return {place: each for place, each in self.others.items() if each.kind.refused}

    def counted(self) -> Counter[OutcomeKind]:
        """How many members each thing was done with."""
        numbers = Counter(each.kind for each in self.others.values())
        numbers[self.kind] += len(self.keys) - len(self.others)
        return numbers

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> Outcome: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Outcome]: ...

    def __getitem__(self, place: int | slice) -> Outcome | Sequence[Outcome]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self.keys)))]
        key = self.keys[place]  # raises IndexError where it ends
        other = self.others.get(place if place >= 0 else place + len(self.keys))
        return Outcome(key, self.kind) if other is None else other


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
