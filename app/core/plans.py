"""Plans: what a run would change at a target, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.counts import Count
from app.core.exports import SyncMode
from app.core.phrases import Phrase
from app.core.reasons import Reason

if TYPE_CHECKING:
    from app.core.forecasts import Forecast
    from app.core.guards import Held


class Basis(StrEnum):
    """What a plan is compared by and is another thing than at the last run, so that much of it may count as changed.

    SOURCE are the columns that the matched fields are filled from, FORMAT is the way hashes are made.
    """

    MATCH = "match"
    SOURCE = "source"
    FORMAT = "format"
    ENGINE = "engine"

    @property
    def phrase(self) -> Phrase:
        """What it means for a plan, in a sentence."""
        return Phrase(f"other {self.value} detail")


class Change(StrEnum):
    """What a run does to a member at the target; who is unchanged or left out is not sent."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    LEFT_OUT = "left_out"


TOLD = (Change.ADDED, Change.CHANGED, Change.REMOVED)
"""What the target is told of."""


class LeftOut(StrEnum):
    """Why a member of a segment is not sent; the words people see are in the window's translations."""

    NO_IDENTIFIER = "no_identifier"
    TWICE = "twice"
    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Changes:
    """How many members are new to the target, have other values, have left, or are there as they should be.

    `in_doubt` are those of the added and removed whose last sending was never acknowledged, `strangers` those of the removed
    whom Sendoff never sent (sync mode replace).
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    in_doubt: int = 0
    strangers: int = 0

    @property
    def to_send(self) -> int:
        """Members the target is told of."""
        return self.added + self.changed + self.removed

    def __add__(self, other: Changes) -> Changes:
        return Changes(
            self.added + other.added,
            self.changed + other.changed,
            self.removed + other.removed,
            self.unchanged + other.unchanged,
            self.in_doubt + other.in_doubt,
            self.strangers + other.strangers,
        )


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """One member of a plan: our key and the values of the target's fields; of who is not to be sent those that identify it.

    `reason` comes from the rule that decides, `fields` are those that changed, when known.
    """

    member: str
    segment: str
    change: Change
    values: Mapping[str, str | None]
    reason: Reason = field(default_factory=Reason)
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanFilter:
    """Which members of a plan are looked at: of one change, with one reason, found by a search; empty ones take everybody.

    A `search` takes a part of our key, `person` the whole one; both take what identifies a member there, in full.
    """

    change: Change | None = None
    reason: Reason = field(default_factory=Reason)
    search: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A member of a plan that is being looked at, and what it is known by there."""

    id: str
    member: PlannedMember


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """What a run would do with one segment.

    `skipped` is the sentence that says why it is not sent at all. `basis` is set when much may count as changed because of
    what it is compared by.
    """

    segment: str
    changes: Changes = field(default_factory=Changes)
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)
    skipped: Phrase | None = None
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of an export would do now; `members` are the first of each change in each segment, values masked.

    `held` says which guard would hold it, `forecast` what sending it would take. `kept_values` are members who keep the values
    that the run which this plan takes back gave them.
    """

    export: str
    sync: SyncMode
    segments: tuple[SegmentPlan, ...]
    members: tuple[PlannedMember, ...] = ()
    held: Held | None = None
    forecast: Forecast | None = None
    kept_values: int = 0

    @property
    def changes(self) -> Changes:
        """All segments together."""
        return sum((each.changes for each in self.segments), Changes())

    @property
    def left_out(self) -> dict[LeftOut, int]:
        """All segments together, by reason."""
        total: dict[LeftOut, int] = {}
        for each in self.segments:
            for reason, number in each.left_out.items():
                total[reason] = total.get(reason, 0) + number
        return total


def left_out_of(count: Count) -> dict[LeftOut, int]:
    """Why members of a counted segment are not sent, those reasons only that somebody has."""
    numbers = {
        LeftOut.NO_IDENTIFIER: count.members - count.eligible,
        LeftOut.TWICE: count.duplicates,
        LeftOut.NO_CONSENT: count.no_consent,
        LeftOut.SUPPRESSED: count.suppressed,
    }
    return {reason: number for reason, number in numbers.items() if number}
