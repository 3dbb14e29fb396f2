"""Core's dataclasses to JSON and back, for the `body` columns.

Fields added later read as their defaults from older bodies; fields no longer known are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import msgspec

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
    Within,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How one type is written to a body and read from it."""

    encode: Callable[[T], str]
    decode: Callable[[str], T]


def plain(kind: type[T]) -> Codec[T]:
    """The codec of a dataclass that msgspec understands as it stands."""
    decoder = msgspec.json.Decoder(kind)
    return Codec(lambda item: msgspec.json.encode(item).decode(), decoder.decode)


# msgspec tells dataclasses in a union apart only by a tag, which core's have not: the parts of a segment get one here.


class _ConditionBody(msgspec.Struct, tag="condition", frozen=True):
    field: FieldRef
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | Span = None
    aggregate: Aggregate | None = None
    within: Within | None = None


class _GroupBody(msgspec.Struct, tag="group", frozen=True):
    mode: Mode
    items: tuple[_ConditionBody | _GroupBody, ...]


class _RefBody(msgspec.Struct, tag="segment", frozen=True):
    name: str


class _RuleBody(msgspec.Struct, frozen=True):
    operator: SetOperator
    body: _GroupBody | _RefBody


class _SegmentBody(msgspec.Struct, frozen=True):
    id: str
    name: str
    of: SegmentOf
    rules: tuple[_RuleBody, ...] = ()
    list_file: str | None = None
    sql: str | None = None


def _item_body(item: Condition | Group) -> _ConditionBody | _GroupBody:
    if isinstance(item, Group):
        return _group_body(item)
    return _ConditionBody(**{part.name: getattr(item, part.name) for part in fields(item)})


def _group_body(group: Group) -> _GroupBody:
    return _GroupBody(group.mode, tuple(_item_body(item) for item in group.items))


def _item(body: _ConditionBody | _GroupBody) -> Condition | Group:
    if isinstance(body, _GroupBody):
        return _group(body)
    return Condition(body.field, body.operator, body.value, body.aggregate, body.within)


def _group(body: _GroupBody) -> Group:
    return Group(body.mode, tuple(_item(item) for item in body.items))


def _rule_body(rule: Rule) -> _RuleBody:
    body = _RefBody(rule.body.name) if isinstance(rule.body, SegmentRef) else _group_body(rule.body)
    return _RuleBody(rule.operator, body)


def _rule(body: _RuleBody) -> Rule:
    return Rule(body.operator, SegmentRef(body.body.name) if isinstance(body.body, _RefBody) else _group(body.body))


def segment_codec() -> Codec[Segment]:
    """The codec of segments."""
    decoder = msgspec.json.Decoder(_SegmentBody)

    def encode(item: Segment) -> str:
        rules = tuple(_rule_body(rule) for rule in item.rules)
        return msgspec.json.encode(_SegmentBody(item.id, item.name, item.of, rules, item.list_file, item.sql)).decode()

    def decode(text: str) -> Segment:
        body = decoder.decode(text)
        rules = tuple(_rule(rule) for rule in body.rules)
        return Segment(body.id, body.name, body.of, rules, body.list_file, body.sql)

    return Codec(encode, decode)
