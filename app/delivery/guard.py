"""Between planning and sending: a run that would do more than its export allows is held, and nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.exports import Export
from app.core.guards import Approval, Held, Measured, judge
from app.core.segments import Segment
from app.delivery.ports import PlannedSegment


class HeldBack(Exception):
    """The run waits for a person; nothing was sent."""

    def __init__(self, held: Held) -> None:
        super().__init__(held.sentence)
        self.held = held


def measured(planned: Sequence[tuple[Segment, PlannedSegment]]) -> list[Measured]:
    """The plans of the segments as guards see them."""
    return [
        Measured(segment.name, plan.changes, plan.seen, plan.seen_before)
        for segment, plan in planned
        if plan.seen is not None
    ]


def demand_within(export: Export, planned: Sequence[tuple[Segment, PlannedSegment]], approval: Approval | None) -> None:
    """Raise HeldBack when a guard of the export holds these plans."""
    held = judge(export.guard, export.sync, measured(planned), approval)
    if held is not None:
        raise HeldBack(held)
