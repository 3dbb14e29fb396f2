"""Plans that are looked at page by page: every member with the reason, and the exact request of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.core.audit import Subject
from app.core.exports import Export
from app.core.identifiers import HASHES
from app.core.plans import Change, Plan, PlanFilter, PlanLine, PlannedMember
from app.core.reasons import Reason
from app.core.roles import Action, CurrentRole, demand, may
from app.core.tables import Catalog
from app.data.engines.duckdb import DuckDBEngine
from app.data.personal import masked as mask
from app.data.plan_pages import PlanPages
from app.delivery.files import save_csv
from app.delivery.planner import LookedAt, look_at_plan
from app.delivery.ports import Opened
from app.delivery.run_state import utc_now
from app.destinations.batches import Member
from app.destinations.contract import PreparedRequest, SegmentDestination, TargetField
from app.destinations.description import Description
from app.jobs import JobContext
from app.services.audit import AuditService
from app.services.hiding import hide
from app.services.plans import PlanService, masked_member, meaning_of, meanings_of, shortened
from app.services.saving import saving
from app.store.store import Store


@dataclass(frozen=True, slots=True)
class PlanLook:
    """A plan as it was made at a moment; `close` it when nobody looks any more."""

    plan: Plan
    at: datetime
    export: Export
    destination: str
    pages: PlanPages
    fields: Mapping[str, TargetField]
    generations: Mapping[str, int]
    batch_size: int


@dataclass(frozen=True, slots=True)
class FieldStep:
    """From our value to what is sent: as it stands in the table, normalised, and hashed where the target wants that."""

    id: str
    field: str
    value: str | None
    normalised: str | None
    hashed: str = ""


@dataclass(frozen=True, slots=True)
class PlanMember:
    """One member of a plan with the requests it is part of; `others` go in the same ones. No request for who is not sent."""

    member: PlannedMember
    steps: tuple[FieldStep, ...]
    requests: tuple[PreparedRequest, ...]
    others: int


class PlanLookService:
    """Thread safe; each call works in the calling thread. Personal values are masked unless told otherwise, which a viewer may not."""

    def __init__(
        self,
        store: Store,
        roles: CurrentRole,
        plans: PlanService,
        engine: Callable[[], DuckDBEngine],
        audit: AuditService,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._roles = roles
        self._plans = plans
        self._engine = engine
        self._audit = audit
        self._clock = clock

    def look(self, export_name: str, ctx: JobContext) -> PlanLook:
        """Make the plan of everybody, who stays as they are and who is left out included; raises as `PlanService.plan`."""
        export, opened = self._plans.opened(export_name)
        with self._plans.deps() as deps:
            return self.of(look_at_plan(export, opened, deps, ctx), export, opened.description, deps.catalog)

    def of(self, made: LookedAt, export: Export, of: Description, catalog: Catalog) -> PlanLook:
        """A plan that was made of an export of that destination, to be looked at."""
        pages, generations = PlanPages(self._engine(), made.files), _generations(catalog)
        return PlanLook(made.plan, self._clock(), export, of.name, pages, made.fields, generations, of.batch_size)

    def close(self, look: PlanLook) -> None:
        """Delete what it was kept in."""
        for file in look.pages.files:
            with suppress(OSError):  # Windows still reads it; it goes with the old ones
                file.unlink(missing_ok=True)

    def stale(self, look: PlanLook) -> bool:
        """Whether a table has changed, or the export, since the plan was made."""
        now = self._store.exports.by_id(look.export.id)
        return now != look.export or _generations(self._store.tables.catalog()) != look.generations

    def page(
        self, look: PlanLook, asked: PlanFilter, offset: int, limit: int, ctx: JobContext, *, masked: bool = True
    ) -> list[PlanLine]:
        """Some members, by what is done with them and by key."""
        lines = look.pages.page(asked, offset, limit, ctx)
        if masked:
            meanings = meanings_of(look.export, self._store.tables.catalog())
            return [replace(line, member=masked_member(line.member, meanings)) for line in lines]
        self._shown(look)
        return lines

    def number(self, look: PlanLook, asked: PlanFilter, ctx: JobContext) -> int:
        """How many members the filter finds."""
        return look.pages.number(asked, ctx.token)

    def reasons(self, look: PlanLook, asked: PlanFilter, ctx: JobContext) -> list[tuple[Reason, int]]:
        """Each reason with its members, most first."""
        return look.pages.reasons(asked, ctx.token)

    def member(self, look: PlanLook, line_id: str, ctx: JobContext, *, masked: bool = True) -> PlanMember | None:
        """One member as it is sent, with the requests made by the code that sends; None when there is no such line."""
        member = look.pages.one(line_id, ctx)
        if member is None:
            return None
        if not masked:
            self._shown(look)
        _export, opened = self._plans.opened(look.export.name)
        with self._plans.deps() as deps:
            source = deps.members(look.export, opened.description, tuple(look.fields.values()))
            segment = next((each for each in deps.segments if each.name == member.segment), None)
            values = {} if segment is None else source.values(segment, member.member, ctx)
            catalog = deps.catalog
        requests = self._requests(look, opened, member)
        shown = PlanMember(member, self._steps(look, member, values), requests, self._others(look, member))
        if not masked:
            return shown
        whole = may(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        return hidden(shown, look.export, catalog, whole_hashes=whole)

    def save_csv(self, look: PlanLook, path: Path, ctx: JobContext, asked: PlanFilter | None = None) -> int:
        """Write everybody the filter finds with their values and reasons, and say how many; NotAllowed, FixSettings, TryAgain."""
        demand(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        fields = list(look.fields)
        rows = (
            (
                each.segment,
                each.member,
                each.change.value,
                str(each.reason),
                *(each.values.get(f) or "" for f in fields),
            )
            for part in look.pages.all(asked or PlanFilter(), ctx)
            for each in part
        )
        with saving(path):
            number = save_csv(path, ("segment", "member", "change", "reason", *fields), rows)
        self._audit.values_shown(
            Subject.PLAN, look.export.name, subject_id=look.export.id, note=f"{number:,} members, as CSV"
        )
        return number

    def _shown(self, look: PlanLook) -> None:
        demand(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        self._audit.values_shown(Subject.PLAN, look.export.name, subject_id=look.export.id)

    def _requests(self, look: PlanLook, opened: Opened, member: PlannedMember) -> tuple[PreparedRequest, ...]:
        if member.change not in {Change.ADDED, Change.CHANGED, Change.REMOVED}:
            return ()
        destination = opened.open(lambda _seconds, _words: None, lambda _exchange: None)
        if not isinstance(destination, SegmentDestination):
            return ()
        export, removed = look.export, member.change is Change.REMOVED
        alone = [Member(member.member, member.values)]
        return tuple(destination.preview(export.target, member.segment, export.sync, alone, removed=removed))

    def _steps(
        self, look: PlanLook, member: PlannedMember, now: Mapping[str, tuple[str | None, str | None, str | None]]
    ) -> tuple[FieldStep, ...]:
        steps = []
        for target in look.export.match if member.change is not Change.REMOVED else member.values:
            field = look.fields.get(target)
            hashes = field is not None and field.normalise in HASHES
            raw, plain, sent = now.get(target, (None, None, None))
            if member.change is Change.REMOVED:
                raw, plain, sent = (
                    (None, None, member.values[target]) if hashes else (None, member.values[target], None)
                )
            name = target if field is None else field.name
            steps.append(FieldStep(target, name, raw, plain, sent or "" if hashes else ""))
        return tuple(steps)

    def _others(self, look: PlanLook, member: PlannedMember) -> int:
        changes = next((each.changes for each in look.plan.segments if each.segment == member.segment), None)
        if changes is None:
            return 0
        together = changes.removed if member.change is Change.REMOVED else changes.added + changes.changed
        return max(0, min(together, look.batch_size) - 1)


def _generations(catalog: Catalog) -> dict[str, int]:
    return {table.id: table.generation for table in catalog.tables}


def hidden(shown: PlanMember, export: Export, catalog: Catalog, *, whole_hashes: bool) -> PlanMember:
    """With personal values hidden, in the requests too; a hash can't be read, but whoever may not see values gets its ends."""
    meanings = meanings_of(export, catalog)
    masks: dict[str, str] = {}
    for step in shown.steps:
        meaning = meaning_of(step.id, meanings)
        if meaning.personal:
            plain = (value for value in (step.value, step.normalised) if value)
            masks |= {value: mask(value, meaning) or "" for value in plain}
    steps = tuple(
        replace(
            step,
            value=masks.get(step.value or "", step.value),
            normalised=masks.get(step.normalised or "", step.normalised),
        )
        for step in shown.steps
    )
    requests = tuple(replace(each, url=hide(each.url, masks), body=hide(each.body, masks)) for each in shown.requests)
    if not whole_hashes:
        steps = tuple(replace(step, hashed=shortened(step.hashed)) for step in steps)
        requests = tuple(replace(each, body=shortened(each.body)) for each in requests)
    return replace(shown, member=masked_member(shown.member, meanings), steps=steps, requests=requests)
