"""What is to be done with one segment at its place, read from the file of its plan, and the account of what was done."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.core.errors import SendoffError
from app.core.evidence import Seen
from app.core.plans import Basis, Change, Changes, PlannedMember
from app.data.last_seen import read_seen, write_seen
from app.data.plan_pages import PlanPages
from app.data.plan_rows import ALL, PlanRows, read_plan
from app.data.planning import Difference
from app.data.resuming import Rest
from app.data.sent import Held, Told
from app.data.shared_places import brought_by_others
from app.delivery.ports import Holding
from app.destinations.batches import Batch, Outcomes
from app.jobs import CancelToken, JobContext


@dataclass(slots=True)
class Draft:
    """The plan of a segment, written and not yet handed out; `seen` is what was seen of the segment, None when not all of it was."""

    segment: str
    held: Held
    path: Path
    difference: Difference
    seen: Seen | None


class WorkspacePlan:
    """Fulfils delivery's `PlannedSegment`; `told` is None for a plan that is only looked at, `rest` is what is left of a resumed one."""

    def __init__(
        self, draft: Draft, sent_empty: Mapping[str, int], told: Told | None, rest: Rest | None = None
    ) -> None:
        self._engine = draft.held.engine
        self._segment = draft.segment
        self._path = draft.path
        self._held = draft.held
        self._told = told
        self._rest = rest
        self._skipped: set[int] = set()
        self._not_brought = ALL
        self._kept = False
        self.resumed = rest is not None
        self.dropped = 0 if rest is None else rest.dropped
        self.changes: Changes = draft.difference.changes
        self.never_left: tuple[int, int] = (
            (self.changes.removed, self.changes.added + self.changes.changed) if rest is None else rest.never_left
        )
        self.sent_empty: Mapping[str, int] = sent_empty
        self.seen = draft.seen
        self.seen_before = read_seen(draft.held.was)
        self.basis: Basis | None = draft.difference.basis
        moved = self.seen is not None and self.seen.filled_otherwise(self.seen_before)
        if self.basis in {None, Basis.ENGINE} and moved and self.changes.to_send:
            self.basis = Basis.SOURCE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._told is not None:
            self._told.close()
            if error is not None:
                with suppress(SendoffError, OSError):  # what stopped the run weighs more; the next run notes it as well
                    self._held.note(CancelToken())
            return
        if self._kept:
            return
        with suppress(OSError):  # Windows still reads it; `clear_looks` comes later
            self._path.unlink(missing_ok=True)

    def brought(self, size: int, ctx: JobContext, *, whatever: bool) -> Iterator[Batch]:
        """See `PlannedSegment.brought`."""
        doubt = "in_doubt" if self._rest is None else self._rest.rows(doubt=True)
        with self._engine.cursor(ctx.token) as cursor:
            brought = brought_by_others(cursor, self._held, doubt, whatever=whatever)
        if brought is None:
            return iter(())
        self._not_brought = f"NOT ({brought})"
        return _batches(read_plan(self._engine, self._path, ctx, where=f"{self._left()} AND {brought}"), size)

    def removals(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        """See `PlannedSegment.removals`."""
        return _batches(read_plan(self._engine, self._path, ctx, removed=True, where=self._left()), size)

    def batches(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        """See `PlannedSegment.batches`; the engine is let go of when the iterator is closed."""
        conditions = {self._left(), self._not_brought} - {ALL}
        where = " AND ".join(sorted(conditions)) or ALL
        return _batches(read_plan(self._engine, self._path, ctx, where=where), size, self._skipped)

    def doubtful(self, change: Change, ctx: JobContext) -> Batch:
        """See `PlannedSegment.doubtful`."""
        if not self.changes.in_doubt:
            return Batch([], {}, [])
        doubt = "in_doubt" if self._rest is None else self._rest.rows(doubt=True)
        parts = read_plan(self._engine, self._path, ctx, where=f"change = '{change}' AND {doubt}")
        return next(_batches(parts, max(self.changes.to_send, 1)), Batch([], {}, []))

    def skip(self, batch: Batch) -> None:
        """See `PlannedSegment.skip`."""
        self._skipped.update(batch.rows)

    def _left(self) -> str:
        return ALL if self._rest is None else self._rest.rows()

    def first(self, number: int, ctx: JobContext) -> list[PlannedMember]:
        """See `PlannedSegment.first`."""
        return PlanPages(self._engine, {self._path: self._segment}).first(number, ctx)

    def keep(self) -> Path:
        """See `PlannedSegment.keep`."""
        self._kept = True
        return self._path

    def sending(self, batch: Batch) -> None:
        """See `PlannedSegment.sending`."""
        if self._told is not None:
            self._told.sending(batch.rows)

    def settled(self, batch: Batch, outcomes: Outcomes) -> None:
        """See `PlannedSegment.settled`."""
        if self._told is not None:
            others = {place: each.kind.value for place, each in outcomes.others.items()}
            self._told.settled(batch.rows, outcomes.kind.value, others)

    def finish(self, ctx: JobContext) -> Holding | None:
        """See `PlannedSegment.finish`."""
        if self._told is None:
            return None
        self._told.close()
        self._held.settle(ctx.token)
        if self.seen is not None:
            write_seen(self._held.folder, self.seen)
        numbers = self._held.numbers(ctx.token)
        return None if numbers is None else Holding(*numbers)


def _batch(part: PlanRows) -> Batch:
    return Batch(part.members, part.values, part.rows, part.known)


def _batches(
    parts: Generator[PlanRows, None, None], size: int, skipped: AbstractSet[int] = frozenset()
) -> Iterator[Batch]:
    """Members in batches of that size, but the last; without those whose rows are to be skipped."""
    waiting = Batch([], {}, [])
    with closing(parts):
        for part in parts:
            batch = _batch(part)
            if skipped:
                batch = batch.picked([place for place, row in enumerate(batch.rows) if row not in skipped])
            waiting = _joined(waiting, batch) if waiting else batch
            whole = len(waiting) // size * size
            for start in range(0, whole, size):
                yield waiting[start : start + size]
            waiting = waiting[whole:]
    if waiting:
        yield waiting


def _joined(first: Batch, second: Batch) -> Batch:
    columns = {name: [*values, *second.columns[name]] for name, values in first.columns.items()}
    return Batch([*first.keys, *second.keys], columns, [*first.rows, *second.rows], [*first.known, *second.known])
