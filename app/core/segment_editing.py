"""Editing the rules of a segment: each edit gives another segment, and a history goes back and forth between them.

While a rule is built, a condition may lack its field (`NO_FIELD`) or its value (`NO_VALUE`), a rule its segment (the empty
name), and a group its conditions. Such parts are unfinished: `finished` leaves them out, and only a segment without any is
saved. All functions are pure; a place that does not exist raises LookupError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from app.core.segment_questions import EMPTY, LISTS, WINDOW, operators_for
from app.core.segments import (
    Aggregate,
    Condition,
    FieldRef,
    Group,
    Mode,
    Operator,
    Place,
    Rule,
    Scalar,
    Segment,
    SegmentRef,
    SetOperator,
    Span,
    Unit,
)
from app.core.tables import ColumnType

NO_FIELD = FieldRef("", "")
"""Stands in a condition until a field is chosen."""
NO_VALUE: tuple[Scalar, ...] = ()
"""Stands in a condition until a value is given; no finished condition has it, because a list is never empty."""
BLANK = Condition(NO_FIELD, Operator.IS, NO_VALUE)
"""A condition that asks nothing yet."""
STEPS_KEPT = 200
"""Edits that can be undone."""

Part = Group | SegmentRef | Condition


def part(segment: Segment, place: Place) -> Part:
    """What stands there: the body of a rule, or an item of a group."""
    found: Part = segment.rules[_counted(place[0])].body
    for number in place[1:]:
        if not isinstance(found, Group):
            raise LookupError(place)
        found = found.items[_counted(number)]
    return found


def put(segment: Segment, place: Place, new: Part) -> Segment:
    """With something else at that place; only a rule's body may be another segment, and only an item a condition."""
    if len(place) == 1 and isinstance(new, Condition):
        new = Group(Mode.ALL, (new,))
    if len(place) > 1 and isinstance(new, SegmentRef):
        raise LookupError(place)
    part(segment, place)
    return _with_rule(segment, place[0], replace(segment.rules[place[0]], body=_put(segment, place, new)))


def add(segment: Segment, place: Place, item: Condition | Group) -> Segment:
    """With an item at the end of the group there."""
    group = _group(segment, place)
    return put(segment, place, replace(group, items=(*group.items, item)))


def remove(segment: Segment, place: Place) -> Segment:
    """Without what stands there; a nested group that this empties goes too, the first rule begins afresh."""
    part(segment, place)
    if len(place) == 1:
        return _with_rules(segment, [rule for number, rule in enumerate(segment.rules) if number != place[0]])
    group = _group(segment, place[:-1])
    rest = tuple(item for number, item in enumerate(group.items) if number != place[-1])
    if not rest and len(place) > 2:
        return remove(segment, place[:-1])
    return put(segment, place[:-1], replace(group, items=rest))


def set_mode(segment: Segment, place: Place, mode: Mode) -> Segment:
    """With the group there joined by all or any."""
    return put(segment, place, replace(_group(segment, place), mode=mode))


def add_rule(segment: Segment, body: Group | SegmentRef, operator: SetOperator = SetOperator.INTERSECT) -> Segment:
    """With a rule below the others."""
    return _with_rules(segment, [*segment.rules, Rule(operator, body)])


def duplicate_rule(segment: Segment, number: int) -> Segment:
    """With the rule a second time, below itself."""
    rules = list(segment.rules)
    rules.insert(number + 1, rules[_counted(number)])
    return _with_rules(segment, rules)


def move_rule(segment: Segment, number: int, to: int) -> Segment:
    """With a rule at another number; it takes its operator along, but the first one always begins."""
    rules = list(segment.rules)
    rules.insert(_counted(to), rules.pop(_counted(number)))
    return _with_rules(segment, rules)


def set_operator(segment: Segment, number: int, operator: SetOperator) -> Segment:
    """With a rule joined in another way to what stands above it; the first one has nothing above it."""
    if number == 0:
        raise LookupError(number)
    return _with_rule(segment, number, replace(segment.rules[_counted(number)], operator=operator))


def unfinished(segment: Segment) -> tuple[Place, ...]:
    """Places of conditions without field or value, of rules without segment, and of groups without condition."""
    found: list[Place] = []
    for number, rule in enumerate(segment.rules):
        found += _unfinished(rule.body, (number,))
    return tuple(found)


def finished(segment: Segment) -> Segment:
    """Without its unfinished parts, and without rules and groups that hold nothing else."""
    rules = []
    for rule in segment.rules:
        body = rule.body if isinstance(rule.body, SegmentRef) else _finished_group(rule.body)
        if body is not None and body != SegmentRef(""):
            rules.append(replace(rule, body=body))
    return _with_rules(segment, rules)


def incomplete(condition: Condition) -> bool:
    """Whether a field or a value is still missing."""
    fields = [condition.field, *([condition.within.field] if condition.within else [])]
    if any(not field.table or not field.column for field in fields):
        return True
    if condition.operator in EMPTY:
        return False
    if condition.operator is Operator.BETWEEN and isinstance(condition.value, tuple):
        return len(condition.value) != 2 or None in condition.value
    return condition.value == NO_VALUE


def with_field(condition: Condition, field: FieldRef, asked: ColumnType, aggregate: Aggregate | None) -> Condition:
    """Ask about another field of that type: operator and value stay where they fit, the window where its table does.

    `asked` is the type of the column itself.
    """
    offered = operators_for(asked, aggregate)
    operator = condition.operator if condition.operator in offered else offered[0]
    within = condition.within if aggregate is not None else None
    if within is not None and within.field.table != field.table:
        within = None
    same = condition.field == field and condition.aggregate == aggregate
    new = replace(condition, field=field, aggregate=aggregate, within=within)
    return with_operator(new if same else replace(new, value=NO_VALUE), operator)


def with_operator(condition: Condition, operator: Operator) -> Condition:
    """Ask in another way; what was given as value is kept as far as the new way takes it."""
    value = condition.value
    values = value if isinstance(value, tuple) else () if isinstance(value, Span) or value is None else (value,)
    new: Scalar | tuple[Scalar, ...] | Span
    if operator in EMPTY:
        new = None
    elif operator in WINDOW:
        new = value if isinstance(value, Span) else Span(30, Unit.DAYS)
    elif operator in LISTS:
        new = tuple(each for each in values if each is not None)
    elif operator is Operator.BETWEEN:
        new = values[:2]
    else:
        new = values[0] if values and values[0] is not None else NO_VALUE
    return replace(condition, operator=operator, value=new)


def places(segment: Segment) -> Iterator[Place]:
    """Every place there is, from top to bottom."""
    for number, rule in enumerate(segment.rules):
        yield from _places(rule.body, (number,))


@dataclass(frozen=True, slots=True)
class History:
    """A segment being edited, what it was, and what was undone.

    Edits that follow each other with the same `typing` are one step: letters typed into one field.
    """

    present: Segment
    past: tuple[Segment, ...] = ()
    future: tuple[Segment, ...] = ()
    typing: str = ""

    def do(self, edit: Callable[[Segment], Segment], typing: str = "") -> History:
        """After an edit; what was undone before is forgotten. An edit that changes nothing is no step."""
        new = edit(self.present)
        if new == self.present:
            return self
        if typing and typing == self.typing and self.past:
            return replace(self, present=new, future=())
        return History(new, (*self.past, self.present)[-STEPS_KEPT:], (), typing)

    def undo(self) -> History:
        """As it was before the last step."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.present, *self.future))

    def redo(self) -> History:
        """With the last step that was undone done again."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])


def _put(segment: Segment, place: Place, new: Part) -> Group | SegmentRef:
    for depth in range(len(place) - 1, 0, -1):
        group = _group(segment, place[:depth])
        assert not isinstance(new, SegmentRef)
        items = tuple(new if number == place[depth] else item for number, item in enumerate(group.items))
        new = replace(group, items=items)
    assert not isinstance(new, Condition)
    return new


def _group(segment: Segment, place: Place) -> Group:
    found = part(segment, place)
    if not isinstance(found, Group):
        raise LookupError(place)
    return found


def _counted(number: int) -> int:
    """Places are counted from the front; Python's negative ones would hide a mistake."""
    if number < 0:
        raise LookupError(number)
    return number


def _with_rule(segment: Segment, number: int, rule: Rule) -> Segment:
    return replace(segment, rules=tuple(rule if at == number else other for at, other in enumerate(segment.rules)))


def _with_rules(segment: Segment, rules: list[Rule]) -> Segment:
    first = [replace(rule, operator=SetOperator.UNION) for rule in rules[:1]]
    return replace(segment, rules=(*first, *rules[1:]))


def _unfinished(body: Part, place: Place) -> Iterator[Place]:
    if isinstance(body, Group):
        if not body.items:
            yield place
        for number, item in enumerate(body.items):
            yield from _unfinished(item, (*place, number))
    elif body.name == "" if isinstance(body, SegmentRef) else incomplete(body):
        yield place


def _finished_group(group: Group) -> Group | None:
    items: list[Condition | Group] = []
    for item in group.items:
        if isinstance(item, Group):
            inner = _finished_group(item)
            if inner is not None:
                items.append(inner)
        elif not incomplete(item):
            items.append(item)
    return replace(group, items=tuple(items)) if items else None


def _places(body: Part, place: Place) -> Iterator[Place]:
    yield place
    if isinstance(body, Group):
        for number, item in enumerate(body.items):
            yield from _places(item, (*place, number))
