"""Between planning and sending: a run that would do more than its export allows is held, and nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.evidence import Measured, Seen, seen
from app.core.exports import Export, ExportKind
from app.core.file_guards import FileItem, judge_files
from app.core.guards import Approval, Held, judge
from app.core.row_deltas import Rows
from app.core.segments import Segment
from app.data.last_seen import read_seen, write_seen
from app.data.sent import short_hash
from app.delivery.ports import Deps, PlannedSegment, RowCount


class HeldBack(Exception):
    """The run waits for a person; nothing was sent."""

    def __init__(self, held: Held) -> None:
        super().__init__(held.sentence)
        self.held = held


def measured(planned: Sequence[tuple[Segment, PlannedSegment]]) -> list[Measured]:
    """The plans of the segments as guards see them."""
    return [
        Measured(segment.name, plan.changes, plan.seen, plan.seen_before, plan.basis)
        for segment, plan in planned
        if plan.seen is not None
    ]


def demand_within(export: Export, planned: Sequence[tuple[Segment, PlannedSegment]], approval: Approval | None) -> None:
    """Raise HeldBack when a guard of the export holds these plans."""
    held = judge(export.guard, export.sync, measured(planned), approval)
    if held is not None:
        raise HeldBack(held)


def files_seen(export: Export, counts: Mapping[str, RowCount], known: Path, deps: Deps) -> list[FileItem]:
    """The tables or segments of an export that is written as files, with what the last run to this place saw of them.

    `known` is the folder with what the workspace knows of the place.
    """
    segments = {segment.name: segment for segment in deps.segments}
    found = []
    for name, count in counts.items():
        rows = count.rows if count.changes is None else count.changes.number(Rows.ALL)
        if export.kind is ExportKind.SEGMENT:
            key, now = name, seen(segments[name], deps.catalog, deps.segments, rows, "")
        else:
            table = deps.catalog.table(name)
            assert table is not None, "what is counted is in the catalog"
            key, now = f"table {table.id}", Seen(rows, {name: table.rows})
        found.append(FileItem(name, key, now, read_seen(_folder(known, key)), count.changes))
    return found


def demand_files_within(export: Export, items: Sequence[FileItem], approval: Approval | None) -> None:
    """Raise HeldBack when a guard of the export holds these files."""
    held = judge_files(export.guard, items, approval)
    if held is not None:
        raise HeldBack(held)


def keep_seen(items: Sequence[FileItem], known: Path) -> None:
    """These files were published."""
    for each in items:
        write_seen(_folder(known, each.key), each.now)


def _folder(known: Path, key: str) -> Path:
    return known / "seen" / short_hash(key.casefold())
