"""The segment file: a document (what YAML or JSON gives) to a `Segment` and back.

Parsing checks shape only; whether tables and fields exist is judged against the catalog (app/data/sql.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import NoReturn, TypeVar

from app.core.errors import FixData
from app.core.segments import (
    Aggregate,
    Condition,
    FieldRef,
    Group,
    Mode,
    Operator,
    Rule,
    Scalar,
    Segment,
    SegmentOf,
    SegmentRef,
    SetOperator,
    Span,
    Unit,
    Within,
)

T = TypeVar("T", SegmentOf, SetOperator)

DEEPEST = 30
"""Groups may stand inside each other this many levels deep."""

_LISTS = frozenset({Operator.IS_ONE_OF, Operator.IS_NOT_ONE_OF})
_SPANS = frozenset({Operator.LAST, Operator.NOT_IN_LAST})
_FLAGS = {Operator.IS_EMPTY: Operator.IS_NOT_EMPTY, Operator.IS_NOT_EMPTY: Operator.IS_EMPTY}
_SPAN = re.compile(r"\s*([0-9]{1,5})\s+(hour|day|week|month|year)s?\s*", re.IGNORECASE)
_SAFE_NAME_LENGTH = 200


def parse(document: object, *, segment_id: str) -> Segment:
    """The segment a document describes; raises `FixData` naming the place of the first mistake.

    `list:` is taken as it stands: turning a file of keys into the workspace's own list is the service's part.
    """
    entries = _mapping(document, "The document")
    name = entries.get("name")
    if not isinstance(name, str) or not name.strip():
        _wrong(
            "The segment has no name.", "Each segment is known by its name.", "Add a line such as: name: Loyal buyers."
        )
    if len(name.strip()) > _SAFE_NAME_LENGTH:
        _wrong("The segment's name is too long.", f"It has {len(name.strip())} characters.", "Use at most 200.")
    _only(entries, {"name", "of", "rules", "list", "sql"}, "the segment")
    of = _word(SegmentOf, entries.get("of", SegmentOf.CUSTOMERS.value), "of")
    kinds = [kind for kind in ("rules", "list", "sql") if entries.get(kind) is not None]
    if len(kinds) != 1:
        _wrong(
            f"“{name.strip()}” must say who belongs to it in exactly one way.",
            f"It has {' and '.join(kinds) if kinds else 'none'} of rules, list and sql.",
            "Keep one of the three.",
        )
    if kinds == ["rules"]:
        return Segment(segment_id, name.strip(), of, rules=_rules(entries["rules"]))
    text = entries[kinds[0]]
    if not isinstance(text, str) or not text.strip():
        _wrong(f"{kinds[0]} must be a text.", "It is empty or of another kind.", "See the help on segment files.")
    if kinds == ["list"]:
        return Segment(segment_id, name.strip(), of, list_file=text.strip())
    return Segment(segment_id, name.strip(), of, sql=text.strip())


def to_document(segment: Segment) -> dict[str, object]:
    """The document that `parse` turns into the same segment again (apart from its id)."""
    document: dict[str, object] = {"name": segment.name, "of": segment.of.value}
    if segment.list_file is not None:
        document["list"] = segment.list_file
    elif segment.sql is not None:
        document["sql"] = segment.sql
    else:
        document["rules"] = [_rule_document(rule, first=i == 0) for i, rule in enumerate(segment.rules)]
    return document


def parse_span(text: object, place: str) -> Span:
    """A length of time such as `12 months` or `1 year`."""
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[1]) == 0:
        _wrong(
            f"{place}: “{text}” is not a length of time.",
            "It needs a number above zero and a unit.",
            "Write for example 90 days, 12 months or 2 years.",
        )
    return Span(int(found[1]), Unit(found[2].lower() + "s"))


def _rules(value: object) -> tuple[Rule, ...]:
    cards = _sequence(value, "rules")
    if not cards:
        _wrong("The segment has no rules.", "The list is empty.", "Add at least one group: all or any.")
    return tuple(_rule(card, i) for i, card in enumerate(cards))


def _rule(value: object, index: int) -> Rule:
    place = f"Rule {index + 1}"
    card = _mapping(value, place)
    if len(card) != 1:
        _wrong(
            f"{place} has {len(card)} entries.",
            "A rule is one of all, any, segment, union, intersect and except.",
            "Put each into a rule of its own, beginning with a dash.",
        )
    word, body = next(iter(card.items()))
    if word in {"all", "any", "segment"}:
        if index > 0:
            _wrong(
                f"{place} does not say how it joins the rules above it.",
                f"It begins with “{word}”.",
                f"Write union, intersect or except before {word}.",
            )
        return Rule(SetOperator.UNION, _body(card, place))
    operator = _word(SetOperator, word, place)
    if index == 0 and operator is not SetOperator.UNION:
        _wrong(f"{place} can't begin with {operator}.", "Nothing stands above it.", "Begin with all, any or segment.")
    return Rule(operator, _body(_mapping(body, f"{place}, {operator}"), f"{place}, {operator}"))


def _body(entries: Mapping[str, object], place: str) -> Group | SegmentRef:
    if len(entries) == 1 and "segment" in entries:
        name = entries["segment"]
        if not isinstance(name, str) or not name.strip():
            _wrong(f"{place}: the segment has no name.", "It is empty or not a text.", "Name an existing segment.")
        return SegmentRef(name.strip())
    if len(entries) == 1 and next(iter(entries)) in {"all", "any"}:
        return _group(entries, place, 1)
    return _wrong(
        f"{place} holds {_names(entries)}.",
        "Expected is one of all, any and segment.",
        "Write for example intersect: {segment: All contactable}.",
    )


def _group(entries: Mapping[str, object], place: str, depth: int) -> Group:
    if depth > DEEPEST:
        _wrong(f"{place} nests too deep.", f"Groups may stand {DEEPEST} levels deep.", "Split it into segments.")
    mode, items = next(iter(entries.items()))
    conditions: list[Condition | Group] = []
    for i, item in enumerate(_sequence(items, f"{place}, {mode}")):
        here = f"{place}, {mode}, line {i + 1}"
        inner = _mapping(item, here)
        if len(inner) == 1 and next(iter(inner)) in {"all", "any"}:
            conditions.append(_group(inner, here, depth + 1))
        else:
            conditions.append(_condition(inner, here))
    return Group(Mode(mode), tuple(conditions))


def _condition(entries: Mapping[str, object], place: str) -> Condition:
    field = _field(entries.get("field"), place)
    operators = [word for word in entries if word in _OPERATORS]
    aggregates = [word for word in entries if word in _AGGREGATES]
    _only(entries, {"field", "within", *_OPERATORS, *_AGGREGATES}, place)
    if len(operators) != 1:
        _wrong(
            f"{place}: {field} has {len(operators)} questions.",
            "A condition asks exactly one, such as is, at_least or is_empty.",
            "Put each question on a line of its own.",
        )
    if len(aggregates) > 1:
        _wrong(f"{place}: {field} has {_names(aggregates)}.", "Only one can be computed.", "Keep one of them.")
    if aggregates and entries[aggregates[0]] is not True:
        _wrong(
            f"{place}: {aggregates[0]} must be true.", "It only says what is computed.", f"Write {aggregates[0]}: true."
        )
    aggregate = Aggregate(aggregates[0]) if aggregates else None
    if "within" in entries and aggregate is None:
        _wrong(
            f"{place}: within needs something that is computed.",
            "It says which linked rows count.",
            "Add for example count: true, or remove within.",
        )
    within = _within(entries["within"], place) if "within" in entries else None
    operator, value = _value(Operator(operators[0]), entries[operators[0]], f"{place}, {operators[0]}")
    return Condition(field, operator, value, aggregate, within)


def _value(operator: Operator, value: object, place: str) -> tuple[Operator, Scalar | tuple[Scalar, ...] | Span]:
    if operator in _FLAGS:
        if not isinstance(value, bool):
            _wrong(f"{place} must be true.", f"It is “{value}”.", f"Write {operator}: true.")
        return (operator if value else _FLAGS[operator]), None
    if operator in _SPANS:
        return operator, parse_span(value, place)
    if operator in _LISTS:
        values = tuple(_scalar(v, place) for v in _sequence(value, place))
        if not values:
            _wrong(f"{place} has no values.", "The list is empty.", "Name at least one value.")
        return operator, values
    if operator is Operator.BETWEEN:
        values = tuple(_scalar(v, place) for v in _sequence(value, place))
        if len(values) != 2:
            _wrong(f"{place} needs two values.", f"It has {len(values)}.", "Write for example between: [10, 20].")
        return operator, values
    return operator, _scalar(value, place)


def _scalar(value: object, place: str) -> Scalar:
    """YAML turns unquoted dates and times into Python's own; they become ISO text again."""
    if isinstance(value, float) and not math.isfinite(value):
        _wrong(f"{place}: {value} is not a number that can be compared.", "It is not finite.", "Write a plain number.")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return _wrong(
        f"{place}: {type(value).__name__} is not a plain value.",
        "Expected is a text, a number, a date, true or false.",
        "Write one value.",
    )


def _within(value: object, place: str) -> Within:
    entries = _mapping(value, f"{place}, within")
    _only(entries, {"field", "last"}, f"{place}, within")
    return Within(_field(entries.get("field"), f"{place}, within"), parse_span(entries.get("last"), f"{place}, within"))


def _field(value: object, place: str) -> FieldRef:
    try:
        return FieldRef.parse(value if isinstance(value, str) else "")
    except ValueError:
        return _wrong(
            f"{place} names no field." if value is None else f"{place}: “{value}” is not a field.",
            "A field is a table and a column with a dot between them.",
            "Write for example field: Customer.Country.",
        )


def _rule_document(rule: Rule, *, first: bool) -> dict[str, object]:
    body: dict[str, object]
    body = {"segment": rule.body.name} if isinstance(rule.body, SegmentRef) else _group_document(rule.body)
    return body if first else {rule.operator.value: body}


def _group_document(group: Group) -> dict[str, object]:
    return {
        group.mode.value: [
            _group_document(item) if isinstance(item, Group) else _condition_document(item) for item in group.items
        ]
    }


def _condition_document(condition: Condition) -> dict[str, object]:
    document: dict[str, object] = {"field": str(condition.field)}
    if condition.aggregate is not None:
        document[condition.aggregate.value] = True
    value: object = condition.value
    if condition.operator in _FLAGS:
        value = True
    elif isinstance(value, Span):
        value = str(value)
    elif isinstance(value, tuple):
        value = list(value)
    document[condition.operator.value] = value
    if condition.within is not None:
        document["within"] = {"field": str(condition.within.field), "last": str(condition.within.last)}
    return document


_OPERATORS = frozenset(o.value for o in Operator)
_AGGREGATES = frozenset(a.value for a in Aggregate)


def _mapping(value: object, place: str) -> Mapping[str, object]:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value
    return _wrong(
        f"{place} is not a block of named entries.", "A name and a colon are missing.", "Check the indentation."
    )


def _sequence(value: object, place: str) -> Sequence[object]:
    if isinstance(value, list | tuple):
        return value
    return _wrong(f"{place} is not a list.", "Each entry begins with a dash.", "Check dashes and indentation.")


def _only(entries: Mapping[str, object], known: set[str], place: str) -> None:
    unknown = [name for name in entries if name not in known]
    if unknown:
        _wrong(
            f"{place} has an unknown entry: {_names(unknown)}.",
            "It may be misspelt.",
            f"Known are {_names(sorted(known))}.",
        )


def _word(kind: type[T], value: object, place: str) -> T:
    try:
        return kind(str(value))
    except ValueError:
        known = _names([k.value for k in kind])
        return _wrong(f"{place}: “{value}” is unknown.", f"Expected is one of {known}.", "Choose one of them.")


def _names(names: object) -> str:
    return ", ".join(str(n) for n in names) if isinstance(names, Sequence | Mapping | set) else str(names)


def _wrong(what: str, why: str, fix: str) -> NoReturn:
    raise FixData(what, why, fix, code="segment_document")
