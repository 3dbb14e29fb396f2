"""The members of segments on their way to one target, as a run reads them from the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from app.core.counts import Count
from app.core.errors import FixSettings, TryAgain
from app.core.evidence import Seen
from app.core.exports import REMOVING, Export, SyncMode
from app.core.plans import Changes
from app.core.runs import Reject
from app.core.segments import Segment
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity
from app.data.kept_files import known_of
from app.data.last_seen import read, seen_now, write_seen
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.plan_rows import look_path
from app.data.planning import Difference
from app.data.resuming import goes_on, is_settled
from app.data.run_changes import changes_path
from app.data.sent import Held, Told
from app.data.shared_places import PlanAt, in_line
from app.data.there import write_there
from app.data.workspace_rows import Scope
from app.delivery.matching import identity_of, matched_fields
from app.delivery.ports import NOT_ASKED, Holding, There
from app.destinations.contract import Place, TargetField
from app.destinations.description import Description
from app.jobs import JobContext
from app.services.run_plans import Draft, WorkspacePlan


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
        places: Sequence[tuple[Segment, Place]],
        ctx: JobContext,
        *,
        run: str = "",
        there: Mapping[str, There] = NOT_ASKED,
        whole: bool = False,
        retries: str = "",
    ) -> list[WorkspacePlan]:
        """See `MemberSource.plan`; what earlier runs left behind is made part of what is held first."""
        drafts: list[Draft] = []
        with ExitStack() as when_it_fails:
            for segment, place, held in self._with_heirs(places):
                if run:
                    held.inherit(ctx.token)
                    held.settle(ctx.token)
                    if not place.there:
                        held.forget()
                path = held.plan_path if run else self._look_path(when_it_fails)
                who = path.with_suffix(".there.tmp")
                try:
                    if segment.name in there:
                        write_there(there[segment.name], self._description.key_fields, who, ctx)
                    difference = self._members.plan(
                        self._scope,
                        segment,
                        self._spec(segment),
                        held if place.there else None,
                        self._export.sync,
                        path,
                        ctx,
                        run=run,
                        there=who if segment.name in there else None,
                        count=self._counts.get(segment.name),
                        whole=whole,
                        retries=retries,
                    )
                finally:
                    who.unlink(missing_ok=True)
                # Who is sent again alone is not all that is to be seen of a segment.
                seen = None if retries else self._seen_now(segment, difference.changes)
                drafts.append(Draft(segment.name, held, path, difference, seen))
            plans = self._planned(drafts, ctx, self._export.sync if run else None)
            when_it_fails.pop_all()
        return plans

    def undo(
        self, places: Sequence[tuple[Segment, Place]], ctx: JobContext, *, undone: str, run: str = ""
    ) -> list[WorkspacePlan]:
        """See `MemberSource.undo`."""
        drafts: list[Draft] = []
        with ExitStack() as when_it_fails:
            for segment, place in places:
                held = self._held(segment.name, place)
                if not place.there or not held.known:
                    raise FixSettings(
                        f"What was done to “{segment.name}” can't be undone.",
                        "The export goes to another audience now, or the audience is gone.",
                        "Correct the members at the destination by hand.",
                        code="other_place",
                    )
                if run:
                    held.settle(ctx.token)
                path = held.plan_path if run else self._look_path(when_it_fails)
                changes = changes_path(self._engine.folder / "runs" / undone, held.name)
                spec = self._spec(segment)
                difference = self._members.undo(self._scope, segment, spec, held, changes, path, ctx, run)
                drafts.append(Draft(segment.name, held, path, difference, None))
            # Whoever is put back is told of as in an update, whatever the export does else.
            plans = self._planned(drafts, ctx, SyncMode.UPDATE if run else None)
            when_it_fails.pop_all()
        return plans

    def resume(self, segment: Segment, place: Place, ctx: JobContext, *, run: str) -> WorkspacePlan | None:
        """See `MemberSource.resume`."""
        held = self._held(segment.name, place)
        if not place.there or not (is_settled(held, run) or goes_on(held, run, ctx.token)):
            (plan,) = self.plan([(segment, place)], ctx, run=run)
            return plan
        seen = self._seen_by(held, ctx)
        if is_settled(held, run):
            held.settle(ctx.token)
            if seen is not None:
                write_seen(held.folder, seen)
            return None
        rest = self._members.rest(self._scope, segment, self._spec(segment), held, ctx)
        draft = Draft(segment.name, held, held.plan_path, Difference(rest.changes, {}), seen)
        return WorkspacePlan(draft, {}, Told(held, self._export.sync), rest)

    def _look_path(self, when_it_fails: ExitStack) -> Path:
        """Where a plan lies that is only looked at."""
        path = look_path(self._engine.folder)
        when_it_fails.callback(path.unlink, missing_ok=True)
        return path

    def _planned(self, drafts: list[Draft], ctx: JobContext, told_as: SyncMode | None) -> list[WorkspacePlan]:
        """The plans, brought in line with those to the same place; without `told_as` they are only looked at."""
        self._bring_in_line(drafts, ctx)
        plans = []
        for draft in drafts:
            sent_empty = {self._names.get(f, f): number for f, number in draft.difference.sent_empty.items()}
            plans.append(WorkspacePlan(draft, sent_empty, None if told_as is None else Told(draft.held, told_as)))
        return plans

    def _bring_in_line(self, drafts: Sequence[Draft], ctx: JobContext) -> None:
        by_place: dict[Path, list[Draft]] = {}
        for draft in drafts:
            by_place.setdefault(draft.held.folder.parent, []).append(draft)
        for there in by_place.values():
            planned = {folder for draft in there for folder in (draft.held.folder, *draft.held.orphans)}
            besides = [other for other in there[0].held.others() if other.folder not in planned]
            plans = [PlanAt(draft.held, draft.path, draft.difference.changes) for draft in there]
            with self._engine.cursor(ctx.token) as cursor:
                for draft, plan in zip(there, in_line(cursor, plans, besides), strict=True):
                    draft.difference = replace(draft.difference, changes=plan.changes)

    def _with_heirs(self, places: Sequence[tuple[Segment, Place]]) -> list[tuple[Segment, Place, Held]]:
        """What each place holds of the segments; one of them is the heir of those the export does not send there any more.

        That is a segment of which nothing was sent there, as one that was renamed; else, where members are taken out, any.
        """
        found = [(segment, place, self._held(segment.name, place)) for segment, place in places]
        for _segment, place, held in found:
            theirs = [other for _other, where, other in found if where.name == place.name]
            heir = next((each for each in theirs if not each.folder.exists()), None)
            if heir is None and self._export.sync in REMOVING:
                heir = theirs[0]
            if heir is held:
                held.orphans = held.left_behind(self._export.segments)
        return found

    def _seen_now(self, segment: Segment, changes: Changes) -> Seen:
        number = changes.added + changes.changed + changes.unchanged
        seen = seen_now(self._scope, segment, self._identity(segment), number)
        return replace(seen, match=dict(self._export.match))

    def _seen_by(self, held: Held, ctx: JobContext) -> Seen | None:
        """What the run saw that made the plan which waits there."""
        if not held.plan_path.exists():
            return None
        with self._engine.cursor(ctx.token) as cursor:
            return read(known_of(cursor, held.plan_path, "seen"))

    def held(self, segment: Segment, place: Place, ctx: JobContext) -> Holding | None:
        """See `MemberSource.held`."""
        numbers = self._held(segment.name, place).numbers(ctx.token)
        return None if numbers is None else Holding(*numbers)

    @property
    def _members(self) -> Members:
        self._counted()
        return self._reader

    def _held(self, segment: str, place: Place) -> Held:
        return Held.of(self._engine, self._export.id, f"{self._export.connection} {place.name}", segment)

    def _spec(self, segment: Segment) -> MemberSpec:
        return MemberSpec(self._matched, self._identity(segment), self._names)

    def _identity(self, segment: Segment) -> Identity:
        keys = self._description.key_fields
        return identity_of(self._matched, keys, segment, self._scope.catalog, self._country)
