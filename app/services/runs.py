"""Runs: start exports, follow and cancel them, and read what they left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from app.core.audit import Deed, Subject
from app.core.connections import Connection
from app.core.errors import FixData, SendoffError, TryAgain, as_sendoff_error
from app.core.exports import Export
from app.core.guards import NEWER, SENT, Approval
from app.core.names import did_you_mean, new_id
from app.core.retention import Retention
from app.core.roles import Action, CurrentRole, demand, may
from app.core.runs import LogLine, RejectPage, Run, RunError, Status, Trigger
from app.data.personal import looks_like
from app.data.personal import masked as mask
from app.data.plan_rows import clear_looks
from app.data.sent import forget_export
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder, mask_addresses, old_folders
from app.delivery.ports import Deps
from app.delivery.published import forget_written
from app.delivery.receipts import clear_receipts, seal, written_sum
from app.delivery.run_state import utc_now
from app.jobs import CancelToken, JobContext, Pools
from app.services.audit import AuditService
from app.services.dead_runs import DeadRuns, interrupted
from app.services.finding import connection_of, connection_of_run, export_named
from app.services.live_runs import Listener, LiveRuns
from app.services.reaching import Reach
from app.services.run_progress import progress_of
from app.services.run_queue import POLL_SECONDS, RunQueue
from app.services.saving import saving
from app.services.setting_aside import set_aside, take_back
from app.store.owners import this_process
from app.store.store import Store

KEEP_LOOKS = timedelta(days=1)
NONE_HELD: Mapping[str, Approval] = MappingProxyType({})

logger = logging.getLogger(__name__)

Runs = list[Run]  # inside the class `list` is a method


_ARRIVED = frozenset({Status.SUCCESSFUL, Status.COMPLETED_WITH_REJECTS})


def _nothing_more(_export: Export, _connection: Connection, _ctx: JobContext) -> None:
    """What follows a run that went well."""


class RunService:
    """Everything about runs. Thread safe.

    Runs are executed on threads of their own, several at once but one on each connection, also when other processes use
    the workspace. `deps` is entered for each run, so that a run sees the tables and segments as they are then.
    Runs that dead processes left unfinished are named as interrupted whenever runs are read.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        roles: CurrentRole,
        reach: Reach,
        deps: Callable[[], AbstractContextManager[Deps]],
        pools: Pools,
        audit: AuditService,
        dead: DeadRuns,
        *,
        after_run: Callable[[Export, Connection, JobContext], object] = _nothing_more,
        clock: Callable[[], datetime] = utc_now,
        at_once: int = 4,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._folder = folder
        self._store = store
        self._roles = roles
        self._reach = reach
        self._deps = deps
        self._audit = audit
        self._after_run = after_run
        self._clock = clock
        self._poll = poll_seconds
        self._loaded = 0
        self._dead = dead
        self._live = LiveRuns(store.runs, self._closing)
        self._queue = RunQueue(
            store.runs,
            self._live,
            pools,
            self._execute,
            dead.set_aside,
            owner=this_process(),
            clock=clock,
            at_once=at_once,
            poll_seconds=poll_seconds,
        )
        dead.set_aside()

    def start(
        self,
        export_names: Sequence[str],
        trigger: Trigger,
        approval: Approval | None = None,
        *,
        held: Mapping[str, Approval] = NONE_HELD,
        retries: str = "",
    ) -> Runs:
        """Queue a run of each export and return them in that order; an export that waits already keeps its place.

        `approval` is what this person agreed to, see core/guards.py; it is kept with the runs and, when it passes guards, in
        the audit trail. `held` says it of each export whose held run was looked at, by the export's id. With `retries` only
        those members are sent whom that run saw rejected.

        Raises FixData for an unknown export and NotAllowed, both before anything is started. An export without a
        connection gets a run that ended with NO_CONNECTION.
        """
        chosen = [
            (export, connection_of(self._store, export))
            for export in (export_named(self._store, name) for name in export_names)
        ]
        if trigger is not Trigger.SCHEDULE:  # a schedule acts with the rights of the workspace
            for _export, connection in chosen:
                demand(self._roles.role(), Action.RUN_EXPORTS, connection.access if connection else None)
        self._demand_open()
        started = []
        for export, connection in chosen:
            agreed = held.get(export.id, approval)
            run = self._start(export, connection, trigger, agreed, retries=retries)
            if agreed is not None and agreed.anyway:
                self._audit.record(Deed.GUARD_PASSED, Subject.RUN, run.export_name, subject_id=run.id)
            started.append(run)
        return started

    def again(self, run: Run) -> Run:
        """Queue a run that was interrupted once more; what it did so far stands in it. Raises NotAllowed, TryAgain."""
        connection = connection_of_run(self._store, run)
        demand(self._roles.role(), Action.RUN_EXPORTS, connection.access if connection else None)
        self._demand_open()
        waits = replace(run, status=Status.QUEUED, ended_at=None, error=None, owner=this_process(), seen=True)
        self._live.again(waits)
        self._queue.add(waits)
        return waits

    def mark_seen(self, run_id: str) -> None:
        """Note that a run that has ended was shown."""
        run = self.get(run_id)
        if run.status.ended and not run.seen:
            self._store.runs.save(replace(run, seen=True))

    def take_back(self, undone: Run, trigger: Trigger) -> Run:
        """Queue a run that takes back what that one did; `UndoService` says whether it can be.

        Raises FixData when its export is gone, TryAgain while another run of the export waits or goes on, NotAllowed.
        """
        export = export_named(self._store, undone.export_name)
        connection = connection_of(self._store, export)
        demand(self._roles.role(), Action.RUN_EXPORTS, connection.access if connection else None)
        if any(run.export_id == export.id for run in self.active()):
            raise TryAgain(
                f"“{export.name}” is running.",
                "What it will have changed is not known yet.",
                "Undo when it has ended.",
                code="running",
            )
        return self._start(export, connection, trigger, undoes=undone.id)

    def run_all(self, trigger: Trigger, *, held: Mapping[str, Approval] = NONE_HELD) -> Runs:
        """Start every export that has a connection this role may use; `held` as `start`."""
        role = self._roles.role()
        demand(role, Action.RUN_EXPORTS)
        names = [
            export.name
            for export in self._store.exports.all()
            if (connection := connection_of(self._store, export)) is not None
            and may(role, Action.RUN_EXPORTS, connection.access)
        ]
        return self.start(names, trigger, held=held)

    def answer_held(self, run: Run) -> None:
        """Keep what became of a held run, and tell whoever listens."""
        self._live.amend(run)

    def cancel(self, run_id: str) -> None:
        """Stop a run after the batch in flight, or take it out of the queue; one that has ended stays as it is.

        A run of another process stops within about a second. Raises FixData for an unknown run, NotAllowed.
        """
        run = self.get(run_id)
        connection = connection_of_run(self._store, run)
        demand(self._roles.role(), Action.RUN_EXPORTS, connection.access if connection else None)
        if not self._queue.cancel(run_id):
            self._store.runs.request_cancel(run_id)

    def get(self, run_id: str) -> Run:
        """The newest state of a run; raises FixData for an unknown one."""
        run = self._live.get(run_id) or self._store.runs.by_id(run_id)
        if run is not None and self._dead.may_be(run) and self._dead.set_aside():
            run = self._store.runs.by_id(run_id)
        if run is None:
            raise FixData(
                "There is no such run.",
                "It is gone: runs are kept for as many days as Settings say.",
                did_you_mean(run_id, (each.id for each in self._store.runs.list()), "Look at the list of runs."),
                code="no_run",
            )
        return run

    def list(self, export_name: str | None = None, limit: int = 200, before: datetime | None = None) -> Runs:
        """The newest first, of all exports or of one; `before` (a run's `queued_at`) continues a list."""
        export_id = None if export_name is None else export_named(self._store, export_name).id
        return self._newest(lambda: self._store.runs.list(export_id, limit, before))

    def latest_per_export(self) -> dict[str, Run]:
        """The newest run of each export, by the export's id."""
        return {run.export_id: run for run in self._newest(lambda: [*self._store.runs.latest_per_export().values()])}

    def active(self) -> Runs:
        """All runs that have not ended, of this process and of others, oldest first."""
        return self._newest(self._store.runs.running)

    def _newest(self, read: Callable[[], Runs]) -> Runs:
        """Runs as they are now: what a process did that has died meanwhile is not told of as if it went on."""
        runs = read()
        if any(map(self._dead.may_be, runs)) and self._dead.set_aside():
            runs = read()
        return [self._live.get(run.id) or run for run in runs]

    def rejects(
        self, run_id: str, offset: int = 0, limit: int = 200, field: str | None = None, *, masked: bool = True
    ) -> RejectPage:
        """Members the target or a rule refused; values are masked unless told otherwise, which a Viewer may not."""
        return self._shown(run_id, self._files(run_id).rejects(offset, limit, field), masked=masked)

    def left_out(
        self, run_id: str, offset: int = 0, limit: int = 200, field: str | None = None, *, masked: bool = True
    ) -> RejectPage:
        """Members without a usable key, which were not sent; as `rejects`."""
        return self._shown(run_id, self._files(run_id).left_out(offset, limit, field), masked=masked)

    def save_rejects(self, run_id: str, path: Path) -> int:
        """Write a run's rejects with their values as CSV and say how many; raises NotAllowed, FixSettings, TryAgain."""
        demand(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        with saving(path):
            number = self._files(run_id).save_rejects(path)
        run, note = self.get(run_id), f"{number:,} members, as CSV"
        self._audit.record(Deed.REJECTS_SAVED, Subject.RUN, run.export_name, subject_id=run_id, note=note)
        return number

    def log(self, run_id: str, last: int | None = None) -> tuple[LogLine, ...]:
        """The lines of a run's log, oldest first; only the last ones when asked."""
        return self._files(run_id).log(last)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with each new state of this process's runs, on the thread that made it; call the result to stop."""
        return self._live.subscribe(listener)

    def wait(self, run_ids: Sequence[str], ctx: JobContext) -> Runs:
        """Wait until all have ended and return them in that order; a cancel of `ctx` ends the waiting, not the runs."""
        while True:
            ctx.check()
            runs = [self.get(run_id) for run_id in run_ids]
            going = [run.id for run in runs if not run.status.ended]
            ctx.report(progress_of(runs, self._clock()), final=not going)
            if not going:
                return runs
            self._live.wait_for_an_end(going, min(0.2, self._poll))

    def close(self, timeout: float) -> None:
        """Cancel everything, wait so many seconds, and mark what still runs as interrupted; no run can be started after."""
        for run in self._queue.close(timeout):
            self._live.end(interrupted(self._live.get(run.id) or run, self._clock()))
        self._live.keep_late()
        if self._loaded:
            self._loaded = 0
            take_back()

    def tidy(self, keep: Retention) -> int:
        """Delete what is older than it is kept, and say how many runs went."""
        now = self._clock()
        clear_looks(self._folder, now - KEEP_LOOKS)
        gone = self._store.runs.purge(now - timedelta(days=keep.runs))
        # What an earlier look could not remove, or died before, goes as well: nobody else knows of it any more.
        old = old_folders(self._folder, now - timedelta(days=keep.runs))
        left = [run_id for run_id in old if self._store.runs.by_id(run_id) is None]
        for run_id in dict.fromkeys((*gone, *left)):
            self._files(run_id).remove(keep_receipt=keep.receipts > keep.runs)
        clear_receipts(self._folder, now - timedelta(days=max(keep.receipts, keep.runs)))
        for days, remove in ((keep.rejects, RunFolder.remove_members), (keep.changes, RunFolder.remove_changes)):
            for run in self._store.runs.list(limit=10_000, before=now - timedelta(days=days)):
                if run.status.ended:
                    remove(self._files(run.id))
        return len(gone)

    def forget(self, export_id: str) -> None:
        """Drop what the targets of an export that is gone hold; the members stay there."""
        forget_export(self._folder, export_id)
        forget_written(self._folder, export_id)

    def _demand_open(self) -> None:
        if self._queue.closed:
            raise TryAgain(
                "Nothing was started.", "Sendoff is closing.", "Open it again and run the export.", code="closing"
            )

    def _start(
        self,
        export: Export,
        connection: Connection | None,
        trigger: Trigger,
        approval: Approval | None = None,
        *,
        undoes: str = "",
        retries: str = "",
    ) -> Run:
        waiting = self._queue.waiting_for(export.id)
        if waiting is not None:
            return waiting
        now = self._clock()
        run = Run(
            id=new_id(),
            export_id=export.id,
            export_name=export.name,
            destination=connection.destination if connection else export.destination,
            connection_id=connection.id if connection else None,
            connection_name=connection.name if connection else "",
            trigger=trigger,
            status=Status.QUEUED,
            queued_at=now,
            owner=this_process(),
            undoes=undoes,
            approval=approval,
            retries=retries,
        )
        if connection is None:
            run = replace(run, status=Status.NO_CONNECTION, ended_at=now, error=_NO_CONNECTION)
        self._live.add(run)
        for dead in self._store.runs.list(export.id, 50, now):
            if dead.status is Status.INTERRUPTED:  # it can't be resumed any more
                seal(self._files(dead.id), dead, for_good=True)
            elif dead.status is Status.HELD and dead.held is not None and dead.held.waits:
                answer = SENT if approval is not None and approval.anyway else NEWER
                self._live.amend(replace(dead, held=replace(dead.held, answer=answer)))
        if connection is not None:
            self._queue.add(run)
        return run

    def _execute(self, run: Run, token: CancelToken) -> Run:
        """Do the run on the queue's thread; whatever happens, it comes back ended."""
        try:
            export = self._store.exports.by_id(run.export_id)
            connection = connection_of(self._store, export) if export else None
            if export is None or connection is None or connection.id != run.connection_id:
                return self._failed(run, _CHANGED_MEANWHILE)
            opened = self._reach.opened(export, connection)
            with self._deps() as deps:
                ended = deliver(run, export, opened, deps, JobContext(token), self._follow)
            if ended.status in _ARRIVED:
                self._after_run(export, connection, JobContext(token))
            return ended
        except Exception as error:
            if not isinstance(error, SendoffError):
                logger.exception("Run %s could not be begun", run.id)
            told = as_sendoff_error(error)
            return self._failed(run, RunError(told.what, told.why, told.fix, told.action))

    def _follow(self, run: Run) -> None:
        """Take a newer state of a run.

        With the phases of the first run everything gets loaded. The garbage collector would walk through all of it again
        and again while members stream past, and every thread waits for it: 80 ms for 165,000 objects, measured, on 2 cores.
        """
        if run.status.ended:
            return  # told once, when what follows the run is done too
        begun = sum(phase.started_at is not None for phase in run.phases)
        if begun > self._loaded:
            self._loaded = begun
            set_aside()
        self._live.update(run)

    def _failed(self, run: Run, error: RunError) -> Run:
        return replace(self._live.get(run.id) or run, status=Status.FAILED, ended_at=self._clock(), error=error)

    def _closing(self, run: Run) -> None:
        seal(RunFolder(self._folder, run.id), run)
        self._tell_audit(run)

    def _tell_audit(self, run: Run) -> None:
        """A run ends also when the trail can't be written."""
        try:
            self._audit.run_ended(run, written_sum(self._files(run.id)))
        except SendoffError as error:
            logger.warning("The end of run %s is missing in the audit trail: %s", run.id, error)

    def _shown(self, run_id: str, page: RejectPage, *, masked: bool) -> RejectPage:
        if not masked:
            demand(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
            run, note = self.get(run_id), f"{len(page.rejects):,} rejects"
            self._audit.values_shown(Subject.RUN, run.export_name, subject_id=run_id, note=note)
            return page
        hidden = tuple(
            replace(r, value=mask(r.value, looks_like(r.value)) or "", reason=mask_addresses(r.reason))
            for r in page.rejects
        )
        return replace(page, rejects=hidden)

    def _files(self, run_id: str) -> RunFolder:
        return RunFolder(self._folder, run_id)


_NO_CONNECTION = RunError(
    "This export has no connection.",
    "It was detached, or its connection was removed.",
    "Give it a connection; then it runs again.",
    "fix_settings",
)
_CHANGED_MEANWHILE = RunError(
    "The export was changed while it waited.",
    "It was removed, detached or given another connection before its turn came.",
    "Run it again.",
    "try_again",
)
