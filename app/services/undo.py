"""Taking back what the last run of an export did to its audiences: looked at first, then a run of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.core.audit import Deed, Subject
from app.core.connections import Connection
from app.core.errors import FixSettings
from app.core.exports import Export, ExportKind, SyncMode
from app.core.plans import Plan
from app.core.roles import Action, demand
from app.core.runs import Run, Status, Trigger
from app.core.undoing import Undoable, kept_words
from app.data.sent import others_since
from app.data.undoing import changed_segments, undoable
from app.delivery.files import RunFolder
from app.delivery.ports import Deps, Opened
from app.delivery.undo import plan_undo
from app.jobs import JobContext
from app.services.audit import AuditService
from app.services.finding import connection_of
from app.services.plan_looks import PlanLook, PlanLookService
from app.services.reaching import Reach
from app.services.retention import RetentionService
from app.services.roles import RoleService
from app.services.runs import RunService
from app.store.store import Store

_CUT_SHORT = {Status.INTERRUPTED, Status.CANCELLED, Status.FAILED, Status.COMPLETED_WITH_REJECTS}
"""How a run ends that may have left something of what it was to take back."""


@dataclass(frozen=True, slots=True)
class UndoState:
    """What undoing a run would take back. `why_not` is a sentence, empty when it can be done; `until` is how long it can be."""

    what: Undoable
    why_not: str
    until: datetime | None = None


class UndoService:
    """Thread safe. Only members the run itself added or removed are touched; nobody is unsubscribed or deleted."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        roles: RoleService,
        runs: RunService,
        retention: RetentionService,
        reach: Reach,
        deps: Callable[[], AbstractContextManager[Deps]],
        looks: Callable[[], PlanLookService],
        audit: AuditService,
    ) -> None:
        self._folder = folder
        self._store = store
        self._roles = roles
        self._runs = runs
        self._retention = retention
        self._reach = reach
        self._deps = deps
        self._looks = looks
        self._audit = audit

    def state(self, run_id: str) -> UndoState:
        """Whether the run can be undone, from what is known here; raises FixData for an unknown run."""
        run = self._runs.get(run_id)
        what = undoable(self._files(run).path) if run.status.ended else None
        why_not = self._why_not(run, what)
        until = run.queued_at + timedelta(days=self._retention.get().changes)
        return UndoState(what or Undoable(), why_not, None if why_not else until)

    def plan(self, run_id: str, ctx: JobContext) -> Plan:
        """What undoing would do now, in numbers; asks the destination, sends nothing. Raises FixSettings when it can't be."""
        run, export, opened = self._opened(run_id)
        with self._deps() as deps:
            return plan_undo(export, opened, deps, self._files(run), ctx).plan

    def look(self, run_id: str, ctx: JobContext) -> PlanLook:
        """The same plan to be looked at member by member, see `PlanLookService`; raises as `plan`."""
        run, export, opened = self._opened(run_id)
        with self._deps() as deps:
            made = plan_undo(export, opened, deps, self._files(run), ctx, whole=True)
            return self._looks().of(made, export, opened.description, deps.catalog)

    def start(self, run_id: str, trigger: Trigger) -> Run:
        """Queue the run that takes it back; raises as `plan`, TryAgain while the export runs."""
        run, _export, _connection = self._demand(run_id)
        started = self._runs.take_back(run, trigger)
        self._audit.record(
            Deed.RUN_UNDONE, Subject.RUN, run.export_name, subject_id=run.id, note=f"by run {started.id}"
        )
        return started

    def _opened(self, run_id: str) -> tuple[Run, Export, Opened]:
        run, export, connection = self._demand(run_id)
        return run, export, self._reach.opened(export, connection)

    def _demand(self, run_id: str) -> tuple[Run, Export, Connection]:
        run = self._runs.get(run_id)
        state = self.state(run_id)
        export, connection = self._of(run)
        demand(self._roles.role(), Action.RUN_EXPORTS, connection.access if connection else None)
        if state.why_not or export is None or connection is None:
            fix = "Correct the members at the destination, or run the export again."
            raise FixSettings("This run can't be undone.", state.why_not, fix, code="no_undo")
        return run, export, connection

    def _why_not(self, run: Run, what: Undoable | None) -> str:
        export, connection = self._of(run)
        if not run.status.ended or run.ended_at is None:
            return "It has not ended."
        if export is None or export.kind is not ExportKind.SEGMENT or run.unit != "members":
            return "The export is gone." if export is None else "It wrote files; the earlier ones are not kept."
        if connection is None or connection.id != run.connection_id:
            return "The export has another connection now, or none."
        if what is None and run.status is Status.INTERRUPTED:
            return "It was interrupted: resume it first, or run the export again."
        if what is None:
            return "Whom it changed is not kept, or it changed nobody."
        if not what.added and not what.removed:
            return f"It added and removed nobody. {kept_words(what.changed)}".rstrip()
        description = self._reach.describe(connection.destination)
        if what.added and SyncMode.MIRROR not in description.sync_modes:
            return f"{description.name} can’t take members out."
        return self._changed_since(run, export, run.ended_at)

    def _changed_since(self, run: Run, export: Export, ended: datetime) -> str:
        if (gone := self._gone(run)) is not None:
            return f"The segment “{gone}” was removed or renamed since then."
        if (later := self._later(run)) is not None:
            return "It was undone already." if later.undoes == run.id else "A later run has changed the same audience."
        if others_since(self._folder, export.id, ended.timestamp()):
            return "Another export has changed the same audience since."
        return ""

    def _gone(self, run: Run) -> str | None:
        """A segment it changed of which nothing is known by that name any more."""
        there = {segment.name for segment in self._store.segments.all()}
        return next((name for name in changed_segments(self._files(run).path) if name not in there), None)

    def _later(self, run: Run) -> Run | None:
        """A run after it that changed anything, or may still; one that began to take it back may be taken up again."""
        for other in self._store.runs.list(run.export_id, 1000):
            if other.queued_at <= run.queued_at or other.id == run.id:
                continue
            if other.undoes == run.id and other.status in _CUT_SHORT:
                continue
            totals = other.totals
            if not other.status.ended or totals.added + totals.updated + totals.removed:
                return other
        return None

    def _of(self, run: Run) -> tuple[Export | None, Connection | None]:
        export = self._store.exports.by_id(run.export_id)
        return export, connection_of(self._store, export) if export else None

    def _files(self, run: Run) -> RunFolder:
        return RunFolder(self._folder, run.id)
