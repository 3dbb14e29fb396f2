"""Where secrets live: the computer's own password store, through keyring. Nothing is ever kept anywhere else."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from keyring.errors import InitError, KeyringLocked, NoKeyringError

from app.core.errors import FixData, FixSettings, SendoffError, TryAgain
from app.secrets.backends import choose_backend, class_path, people_name, refuse_unsafe
from app.secrets.entries import Entries, NotKept
from app.secrets.patience import Attempt, Overdue, Patience
from app.secrets.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from keyring.backend import KeyringBackend

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""Enough to type a password into an unlock prompt."""

_LOCKED = {"KeyringLocked", "LockedException", "PromptDismissedException"}
_NO_LOGON_SESSION = 1312  # winerror.h ERROR_NO_SUCH_LOGON_SESSION: a service or a remote shell without a profile


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """A password store that has just been proven to work."""

    name: str
    """As people know it, such as “macOS Keychain”."""
    backend: str
    """Module and class of the keyring backend, for the log."""


class SecretStore(Protocol):
    """Keeps the secret fields of connections. Every call may block on a prompt, so none belongs in the main thread."""

    def probe(self) -> StoreInfo:
        """Prove that secrets can be kept, read and removed.

        Raises:
            FixSettings: they cannot.
            TryAgain: the store is locked or did not answer in time.
        """

    def put(self, connection_id: str, field: str, value: str) -> None:
        """Keep a secret, replacing an older one. Raises as `probe`, and FixData for text that cannot be stored."""

    def get(self, connection_id: str, field: str) -> str | None:
        """The secret, or None when it is not there. Raises as `probe`."""

    def delete(self, connection_id: str, field: str) -> None:
        """Remove a secret; nothing happens when it is not there. Raises as `probe`."""

    def delete_all(self, connection_id: str, fields: Iterable[str]) -> None:
        """Remove several secrets of one connection. Raises as `probe`."""


class KeyringStore:
    """The secrets of one workspace in the keyring, under the service `sendoff:{workspace_id}`.

    Any thread may call; calls take turns. A call ends after `patience` seconds with TryAgain, even while the system
    still shows an unlock prompt. `backend` is chosen when none is given. Errors carry neither secrets nor their cause.
    Every secret that passes through is made known to `redactor`, so none reaches a log behind it.
    """

    def __init__(
        self,
        workspace_id: str,
        *,
        redactor: Redactor | None = None,
        backend: KeyringBackend | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._service = f"sendoff:{workspace_id}"
        self._redactor = redactor if redactor is not None else Redactor()
        self._given = backend
        self._backend: KeyringBackend | None = None
        self._proven = False
        self._patience = Patience(patience)

    def probe(self) -> StoreInfo:
        """See `SecretStore.probe`; looks afresh for a store, so a keyring started meanwhile is found."""

        def work(attempt: Attempt) -> StoreInfo:
            self._backend, self._proven = None, False
            return self._prove(attempt)

        return self._run(work)

    def put(self, connection_id: str, field: str, value: str) -> None:
        """See `SecretStore.put`; the first call proves the store by a probe."""
        user = _user(connection_id, field)
        self._redactor.add(value)
        _refuse_lone_surrogates(field, value)

        def work(attempt: Attempt) -> None:
            if not self._proven:
                self._prove(attempt)
            self._entries(attempt).write(user, value)

        self._run(work)

    def get(self, connection_id: str, field: str) -> str | None:
        """See `SecretStore.get`."""
        user = _user(connection_id, field)
        value = self._run(lambda attempt: self._entries(attempt).read(user))
        self._redactor.add(value or "")
        return value

    def delete(self, connection_id: str, field: str) -> None:
        """See `SecretStore.delete`."""
        self.delete_all(connection_id, [field])

    def delete_all(self, connection_id: str, fields: Iterable[str]) -> None:
        """See `SecretStore.delete_all`."""
        users = [_user(connection_id, field) for field in fields]

        def work(attempt: Attempt) -> None:
            entries = self._entries(attempt)
            for user in users:
                entries.erase(user)

        self._run(work)

    def _entries(self, attempt: Attempt) -> Entries:
        return Entries(self._chosen(), self._service, attempt.check)

    def _chosen(self) -> KeyringBackend:
        if self._backend is None:
            self._backend = choose_backend() if self._given is None else refuse_unsafe(self._given)
        return self._backend

    def _prove(self, attempt: Attempt) -> StoreInfo:
        backend = self._chosen()
        service, user = f"{self._service}/probe-{secrets.token_hex(8)}", "probe"
        value = secrets.token_urlsafe(24)
        attempt.check()
        try:
            backend.set_password(service, user, value)
            if backend.get_password(service, user) != value:
                raise NotKept
            backend.delete_password(service, user)
            if backend.get_password(service, user) is not None:
                raise NotKept
        except Exception:
            with suppress(Exception):  # it may not have been written at all; the first error is the one to tell
                backend.delete_password(service, user)
            raise
        self._proven = True
        return StoreInfo(people_name(backend), class_path(backend))

    def _run(self, work: Callable[[Attempt], T]) -> T:
        try:
            return self._patience.run(work)
        except SendoffError:
            raise
        except Exception as error:  # noqa: BLE001 - backends raise keyring's, D-Bus's and Windows' errors alike
            name = people_name(self._backend) if self._backend is not None else "The computer's password store"
            mapped = _as_ours(error, name)
        # Outside the handler: the cause may quote a secret (a UnicodeError holds the whole text), so it must not follow.
        raise mapped


def _user(connection_id: str, field: str) -> str:
    if not connection_id or not field or "/" in connection_id:
        raise ValueError("connection_id and field must not be empty, and connection_id must not hold a slash")
    return f"{connection_id}/{field}"


def _refuse_lone_surrogates(field: str, value: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise FixData(
            f"The value of “{field}” cannot be kept.",
            "It holds a broken character, as a file read in the wrong encoding gives.",
            "Copy or type the value again.",
            code="secret_text",
        )


def _as_ours(error: Exception, store: str) -> SendoffError:
    kind = type(error).__name__
    if isinstance(error, Overdue):
        return TryAgain(
            f"{store} did not answer in time.",
            "It may be waiting for somebody to unlock it.",
            "Answer its question or unlock it, then try again.",
            code="keyring_timeout",
        )
    if isinstance(error, KeyringLocked) or kind in _LOCKED:
        return TryAgain(
            f"{store} is locked.",
            "The question for its password was closed or could not be shown.",
            "Unlock it (on a server: gnome-keyring-daemon --unlock, in the session Sendoff runs in), then try again.",
            code="keyring_locked",
        )
    if isinstance(error, NoKeyringError | InitError) or kind == "SecretServiceNotAvailableException":
        return FixSettings(
            f"{store} cannot be reached.",
            "Its service is not running, or Sendoff was started outside a desktop session.",
            "Start the computer's keyring, or start Sendoff from your desktop, then check again.",
            code="keyring_missing",
        )
    if isinstance(error, NotKept):
        return FixSettings(
            f"{store} does not keep what it is given.",
            "A value written a moment ago came back differently, or a removed one was still there.",
            "Check the computer's keyring settings, then check again.",
            code="keyring_not_kept",
        )
    if getattr(error, "winerror", None) == _NO_LOGON_SESSION:
        return FixSettings(
            f"{store} is not available to this sign-in.",
            "Windows offers it only to people who signed in with their profile, not to services and remote shells.",
            "Sign in to the desktop, or let the task run as a signed-in person, then try again.",
            code="keyring_session",
        )
    return TryAgain(
        f"{store} refused.",
        f"It answered with {kind}.",
        "Try again; when it comes back, restart the computer's keyring.",
        code="keyring_failed",
    )
