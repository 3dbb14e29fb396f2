"""How long what runs leave behind is kept."""

from __future__ import annotations

from dataclasses import dataclass, fields

from app.core.errors import FixSettings

LONGEST = 3650
"""Days; ten years are enough for any duty to keep records."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Days from the moment a run was queued.

    `rejects` are the members refused or left out, by name; `changes` are who was added, changed and removed, which comparing
    and undoing need. Both go with their run at the latest. A receipt stays at least as long as its run.
    """

    runs: int = 90
    rejects: int = 30
    changes: int = 90
    receipts: int = 90

    def __post_init__(self) -> None:
        for each in fields(self):
            days = getattr(self, each.name)
            if not 1 <= days <= LONGEST:
                raise FixSettings(
                    f"Nothing can be kept for {days:,} days.",
                    f"The least is 1 day, the most are {LONGEST:,}.",
                    "Give another number of days.",
                    code="retention",
                )
