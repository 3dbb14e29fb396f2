"""Builds the services of one workspace; the only file that knows every part.

Opening is quick because what is heavy (the engine, the keyring, the scheduler) is imported and made when it is first asked for.
"""

from __future__ import annotations

import locale
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.audit import Deed, Seat, Subject
from app.core.roles import Role
from app.core.servers import ServerKind
from app.core.workspaces import Audience
from app.jobs import JobContext, Pools
from app.made_once import MadeOnDemand, made_once
from app.secrets.when_used import StoreWhenUsed
from app.services.audit import AuditService
from app.services.connections import ConnectionService
from app.services.dead_runs import DeadRuns
from app.services.destinations import DestinationService
from app.services.drafts import DraftService
from app.services.engine_limits import EngineLimitService
from app.services.exports import ExportService
from app.services.known_counts import newest_count
from app.services.places import config_folder
from app.services.retention import RetentionService
from app.services.roles import RoleService
from app.services.servers import ServerService
from app.services.setting_aside import take_back
from app.services.sign_ins import SignInService
from app.services.tidying import Tidying, tidied
from app.services.trail import Trail
from app.services.workspaces import RecentWorkspaces, WorkspaceService
from app.store import Store

if TYPE_CHECKING:
    from app.core.counts import Count
    from app.core.engine_limits import EngineLimits
    from app.data.engines.duckdb import DuckDBEngine
    from app.data.engines.protocol import Server
    from app.data.suppression import ListedValues
    from app.delivery.ports import Deps
    from app.secrets.redaction import Redactor
    from app.secrets.store import SecretStore
    from app.services.comparing import CompareService
    from app.services.counts import CountService
    from app.services.erasing import EraseService
    from app.services.export_views import ExportViews
    from app.services.held_runs import HeldRunService
    from app.services.plan_looks import PlanLookService
    from app.services.plans import PlanService
    from app.services.putting_back import PuttingBack
    from app.services.reaching import Reach
    from app.services.receipts import ReceiptService
    from app.services.resume import ResumeService
    from app.services.runs import RunService
    from app.services.schedules import ScheduleService
    from app.services.segment_builder import SegmentBuilder
    from app.services.segments import SegmentService
    from app.services.suppression import SuppressionService
    from app.services.suppression_effect import SuppressionEffect
    from app.services.tables import TableService
    from app.services.undo import UndoService
    from app.services.unsubscribes import UnsubscribeService

CLOSE_SECONDS = 15.0
"""How long closing waits for the batch in flight of each run."""


class Services(MadeOnDemand):
    """The services of one open workspace. Thread safe; `close` ends all of them.

    Most services are made when they are first asked for, which imports the engine: ask off the main thread.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        secrets: SecretStore | None = None,
        seat: Seat = Seat.COMMAND_LINE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self.folder = folder
        self.pools = Pools()
        self._store = store
        self._clock = clock
        self._secrets = secrets if secrets is not None else StoreWhenUsed(self._keyring)
        self.roles = RoleService(store)
        self.audit = AuditService(store, self.roles, seat=seat, redact=self._masked, clock=clock)
        self.roles.subscribe(self._role_changed)
        self.dead_runs = DeadRuns(folder, store, self.audit, clock)
        self.tidying = Tidying(self.tidy, clock)
        self._trail = Trail(store, self.audit)
        self.workspace = WorkspaceService(store, self.roles, folder, self.audit)
        self.retention = RetentionService(store, self.roles, self.audit)
        self.destinations = DestinationService()
        self.drafts = DraftService(store)
        self.connections = ConnectionService(
            store,
            self.roles,
            self.destinations,
            self._secrets,
            self._trail,
            paces=config_folder() / "paces",
            jobs=folder / "jobs",
            remember_secret=self._mask,
            clock=clock,
        )
        self.sign_ins = SignInService(
            store, self.roles, self.destinations, self._secrets, self._trail, remember_secret=self._mask, clock=clock
        )
        self.servers = ServerService(
            store, self.roles, self._secrets, self._server, self.audit, remember_secret=self._mask
        )
        self.engine_limits = EngineLimitService(config_folder(), self.roles, self.audit, self._limit_engine)
        self.exports = ExportService(
            store,
            self.roles,
            self.destinations,
            self._trail,
            cached_count=self._cached_count,
            views=self._export_views,
            clock=clock,
        )

    @made_once
    def putting_back(self) -> PuttingBack:
        """Takes changes back by the audit trail."""
        from app.services.putting_back import PuttingBack

        return PuttingBack(
            self._store,
            self.audit,
            self.exports,
            self.connections,
            self.workspace,
            lambda: self.segments,
            lambda: self.tables,
            lambda: self.suppression,
        )

    @made_once
    def tables(self) -> TableService:
        """Tables of the workspace."""
        from app.services.tables import TableService

        return TableService(self._store, self.engine(), self.roles, self._trail)

    @made_once
    def segments(self) -> SegmentService:
        """Segments of the workspace."""
        from app.services.segments import SegmentService

        return SegmentService(self._store, self.engine, self.roles, self.folder, self._trail)

    @made_once
    def suppression(self) -> SuppressionService:
        """Who is never sent to a target."""
        from app.services.suppression import SuppressionService

        return SuppressionService(self._store, self.engine, self.roles, self.folder, self.audit, clock=self._clock)

    @made_once
    def unsubscribes(self) -> UnsubscribeService:
        """Who opted out at a destination, for the suppression list."""
        from app.services.unsubscribes import UnsubscribeService

        def suppression() -> SuppressionService:
            return self.suppression

        open_connection, describe = self.connections.open, self.destinations.get
        return UnsubscribeService(self._store, self.roles, suppression, open_connection, describe, clock=self._clock)

    @made_once
    def segment_builder(self) -> SegmentBuilder:
        """Answers about segments that are being edited."""
        from app.services.segment_builder import SegmentBuilder

        return SegmentBuilder(self._store, self.engine, self.counts.counter, self.roles, self.audit, clock=self._clock)

    @made_once
    def counts(self) -> CountService:
        """Counts of segments on their way to targets."""
        from app.services.counts import CountService

        return CountService(self._store, self.engine, self.destinations, listed=self._listed, clock=self._clock)

    @made_once
    def runs(self) -> RunService:
        """Runs of exports."""
        from app.services.runs import RunService

        return RunService(
            self.folder,
            self._store,
            self.roles,
            self._reach(),
            self._run_deps(),
            self.pools,
            self.audit,
            self.dead_runs,
            after_run=self.unsubscribes.after_run,
            clock=self._clock,
        )

    @made_once
    def plan_looks(self) -> PlanLookService:
        """Plans that are looked at page by page."""
        from app.services.plan_looks import PlanLookService

        return PlanLookService(self._store, self.roles, self.plans, self.engine, self.audit, self._clock)

    @made_once
    def held_runs(self) -> HeldRunService:
        """Runs that a guard held."""
        from app.services.held_runs import HeldRunService

        return HeldRunService(self._store, self.roles, self.runs, self._clock)

    @made_once
    def resuming(self) -> ResumeService:
        """Runs that were interrupted or had rejects, to be gone on with."""
        from app.services.resume import ResumeService

        return ResumeService(self.folder, self._store, self.runs, self.destinations.get, self._clock)

    @made_once
    def receipts(self) -> ReceiptService:
        """Receipts of runs."""
        from app.services.receipts import ReceiptService

        return ReceiptService(self.folder, self._store, self.audit)

    @made_once
    def comparing(self) -> CompareService:
        """Two runs side by side."""
        from app.services.comparing import CompareService

        return CompareService(self.folder, self._store, self.engine, self.roles, self.audit)

    @made_once
    def undo(self) -> UndoService:
        """Taking back what runs did."""
        from app.services.undo import UndoService

        return UndoService(
            self.folder,
            self._store,
            self.roles,
            self.runs,
            self.retention,
            self._reach(),
            self._run_deps(),
            lambda: self.plan_looks,
            self.audit,
        )

    @made_once
    def suppression_effect(self) -> SuppressionEffect:
        """What the suppression list does to exports."""
        from app.services.suppression_effect import SuppressionEffect

        return SuppressionEffect(
            self._store, self.engine, self.counts, self.destinations, self._listed, clock=self._clock
        )

    @made_once
    def erasing(self) -> EraseService:
        """Erasing a person everywhere."""
        from app.services.erasing import EraseService

        return EraseService(self.folder, self._store, self.engine, self.roles, self.suppression, self.audit)

    @made_once
    def plans(self) -> PlanService:
        """What runs of exports would change."""
        from app.services.plans import PlanService

        return PlanService(self._store, self.roles, self._reach(), self._run_deps(), self.audit)

    @made_once
    def schedules(self) -> ScheduleService:
        """Schedules of exports."""
        from app.services.schedules import ScheduleService

        return ScheduleService(self._store, self.roles, self.runs, self._trail, self._clock)

    @made_once
    def redactor(self) -> Redactor:
        """Masks every secret that was read; for log handlers."""
        from app.secrets.redaction import Redactor

        return Redactor()

    def engine(self) -> DuckDBEngine:
        """The engine over the workspace's tables, one per process."""

        def make() -> DuckDBEngine:
            from app.data.engines.duckdb import DuckDBEngine

            limits = self.engine_limits.limits()
            return DuckDBEngine(self.folder, f"{limits.memory_gb}GB", limits.threads, server=self._server)

        return self.once("engine", make)

    def _limit_engine(self, limits: EngineLimits) -> None:
        if self.made("engine"):
            self.engine().set_limits(f"{limits.memory_gb}GB", limits.threads)

    def _server(self) -> Server:
        """What answers for the tables on the workspace's server; its address is looked up whenever it connects."""
        address = self.servers.address()
        return self._server_of(ServerKind.POSTGRES if address is None else address.kind)

    def _server_of(self, kind: ServerKind) -> Server:
        def make() -> Server:
            from app.data.engines.servers import server_engine

            return server_engine(kind, self.servers.access)

        return self.once(kind, make)

    def tidy(self) -> bool:
        """Delete for good what can't be put back any more and what is too old; False while an export runs. Takes its time."""
        return tidied(
            self.runs,
            self.connections,
            self.exports,
            self.segments,
            self.suppression,
            self.tables,
            self.retention.get(),
            self._clock(),
        )

    def close(self) -> None:
        """Cancel what runs, wait for it, and close engine and store; nothing can be used afterwards."""
        self.tidying.stop()
        if self.made("schedules"):
            self.schedules.stop()
        if self.made("runs"):
            self.runs.close(CLOSE_SECONDS)
        self.pools.close()
        for kind in filter(self.made, ServerKind):
            self._server_of(kind).close()
        take_back()
        if self.made("engine"):
            self.engine().close()
        self._store.close()

    def _keyring(self) -> SecretStore:
        from app.secrets.store import KeyringStore

        return KeyringStore(self.workspace.info().id, redactor=self.redactor)

    def _mask(self, secret: str) -> None:
        self.redactor.add(secret)

    def _masked(self, text: str) -> str:
        return self.redactor.redact(text)

    def _role_changed(self, before: Role, after: Role) -> None:
        told = {"role": before.value}, {"role": after.value}
        self.audit.record(Deed.ROLE_CHANGED, Subject.WORKSPACE, self.roles.person(), before=told[0], after=told[1])

    def _export_views(self) -> ExportViews:
        def make() -> ExportViews:
            from app.services.export_views import ExportViews

            return ExportViews(
                self._store, self.destinations, self.engine(), self.connections.open, self._clock, self._listed()
            )

        return self.once("export_views", make)

    def _reach(self) -> Reach:
        from app.services.reaching import Reach

        return Reach(self.destinations.get, self.connections.open)

    def _run_deps(self) -> Callable[[], AbstractContextManager[Deps]]:
        from app.services.run_deps import make_deps

        return make_deps(self._store, self.engine(), self._listed(), self.redactor.redact, self._clock)

    def _listed(self) -> ListedValues:
        """Shared by all that reads with the workspace's engine: which values are on the suppression list is found out once."""

        def make() -> ListedValues:
            from app.data.suppression import ListedValues

            return ListedValues(self.engine())

        return self.once("listed", make)

    def _cached_count(self, segment: str, destination: str, audience: str, keys: Mapping[str, str]) -> Count | None:
        return newest_count(self._store, segment, destination, audience, keys)


def open_workspace(folder: Path, *, secrets: SecretStore | None = None, seat: Seat = Seat.COMMAND_LINE) -> Services:
    """Open the workspace in that folder and put it first among the recent ones; raises as `Store.open`.

    `secrets` replaces the computer's keyring, for tests.
    """
    folder = folder.resolve()
    services = Services(folder, Store.open(folder), secrets=secrets, seat=seat)
    services.dead_runs.set_aside()
    recent().opened(folder)
    return services


def create_workspace(
    folder: Path,
    name: str,
    audience: str,
    *,
    sample: bool = False,
    country_code: str | None = None,
    secrets: SecretStore | None = None,
    seat: Seat = Seat.COMMAND_LINE,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ctx: JobContext | None = None,
) -> Services:
    """Make a workspace in a new or empty folder and open it; raises as `Store.create`.

    With `sample` it is filled with sample data, which takes seconds and reports to `ctx`. Without a `country_code` it is
    that of this computer's language settings.
    """
    folder = folder.resolve()
    store = Store.create(folder, name, Audience(audience), country_code or _own_country())
    services = Services(folder, store, secrets=secrets, seat=seat, clock=clock)
    recent().opened(folder)
    if sample:
        from app.services.samples import fill

        try:
            fill(
                services.tables,
                services.segments,
                services.connections,
                services.exports,
                folder,
                audience,
                ctx or JobContext(),
            )
        except BaseException:
            services.close()
            raise
    return services


def recent() -> RecentWorkspaces:
    """The workspaces this person opened lately."""
    return RecentWorkspaces(config_folder())


def default_workspace() -> Path | None:
    """The workspace opened last that is still there, or None."""
    return next(iter(recent().all()), None)


def _own_country() -> str:
    """The country of the language settings (`de_AT` is AT), US when they name none."""
    _, _, country = (locale.getlocale()[0] or "").partition("_")
    return country if len(country) == 2 and country.isascii() and country.isupper() else "US"
