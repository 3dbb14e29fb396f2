"""A password store that costs nothing until a secret is kept or read: importing keyring takes its time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.secrets.store import SecretStore, StoreInfo


class StoreWhenUsed:
    """Fulfils `SecretStore` by one that is made at the first call. Thread safe."""

    def __init__(self, make: Callable[[], SecretStore]) -> None:
        self._make = make
        self._store: SecretStore | None = None
        self._lock = threading.Lock()

    def _made(self) -> SecretStore:
        with self._lock:
            if self._store is None:
                self._store = self._make()
            return self._store

    def probe(self) -> StoreInfo:
        """See `SecretStore.probe`."""
        return self._made().probe()

    def put(self, connection_id: str, field: str, value: str) -> None:
        """See `SecretStore.put`."""
        self._made().put(connection_id, field, value)

    def get(self, connection_id: str, field: str) -> str | None:
        """See `SecretStore.get`."""
        return self._made().get(connection_id, field)

    def delete(self, connection_id: str, field: str) -> None:
        """See `SecretStore.delete`."""
        self._made().delete(connection_id, field)

    def delete_all(self, connection_id: str, fields: Iterable[str]) -> None:
        """See `SecretStore.delete_all`."""
        self._made().delete_all(connection_id, fields)
