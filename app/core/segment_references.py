"""Segments that are made of other segments: who needs whom, and no circles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.core.names import fold
from app.core.segments import Segment, SegmentRef


def names_in(segment: Segment) -> frozenset[str]:
    """The folded names of the segments its rules name."""
    return frozenset(fold(rule.body.name) for rule in segment.rules if isinstance(rule.body, SegmentRef))


def referring(segment: Segment, old: str, new: str) -> Segment:
    """The segment with each mention of the folded name `old` replaced by the name `new`."""
    rules = tuple(
        replace(rule, body=SegmentRef(new))
        if isinstance(rule.body, SegmentRef) and fold(rule.body.name) == old
        else rule
        for rule in segment.rules
    )
    return replace(segment, rules=rules)


def circle(segment: Segment, by_name: Mapping[str, Segment], above: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of a circle the segment leads into, its first one twice; empty when there is none.

    `by_name` holds segments by folded name.
    """
    names = [fold(name) for name in above]
    if fold(segment.name) in names:
        return (*above[names.index(fold(segment.name)) :], segment.name)
    for rule in segment.rules:
        if isinstance(rule.body, SegmentRef):
            other = by_name.get(fold(rule.body.name))
            if other is not None and (found := circle(other, by_name, (*above, segment.name))):
                return found
    return ()


def circle_words(names: Sequence[str]) -> str:
    """What is said of a circle."""
    return f"The segments refer to each other in a circle: {' → '.join(names)}."


def leading_to(name: str, segments: Iterable[Segment]) -> frozenset[str]:
    """Folded names of the segment of that name and of all that need it, however far: none of them may become its part."""
    known = list(segments)
    found = {fold(name)}
    while True:
        more = {fold(s.name) for s in known if names_in(s) & found} - found
        if not more:
            return frozenset(found)
        found |= more
