"""Why a run is held is said by the window in its own words; in English they are those of the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QLocale

from app.core.exports import Guard, SyncMode
from app.core.guards import Approval, Measured, Seen, judge
from app.core.plans import Changes
from app.ui.formats import Formats
from app.ui.held_words import held_words

AT = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def looked_at(changes: Changes) -> Approval:
    return Approval("ann", AT, changes)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    ("planned", "approval"),
    [
        (Measured("VIP", Changes(removed=1_234), Seen(0)), None),
        (Measured("VIP", Changes(added=1_000), Seen(1_000), Seen(4_000)), None),
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
