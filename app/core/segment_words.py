"""A segment in words: a sentence per rule, in English for lists and receipts, as phrases for the window."""

from __future__ import annotations

from app.core.names import fold
from app.core.phrases import Part, Phrase, joined
from app.core.segments import (
    Condition,
    FieldRef,
    Group,
    Operator,
    Rule,
    Scalar,
    Segment,
    SegmentRef,
    Span,
)

_UNASKED = frozenset({Operator.IS_EMPTY, Operator.IS_NOT_EMPTY})
_MOST_VALUES = 5


def words(segment: Segment) -> tuple[str, ...]:
    """One sentence per rule, from top to bottom; a fixed list and a query are one sentence."""
    return tuple(map(str, phrases(segment)))


def phrases(segment: Segment) -> tuple[Phrase, ...]:
    """What `words` says, for any language."""
    if segment.list_file is not None:
        return (Phrase("on_list"),)
    if segment.sql is not None:
        return (Phrase("by_query"),)
    return tuple(_rule_phrase(rule, first=at == 0) for at, rule in enumerate(segment.rules))


def _rule_phrase(rule: Rule, *, first: bool) -> Phrase:
    how = "" if first else f" {rule.operator}"
    if isinstance(rule.body, SegmentRef):
        return Phrase(f"members{how}", (rule.body.name,))
    return Phrase(f"those{how}", (_group_phrase(rule.body, nested=False),))


def _group_phrase(group: Group, *, nested: bool) -> Part:
    parts: list[Part] = [
        _group_phrase(item, nested=len(group.items) > 1) if isinstance(item, Group) else condition_phrase(item)
        for item in group.items
    ]
    if not parts:
        return Phrase("nothing_yet")
    together = joined(group.mode.value, parts)
    return Phrase("grouped", (together,)) if nested and len(parts) > 1 else together


def condition_words(condition: Condition) -> str:
    """One condition without a full stop: `the sum of Orders Total is at least 250 in the last 12 months of PlacedOn`."""
    return condition_phrase(condition).say()


def condition_phrase(condition: Condition, own: str = "", *, now: bool = False, no_longer: bool = False) -> Phrase:
    """One condition as a phrase; the table `own` is not named.

    With `now` it says that it was not met before, with `no_longer` that it was met and is not any more.
    """
    subject: Part = field_words(condition.field, own)
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


def _value(condition: Condition, last: str) -> Part:
    value = condition.value
    if isinstance(value, Span):
        return _span(value)
    if isinstance(value, tuple):
        if condition.operator is Operator.BETWEEN:
            return joined("and", [_scalar(each) for each in value])
        return _list(value, last)
    return _scalar(value)


def _list(values: tuple[Scalar, ...], last: str) -> Part:
    shown = [_scalar(each) for each in values[:_MOST_VALUES]]
    if len(values) > _MOST_VALUES:
        shown.append(Phrase("more", (len(values) - _MOST_VALUES,)))
    *first, end = shown
    return Phrase(last, (joined("values", first), end)) if first else end


def _scalar(value: Scalar) -> Part:
    if value is None or value == "":
        return Phrase("empty")
    if isinstance(value, bool):
        return Phrase("true" if value else "false")
    return value if isinstance(value, int) else str(value)
