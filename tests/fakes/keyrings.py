"""Keyrings for tests: Windows' Credential Manager under keyring's real backend, and one that misbehaves on demand."""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from keyring.backend import KeyringBackend
from keyring.backends import Windows
from keyring.errors import PasswordDeleteError

if TYPE_CHECKING:
    import pytest

CRED_MAX_CREDENTIAL_BLOB_SIZE = 5 * 512


class WindowsError(Exception):
    """Shaped like pywintypes.error, which is not a KeyringError either."""

    def __init__(self, winerror: int, funcname: str, strerror: str) -> None:
        super().__init__(winerror, funcname, strerror)
        self.winerror, self.funcname, self.strerror = winerror, funcname, strerror


class CredentialManager:
    """The three calls of win32cred that keyring uses, with Windows' limit and errors; `entries` is target -> (user, blob)."""

    CRED_TYPE_GENERIC = 1
    CRED_PERSIST_ENTERPRISE = 3

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, bytes]] = {}

    def CredWrite(self, credential: dict[str, Any], flags: int) -> None:  # noqa: N802 - Windows' name
        blob = credential["CredentialBlob"].encode("utf-16-le")
        if len(blob) > CRED_MAX_CREDENTIAL_BLOB_SIZE:
            raise WindowsError(1783, "CredWrite", "The stub received bad data")
        self.entries[credential["TargetName"]] = (credential["UserName"], blob)

    def CredRead(self, Type: int, TargetName: str) -> dict[str, Any]:  # noqa: N802, N803 - Windows' names
        if TargetName not in self.entries:
            raise WindowsError(1168, "CredRead", "Element not found")
        user, blob = self.entries[TargetName]
        return {"UserName": user, "CredentialBlob": blob}

    def CredDelete(self, Type: int, TargetName: str) -> None:  # noqa: N802, N803 - Windows' names
        if self.entries.pop(TargetName, None) is None:
            raise WindowsError(1168, "CredDelete", "Element not found")

    def holds(self, text: str) -> bool:
        return any(text.encode("utf-16-le") in blob for _, blob in self.entries.values())


def windows_keyring(monkeypatch: pytest.MonkeyPatch) -> tuple[Windows.WinVaultKeyring, CredentialManager]:
    """keyring's own Windows backend, renaming of entries included, over a `CredentialManager` in memory."""
    manager = CredentialManager()
    monkeypatch.setattr(Windows, "win32cred", manager, raising=False)
    monkeypatch.setattr(Windows, "pywintypes", SimpleNamespace(error=WindowsError), raising=False)
    monkeypatch.setattr(Windows, "missing_deps", None)
    return Windows.WinVaultKeyring(), manager


class FakeKeyring(KeyringBackend):
    """A dictionary that can fail at the n-th change, forget, block, or raise; never part of keyring's own choice."""

    viable = False
    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.fail_at_change: int | None = None
        self.error: Exception | None = None
        self.forgets = False
        self.written: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self._changes = itertools.count(1)

    def get_password(self, service: str, username: str) -> str | None:
        self._call()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._change()
        self.written.append(password)
        if not self.forgets:
            self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._change()
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("No such password!")

    def fail_from(self, change: int | None) -> None:
        """Changes from this one on are refused, as when the process dies there; None lets all pass again."""
        self.fail_at_change = change
        self._changes = itertools.count(1)

    def _call(self) -> None:
        self.gate.wait()
        if self.error is not None:
            raise self.error

    def _change(self) -> None:
        self._call()
        if self.fail_at_change is not None and next(self._changes) >= self.fail_at_change:
            raise OSError("cut off")
