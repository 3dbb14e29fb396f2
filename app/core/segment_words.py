"""A segment in words: one English sentence per rule, for lists, receipts and screen readers; its conditions as phrases."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from app.core.names import fold
from app.core.phrases import Phrase
from app.core.segments import (
    Condition,
    FieldRef,
    Group,
    Mode,
    Operator,
    Scalar,
    Segment,
    SegmentRef,
    SetOperator,
    Span,
)

_BEGINNINGS = {
    SetOperator.UNION: "Also those where ",
    SetOperator.INTERSECT: "Only those where ",
    SetOperator.EXCEPT: "Without those where ",
}
_UNASKED = frozenset({Operator.IS_EMPTY, Operator.IS_NOT_EMPTY})
_MOST_VALUES = 5


def words(segment: Segment) -> tuple[str, ...]:
    """One sentence per rule, from top to bottom; a fixed list and a query are one sentence."""
    if segment.list_file is not None:
        return ("Everyone on a fixed list.",)
    if segment.sql is not None:
        return ("Everyone a query finds.",)
    return tuple(_rule_words(rule.operator, rule.body, first=i == 0) for i, rule in enumerate(segment.rules))


def _rule_words(operator: SetOperator, body: Group | SegmentRef, *, first: bool) -> str:
    if isinstance(body, SegmentRef):
        start = "Members of" if first else _BEGINNINGS[operator].removesuffix("those where ") + "members of"
        return f"{start} “{body.name}”."
    start = "Those where " if first else _BEGINNINGS[operator]
    return f"{start}{_group_words(body, nested=False)}."


def _group_words(group: Group, *, nested: bool) -> str:
    joiner = " and " if group.mode is Mode.ALL else " or "
    parts = [
        _group_words(item, nested=len(group.items) > 1) if isinstance(item, Group) else condition_words(item)
        for item in group.items
    ]
    text = joiner.join(parts) if parts else "nothing is asked yet"
    return f"({text})" if nested and len(parts) > 1 else text


def condition_words(condition: Condition) -> str:
    """One condition without a full stop: `the sum of Orders Total is at least 250 in the last 12 months of PlacedOn`."""
    return condition_phrase(condition).say()


def condition_phrase(condition: Condition, own: str = "", *, now: bool = False, no_longer: bool = False) -> Phrase:
    """One condition as a phrase; the table `own` is not named.

    With `now` it says that it was not met before, with `no_longer` that it was met and is not any more.
    """
    subject: Phrase | str = field_words(condition.field, own)
    if condition.aggregate is not None:
        subject = Phrase(condition.aggregate.value, (subject,))
    operator = condition.operator
    last = "nor" if operator is Operator.IS_NOT_ONE_OF and not no_longer else "or"
    code = f"no_longer {operator}" if no_longer else operator.value
    phrase = Phrase(code, (subject,) if operator in _UNASKED else (subject, _value(condition, last)))
    if now and not no_longer:
        phrase = Phrase("now", (phrase,))
    if condition.within is not None:
        within = condition.within
        phrase = Phrase("within", (phrase, field_words(within.field, own), _span(within.last)))
    return phrase


def field_words(field: FieldRef, own: str = "") -> str:
    """A field by its table and column; of the table `own` by its column alone."""
    return field.column if fold(field.table) == fold(own) else f"{field.table} {field.column}"


def _span(span: Span) -> Phrase:
    if span.number == 1:
        return Phrase(span.unit.removesuffix("s"))
    return Phrase(span.unit.value, (span.number,))


def _value(condition: Condition, last: str) -> Phrase | str | int:
    value = condition.value
    if isinstance(value, Span):
        return _span(value)
    if isinstance(value, tuple):
        if condition.operator is Operator.BETWEEN:
            return _joined("and", [_scalar(each) for each in value])
        return _list(value, last)
    return _scalar(value)


def _list(values: tuple[Scalar, ...], last: str) -> Phrase | str | int:
    shown = [_scalar(each) for each in values[:_MOST_VALUES]]
    if len(values) > _MOST_VALUES:
        shown.append(Phrase("more", (len(values) - _MOST_VALUES,)))
    *first, end = shown
    return Phrase(last, (_joined("values", first), end)) if first else end


def _joined(code: str, parts: Sequence[Phrase | str | int]) -> Phrase | str | int:
    return reduce(lambda before, part: Phrase(code, (before, part)), parts)


def _scalar(value: Scalar) -> Phrase | str | int:
    if value is None or value == "":
        return Phrase("empty")
    if isinstance(value, bool):
        return Phrase("true" if value else "false")
    return value if isinstance(value, int) else str(value)
