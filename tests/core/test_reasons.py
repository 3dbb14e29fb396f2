from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.phrases import ENGLISH
from app.core.reasons import (
    NO_RULE,
    SENTENCES,
    Reason,
    Says,
    asked_in,
    parts_of,
    reason_of,
    why_joined,
    why_left,
    why_newly,
)
from app.core.segment_documents import parse
from app.core.segments import Place, Segment, SegmentOf
from tests.core.segment_strategies import segments

GERMAN = {"field": "Customer.Country", "is": "DE"}
SPENDS = {"field": "Orders.Total", "sum": True, "at_least": 250}
AGREED = {"field": "Customer.OptIn", "is": True}


def of(*rules: dict[str, Any]) -> Segment:
    return parse({"name": "S", "rules": list(rules)}, segment_id="1")


def left(segment: Segment, *met: Place) -> str:
    return str(reason_of(why_left(segment, "Customer"), segment, lambda place: place in met))


def joined(segment: Segment, *met: Place) -> str:
    return str(reason_of(why_joined(segment, "Customer"), segment, lambda place: place in met))


def test_the_first_condition_that_is_not_met_decides() -> None:
    segment = of({"all": [GERMAN, SPENDS, AGREED]})
    assert left(segment, (0, 1), (0, 2)) == "Left: Country is no longer DE"
    assert left(segment, (0, 0), (0, 2)) == "Left: the sum of Orders Total is no longer at least 250"
    assert left(segment, (0, 0), (0, 1)) == "Left: OptIn is no longer true"
    assert joined(segment, (0,), (0, 0), (0, 1), (0, 2)) == (
        "Joined: Country is DE and the sum of Orders Total is at least 250 and OptIn is true"
    )


def test_of_several_of_which_one_is_enough_all_are_gone_and_the_first_brings_in() -> None:
    segment = of({"any": [GERMAN, {"all": [SPENDS, AGREED]}]})
    assert left(segment) == (
        "Left: Country is no longer DE and no longer the sum of Orders Total is at least 250 and OptIn is true"
    )
    assert joined(segment, (0,), (0, 1), (0, 1, 0), (0, 1, 1)).endswith("is at least 250 and OptIn is true")
    assert joined(segment, (0,), (0, 0)) == "Joined: Country is DE"


def test_of_thousands_of_which_one_is_enough_all_are_gone() -> None:
    segment = of({"any": [{"field": "Customer.Country", "is": f"C{number}"} for number in range(3_000)]})
    assert left(segment).startswith("Left: Country is no longer C0 and Country is no longer C1 and ")
    assert left(segment).endswith("…")


def test_rules_decide_from_the_last_one_up() -> None:
    segment = of({"all": [GERMAN]}, {"intersect": {"segment": "Buyers"}}, {"except": {"all": [AGREED]}})
    assert left(segment, (0,), (1,), (2,), (2, 0)) == "Left: OptIn is true now"
    assert left(segment, (0,)) == "Left: no longer in “Buyers”"
    assert left(segment, (1,)) == "Left: Country is no longer DE"
    both = of({"all": [GERMAN]}, {"union": {"segment": "Buyers"}})
    assert left(both) == str(NO_RULE)
    assert joined(both, (1,)) == "Joined: in “Buyers”"
    assert joined(both, (0,), (1,)) == "Joined: Country is DE"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"is_not": "DE"}, "Country is DE now"),
        ({"is_one_of": ["DE", "AT"]}, "Country is no longer DE or AT"),
        ({"is_not_one_of": ["DE", "AT"]}, "Country is DE or AT now"),
        ({"contains": "x"}, "Country no longer contains x"),
        ({"is_empty": True}, "Country is filled now"),
        ({"is_not_empty": True}, "Country is empty now"),
        ({"last": "3 months"}, "Country no longer lies in the last 3 months"),
        ({"not_in_last": "1 day"}, "Country lies in the last day now"),
    ],
)
def test_what_is_no_longer_so(asked: dict[str, Any], words: str) -> None:
    assert left(of({"all": [{"field": "Customer.Country", **asked}]})) == f"Left: {words}"


def test_lists_and_queries() -> None:
    fixed = Segment("1", "S", SegmentOf.CUSTOMERS, list_file="x.parquet")
    query = Segment("1", "S", SegmentOf.CUSTOMERS, sql="SELECT 1")
    assert [left(fixed), joined(fixed), left(query), joined(query)] == [
        "Left: no longer on the list",
        "Joined: on the list",
        "Left: the query no longer finds it",
        "Joined: the query finds it",
    ]


@given(segments(), st.data())
def test_every_segment_has_a_reason_short_enough_to_read(segment: Segment, data: st.DataObject) -> None:
    places = [place for place, _part in parts_of(segment)]
    met = data.draw(st.sets(st.sampled_from(places))) if places else set()
    for tree in (why(segment, "Customer") for why in (why_left, why_joined, why_newly)):
        assert all(isinstance(asked, int) or asked in places for asked in asked_in(tree))
        reason = reason_of(tree, segment, met.__contains__)
        assert 6 < len(str(reason)) < 180
        assert Reason.read(reason.kept) == reason
        assert len(reason.kept) < 2_100


def newly(segment: Segment, *met_before: Place) -> str:
    return str(reason_of(why_newly(segment, "Customer"), segment, lambda place: place in met_before))


def test_what_holds_now_that_did_not_brings_somebody_in() -> None:
    segment = of({"all": [GERMAN, SPENDS, AGREED]})
    assert newly(segment, (0, 1), (0, 2)) == "Joined: Country is DE now"
    assert newly(segment, (0, 0), (0, 2)) == "Joined: the sum of Orders Total is at least 250 now"
    any_of = of({"any": [GERMAN, AGREED]})
    assert newly(any_of) == "Joined: Country is DE now or OptIn is true now"
    rules = of({"all": [GERMAN]}, {"intersect": {"segment": "Buyers"}}, {"except": {"all": [AGREED]}})
    assert newly(rules, (0,), (1,), (2,), (2, 0)) == "Joined: OptIn is no longer true"
    assert newly(rules, (0,)) == "Joined: in “Buyers” now"
    both = of({"all": [GERMAN]}, {"union": {"segment": "Buyers"}})
    assert newly(both) == str(NO_RULE)


def test_a_rule_is_said_in_the_words_and_the_order_of_any_language() -> None:
    reason = reason_of(
        why_left(of({"all": [GERMAN, SPENDS]}), "Customer"), of({"all": [GERMAN, SPENDS]}), {(0, 1)}.__contains__
    )
    assert str(reason) == "Left: Country is no longer DE"
    sentences = {**SENTENCES, Says.LEFT_RULE: "Ausgetreten: {what}"}
    words = {**ENGLISH, "no_longer is": "{1} steht nicht mehr in {0}"}
    assert Reason.read(reason.kept).sentence(sentences, words) == "Ausgetreten: DE steht nicht mehr in Country"
    spends = reason_of(why_left(of({"all": [SPENDS]}), "Customer"), of({"all": [SPENDS]}), set().__contains__)
    assert spends.sentence(SENTENCES, ENGLISH, lambda number: f"<{number}>") == (
        "Left: the sum of Orders Total is no longer at least <250>"
    )


def test_what_earlier_versions_kept_of_a_rule_is_still_said() -> None:
    assert str(Reason.read("left_rule\x1fCountry is no longer DE")) == "Left: Country is no longer DE"
    assert str(Reason.read('left_rule\x1e["a code of a later version"]')) != ""


@given(st.sampled_from(Says), st.text(max_size=20))
def test_a_reason_is_read_as_it_was_kept_and_a_sentence_of_earlier_versions_stays_one(says: Says, what: str) -> None:
    assert Reason.read(Reason(says, what).kept) == Reason(says, what)
    assert "{" not in Reason.read(says.value).sentence(SENTENCES).replace("{what}", "")
    assert str(Reason.read("Left: no longer in the tables")) == "Left: no longer in the tables"
    assert (str(Reason.read(None)), bool(Reason.read(""))) == ("", False)
