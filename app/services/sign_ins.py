"""Signing in at a destination with the person's own browser, for a connection that is being made or one that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.connections import Connection, Health
from app.core.errors import FixSettings
from app.core.roles import Action
from app.core.tokens import Tokens
from app.destinations.description import Description, SignIn
from app.jobs import JobContext
from app.services.connection_forms import (
    InvalidSettings,
    check_form,
    effective_settings,
    kept_secrets,
    visible_fields,
)
from app.services.connection_secrets import ConnectionSecrets
from app.services.destinations import DestinationService
from app.services.finding import connection_named
from app.services.roles import RoleService
from app.services.trail import Trail
from app.store import Store

if TYPE_CHECKING:
    from app.secrets.store import SecretStore

Show = Callable[[str], None]
"""Opens the vendor's page: gets its address, is called from the job's thread."""


class SignInService:
    """Thread safe; both methods block until the person is back from the browser, and obey a cancel."""

    def __init__(
        self,
        store: Store,
        roles: RoleService,
        destinations: DestinationService,
        secrets: SecretStore,
        trail: Trail,
        *,
        remember_secret: Callable[[str], None] = lambda _secret: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._roles = roles
        self._destinations = destinations
        self._secrets = ConnectionSecrets(secrets, remember_secret)
        self._trail = trail
        self._clock = clock

    def wanted(self, destination: str, settings: Mapping[str, str]) -> str:
        """The connection field that signing in fills with these settings; empty when there is none."""
        description = self._destinations.get(destination)
        spec = description.sign_in
        visible = {field.id for field in visible_fields(description, settings)}
        return spec.field_id if spec is not None and spec.field_id in visible else ""

    def sign_in_draft(
        self,
        destination: str,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        existing_id: str | None,
        show: Show,
        ctx: JobContext,
    ) -> str:
        """Sign in with what is typed and give the secret to save with the connection; nothing is kept.

        Raises InvalidSettings for a form that is wrong, and what the sign-in raises.
        """
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        description = self._destinations.get(destination)
        existing = self._store.connections.by_id(existing_id) if existing_id is not None else None
        spec = _offered(description, settings)
        stored = existing.secrets if existing is not None else frozenset()
        wrong = check_form(description, settings, secrets, stored)
        wrong.pop(spec.field_id, None)
        if wrong:
            raise InvalidSettings(wrong)
        values = kept_secrets(description, settings, secrets)
        if existing is not None:
            visible = {field.id for field in visible_fields(description, settings)} - {spec.field_id}
            values |= self._secrets.read(existing, (visible & existing.secrets) - values.keys())
        self._secrets.typed(values)
        return self._ask(description, effective_settings(description, settings), values, show, ctx).written()

    def sign_in(self, name: str, show: Show, ctx: JobContext) -> Connection:
        """Sign in anew for a connection that is there and keep it in the keyring; raises as `sign_in_draft`."""
        self._roles.demand(Action.CHANGE_CONNECTIONS)
        connection = connection_named(self._store, name)
        description = self._destinations.get(connection.destination)
        spec = _offered(description, connection.settings)
        values = self._secrets.read(connection, connection.secrets - {spec.field_id})
        tokens = self._ask(description, effective_settings(description, connection.settings), values, show, ctx)
        with self._secrets.put(connection.id, {spec.field_id: tokens.written()}):
            now = self._store.connections.by_id(connection.id) or connection
            changed = replace(now, secrets=now.secrets | {spec.field_id}, sign_in_ends=tokens.ends_at, health=Health())
            stored = self._store.connections.save(changed)
        self._trail.connection_saved(now, stored, {spec.field_id})
        return stored

    def _ask(
        self,
        description: Description,
        values: Mapping[str, str],
        secrets: Mapping[str, str],
        show: Show,
        ctx: JobContext,
    ) -> Tokens:
        from app.destinations.browser_signin import sign_in  # needed by few, and it brings a server along

        tokens = sign_in(description, values, secrets, show, ctx, clock=self._clock)
        self._secrets.typed({"sign_in": tokens.written()})
        return tokens


def _offered(description: Description, settings: Mapping[str, str]) -> SignIn:
    """How to sign in with these settings; raises FixSettings where that is not by browser."""
    spec = description.sign_in
    if spec is None or spec.field_id not in {field.id for field in visible_fields(description, settings)}:
        raise FixSettings(
            f"{description.name} has no sign-in by browser here.",
            f"The connection uses {description.signs_in_with}.",
            "Enter it in the connection.",
            code="no_sign_in",
        )
    return spec
