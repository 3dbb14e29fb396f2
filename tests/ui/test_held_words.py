"""Why a run is held is said by the window in its own words; in English they are those of the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QLocale

from app.core.evidence import Cause, Measured, Seen, likely_cause
from app.core.exports import Guard, SyncMode
from app.core.file_guards import FileItem, judge_files
from app.core.guards import Approval, judge
from app.core.plans import Basis, Changes
from app.core.row_deltas import RowChanges
from app.ui.formats import Formats
from app.ui.held_words import cause_words, held_in_short, held_words

AT = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def looked_at(changes: Changes) -> Approval:
    return Approval("ann", AT, changes)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    ("planned", "approval"),
    [
        (Measured("VIP", Changes(removed=1_234), Seen(0)), None),
        (Measured("VIP", Changes(removed=1), Seen(0)), None),
        (Measured("VIP", Changes(added=1_000), Seen(1_000), Seen(4_000)), None),
        (Measured("VIP", Changes(added=1), Seen(1), Seen(4_000)), None),
        (Measured("VIP", Changes(added=5_000), Seen(5_000)), Approval("ann", AT, members=2_000)),
        (Measured("VIP", Changes(added=5_000), Seen(5_000)), looked_at(Changes(added=2_000))),
        (Measured("VIP", Changes(changed=5_000), Seen(5_000)), looked_at(Changes(changed=2_000))),
        (Measured("VIP", Changes(removed=5_000, unchanged=90_000), Seen(90_000)), looked_at(Changes(removed=2_000))),
    ],
)
def test_the_window_says_what_the_command_line_says(planned: Measured, approval: Approval | None) -> None:
    held = judge(Guard(), SyncMode.MIRROR, [planned], approval)
    assert held is not None
    formats = Formats(QLocale("en_GB"), now=lambda: AT, zone=UTC)
    assert held_words(held, formats) == held.sentence
    assert held_words(replace(held, sentence="?"), formats) == held.sentence, "it is not the sentence that is kept"


def _table(name: str, now: int, before: int | None, changed: int = 0) -> FileItem:
    changes = RowChanges(changed=changed, unchanged=now - changed) if changed else None
    return FileItem(name, name, Seen(now), None if before is None else Seen(before), changes)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    ("tables", "approval", "short"),
    [
        ([_table("Customer", 978_154, 1_482_060)], None, "34.0% of the rows are gone"),
        ([_table("Customer", 0, 1_234)], None, "“Customer” is empty"),
        ([_table("Customer", 0, 1)], None, "“Customer” is empty"),
        ([_table(name, 1_000, 5_000) for name in "ABCDEF"], None, "6 lost rows"),
        ([_table("Customer", 5_000, 5_000, 2_000)], None, "40.0% would be changed"),
        ([_table("Customer", 5_000, None)], Approval("ann", AT, members=2_000), "Other than reviewed"),
    ],
)
def test_files_are_held_in_the_same_words(tables: list[FileItem], approval: Approval | None, short: str) -> None:
    held = judge_files(Guard(changed_percent=12.5), tables, approval)
    assert held is not None
    formats = Formats(QLocale("en_GB"), now=lambda: AT, zone=UTC)
    assert held_words(replace(held, sentence="?"), formats) == held.sentence
    assert held_in_short(held, formats) == short


_BEFORE = Seen(100, {"Customer": 100}, "VIP: the rules", "Customer.OptIn")


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    "planned",
    [
        *(Measured("VIP", Changes(), Seen(100), basis=basis) for basis in Basis),
        *(
            Measured("VIP", Changes(), replace(_BEFORE, **now), _BEFORE)
            for now in ({"rows": {"Customer": 60}}, {"rules": "VIP: others"}, {"consent": ""})
        ),
    ],
)
def test_a_cause_is_said_in_the_windows_words(planned: Measured) -> None:
    cause = likely_cause(planned)
    assert cause is not None
    assert cause_words(cause) == (cause.what, cause.detail)
    assert cause_words(replace(cause, what="?", detail="?")) == (cause.what, cause.detail), (
        "not what is kept in English"
    )


@pytest.mark.usefixtures("qapp")
def test_a_cause_that_an_earlier_version_kept_is_said_as_it_was() -> None:
    assert cause_words(Cause("the rules were changed", "They are other ones.")) == (
        "the rules were changed",
        "They are other ones.",
    )
