"""Connections: a signed-in account at a destination, made by an admin."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.core.errors import FixSettings


class Access(StrEnum):
    """Who may build exports on a connection."""

    ADMINS = "admins"
    CONTRIBUTORS = "contributors"


class HealthState(StrEnum):
    """What is known of a connection, in the words the list shows."""

    HEALTHY = "healthy"
    NOT_TESTED = "not_tested"
    FAILED = "failed"
    SIGN_IN_EXPIRED = "sign_in_expired"
    SECRET_MISSING = "secret_missing"  # noqa: S105 - a state, not a secret


@dataclass(frozen=True, slots=True)
class Health:
    """The result of the last test; `sentence` says what failed, empty when healthy."""

    state: HealthState = HealthState.NOT_TESTED
    tested_at: datetime | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """Who agreed, and when, that data goes to this destination."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """An account at a destination; `settings` holds plain values only, `secrets` the names of what lies in the keyring.

    `sign_in_ends` is when a person has to sign in again, where that is known. `account` tells the account at the vendor apart
    whose requests are counted together, where the vendor told it (`account_mark`).
    `revision` is the one that was read from the store; a save on an older one is refused.
    """

    id: str
    name: str
    destination: str
    settings: Mapping[str, str]
    secrets: frozenset[str]
    access: Access
    consent: Consent
    created_at: datetime
    created_by: str
    health: Health = field(default_factory=Health)
    sign_in_ends: datetime | None = None
    account: str = ""
    revision: int = field(default=0, compare=False)


def account_mark(told: str) -> str:
    """What is kept of the name by which a vendor calls an account, which may be somebody's e-mail address; empty for nothing."""
    return hashlib.sha256(told.strip().lower().encode()).hexdigest()[:32] if told.strip() else ""


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test of a connection found; `reached` names the account or server, `rights` what the sign-in may do.

    `account` is what the vendor calls the account whose requests it counts, where it tells it.
    """

    __test__ = False  # not a test class

    reached: str
    milliseconds: int
    rights: tuple[str, ...] = ()
    missing_rights: tuple[str, ...] = ()
    account: str = ""


class _HostKeyError(FixSettings):
    """What both cases below carry, so that a person can compare the server's key and trust it.

    `fingerprint` is the SHA-256 form that `ssh-keygen -l` shows, `key` the public key in OpenSSH's one-line form.
    """

    def __init__(
        self, what: str, why: str, fix: str, *, code: str, host: str, key_type: str, fingerprint: str, key: str
    ) -> None:
        super().__init__(what, why, fix, code=code)
        self.host = host
        self.key_type = key_type
        self.fingerprint = fingerprint
        self.key = key


class UnknownHostKey(_HostKeyError):
    """The server's key was never seen: a person must compare the fingerprint and trust it."""

    def __init__(self, host: str, key_type: str, fingerprint: str, key: str) -> None:
        super().__init__(
            f"The server {host} is not known yet.",
            f"Its {key_type} key has the fingerprint {fingerprint}.",
            "Compare it with what the owner of the server told you, then trust it.",
            code="host_key_unknown",
            host=host,
            key_type=key_type,
            fingerprint=fingerprint,
            key=key,
        )


class ChangedHostKey(_HostKeyError):
    """The server shows another key than the trusted one: it was set up anew, or something stands in between.

    `trusted` is the fingerprint of the key that was trusted.
    """

    def __init__(self, host: str, key_type: str, fingerprint: str, key: str, *, trusted: str = "") -> None:
        before = f"{trusted} was trusted; " if trusted else ""
        super().__init__(
            f"The server {host} shows another key than the trusted one.",
            f"Its {key_type} key has the fingerprint {fingerprint}; {before}somebody may be listening in between.",
            "Ask the owner of the server whether the key was changed before you trust the new one.",
            code="host_key_changed",
            host=host,
            key_type=key_type,
            fingerprint=fingerprint,
            key=key,
        )
        self.trusted = trusted
