"""Why a member joined or left a segment: which of its rules decides, found by asking each part of it on its own.

A reason is a tree of questions about the segment's parts with sentences as leaves. The same tree is asked for one member
in Python (`reason_of`) and for millions in SQL (app/data/reasons.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.core.segment_words import condition_words
from app.core.segments import Condition, Group, Mode, Place, Segment, SegmentRef, SetOperator

LEFT, JOINED, CHANGED, LEFT_OUT = "Left: ", "Joined: ", "Changed: ", "Left out: "
FIRST_TIME = JOINED + "sent there for the first time"
NOT_CONFIRMED = JOINED + "an earlier sending was never confirmed"
OTHER_KEY = JOINED + "known by another {key} now"
GONE = LEFT + "no longer in the tables"
WAS_OTHER_KEY = LEFT + "known by another {key} now"
NO_KEY = LEFT + "no usable {key} any more"
REFUSES = LEFT + "no marketing consent any more"
SUPPRESSED = LEFT + "on the suppression list"
ANOTHER_ROW = LEFT + "another row with the same {key} has no consent or is on the suppression list"
NO_LONGER_IN = LEFT + "no longer in “{segment}”"
NEVER_SENT = LEFT + "not in the segment, and never sent by Sendoff"
NOT_THERE = JOINED + "was sent, but is not there any more"
VALUE_UNKNOWN = CHANGED + "the values there are not known"
OTHER_VALUE = CHANGED + "a value is another one"
OTHER_FIELDS = CHANGED + "other fields are matched"
IN_SEGMENT = JOINED + "in the segment"
PUT_BACK = JOINED + "put back, because the run that removed it is undone"
TAKEN_OUT = LEFT + "taken out again, because the run that added it is undone"
TWICE = LEFT_OUT + "twice in the segment"
NO_CONSENT = LEFT_OUT + "no marketing consent"
ON_THE_LIST = LEFT_OUT + "on the suppression list"
NO_RULE = LEFT + "no rule of the segment holds any more"

_LONGEST = 160

Part = Condition | Group | SegmentRef


@dataclass(frozen=True, slots=True)
class When:
    """A question and what follows from its answer.

    `asked` is the place of a part, which is met or not, or a number: whether the rules up to that one, joined by their
    operators, hold.
    """

    asked: Place | int
    met: Node
    otherwise: Node


Node = str | When


def why_left(segment: Segment, own: str) -> Node:
    """Of a member that is in the tables and not in the segment; `own` is the name of the table of members."""
    if segment.list_file is not None:
        return LEFT + "no longer on the list"
    if segment.sql is not None:
        return LEFT + "the query no longer finds it"
    if not segment.rules:
        return NO_RULE
    return _left(segment, len(segment.rules) - 1, own)


def why_joined(segment: Segment, own: str) -> Node:
    """Of a member that is in the segment."""
    if segment.list_file is not None:
        return JOINED + "on the list"
    if segment.sql is not None:
        return JOINED + "the query finds it"
    if not segment.rules:
        return IN_SEGMENT
    return _joined(segment, len(segment.rules) - 1, own)


def parts_of(segment: Segment) -> Iterator[tuple[Place, Part]]:
    """Every part of the rules with its place, rules as the place of their bodies."""
    for number, rule in enumerate(segment.rules):
        yield from _parts((number,), rule.body)


def asked_in(node: Node) -> Iterator[Place | int]:
    """Everything a tree asks for."""
    if isinstance(node, When):
        yield node.asked
        yield from asked_in(node.met)
        yield from asked_in(node.otherwise)


def reason_of(node: Node, segment: Segment, met: Callable[[Place], bool]) -> str:
    """The sentence for a member of which `met` tells what parts it meets."""
    while isinstance(node, When):
        asked = node.asked
        answer = holds(segment, asked, met) if isinstance(asked, int) else met(asked)
        node = node.met if answer else node.otherwise
    return node


def holds(segment: Segment, last: int, met: Callable[[Place], bool]) -> bool:
    """Whether the rules up to number `last` hold, joined by their operators."""
    answer = met((0,))
    for number, rule in enumerate(segment.rules[1 : last + 1], 1):
        this = met((number,))
        if rule.operator is SetOperator.UNION:
            answer = answer or this
        elif rule.operator is SetOperator.INTERSECT:
            answer = answer and this
        else:
            answer = answer and not this
    return answer


def _parts(place: Place, part: Part) -> Iterator[tuple[Place, Part]]:
    yield place, part
    if isinstance(part, Group):
        for number, item in enumerate(part.items):
            yield from _parts((*place, number), item)


def _left(segment: Segment, number: int, own: str) -> Node:
    rule = segment.rules[number]
    if number == 0:
        return _not_met((0,), rule.body, own)
    if rule.operator is SetOperator.UNION:
        return NO_RULE
    decides = _not_met if rule.operator is SetOperator.INTERSECT else _met
    this = decides((number,), rule.body, own, LEFT)
    return When(number - 1, this, _left(segment, number - 1, own))


def _joined(segment: Segment, number: int, own: str) -> Node:
    rule = segment.rules[number]
    if number == 0:
        return _met((0,), rule.body, own, JOINED)
    if rule.operator is not SetOperator.UNION:
        return _joined(segment, number - 1, own)
    before = _joined(segment, number - 1, own)
    return When(number - 1, before, _met((number,), rule.body, own, JOINED))


def _not_met(place: Place, part: Part, own: str, start: str = LEFT) -> Node:
    """Which part of one that is not met decides that: of several that must all be, the first that is not."""
    if not isinstance(part, Group):
        return _sentence(start, _no_longer(part, own))
    if part.items and (part.mode is Mode.ALL or len(part.items) == 1):
        *others, last = enumerate(part.items)
        node = _not_met((*place, last[0]), last[1], own, start)
        for number, item in reversed(others):
            node = When((*place, number), node, _not_met((*place, number), item, own, start))
        return node
    return _sentence(start, _joined_words([_no_longer(item, own) for item in part.items], Mode.ALL))


def _met(place: Place, part: Part, own: str, start: str) -> Node:
    """Which part of one that is met decides that: of several of which one is enough, the first that is."""
    if isinstance(part, Group) and part.items and (part.mode is Mode.ANY or len(part.items) == 1):
        *others, last = enumerate(part.items)
        node = _met((*place, last[0]), last[1], own, start)
        for number, item in reversed(others):
            node = When((*place, number), _met((*place, number), item, own, start), node)
        return node
    return _sentence(start, f"{_now(part, own)} now" if start == LEFT else _now(part, own))


def _sentence(start: str, words: str) -> str:
    return f"{start}{words}" if len(words) <= _LONGEST else f"{start}{words[:_LONGEST]}…"


def _now(part: Part, own: str) -> str:
    if isinstance(part, SegmentRef):
        return f"in “{part.name}”"
    if isinstance(part, Condition):
        return condition_words(part, own)
    return _joined_words([_now(item, own) for item in part.items], part.mode)


def _no_longer(part: Part, own: str) -> str:
    if isinstance(part, SegmentRef):
        return f"no longer in “{part.name}”"
    if isinstance(part, Condition):
        return condition_words(part, own, no_longer=True)
    return f"no longer {_now(part, own)}"


def _joined_words(words: Sequence[str], mode: Mode) -> str:
    return (" and " if mode is Mode.ALL else " or ").join(words) or "nothing is asked"
