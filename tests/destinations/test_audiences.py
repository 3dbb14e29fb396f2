from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FixData, TryAgain
from app.destinations.audiences import MAKE_TRIES, audience_name, made_once, told_apart
from app.destinations.batches import Batch, Member, OutcomeKind

VALUES = st.none() | st.sampled_from(["", "a", "b", "c"])
MEMBERS = st.lists(st.fixed_dictionaries({}, optional={"email": VALUES, "id": VALUES}), max_size=8)


@given(MEMBERS)
def test_each_is_sent_once_by_the_first_thing_it_is_known_by(members: list[dict[str, str | None]]) -> None:
    batch = Batch.of([Member(str(number), values) for number, values in enumerate(members)])
    places, invalid = told_apart(batch, ("email", "id"))
    assert sorted([*places, *invalid]) == list(range(len(members)))
    keys = [next(((name, v) for name in ("email", "id") if (v := values.get(name))), None) for values in members]
    assert [keys[place] for place in places] == list(dict.fromkeys(key for key in keys if key))
    for place, outcome in invalid.items():
        assert (outcome.key, outcome.kind, outcome.field) == (str(place), OutcomeKind.INVALID, "email")
        assert ("nothing usable" in outcome.reason) == (keys[place] is None)


def test_fields_that_are_not_matched_cost_nothing_per_member() -> None:
    batch = Batch([str(n) for n in range(20_000)], {"email": [f"p{n}" for n in range(20_000)]}, range(20_000))
    began = time.thread_time()
    assert len(told_apart(batch, ("phone", "email", "id"))[0]) == 20_000
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    ("field", "name"),
    [("", "VIP"), (" ", "VIP"), ("{segment}", "VIP"), ("Shop {segment}!", "Shop VIP!"), ("All", "All")],
)
def test_names(field: str, name: str) -> None:
    assert audience_name({"audience": field}, "VIP") == audience_name({"audience": f" {field}"}, "VIP") == name


class Vendor:
    """Makes an audience and says so, unless the answer is lost; `acts` tells whether it was made all the same."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.made = 0

    def make(self) -> str:
        answer = self.answers.pop(0)
        self.made += answer in {"made", "lost"}
        if answer == "refused":
            raise FixData("No.")
        if answer != "made":
            raise TryAgain("Lost.")
        return "audience"

    def find(self) -> str | None:
        return "found" if self.made else None


@pytest.mark.parametrize(
    ("answers", "given", "made"),
    [
        (["made"], "audience", 1),
        (["lost"], "found", 1),
        (["down", "made"], "audience", 1),
        (["down", "lost"], "found", 1),
    ],
)
def test_an_audience_is_made_once(answers: list[str], given: str, made: int) -> None:
    vendor = Vendor(*answers)
    assert made_once(vendor.make, vendor.find) == given
    assert vendor.made == made


def test_what_can_not_be_made_is_raised() -> None:
    down = Vendor(*["down"] * 9)
    with pytest.raises(TryAgain):
        made_once(down.make, down.find)
    assert len(down.answers) == 9 - MAKE_TRIES
    refused = Vendor("refused")
    with pytest.raises(FixData):
        made_once(refused.make, refused.find)
