"""A connection's secrets in the keyring: read for one use, kept while what refers to them is saved."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.core.connections import Connection
from app.core.errors import SendoffError, SignInAgain
from app.core.tokens import secrets_in
from app.destinations.contract import Keyring

if TYPE_CHECKING:
    from app.secrets.store import SecretStore, StoreInfo

logger = logging.getLogger(__name__)


class _Entries:
    """A `Keyring`. A renewed secret that can't be kept is still good until the connection is closed."""

    def __init__(
        self, store: SecretStore, mask: Callable[[str], None], connection_id: str, fields: frozenset[str]
    ) -> None:
        self._store = store
        self._connection_id = connection_id
        self._fields = fields
        self.mask = mask

    def read(self, field_id: str) -> str | None:
        return self._store.get(self._connection_id, field_id) if field_id in self._fields else None

    def keep(self, field_id: str, value: str) -> None:
        self.mask(value)
        if field_id not in self._fields:
            return
        try:
            self._store.put(self._connection_id, field_id, value)
        except SendoffError:
            logger.warning("A renewed sign-in could not be kept; it lasts until this use ends.")


class ConnectionSecrets:
    """The keyring as connections use it; thread safe, every method blocks. `remember` is told every secret that passes."""

    def __init__(self, store: SecretStore, remember: Callable[[str], None]) -> None:
        self._store = store
        self._remember = remember

    def probe(self) -> StoreInfo:
        """Prove that secrets can be kept; raises as `SecretStore.probe`."""
        return self._store.probe()

    def missing(self, connection: Connection) -> list[str]:
        """The connection's secrets that are not in this computer's keyring."""
        return sorted(field for field in connection.secrets if self._store.get(connection.id, field) is None)

    def read(self, connection: Connection, fields: Collection[str]) -> dict[str, str]:
        """Those secrets; raises SignInAgain with code "secret_missing" when one is not here."""
        found = {}
        for field in sorted(fields):
            value = self._store.get(connection.id, field)
            if value is None:
                raise SignInAgain(
                    f"The secret for “{connection.name}” isn't on this computer.",
                    "Secrets stay in the password store of the computer on which they were entered.",
                    "Edit the connection and enter the secret here.",
                    code="secret_missing",
                )
            self._mask(value)
            found[field] = value
        return found

    def typed(self, values: Mapping[str, str]) -> None:
        """Have secrets masked that were typed and are about to be used."""
        for value in values.values():
            self._mask(value)

    @contextmanager
    def put(self, connection_id: str, values: Mapping[str, str]) -> Iterator[None]:
        """Keep the secrets while the block saves what refers to them; when it fails, the keyring is as it was before."""
        if not values:
            yield
            return
        self.typed(values)
        self._store.probe()
        before = {field: self._store.get(connection_id, field) for field in values}
        try:
            for field, value in values.items():
                self._store.put(connection_id, field, value)
            yield
        except BaseException:
            self._restore(connection_id, before)
            raise

    def delete(self, connection_id: str, fields: Collection[str]) -> None:
        """Remove those secrets; nothing happens, and no keyring is needed, when there are none."""
        if fields:
            self._store.delete_all(connection_id, fields)

    def of(self, connection_id: str, fields: Collection[str]) -> Keyring:
        """The entries of a connection in use, as its destination gets them; it may renew these fields and no other."""
        return _Entries(self._store, self._mask, connection_id, frozenset(fields))

    def _mask(self, value: str) -> None:
        for secret in secrets_in(value):
            self._remember(secret)

    def _restore(self, connection_id: str, before: Mapping[str, str | None]) -> None:
        for field, value in before.items():
            try:
                if value is None:
                    self._store.delete(connection_id, field)
                else:
                    self._store.put(connection_id, field, value)
            except SendoffError:  # the first error is the one to tell
                logger.warning("The keyring could not be put back as it was for a connection that was not saved.")
