from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.evidence import Cause, Measured, Seen, likely_cause, seen
from app.core.exports import Guard, SyncMode
from app.core.guards import Approval, GuardKind, Held, guard_words, judge
from app.core.plans import Basis, Changes
from app.core.segment_documents import parse
from app.core.tables import Catalog, Table, TableRole

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPEN = Guard(None, None, empty_source=False)
PLENTY = Seen(100)


def one(changes: Changes, now: Seen = PLENTY, before: Seen | None = None) -> Measured:
    return Measured("VIP", changes, now, before)


def test_a_share_above_the_limit_holds_and_the_limit_itself_does_not() -> None:
    held = judge(Guard(), SyncMode.MIRROR, [one(Changes(118, 402, 20_822, 40_016))])
    assert held is not None
    assert (held.guard, held.limit, held.audience, held.number) == (GuardKind.REMOVED, 20, 61_240, 20_822)
    assert held.sentence == "34.0% of the audience would be removed; your limit is 20%."
    assert judge(Guard(), SyncMode.MIRROR, [one(Changes(removed=20, unchanged=80))]) is None
    assert judge(Guard(), SyncMode.UPDATE, [one(Changes(removed=90, unchanged=10))]) is None
    changed = judge(Guard(changed_percent=12.5), SyncMode.UPDATE, [one(Changes(changed=2, unchanged=8))])
    assert changed is not None
    assert changed.sentence == "20.0% of the audience would be changed; your limit is 12.5%."


def test_one_wiped_audience_is_not_hidden_by_large_ones() -> None:
    small = Measured("Small", Changes(removed=90, unchanged=10), PLENTY)
    large = Measured("Large", Changes(unchanged=10_000), PLENTY)
    held = judge(Guard(), SyncMode.MIRROR, [large, small])
    assert held is not None
    assert held.sentence == "90.0% of “Small” would be removed; your limit is 20%."
    assert (held.segment, held.number, held.audience) == ("Small", 90, 100)


def test_an_empty_and_a_shrunken_segment() -> None:
    empty = judge(Guard(None), SyncMode.MIRROR, [one(Changes(removed=5), Seen(0))])
    assert empty is not None
    assert (empty.guard, empty.number) == (GuardKind.EMPTY, 5)
    shrunk = judge(Guard(None), SyncMode.UPDATE, [one(Changes(added=4), Seen(49), Seen(100))])
    assert shrunk is not None
    assert (shrunk.guard, shrunk.number) == (GuardKind.SHRANK, 4)
    assert shrunk.sentence == "“VIP” has 49 members; the last run found 100."
    assert judge(Guard(None), SyncMode.UPDATE, [one(Changes(), Seen(50), Seen(100))]) is None
    assert judge(Guard(None), SyncMode.UPDATE, [one(Changes(), Seen(1), Seen(9))]) is None
    assert judge(OPEN, SyncMode.MIRROR, [one(Changes(removed=5), Seen(0), Seen(100))]) is None


def test_an_approval_covers_its_numbers_and_no_more() -> None:
    plan = one(Changes(removed=50, changed=3, unchanged=50))
    for agreed, held in (
        (Approval("ann", NOW, None, anyway=True), False),
        (Approval("ann", NOW, Changes(removed=50, changed=3), anyway=True), False),
        (Approval("ann", NOW, Changes(removed=49, changed=3), anyway=True), True),
        (Approval("ann", NOW, Changes(removed=50, changed=2), anyway=True), True),
        (Approval("ann", NOW, Changes(removed=50, changed=3)), True),
        (None, True),
    ):
        assert (judge(Guard(), SyncMode.MIRROR, [plan], agreed) is not None) is held, agreed


def test_an_approval_of_one_segment_is_none_of_another() -> None:
    gone, stay = Changes(removed=50, unchanged=50), Changes(unchanged=100)

    def judged(first: Changes, second: Changes, approval: Approval | None) -> Held | None:
        return judge(Guard(), SyncMode.MIRROR, [Measured("A", first, PLENTY), Measured("B", second, PLENTY)], approval)

    held = judged(gone, stay, None)
    assert held is not None
    agreed = Approval("ann", NOW, held.changes, anyway=True, each=held.each)
    assert judged(gone, stay, agreed) is None
    assert judged(stay, gone, agreed) is not None


def test_a_plan_that_was_looked_at_may_move_a_little() -> None:
    looked = Approval("ann", NOW, Changes(added=200, removed=5))
    assert judge(OPEN, SyncMode.MIRROR, [one(Changes(added=220, removed=15))], looked) is None
    held = judge(OPEN, SyncMode.MIRROR, [one(Changes(added=221, removed=5))], looked)
    assert held is not None
    assert (held.guard, held.before) == (GuardKind.MOVED, 200)
    assert held.sentence == "221 members would be added; when the plan was looked at, it was 200."
    assert judge(OPEN, SyncMode.MIRROR, [one(Changes(removed=16))], looked) is not None


def test_other_members_than_were_reviewed() -> None:
    reviewed = Approval("ann", NOW, members=100)
    assert judge(OPEN, SyncMode.UPDATE, [one(Changes(added=60), Seen(60)), one(Changes(), Seen(50))], reviewed) is None
    held = judge(OPEN, SyncMode.UPDATE, [one(Changes(added=60), Seen(60)), one(Changes(), Seen(51))], reviewed)
    assert held is not None
    assert held.sentence == "111 members would be sent; when the export was reviewed, it was 100."
    agreed = Approval("ann", NOW, held.changes, anyway=True)
    assert judge(OPEN, SyncMode.UPDATE, [one(Changes(added=60), Seen(111))], agreed) is None
    fewer = judge(OPEN, SyncMode.UPDATE, [one(Changes(added=60), Seen(80))], reviewed)
    assert fewer is not None
    assert fewer.sentence == "80 members would be sent; when the export was reviewed, it was 100."


@pytest.mark.parametrize(
    ("guard", "sync", "words"),
    [
        (Guard(), SyncMode.MIRROR, "Hold above 20% removed, when a segment is empty or shrank"),
        (Guard(), SyncMode.UPDATE, "Hold when a segment is empty or shrank"),
        (Guard(5, 12.5, empty_source=False), SyncMode.REPLACE, "Hold above 5% removed, above 12.5% changed"),
        (OPEN, SyncMode.MIRROR, ""),
    ],
)
def test_a_guard_in_words(guard: Guard, sync: SyncMode, words: str) -> None:
    assert guard_words(guard, sync) == words


RULES = {"name": "VIP", "rules": [{"all": [{"field": "Orders.Total", "sum": True, "at_least": 5}]}]}


def test_a_cause_needs_evidence() -> None:
    def table(name: str, rows: int, role: TableRole = TableRole.OTHER) -> Table:
        return Table(name.lower(), name, role, (), "Id", rows, 1, "x", NOW)

    segment = parse(RULES, segment_id="1")
    catalog = Catalog((table("Customer", 100, TableRole.CUSTOMER), table("Orders", 50), table("Other", 9)))
    before = seen(segment, catalog, [segment], 40, "Customer.OptIn")
    assert before.rows == {"Customer": 100, "Orders": 50}
    assert likely_cause(one(Changes(), before, before)) is None
    assert likely_cause(one(Changes(), before)) is None
    fewer = seen(segment, Catalog((table("Customer", 60, TableRole.CUSTOMER), table("Orders", 49))), [segment], 9, "")
    assert likely_cause(one(Changes(), fewer, before)) == Cause(
        "Customer has fewer rows",
        "Customer went from 100 to 60 rows since the last run.",
        "Customer",
        "fewer_rows",
        ("Customer", 100, 60),
    )
    other = parse(
        {**RULES, "rules": [{"all": [{"field": "Orders.Total", "sum": True, "at_least": 6}]}]}, segment_id="1"
    )
    cause = likely_cause(one(Changes(), seen(other, catalog, [other], 9, "Customer.OptIn"), before))
    assert cause is not None
    assert cause.detail == "The rules of “VIP” are other ones than at the last run."
    cause = likely_cause(one(Changes(), replace(before, consent=""), before))
    assert cause is not None
    assert cause.detail == "Who agreed was read from Customer.OptIn at the last run, now from none."


def test_what_a_plan_is_compared_by_explains_changes_first_and_else_last() -> None:
    before, fewer = Seen(100, {"Customer": 100}), Seen(0, {"Customer": 0})
    moved = Measured("VIP", Changes(changed=50, removed=50), fewer, before, Basis.SOURCE)
    for guard, cause in (
        (Guard(None, 5, empty_source=False), "fields are filled from other columns"),
        (Guard(), "Customer has fewer rows"),
        (Guard(None), "Customer has fewer rows"),
    ):
        held = judge(guard, SyncMode.MIRROR, [moved])
        assert held is not None
        assert held.cause is not None
        assert held.cause.what == cause
    held = judge(Guard(), SyncMode.MIRROR, [replace(moved, now=before)])
    assert held is not None
    assert held.cause is not None
    assert held.cause.what == "fields are filled from other columns"


def test_rules_of_segments_a_segment_is_built_on_count() -> None:
    base = parse({**RULES, "name": "Base"}, segment_id="2")
    built = parse({"name": "VIP", "rules": [{"segment": "base"}]}, segment_id="1")
    found = seen(built, Catalog(()), [base, built], 1, "")
    assert "VIP: " in found.rules
    assert "Base: " in found.rules


numbers = st.integers(0, 1000)
changes = st.builds(Changes, numbers, numbers, numbers, numbers)


@given(changes, st.sampled_from([5.0, 20.0, 50.0, None]), st.sampled_from([5.0, 50.0, None]))
def test_nothing_goes_above_its_limits(planned: Changes, removed: float | None, changed: float | None) -> None:
    held = judge(Guard(removed, changed, empty_source=False), SyncMode.MIRROR, [one(planned)])
    audience = planned.removed + planned.changed + planned.unchanged
    above = [
        limit is not None and number * 100 > limit * audience
        for number, limit in ((planned.removed, removed), (planned.changed, changed))
    ]
    assert (held is not None) is any(above)


@pytest.mark.parametrize("kind", GuardKind)
def test_every_guard_has_a_number_to_type(kind: GuardKind) -> None:
    held = judge(Guard(), SyncMode.MIRROR, [one(Changes(1, 2, 30, 4), Seen(0))])
    assert held is not None
    assert replace(held, guard=kind).number in {30, 2, 33}
