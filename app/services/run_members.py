"""The members of segments on their way to one target, as a run reads them from the engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from app.core.counts import Count
from app.core.errors import FixSettings, SendoffError, TryAgain
from app.core.exports import Export, SyncMode
from app.core.guards import Seen
from app.core.plans import Basis, Change, Changes, PlannedMember
from app.core.runs import Reject
from app.core.segments import Segment
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity
from app.data.kept_files import known_of
from app.data.last_seen import read, read_seen, seen_now, write_seen
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.plan_pages import PlanPages
from app.data.plan_rows import ALL, PlanRows, look_path, read_plan
from app.data.planning import Difference
from app.data.resuming import Rest, goes_on, is_settled
from app.data.run_changes import changes_path
from app.data.sent import Held, Told
from app.data.there import write_there
from app.data.workspace_rows import Scope
from app.delivery.matching import identity_of, matched_fields
from app.delivery.ports import Holding, There
from app.destinations.batches import Batch, Outcomes
from app.destinations.contract import Place, TargetField
from app.destinations.description import Description
from app.jobs import CancelToken, JobContext


class WorkspaceMembers:
    """Fulfils delivery's `MemberSource` over the tables and segments of one moment; used by one thread.

    `counted` is called before members are read, which is after they were counted, as a rule: what counting needed makes room.
    """

    def __init__(
        self,
        engine: DuckDBEngine,
        counter: Counter,
        members: Members,
        scope: Scope,
        export: Export,
        description: Description,
        fields: Sequence[TargetField],
        country: str,
        counted: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._counter = counter
        self._reader = members
        self._counted = counted
        self._scope = scope
        self._export = export
        self._description = description
        self._names = {field.id: field.name for field in fields}
        self._matched = matched_fields(export.match, fields, scope.catalog)
        self._country = country
        self._counts: dict[str, Count] = {}

    def count(self, segment: Segment, ctx: JobContext) -> Count:
        """See `MemberSource.count`."""
        spec = CountSpec(self._identity(segment), self._description.limits)
        try:
            count = self._counter.count(self._scope, segment, spec, ctx)
        except TryAgain as error:
            if error.code != "memory_full":
                raise
            self._counted()  # as much as reading members may use
            count = self._counter.count(self._scope, segment, spec, ctx)
        self._counts[segment.name] = count
        return count

    def unique(self, segments: Sequence[Segment], ctx: JobContext) -> int:
        """See `MemberSource.unique`."""
        if len(segments) == 1:
            return self.count(segments[0], ctx).to_send
        spec = CountSpec(self._identity(segments[0]), self._description.limits)
        return self._counter.totals(self._scope, segments, spec, ctx).to_send

    def left_out(self, segment: Segment, ctx: JobContext) -> Iterator[Reject]:
        """See `MemberSource.left_out`."""
        return self._members.left_out(self._scope, segment, self._spec(segment), ctx)

    def values(
        self, segment: Segment, key: str, ctx: JobContext
    ) -> dict[str, tuple[str | None, str | None, str | None]]:
        """See `MemberSource.values`."""
        return self._members.one(self._scope, segment, self._spec(segment), key, ctx)

    def plan(
        self,
        segment: Segment,
        place: Place,
        ctx: JobContext,
        *,
        run: str = "",
        there: There | None = None,
        whole: bool = False,
        retries: str = "",
    ) -> WorkspacePlan:
        """See `MemberSource.plan`; what an earlier run left behind is made part of what is held first."""
        held = self._held(segment, place)
        path = held.plan_path if run else look_path(self._engine.folder)
        if run:
            held.settle(ctx.token)
            if not place.there:
                held.forget()
        spec = self._spec(segment)
        known = held if place.there else None
        who = path.with_suffix(".there.tmp")
        try:
            if there is not None:
                write_there(there, self._description.key_fields, who, ctx)
            difference = self._members.plan(
                self._scope,
                segment,
                spec,
                known,
                self._export.sync,
                path,
                ctx,
                run=run,
                there=None if there is None else who,
                count=self._counts.get(segment.name),
                whole=whole,
                retries=retries,
            )
        finally:
            who.unlink(missing_ok=True)
        named = {self._names.get(field, field): number for field, number in difference.sent_empty.items()}
        told = Told(held, self._export.sync) if run else None
        changes = difference.changes
        number = changes.added + changes.changed + changes.unchanged
        # Who is sent again alone is not all that is to be seen of a segment.
        now = None if retries else self._seen_now(segment, spec.identity, number)
        return WorkspacePlan(self._engine, segment.name, path, difference, named, held, told, seen=now)

    def undo(self, segment: Segment, place: Place, ctx: JobContext, *, undone: str, run: str = "") -> WorkspacePlan:
        """See `MemberSource.undo`."""
        held = self._held(segment, place)
        if not place.there or not held.known:
            raise FixSettings(
                f"What was done to “{segment.name}” can't be undone.",
                "The export goes to another audience now, or the audience is gone.",
                "Correct the members at the destination by hand.",
                code="other_place",
            )
        if run:
            held.settle(ctx.token)
        path = held.plan_path if run else look_path(self._engine.folder)
        changes = changes_path(self._engine.folder / "runs" / undone, held.name)
        difference = self._members.undo(self._scope, segment, self._spec(segment), held, changes, path, ctx, run)
        # Whoever is put back is told of as in an update, whatever the export does else.
        told = Told(held, SyncMode.UPDATE) if run else None
        return WorkspacePlan(self._engine, segment.name, path, difference, {}, held, told)

    def resume(self, segment: Segment, place: Place, ctx: JobContext, *, run: str) -> WorkspacePlan | None:
        """See `MemberSource.resume`."""
        held = self._held(segment, place)
        if not place.there or not (is_settled(held, run) or goes_on(held, run, ctx.token)):
            return self.plan(segment, place, ctx, run=run)
        seen = self._seen_by(held, ctx)
        if is_settled(held, run):
            held.settle(ctx.token)
            if seen is not None:
                write_seen(held.folder, seen)
            return None
        rest = self._members.rest(self._scope, segment, self._spec(segment), held, ctx)
        told = Told(held, self._export.sync)
        difference = Difference(rest.changes, {})
        return WorkspacePlan(self._engine, segment.name, held.plan_path, difference, {}, held, told, seen, rest)

    def _seen_now(self, segment: Segment, identity: Identity, number: int) -> Seen:
        return replace(seen_now(self._scope, segment, identity, number), match=dict(self._export.match))

    def _seen_by(self, held: Held, ctx: JobContext) -> Seen | None:
        """What the run saw that made the plan which waits there."""
        if not held.plan_path.exists():
            return None
        with self._engine.cursor(ctx.token) as cursor:
            return read(known_of(cursor, held.plan_path, "seen"))

    def held(self, segment: Segment, place: Place, ctx: JobContext) -> Holding | None:
        """See `MemberSource.held`."""
        numbers = self._held(segment, place).numbers(ctx.token)
        return None if numbers is None else Holding(*numbers)

    @property
    def _members(self) -> Members:
        self._counted()
        return self._reader

    def _held(self, segment: Segment, place: Place) -> Held:
        return Held(self._engine, self._export.id, f"{self._export.connection} {place.name}", segment.name)

    def _spec(self, segment: Segment) -> MemberSpec:
        return MemberSpec(self._matched, self._identity(segment), self._names)

    def _identity(self, segment: Segment) -> Identity:
        keys = self._description.key_fields
        return identity_of(self._matched, keys, segment, self._scope.catalog, self._country)


class WorkspacePlan:
    """Fulfils delivery's `PlannedSegment`; `told` is None for a plan that is only looked at."""

    def __init__(
        self,
        engine: DuckDBEngine,
        segment: str,
        path: Path,
        difference: Difference,
        sent_empty: Mapping[str, int],
        held: Held,
        told: Told | None,
        seen: Seen | None = None,
        rest: Rest | None = None,
    ) -> None:
        self._engine = engine
        self._segment = segment
        self._path = path
        self._held = held
        self._told = told
        self._rest = rest
        self._skipped: set[int] = set()
        self.resumed = rest is not None
        self.dropped = 0 if rest is None else rest.dropped
        planned = difference.changes
        self.never_left: tuple[int, int] = (
            (planned.removed, planned.added + planned.changed) if rest is None else rest.never_left
        )
        self.changes: Changes = difference.changes
        self.sent_empty: Mapping[str, int] = sent_empty
        self.seen = seen
        self._kept = False
        self.seen_before = read_seen(held.folder)
        self.basis: Basis | None = difference.basis
        moved = seen is not None and seen.filled_otherwise(self.seen_before)
        if self.basis in {None, Basis.ENGINE} and moved and difference.changes.to_send:
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

    def removals(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        """See `PlannedSegment.removals`."""
        return _batches(read_plan(self._engine, self._path, ctx, removed=True, where=self._left()), size)

    def batches(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        """See `PlannedSegment.batches`; the engine is let go of when the iterator is closed."""
        return _batches(read_plan(self._engine, self._path, ctx, where=self._left()), size, self._skipped)

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
