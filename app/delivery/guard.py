"""Between planning and sending: a run that would do more than its export allows is held, and nothing is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.exports import Export, SyncMode
from app.core.guards import Approval, Held, Measured, Seen, judge, seen
from app.core.plans import Changes
from app.core.segments import Segment
from app.data.last_seen import read_seen, write_seen
from app.delivery.ports import Deps, PlannedSegment


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


def seen_in_files(rows: Mapping[str, int], deps: Deps) -> dict[str, Seen]:
    """What is seen of segments that are written as files with so many rows."""
    return {
        segment.name: seen(segment, deps.catalog, deps.segments, rows[segment.name], "")
        for segment in deps.segments
        if segment.name in rows
    }


def demand_files_within(export: Export, found: Mapping[str, Seen], known: Path, approval: Approval | None) -> None:
    """Raise HeldBack when a guard of the export holds these files.

    Files are written whole, so who is new in them is not known: they are judged by their numbers alone, against those of the
    last run to this place, of which `known` is the folder.
    """
    planned = []
    for name, now in found.items():
        before = read_seen(_folder(known, name))
        gone = 0 if before is None or now.members else before.members
        planned.append(Measured(name, Changes(added=now.members, removed=gone), now, before))
    held = judge(export.guard, SyncMode.UPDATE, planned, approval)
    if held is not None:
        raise HeldBack(held)


def keep_seen(found: Mapping[str, Seen], known: Path) -> None:
    """These files were published."""
    for name, now in found.items():
        write_seen(_folder(known, name), now)


def _folder(known: Path, segment: str) -> Path:
    return known / "seen" / hashlib.sha256(segment.casefold().encode()).hexdigest()[:16]
