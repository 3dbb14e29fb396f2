from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes

VALUES = st.dictionaries(st.sampled_from(["email", "phone", "city"]), st.none() | st.text(max_size=3))
MEMBERS = st.lists(st.builds(Member, st.text(max_size=3), VALUES, st.integers(0, 9)), max_size=8)
OUTCOMES = st.lists(st.builds(Outcome, st.text(max_size=3), st.sampled_from(OutcomeKind), reason=st.text(max_size=2)))


def known(member: Member) -> tuple[str, dict[str, str], int]:
    """A member without the fields it has no value for."""
    return member.key, {name: value for name, value in member.values.items() if value is not None}, member.row


@given(MEMBERS, st.slices(8))
def test_a_batch_is_its_members(members: list[Member], part: slice) -> None:
    batch = Batch.of(members)
    assert [known(each) for each in batch] == [known(each) for each in members]
    assert [known(each) for each in batch[part]] == [known(each) for each in members[part]]
    assert list(batch.picked(range(len(batch)))) == list(batch)
    assert [batch[i] for i in range(-len(members), 0)] == list(batch)
    assert Batch.of(batch) is batch
    assert list(batch.column("email")) == [each.values.get("email") for each in members]


def test_a_field_that_is_not_matched_has_no_value() -> None:
    assert list(Batch.of([Member("C-1", {"email": "a@example.com"})]).column("phone")) == [None]


@given(OUTCOMES)
def test_outcomes_keep_what_became_of_each_member(outcomes: list[Outcome]) -> None:
    compact = Outcomes.of(outcomes)
    refused = {place: each for place, each in enumerate(outcomes) if each.kind.refused}
    assert compact.refused == refused
    assert [(each.key, each.kind) for each in compact] == [(each.key, each.kind) for each in outcomes]
    for kind in OutcomeKind:
        assert compact.counted()[kind] == sum(each.kind is kind for each in outcomes)
    assert [each.kind for each in compact[-2:]] == [each.kind for each in outcomes[-2:]]
    assert [compact[i].kind for i in range(-len(outcomes), 0)] == [each.kind for each in outcomes]
    with pytest.raises(IndexError):
        compact[len(outcomes)]


def test_members_that_arrived_are_not_kept_one_by_one() -> None:
    refused = Outcome("C-7", OutcomeKind.REJECTED, "email", "No.")
    outcomes = [refused if i == 7 else Outcome(f"C-{i}", OutcomeKind.ADDED) for i in range(500)]
    assert dict(Outcomes.of(outcomes).others) == {7: refused}
    assert Outcomes.of(outcomes).kind is OutcomeKind.ADDED


@given(OUTCOMES, st.data())
def test_who_was_taken_counts_by_what_is_known(outcomes: list[Outcome], data: st.DataObject) -> None:
    held = data.draw(st.lists(st.booleans(), min_size=len(outcomes), max_size=len(outcomes)) | st.just([]))
    keys = [each.key for each in outcomes]
    batch = Batch(keys, {}, list(range(len(keys))), held)
    wanted = [
        (OutcomeKind.UPDATED if held and held[place] else OutcomeKind.ADDED)
        if each.kind is OutcomeKind.TAKEN
        else each.kind
        for place, each in enumerate(outcomes)
    ]
    found = Outcomes.of(outcomes).for_batch(batch)
    assert [(each.key, each.kind) for each in found] == list(zip(keys, wanted, strict=True))
    assert sum(found.counted().values()) == len(outcomes)
