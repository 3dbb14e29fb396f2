"""What destinations do alike for an audience: tell the members of a batch apart, and make it only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.core.errors import TryAgain
from app.destinations.contract import Batch, Outcome, OutcomeKind

T = TypeVar("T")

MAKE_TRIES = 3


def told_apart(batch: Batch, key_fields: Sequence[str]) -> tuple[list[int], dict[int, Outcome]]:
    """The places of the members the target can tell apart, by the first key field each has, and why the others can't be sent."""
    places: list[int] = []
    invalid: dict[int, Outcome] = {}
    seen: set[tuple[str, str]] = set()
    columns = [(name, batch.column(name)) for name in key_fields]
    for place, member in enumerate(batch.keys):
        key = next(((name, value) for name, column in columns if (value := column[place])), None)
        if key is None or key in seen:
            why = _NO_KEY if key is None else _TWICE
            invalid[place] = Outcome(member, OutcomeKind.INVALID, key_fields[0], *why)
        else:
            seen.add(key)
            places.append(place)
    return places, invalid


def made_once(make: Callable[[], T], find: Callable[[], T | None]) -> T:
    """The audience that `make` makes; when its answer is lost it is looked for before it is made once more.

    `make` must not be repeated by the client: names need not be unique. Raises what it raises, TryAgain after three tries.
    """
    for attempt in range(1, MAKE_TRIES + 1):
        try:
            return make()
        except TryAgain:
            found = find()
            if found is not None:
                return found
            if attempt == MAKE_TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


_NO_KEY = (
    "The member has nothing usable that tells members apart.",
    "Fill one of the fields that identify members at the source, or leave the member out.",
)
_TWICE = ("Another member of this batch is known by the same.", "Join the two in your data.")
