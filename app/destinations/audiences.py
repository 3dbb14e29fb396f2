"""What destinations do alike for an audience: name it, find it, make it only once, and tell the members of a batch apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from app.core.errors import FixSettings, TryAgain
from app.destinations.batches import Batch, Outcome, OutcomeKind

T = TypeVar("T")

MAKE_TRIES = 3
_SEGMENT = "{segment}"


def audience_name(target: Mapping[str, str], segment: str) -> str:
    """The name an export gives the audience of a segment: its field `audience`, in which {segment} stands for the segment's."""
    return (target.get("audience", "").strip() or _SEGMENT).replace(_SEGMENT, segment)


def not_an_audience(word: str, of: str, known_by: str) -> FixSettings:
    """The error for an export whose audience can't be one there. `word` is what it is called, `of` the target."""
    return FixSettings(
        f"The {word} is not one of {of}.",
        f"There {word}s are known by {known_by}.",
        f"Choose the {word} in the export.",
        code="no_audience",
    )


def audience_is_gone(word: str, place: str) -> FixSettings:
    """The error for a chosen audience that is not there (any more); `place` follows “this”: "Klaviyo account"."""
    return FixSettings(
        f"The {word} is not in this {place}.",
        "It was removed there, or belongs to another one than that of this connection.",
        f"Choose the {word} again in the export.",
        code="no_audience",
    )


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
