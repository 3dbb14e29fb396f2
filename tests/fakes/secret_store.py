"""A keyring in memory that can refuse: at the probe, or at the n-th write."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.errors import FixSettings, TryAgain
from app.secrets.store import StoreInfo


class MemoryStore:
    """Fulfils `SecretStore`; `kept` is what the keyring holds, `works` and `refuse_after` make it fail."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.works = True
        self.refuse_after: int | None = None
        self.probes = 0

    def probe(self) -> StoreInfo:
        self.probes += 1
        self._demand()
        return StoreInfo("Memory", "tests.fakes.secret_store.MemoryStore")

    def put(self, connection_id: str, field: str, value: str) -> None:
        self._demand()
        if self.refuse_after is not None:
            if self.refuse_after == 0:
                raise TryAgain("Memory refused.", "It was told to.", "Try again.", code="keyring_failed")
            self.refuse_after -= 1
        self.kept[connection_id, field] = value

    def get(self, connection_id: str, field: str) -> str | None:
        self._demand()
        return self.kept.get((connection_id, field))

    def delete(self, connection_id: str, field: str) -> None:
        self._demand()
        self.kept.pop((connection_id, field), None)

    def delete_all(self, connection_id: str, fields: Iterable[str]) -> None:
        for field in fields:
            self.delete(connection_id, field)

    def _demand(self) -> None:
        if not self.works:
            raise FixSettings("There is no keyring.", "None runs.", "Start one.", code="keyring_missing")
