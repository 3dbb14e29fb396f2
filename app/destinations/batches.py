"""Members on their way to a destination, a batch at a time, and what became of them there.

Both are kept by column or by exception, because millions pass: a `Batch` makes a `Member` and `Outcomes` make an `Outcome`
only when one is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar, overload

T = TypeVar("T")


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
