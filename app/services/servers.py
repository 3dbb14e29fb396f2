"""The server on which tables of the workspace may stay: its address, its secret in the keyring, and tests of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from app.core.audit import Deed, Subject, facts
from app.core.errors import FixSettings
from app.core.roles import Action
from app.core.servers import ServerAccess, ServerAddress, ServerKind, ServerTest, Tls
from app.jobs import JobContext
from app.services.audit import AuditService
from app.services.roles import RoleService
from app.store import Store

if TYPE_CHECKING:
    from app.data.engines.protocol import Server
    from app.secrets.store import SecretStore

_SETTING = "server"
_ENTRY, _PASSWORD = "server", "password"


class ServerService:
    """The workspace's server. Thread safe; what reaches the keyring or the server blocks."""

    def __init__(
        self,
        store: Store,
        roles: RoleService,
        secrets: SecretStore,
        engine: Callable[[], Server],
        audit: AuditService,
        *,
        remember_secret: Callable[[str], None],
    ) -> None:
        self._store = store
        self._roles = roles
        self._secrets = secrets
        self._engine = engine
        self._audit = audit
        self._remember = remember_secret

    def address(self) -> ServerAddress | None:
        """Where it is, None when the workspace has none."""
        text = self._store.workspace.setting(_SETTING)
        if text is None:
            return None
        told = json.loads(text)
        kind = ServerKind(told.pop("kind", ServerKind.POSTGRES))
        return ServerAddress(**{**told, "tls": Tls(told["tls"]), "kind": kind})

    def access(self) -> ServerAccess:
        """What connecting needs; raises FixSettings with code "no_server" when there is none, and what the keyring does."""
        address = self._demanded()
        password = self._secrets.get(_ENTRY, _PASSWORD)
        if password is not None:
            self._remember(password)
        return ServerAccess(address, password)

    def keeps_password(self) -> bool:
        """Whether the keyring of this computer holds the server's password; raises as the keyring does."""
        return self.address() is not None and self._secrets.get(_ENTRY, _PASSWORD) is not None

    def test(self, ctx: JobContext, address: ServerAddress | None = None, password: str | None = None) -> ServerTest:
        """Reach the server, the one set or one about to be; None for the password means the one that is kept.

        Raises what `Server` does: each with the fix in its sentence.
        """
        if address is None:
            return self._engine().test(ctx.token)
        self._roles.demand(Action.CHANGE_SETTINGS)
        from app.data.engines.servers import server_engine

        access = ServerAccess(address, self._password_for(address, password))
        engine = server_engine(address.kind, lambda: access)
        try:
            return engine.test(ctx.token)
        finally:
            engine.close()

    def set(self, address: ServerAddress, password: str | None = None) -> None:
        """Use this server from now on; None for the password keeps the one that is kept, unless it is another server's.

        Raises FixSettings with code "server_in_use" when tables of another database are in the workspace.
        """
        self._roles.demand(Action.CHANGE_SETTINGS)
        before = self.address()
        if before is not None and (before.kind, before.database) != (address.kind, address.database):
            self._demand_unused()
            self._engine().forget()
        kept = self._password_for(address, password)
        if kept is None:
            if before is not None:
                self._secrets.delete(_ENTRY, _PASSWORD)
        else:
            self._secrets.put(_ENTRY, _PASSWORD, kept)
        self._store.workspace.set_setting(_SETTING, json.dumps(asdict(address)))
        for table in self._store.tables.all():
            if table.server is not None:
                source = f"{address}/{table.server.schema}/{table.server.name}"
                self._store.tables.save(replace(table, source=source))
        self._record(before, address)
        self._engine().forget()

    def remove(self) -> None:
        """Forget the server and its password; FixSettings with code "server_in_use" while tables are there."""
        self._roles.demand(Action.CHANGE_SETTINGS)
        before = self.address()
        if before is None:
            return
        self._demand_unused()
        self._secrets.delete(_ENTRY, _PASSWORD)
        self._store.workspace.set_setting(_SETTING, None)
        self._engine().forget()
        self._record(before, None)

    def _record(self, before: ServerAddress | None, after: ServerAddress | None) -> None:
        was, is_now = ({} if each is None else facts(asdict(each)) for each in (before, after))
        named = after or before
        name = "" if named is None else named.kind.value
        self._audit.record(Deed.ENGINE_CHANGED, Subject.ENGINE, name, before=was, after=is_now)

    def _password_for(self, address: ServerAddress, password: str | None) -> str | None:
        """The password to use: never one that was given for another server or another role there."""
        if password is not None:
            self._remember(password)
            return password
        before = self.address()
        if before is None or _whose(before) != _whose(address):
            return None
        kept = self._secrets.get(_ENTRY, _PASSWORD)
        if kept is not None:
            self._remember(kept)
        return kept

    def _demand_unused(self) -> None:
        names = [table.name for table in self._store.tables.all() if table.server is not None]
        if names:
            raise FixSettings(
                "The server is in use.",
                f"It holds {', '.join(names)}.",
                "Remove these tables from the workspace first; on the server nothing changes.",
                code="server_in_use",
            )

    def _demanded(self) -> ServerAddress:
        address = self.address()
        if address is None:
            raise FixSettings(
                "This workspace has no server.",
                "Tables on a server need its address.",
                "Set the server in Settings.",
                code="no_server",
            )
        return address


def _whose(address: ServerAddress) -> tuple[object, ...]:
    """Whom a secret was given to."""
    return address.kind, address.host, address.port, address.user
