from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.core.evidence import Cause, Seen
from app.core.exports import Guard
from app.core.file_guards import FileItem, file_guard_words, judge_files
from app.core.guards import Approval, Fewer, GuardKind
from app.core.row_deltas import RowChanges, Whole

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPEN = Guard(None, None, empty_source=False)
ONLY_EMPTY = Guard(None)


def table(name: str, now: int, before: int | None = None, changes: RowChanges | None = None) -> FileItem:
    last = None if before is None else Seen(before, {name: before})
    return FileItem(name, name, Seen(now, {name: now}), last, changes)


def test_a_table_that_lost_more_than_its_share_holds_and_the_share_itself_does_not() -> None:
    held = judge_files(Guard(), [table("Orders", 900, 800), table("Customer", 978_154, 1_482_060)])
    assert held is not None
    assert (held.guard, held.segment, held.limit, held.audience) == (GuardKind.SHRANK, "Customer", 20, 1_482_060)
    assert held.number == 503_906
    assert held.sentence == (
        "“Customer” lost 503,906 of the 1,482,060 rows that the last run wrote, 34.0%. Your limit is 20%."
    )
    assert held.cause == Cause(
        "its last refresh brought fewer rows",
        "Customer went from 1,482,060 to 978,154 rows since the last run.",
        "Customer",
        "refreshed",
        ("Customer", 1_482_060, 978_154),
    )
    assert judge_files(Guard(), [table("Customer", 80, 100)]) is None
    assert judge_files(Guard(), [table("Customer", 120, 100)]) is None


def test_an_empty_table_and_half_of_one() -> None:
    held = judge_files(ONLY_EMPTY, [table("Customer", 0, 3)])
    assert held is not None
    assert (held.guard, held.number) == (GuardKind.EMPTY, 3)
    assert held.sentence == "“Customer” is empty now; the last run wrote 3 rows."
    half = judge_files(ONLY_EMPTY, [table("Customer", 49, 100)])
    assert half is not None
    assert (half.guard, half.limit) == (GuardKind.SHRANK, None)
    assert half.sentence == "“Customer” lost 51 of the 100 rows that the last run wrote, 51.0%."
    for fine in (table("Customer", 50, 100), table("Customer", 1, 9), table("Customer", 0, 0)):
        assert judge_files(ONLY_EMPTY, [fine]) is None, fine
    assert judge_files(OPEN, [table("Customer", 0, 100)]) is None


def test_a_first_run_and_a_table_that_is_new_lose_nothing() -> None:
    assert judge_files(Guard(), [table("Customer", 0), table("Orders", 5)]) is None
    held = judge_files(Guard(), [table("Customer", 0), table("Orders", 0, 5)])
    assert held is not None
    assert [each.name for each in held.fewer] == ["Orders"]


def test_every_table_that_lost_rows_is_told_the_empty_ones_first() -> None:
    lost = [("A", 70, 100), ("B", 20, 100), ("C", 0, 5), ("D", 60, 100), ("E", 99, 100)]
    held = judge_files(Guard(), [table(*each) for each in lost])
    assert held is not None
    assert (held.guard, held.segment, held.number) == (GuardKind.EMPTY, "C", 30 + 80 + 5 + 40)
    assert [each.name for each in held.fewer] == ["A", "B", "C", "D"]
    assert held.sentence == (
        "“C” is empty now; the last run wrote 5 rows. “B” lost 80 of the 100 rows that the last run wrote, 80.0%. "
        "“D” lost 40 of the 100 rows that the last run wrote, 40.0%. 1 more lost rows too. Your limit is 20%."
    )


def test_where_rows_are_compared_those_of_the_source_count_and_not_the_difference() -> None:
    unchanged = RowChanges(unchanged=100)
    assert judge_files(Guard(), [table("Customer", 100, 100, unchanged)]) is None
    swapped = RowChanges(added=60, removed=60, unchanged=40)
    held = judge_files(Guard(), [table("Customer", 100, 100, swapped)])
    assert held is not None
    assert held.fewer == (Fewer("Customer", 100, 100, 60),)
    whole = RowChanges(added=70, whole=Whole.OTHER_FIELDS)
    held = judge_files(Guard(), [table("Customer", 70, 100, whole)])
    assert held is not None
    assert held.number == 30


def test_changed_rows_hold_where_they_are_known() -> None:
    changed = table("Customer", 100, 100, RowChanges(changed=31, unchanged=69))
    assert judge_files(Guard(), [changed]) is None
    held = judge_files(Guard(changed_percent=30), [changed])
    assert held is not None
    assert (held.guard, held.number) == (GuardKind.CHANGED, 31)
    assert held.sentence == "31.0% of “Customer” would be changed; your limit is 30%."
    assert judge_files(Guard(changed_percent=30), [replace(changed, changes=None)]) is None


def test_an_approval_covers_those_tables_and_no_more_of_their_rows() -> None:
    customer = Fewer("Customer", 100, 50, 50)

    def agreed(*fewer: Fewer) -> Approval:
        held = judge_files(Guard(), [table("Customer", 50, 100)])
        assert held is not None
        return Approval("ann", NOW, held.changes, anyway=True, fewer=fewer)

    for approval, items, held in (
        (Approval("ann", NOW, anyway=True), [table("Customer", 0, 100)], False),
        (agreed(customer), [table("Customer", 50, 100)], False),
        (agreed(customer), [table("Customer", 55, 100)], False),
        (agreed(customer), [table("Customer", 49, 100)], True),
        (agreed(customer), [table("Customer", 100, 100), table("Orders", 50, 100)], True),
        (agreed(customer), [table("Customer", 50, 100, RowChanges(changed=40, removed=50, unchanged=10))], True),
        (replace(agreed(customer), anyway=False), [table("Customer", 50, 100)], True),
        (None, [table("Customer", 50, 100)], True),
    ):
        assert (judge_files(Guard(), items, approval) is not None) is held, (approval, items)


@pytest.mark.parametrize(("rows", "holds"), [(100, False), (110, False), (111, True), (90, False), (80, True)])
def test_other_rows_than_were_reviewed(rows: int, *, holds: bool) -> None:
    held = judge_files(OPEN, [table("A", rows - 40), table("B", 40)], Approval("ann", NOW, members=100))
    assert (held is not None) is holds
    if held is not None:
        assert held.sentence == f"{rows} rows would be written; when the export was reviewed, it was 100."
        assert (held.guard, held.number) == (GuardKind.MOVED, rows)


def test_rows_that_are_left_out_are_a_cause() -> None:
    last = FileItem("Customer", "1", Seen(60, {"Customer": 100}), Seen(98, {"Customer": 100}))
    held = judge_files(Guard(), [last])
    assert held is not None
    assert held.cause == Cause(
        "more rows are left out",
        "40 rows of Customer are left out now; at the last run it was 2.",
        "Customer",
        "left_out",
        ("Customer", 40, 2),
    )
    other = judge_files(Guard(), [replace(last, now=Seen(60), before=Seen(98))])
    assert other is not None
    assert other.cause is None


@pytest.mark.parametrize(
    ("guard", "compared", "words"),
    [
        (Guard(), False, "Hold above 20% of the rows gone, when nothing is left or less than half"),
        (Guard(None, 5), False, "Hold when nothing is left or less than half"),
        (Guard(10, 5, empty_source=False), True, "Hold above 10% of the rows gone, above 5% changed"),
        (OPEN, True, ""),
    ],
)
def test_a_guard_of_files_in_words(guard: Guard, words: str, *, compared: bool) -> None:
    assert file_guard_words(guard, compared=compared) == words
