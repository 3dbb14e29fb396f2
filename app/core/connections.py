"""Connections: a signed-in account at a destination, made by an admin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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
    """Who agreed, and when, that data leaves to this target."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """An account at a destination; `settings` holds plain values only, `secrets` the names of what lies in the keyring."""

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


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test of a connection found; `reached` names the account or server, `rights` what the sign-in may do."""

    __test__ = False  # not a test class

    reached: str
    milliseconds: int
    rights: tuple[str, ...] = ()
    missing_rights: tuple[str, ...] = ()
