from __future__ import annotations

import yaml
from hypothesis import given

from app.core.segment_documents import parse
from app.core.segment_words import words
from app.core.segments import Segment, SegmentOf
from tests.core.segment_strategies import segments
from tests.core.test_segment_documents import EXAMPLE


def test_one_sentence_per_rule() -> None:
    assert words(parse(yaml.safe_load(EXAMPLE), segment_id="1")) == (
        (
            "Those where Customer Country is DE or AT and Customer LifetimeValue is at least 500 and "
            "(the sum of Orders Total is at least 250, counting only Orders PlacedOn in the last 12 months or "
            "the number of Orders OrderId is at least 3)."
        ),
        "Only members of “All contactable”.",
        "Without those where Customer EmailOptIn is false or Customer Since is before 2025-02-28.",
    )


def test_long_lists_are_shortened() -> None:
    rule = {"all": [{"field": "A.B", "is_not_one_of": list(range(1000))}]}
    assert words(parse({"name": "x", "rules": [rule]}, segment_id="1")) == (
        "Those where A B is neither 0, 1, 2, 3, 4 nor 995 more.",
    )


def test_thousands_of_conditions_have_words() -> None:
    rule = {"any": [{"field": "A.B", "is": number} for number in range(3_000)]}
    (sentence,) = words(parse({"name": "x", "rules": [rule]}, segment_id="1"))
    assert sentence.startswith("Those where A B is 0 or A B is 1 or A B is 2 or ")
    assert sentence.endswith(" or A B is 2,999.")


def test_lists_and_queries() -> None:
    assert words(Segment("1", "x", SegmentOf.CUSTOMERS, list_file="a.parquet")) == ("Everyone on a fixed list.",)
    assert words(Segment("1", "x", SegmentOf.CUSTOMERS, sql="select 1")) == ("Everyone a query finds.",)


@given(segments())
def test_every_segment_has_words(segment: Segment) -> None:
    found = words(segment)
    assert len(found) == max(1, len(segment.rules))
    assert all(sentence.endswith(".") for sentence in found)
