"""Connections: checked, tested, saved with their secrets in the keyring, shared, removed and put back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.core.connections import Access, Connection, Consent, Health, HealthState, TestResult, account_mark
from app.core.errors import FixSettings, SendoffError, SignInAgain, TryAgain, as_sendoff_error
from app.core.exports import Export
from app.core.names import checked_name, fold, name_taken, new_id
from app.core.roles import Action, Role, may
from app.core.tokens import Tokens
from app.destinations.budgets import Budgets
from app.destinations.contract import (
    Choice,
    Exchange,
    FileDestination,
    NoKeyring,
    SegmentDestination,
    Settings,
    TargetField,
)
from app.destinations.description import Description
from app.destinations.left_jobs import LeftJobs
from app.jobs import Cancelled, JobContext
from app.services.connection_forms import (
    InvalidSettings,
    check_form,
    effective_settings,
    kept_secrets,
    kept_settings,
    visible_fields,
)
from app.services.connection_secrets import ConnectionSecrets
from app.services.destinations import DestinationService
from app.services.finding import connection_named, no_connection
from app.services.roles import RoleService
from app.services.trail import Trail
from app.store import Store

if TYPE_CHECKING:
    from app.secrets.store import SecretStore, StoreInfo

Opened = SegmentDestination | FileDestination
OnSlow = Callable[[float, str], None]
Ledger = Callable[[Exchange], None]


def _quiet(_seconds: float, _words: str) -> None:
    """Slow-downs nobody asked about."""


def _uncounted(_exchange: Exchange) -> None:
    """Bytes nobody asked about."""


def _open(description: Description, settings: Settings) -> Opened:
    from app.destinations import registry  # destinations are imported when one is used

    return registry.open_destination(description, settings)


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection as a list shows it; for contributors without its settings. `usable` tells whether this role may use it."""

    connection: Connection
    description: Description
    used_by: tuple[str, ...]
    usable: bool

    @property
    def health(self) -> Health:
        """The result of the last test."""
        return self.connection.health


class ConnectionService:
    """Connections of the workspace; thread safe. Methods that touch the keyring or the target block.

    `remember_secret` is told every secret that is read, so that logs and run messages can be masked. In the folder `paces` all
    processes note what they ask of an account, so that together they ask no more than it allows; in `jobs` what vendors still work
    on, so that a run which follows a killed one waits for it.
    """

    def __init__(
        self,
        store: Store,
        roles: RoleService,
        destinations: DestinationService,
        secrets: SecretStore,
        trail: Trail,
        *,
        paces: Path | None = None,
        jobs: Path | None = None,
        open_destination: Callable[[Description, Settings], Opened] = _open,
        remember_secret: Callable[[str], None] = lambda _secret: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._roles = roles
        self._destinations = destinations
        self._secrets = ConnectionSecrets(secrets, remember_secret)
        self._trail = trail
        self._open_destination = open_destination
        self._budgets = Budgets(paces)
        self._jobs = jobs
        self._clock = clock
        self._taken_along: dict[str, tuple[Export, ...]] = {}  # what removing a connection did to exports, for undo

    # Looking

    def all(self) -> list[ConnectionRow]:
        """The connections this role may see, by name: all for admins, shared ones for contributors, none for viewers."""
        role = self._roles.role()
        if role is Role.VIEWER:
            return []
        used = self._used_by()
        rows = [self._row(connection, role, used) for connection in self._store.connections.all()]
        return [row for row in rows if role is Role.ADMIN or row.usable]

    def usable(self) -> list[ConnectionRow]:
        """The connections this role may build exports on."""
        return [row for row in self.all() if row.usable]

    def get(self, name: str) -> ConnectionRow:
        """The connection of that name, as far as this role may see it; raises FixData with code "no_connection"."""
        rows = {fold(row.connection.name): row for row in self.all()}
        if fold(name) not in rows:
            raise no_connection(name, (row.connection.name for row in rows.values()))
        return rows[fold(name)]

    def exists(self, name: str) -> bool:
        """Whether there is a connection of that name."""
        return self._store.connections.get(name) is not None

    def secret_store(self) -> StoreInfo:
        """The computer's password store, proven to work now; raises as `SecretStore.probe`."""
        return self._secrets.probe()

    def secrets_missing(self, name: str) -> list[str]:
        """The secret fields that are not in this computer's keyring; blocks on it and raises its errors."""
        return self._secrets.missing(connection_named(self._store, name))

    # Making and changing

    def validate(
        self, destination: str, settings: Mapping[str, str], secrets: Mapping[str, str], existing_id: str | None = None
    ) -> dict[str, str]:
        """One sentence for each field that is wrong, by its id; secrets already stored need not be typed again."""
        stored = self._existing(existing_id).secrets if existing_id is not None else frozenset()
        return check_form(self._destinations.get(destination), settings, secrets, stored)

    def test_draft(
        self,
        destination: str,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        existing_id: str | None,
        ctx: JobContext,
    ) -> TestResult:
        """Test what is typed, with stored secrets where none is typed; nothing is kept.

        Raises InvalidSettings for a form that is wrong and whatever the target answers, also UnknownHostKey.
        """
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        self._demand_valid(destination, settings, secrets, existing_id)
        description = self._destinations.get(destination)
        values = kept_secrets(description, settings, secrets)
        if existing_id is not None:
            existing = self._existing(existing_id)
            wanted = {field.id for field in visible_fields(description, settings)} & existing.secrets
            values |= self._secrets.read(existing, wanted - values.keys())
        self._secrets.typed(values)
        ctx.check()
        keyring = NoKeyring() if existing_id is None else self._secrets.of(existing_id, values)
        given = Settings(effective_settings(description, settings), values, keyring=keyring, budgets=self._budgets)
        return self._open_destination(description, given).test(ctx)

    def add(
        self,
        name: str,
        destination: str,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        access: Access,
        *,
        agreed: bool,
        tested: TestResult | None = None,
    ) -> Connection:
        """Save a new connection: secrets into the keyring first, then the row; when that fails, they are taken out again.

        Raises FixSettings without consent or a keyring, InvalidSettings, and the store's errors.
        """
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        name = checked_name(name, "connection")
        _demand_consent(agreed=agreed)
        self._demand_valid(destination, settings, secrets, None)
        if self.exists(name):
            raise name_taken(name, "connection")
        description = self._destinations.get(destination)
        values = kept_secrets(description, settings, secrets)
        now, person = self._clock(), self._roles.person()
        connection = Connection(
            id=new_id(),
            name=name,
            destination=description.id,
            settings=kept_settings(description, settings),
            secrets=frozenset(values),
            access=access,
            consent=Consent(person, now),
            created_at=now,
            created_by=person,
            health=_healthy(tested, now),
            sign_in_ends=_sign_in_ends(description, values, None),
            account=_account(tested),
        )
        with self._secrets.put(connection.id, values):
            stored = self._store.connections.save(connection)
        self._trail.connection_saved(None, stored)
        return stored

    def edit(
        self,
        name: str,
        *,
        new_name: str | None = None,
        settings: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        access: Access | None = None,
        agreed: bool = False,
        tested: TestResult | None = None,
    ) -> Connection:
        """Change what is given. Stored secrets that are not replaced stay; those whose field is gone are removed.

        `agreed` renews the consent in this person's name. Raises as `add`.
        """
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        current = self._named(name)
        description = self._destinations.get(current.destination)
        wanted = current.settings if settings is None else settings
        self._demand_valid(current.destination, wanted, secrets or {}, current.id)
        typed = kept_secrets(description, wanted, secrets or {})
        visible = {field.id for field in visible_fields(description, wanted)}
        kept = (current.secrets & visible) | typed.keys()
        now = self._clock()
        changed = replace(
            current,
            name=current.name if new_name is None else checked_name(new_name, "connection"),
            settings=kept_settings(description, wanted),
            secrets=frozenset(kept),
            access=current.access if access is None else access,
            consent=Consent(self._roles.person(), now) if agreed else current.consent,
            sign_in_ends=_sign_in_ends(description, typed, current.sign_in_ends if kept else None),
        )
        if tested is not None or typed or changed.settings != current.settings or kept != current.secrets:
            changed = replace(changed, health=_healthy(tested, now), account=_account(tested))
        with self._secrets.put(current.id, typed):
            stored = self._store.connections.save(changed)
        self._trail.connection_saved(current, stored, typed)
        self._secrets.delete(current.id, current.secrets - kept)
        return stored

    def share(self, name: str, access: Access) -> Connection:
        """Say who may build exports on it; exports that exist stay as they are."""
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        current = self._named(name)
        stored = self._store.connections.save(replace(current, access=access))
        self._trail.connection_saved(current, stored)
        return stored

    def test(self, name: str, ctx: JobContext) -> TestResult:
        """Reach the target with the stored secrets and remember the result as the connection's health; raises what failed."""
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        connection = self._named(name)
        try:
            result = self._opened(connection).test(ctx)
        except Cancelled:
            raise
        except Exception as error:
            told = as_sendoff_error(error)
            failed = Health(_state_after(told), self._clock(), told.what)
            self._note(connection.id, lambda now: replace(now, health=failed))
            raise
        healthy = Health(HealthState.HEALTHY, self._clock())
        self._note(connection.id, lambda now: replace(now, health=healthy, account=_account(result)))
        return result

    # Removing

    def remove(self, name: str) -> Connection:
        """Remove an unused connection; its secrets stay until `purge_removed`, so that it can be put back.

        Raises FixSettings with code "in_use", naming the exports that use it.
        """
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        connection = self._named(name)
        exports = self._exports_of(connection.id)
        if exports:
            listed = ", ".join(f"“{export.name}”" for export in exports)
            raise FixSettings(
                f"“{connection.name}” is in use.",
                f"These exports send through it: {listed}.",
                "Detach or remove them, then remove the connection.",
                code="in_use",
            )
        removed = self._store.connections.remove(connection.id)
        self._trail.connection_removed(removed)
        return removed

    def remove_with(
        self, name: str, how: Literal["detach", "remove"], *, other_way: Collection[str] = ()
    ) -> Connection:
        """Remove a connection and detach or remove the exports that use it; a run on it must have ended.

        With the exports named in `other_way` the other of the two is done. `put_back` brings the exports back too, as long as
        this service lives.
        """
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        connection = self._named(name)
        if any(run.connection_id == connection.id for run in self._store.runs.running()):
            raise FixSettings(
                f"“{connection.name}” is at work.",
                "An export is running on it or waits for its turn.",
                "Cancel the run or wait for its end, then remove the connection.",
                code="running",
            )
        taken = []
        for export in self._exports_of(connection.id):
            if (how == "detach") != (export.name in other_way):
                taken.append(self._store.exports.save(replace(export, connection=None)))
                self._trail.export_saved(export, taken[-1])
            else:
                taken.append(self._store.exports.remove(export.id))
                self._trail.export_removed(taken[-1])
        removed = self._store.connections.remove(connection.id)
        self._trail.connection_removed(removed)
        self._taken_along[removed.id] = tuple(taken)
        return removed

    def put_back(self, connection: Connection) -> Connection:
        """Bring back what `remove` or `remove_with` returned, with its exports unless they were changed meanwhile."""
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        stored = self._store.connections.save(connection)
        self._trail.connection_put_back(stored)
        for export in self._taken_along.pop(connection.id, ()):
            with suppress(SendoffError):  # changed by somebody meanwhile: theirs stays
                self._trail.export_put_back(self._store.exports.save(replace(export, connection=connection.id)))
        return stored

    def purge(self, removed: Connection) -> None:
        """Delete for good what `remove` or `remove_with` returned, secrets first; raises the errors of the keyring."""
        self._secrets.delete(removed.id, removed.secrets)
        if self._store.connections.purge(removed.id) and self._jobs is not None:
            shutil.rmtree(self._jobs / removed.id, ignore_errors=True)

    def purge_removed(self, older_than: timedelta) -> None:
        """Delete for good what was removed that long ago.

        Raises the first error of the keyring, after trying all. A connection whose secrets could not be deleted stays for the
        next time.
        """
        failed: SendoffError | None = None
        for connection in self._store.connections.removed(self._clock() - older_than):
            try:
                self.purge(connection)
            except SendoffError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    # Using

    def open(self, connection: Connection, on_slow: OnSlow = _quiet, ledger: Ledger = _uncounted) -> Opened:
        """Read the secrets and open the destination for this one use; asks for no role, its callers do.

        Where the vendor counts by account and did not tell it yet, it is asked for with the first request and remembered. Raises
        SignInAgain with code "secret_missing" and the keyring's errors.
        """
        return self._opened(connection, on_slow, ledger, lambda account: self._remember(connection, account))

    def _opened(
        self,
        connection: Connection,
        on_slow: OnSlow = _quiet,
        ledger: Ledger = _uncounted,
        on_account: Callable[[str], None] | None = None,
    ) -> Opened:
        description = self._destinations.get(connection.destination)
        secrets = self._secrets.read(connection, connection.secrets)
        values = effective_settings(description, connection.settings)
        keyring = self._secrets.of(connection.id, secrets)
        left = LeftJobs(None if self._jobs is None else self._jobs / connection.id)
        settings = Settings(
            values, secrets, on_slow, ledger, keyring, self._budgets, connection.account, on_account, left
        )
        return self._open_destination(description, settings)

    def choices(self, name: str, field_id: str, ctx: JobContext) -> list[Choice]:
        """The entries of the picker of one export field, asked of the target; empty for storages."""
        opened = self._open_for_use(name)
        return opened.choices(field_id, ctx) if isinstance(opened, SegmentDestination) else []

    def target_fields(self, name: str, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """All fields that can be filled there, asked of the target; empty for storages, which take any column."""
        opened = self._open_for_use(name)
        return opened.fields(target, ctx) if isinstance(opened, SegmentDestination) else []

    def _open_for_use(self, name: str) -> Opened:
        connection = connection_named(self._store, name)
        self._roles.demand(Action.CHANGE_EXPORTS, connection.access)
        return self.open(connection)

    def _named(self, name: str) -> Connection:
        """As `connection_named`, once the role was asked for that may see all of them."""
        connection = self._store.connections.get(name)
        if connection is None:
            raise no_connection(name, (each.name for each in self._store.connections.all()))
        return connection

    def _existing(self, connection_id: str) -> Connection:
        connection = self._store.connections.by_id(connection_id)
        if connection is None:
            raise no_connection(connection_id)
        return connection

    def _row(self, connection: Connection, role: Role, used: Mapping[str, tuple[str, ...]]) -> ConnectionRow:
        shown = connection if role is Role.ADMIN else replace(connection, settings={}, secrets=frozenset())
        return ConnectionRow(
            shown,
            self._destinations.shown(connection.destination).for_connection(connection.settings),
            used.get(connection.id, ()),
            may(role, Action.CHANGE_EXPORTS, connection.access),
        )

    def _used_by(self) -> dict[str, tuple[str, ...]]:
        used: dict[str, tuple[str, ...]] = {}
        for export in self._store.exports.all():
            if export.connection is not None:
                used[export.connection] = (*used.get(export.connection, ()), export.name)
        return used

    def _exports_of(self, connection_id: str) -> list[Export]:
        return [export for export in self._store.exports.all() if export.connection == connection_id]

    def _demand_valid(
        self, destination: str, settings: Mapping[str, str], secrets: Mapping[str, str], existing_id: str | None
    ) -> None:
        wrong = self.validate(destination, settings, secrets, existing_id)
        if wrong:
            raise InvalidSettings(wrong)

    def _remember(self, opened: Connection, account: str) -> None:
        """Keep the account that was told while it was in use; one that was changed meanwhile may have another."""
        now = self._store.connections.by_id(opened.id)
        if now is not None and now.revision == opened.revision:
            with suppress(SendoffError):  # it is asked for again
                self._store.connections.save(replace(now, account=account))

    def _note(self, connection_id: str, found: Callable[[Connection], Connection]) -> None:
        for _ in range(3):  # somebody may save the connection at the same moment; the newest test result still counts
            connection = self._store.connections.by_id(connection_id)
            if connection is None:
                return
            with suppress(TryAgain):
                self._store.connections.save(found(connection))
                return


def _demand_consent(*, agreed: bool) -> None:
    if not agreed:
        raise FixSettings(
            "The connection was not saved.",
            "Nobody agreed yet that data goes to this destination.",
            "Read what will be sent and agree.",
            code="consent",
        )


def _healthy(tested: TestResult | None, now: datetime) -> Health:
    return Health() if tested is None else Health(HealthState.HEALTHY, now)


def _account(tested: TestResult | None) -> str:
    """What tells the account apart, as far as a test told; else it is asked for at the first use."""
    return "" if tested is None else account_mark(tested.account)


def _sign_in_ends(description: Description, typed: Mapping[str, str], before: datetime | None) -> datetime | None:
    """When a person has to sign in again, as a sign-in among these secrets tells; else as before."""
    field = description.sign_in.field_id if description.sign_in is not None else ""
    tokens = Tokens.read(typed.get(field, ""))
    return before if tokens is None else tokens.ends_at


def _state_after(error: SendoffError) -> HealthState:
    if error.code == "secret_missing":
        return HealthState.SECRET_MISSING
    return HealthState.SIGN_IN_EXPIRED if isinstance(error, SignInAgain) else HealthState.FAILED
