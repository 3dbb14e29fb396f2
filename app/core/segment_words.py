"""A segment in words: one English sentence per rule, for lists, receipts and screen readers."""

from __future__ import annotations

from app.core.names import fold
from app.core.segments import (
    Aggregate,
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
_AGGREGATES = {
    Aggregate.COUNT: "the number of {}",
    Aggregate.SUM: "the sum of {}",
    Aggregate.AVERAGE: "the average of {}",
    Aggregate.LOWEST: "the lowest {}",
    Aggregate.HIGHEST: "the highest {}",
    Aggregate.LATEST: "the latest {}",
    Aggregate.EARLIEST: "the earliest {}",
}
_OPERATORS = {
    Operator.IS: "is {}",
    Operator.IS_NOT: "is not {}",
    Operator.IS_ONE_OF: "is {}",
    Operator.IS_NOT_ONE_OF: "is neither {}",
    Operator.CONTAINS: "contains {}",
    Operator.STARTS_WITH: "starts with {}",
    Operator.ENDS_WITH: "ends with {}",
    Operator.AT_LEAST: "is at least {}",
    Operator.AT_MOST: "is at most {}",
    Operator.MORE_THAN: "is more than {}",
    Operator.LESS_THAN: "is less than {}",
    Operator.BETWEEN: "is between {}",
    Operator.IS_EMPTY: "is empty",
    Operator.IS_NOT_EMPTY: "is not empty",
    Operator.BEFORE: "is before {}",
    Operator.AFTER: "is after {}",
    Operator.LAST: "lies in the last {}",
    Operator.NOT_IN_LAST: "does not lie in the last {}",
}
_NO_LONGER = {
    Operator.IS_NOT: "is {} now",
    Operator.IS_NOT_ONE_OF: "is {} now",
    Operator.IS_EMPTY: "is filled now",
    Operator.IS_NOT_EMPTY: "is empty now",
    Operator.NOT_IN_LAST: "lies in the last {} now",
}
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


def condition_words(condition: Condition, own: str = "", *, now: bool = False, no_longer: bool = False) -> str:
    """One condition without a full stop: `the sum of Orders Total is at least 250 in the last 12 months of PlacedOn`.

    The table `own` is not named. With `now` the words say that it was not met before, with `no_longer` that it was met and is
    not any more.
    """
    subject = field_words(condition.field, own)
    if condition.aggregate is not None:
        subject = _AGGREGATES[condition.aggregate].format(subject)
    asked = _OPERATORS[condition.operator]
    last = "nor" if condition.operator is Operator.IS_NOT_ONE_OF and not no_longer else "or"
    if no_longer:
        asked = _NO_LONGER.get(condition.operator) or f"no longer {asked}"
        asked = asked.replace("no longer is ", "is no longer ", 1)
    elif now:
        asked = f"{asked} now"
    text = f"{subject} {asked.format(_value_words(condition, last))}"
    if condition.within is not None:
        within = condition.within
        text += f", counting only {field_words(within.field, own)} in the last {_span_words(within.last)}"
    return text


def field_words(field: FieldRef, own: str = "") -> str:
    """A field by its table and column; of the table `own` by its column alone."""
    return field.column if fold(field.table) == fold(own) else f"{field.table} {field.column}"


def _span_words(span: Span) -> str:
    unit = str(span.unit)
    return unit.removesuffix("s") if span.number == 1 else f"{span.number:,} {unit}"


def _value_words(condition: Condition, last: str) -> str:
    value = condition.value
    if isinstance(value, Span):
        return _span_words(value)
    if isinstance(value, tuple):
        if condition.operator is Operator.BETWEEN:
            return " and ".join(_scalar_words(v) for v in value)
        return _list_words(value, last)
    return _scalar_words(value)


def _list_words(values: tuple[Scalar, ...], last: str) -> str:
    shown = [_scalar_words(v) for v in values[:_MOST_VALUES]]
    if len(values) > _MOST_VALUES:
        return f"{', '.join(shown)} {last} {len(values) - _MOST_VALUES:,} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _scalar_words(value: Scalar) -> str:
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
