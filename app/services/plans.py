"""Plans: what a run of an export would change at its target, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from app.core.audit import Subject
from app.core.connections import Connection
from app.core.errors import FixSettings, TryAgain
from app.core.exports import Export
from app.core.plans import Changes, Plan, PlannedMember
from app.core.roles import Action, CurrentRole, Role, demand
from app.core.segments import FieldRef
from app.core.tables import Catalog, Meaning
from app.data.personal import masked as mask
from app.delivery.planner import make_plan
from app.delivery.ports import Deps, Opened
from app.jobs import JobContext
from app.services.audit import AuditService
from app.services.finding import connection_of, export_named
from app.services.reaching import Reach
from app.store.store import Store

HASH = re.compile(r"\b[0-9a-f]{64}\b")


class PlanService:
    """Makes plans. Thread safe; each call works in the calling thread and asks the target what is there."""

    def __init__(
        self,
        store: Store,
        roles: CurrentRole,
        reach: Reach,
        deps: Callable[[], AbstractContextManager[Deps]],
        audit: AuditService,
    ) -> None:
        self._store = store
        self._roles = roles
        self._reach = reach
        self._deps = deps
        self._audit = audit

    def plan(self, export_name: str, ctx: JobContext, first: int = 5, *, masked: bool = True) -> Plan:
        """What a run would do now, with the `first` members of each change; sends nothing.

        Personal values are masked unless told otherwise, which a Viewer may not. Raises FixSettings without a connection and
        for files, TryAgain while the export runs, NotAllowed, and what a run would raise before it sends.
        """
        if not masked:
            demand(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        export, opened = self.opened(export_name)
        with self.deps() as deps:
            plan = make_plan(export, opened, deps, ctx, first)
            if masked:
                return replace(plan, members=_masked(plan, export, deps.catalog))
        note = f"{len(plan.members):,} members"
        self._audit.values_shown(Subject.PLAN, export.name, subject_id=export.id, note=note)
        return plan

    def deps(self) -> AbstractContextManager[Deps]:
        """What a plan needs of the workspace, for as long as it is made."""
        return self._deps()

    def opened(self, export_name: str) -> tuple[Export, Opened]:
        """The export and its connection, ready to plan; raises as `plan`."""
        export = export_named(self._store, export_name)
        connection = self._connection_of(export)
        role = self._roles.role()
        demand(role, Action.SEE_PLANS if role is Role.VIEWER else Action.RUN_EXPORTS, connection.access)
        if any(run.export_id == export.id for run in self._store.runs.running()):
            raise TryAgain(
                f"“{export.name}” is running.",
                "What it will have sent is not known yet.",
                "Plan again when it has ended.",
                code="running",
            )
        return export, self._opened(export, connection)

    def changes_of(self, export: Export, ctx: JobContext) -> Changes:
        """The numbers of a run of an export that need not be saved yet; raises as `plan`."""
        connection = self._connection_of(export)
        demand(self._roles.role(), Action.CHANGE_EXPORTS, connection.access)
        with self._deps() as deps:
            return make_plan(export, self._opened(export, connection), deps, ctx).changes

    def _opened(self, export: Export, connection: Connection) -> Opened:
        return self._reach.opened(export, connection)

    def _connection_of(self, export: Export) -> Connection:
        found = connection_of(self._store, export)
        if found is None:
            raise FixSettings(
                f"“{export.name}” has no connection.",
                "What would be sent depends on the destination.",
                "Attach a connection, then plan again.",
                code="no_connection",
            )
        return found


def _masked(plan: Plan, export: Export, catalog: Catalog) -> tuple[PlannedMember, ...]:
    """The members with their personal values hidden."""
    meanings = meanings_of(export, catalog)
    return tuple(masked_member(each, meanings) for each in plan.members)


def masked_member(member: PlannedMember, meanings: Mapping[str, Meaning]) -> PlannedMember:
    """The member with personal values hidden, and hashes cut to their ends."""

    def shown(field: str, value: str | None) -> str | None:
        if value is not None and HASH.fullmatch(value):
            return shortened(value)
        meaning = meaning_of(field, meanings)
        return mask(value, meaning) if meaning.personal else value

    return replace(member, values={field: shown(field, value) for field, value in member.values.items()})


def shortened(text: str) -> str:
    """The text with each SHA-256 in it cut to its ends, as it is shown."""
    return HASH.sub(lambda found: f"{found[0][:6]}…{found[0][-4:]}", text)


def meanings_of(export: Export, catalog: Catalog) -> dict[str, Meaning]:
    """What our columns mean, by the target's field they fill."""
    return {target: _meaning(source, catalog) for target, source in export.match.items()}


def meaning_of(field: str, meanings: Mapping[str, Meaning]) -> Meaning:
    """A field that is not matched any more may still identify who is removed; what it means is not known, so it is hidden."""
    return meanings.get(field, Meaning.EMAIL)


def _meaning(source: str, catalog: Catalog) -> Meaning:
    ref = FieldRef.parse(source)
    table = catalog.table(ref.table)
    column = None if table is None else table.column(ref.column)
    return Meaning.NONE if column is None else column.meaning
