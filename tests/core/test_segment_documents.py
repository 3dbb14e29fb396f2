from __future__ import annotations

import copy

import pytest
import yaml
from hypothesis import given

from app.core.errors import FixData
from app.core.segment_documents import parse, to_document
from app.core.segments import Aggregate, Group, Operator, Segment, SegmentOf, SegmentRef, SetOperator, Span, Unit
from app.services.documents import parse_documents, write_document
from tests.core.segment_strategies import segments

EXAMPLE = """
name: Lapsed 90 days
of: customers
rules:
  - all:
      - {field: Customer.Country, is_one_of: [DE, AT]}
      - {field: Customer.LifetimeValue, at_least: 500}
      - any:
          - {field: Orders.Total, sum: true, at_least: 250, within: {field: Orders.PlacedOn, last: 12 months}}
          - {field: Orders.OrderId, count: true, at_least: 3}
  - intersect: {segment: All contactable}
  - except:
      any:
        - {field: Customer.EmailOptIn, is: false}
        - {field: Customer.Since, before: 2025-02-28}
"""


@given(segments())
def test_a_segment_survives_the_way_to_yaml_and_back(segment: Segment) -> None:
    (document,) = parse_documents(write_document(to_document(segment)), "segment.yaml")
    assert parse(document, segment_id="s") == segment


def test_the_example_of_the_help() -> None:
    segment = parse(yaml.safe_load(EXAMPLE), segment_id="1")
    assert (segment.name, segment.of, len(segment.rules)) == ("Lapsed 90 days", SegmentOf.CUSTOMERS, 3)
    first = segment.rules[0].body
    assert isinstance(first, Group)
    inner = first.items[2]
    assert isinstance(inner, Group)
    assert inner.items[0].aggregate is Aggregate.SUM
    assert inner.items[0].within.last == Span(12, Unit.MONTHS)
    assert (segment.rules[1].operator, segment.rules[1].body) == (SetOperator.INTERSECT, SegmentRef("All contactable"))
    last = segment.rules[2].body.items[1]
    assert (last.operator, last.value) == (Operator.BEFORE, "2025-02-28")


def _broken(change: str, value: object) -> dict:
    document = copy.deepcopy(yaml.safe_load(EXAMPLE))
    *path, last = [int(p) if p.isdigit() else p for p in change.split("/")]
    place = document
    for step in path:
        place = place[step]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("change", "value", "words"),
    [
        ("name", "  ", "no name"),
        ("of", "people", "people"),
        ("rules", [], "no rules"),
        ("rules", "x", "rules is not a list"),
        ("list", "x.csv", "exactly one way"),
        ("colour", "red", "unknown entry: colour"),
        ("rules/0", {"except": {"segment": "X"}}, "Rule 1 can't begin with except"),
        ("rules/1", {"segment": "X"}, "Rule 2 does not say how it joins"),
        ("rules/1", {"minus": {"segment": "X"}}, "minus"),
        ("rules/1", {"intersect": {"segment": 5}}, "Rule 2, intersect"),
        ("rules/1", {"intersect": {"field": "A.B"}}, "Rule 2, intersect"),
        ("rules/0/all/0/field", "Country", "Rule 1, all, line 1: “Country” is not a field"),
        ("rules/0/all/0/field", KeyError, "names no field"),
        ("rules/0/all/0/is_one_of", [], "has no values"),
        ("rules/0/all/0/is_one_of", "DE", "is not a list"),
        ("rules/0/all/0/is", "DE", "2 questions"),
        ("rules/0/all/0/is_one_of", KeyError, "0 questions"),
        ("rules/0/all/0/iss", "DE", "unknown entry: iss"),
        ("rules/0/all/1/at_least", float("nan"), "not a number"),
        ("rules/0/all/1/at_least", {"a": 1}, "not a plain value"),
        ("rules/0/all/1/within", {"field": "A.B", "last": "1 day"}, "within needs"),
        ("rules/0/all/2/any/0/sum", False, "sum must be true"),
        ("rules/0/all/2/any/0/count", True, "Only one"),
        ("rules/0/all/2/any/0/within/last", "12 moons", "“12 moons” is not a length of time"),
        ("rules/0/all/2/any/0/within/last", "0 days", "length of time"),
    ],
)
def test_mistakes_are_named_with_their_place(change: str, value: object, words: str) -> None:
    with pytest.raises(FixData) as caught:
        parse(_broken(change, value), segment_id="1")
    assert words in str(caught.value)
    assert caught.value.what
    assert caught.value.fix


def test_groups_that_nest_without_end_are_refused() -> None:
    group: dict = {"all": []}
    for _ in range(60):
        group = {"any": [group]}
    with pytest.raises(FixData, match="too deep"):
        parse({"name": "x", "rules": [group]}, segment_id="1")


@pytest.mark.parametrize("document", [None, [], "text", {1: 2}, 5])
def test_anything_else_is_refused(document: object) -> None:
    with pytest.raises(FixData):
        parse(document, segment_id="1")


def test_empty_false_asks_the_opposite() -> None:
    segment = parse({"name": "x", "rules": [{"all": [{"field": "A.B", "is_empty": False}]}]}, segment_id="1")
    assert segment.rules[0].body.items[0].operator is Operator.IS_NOT_EMPTY
