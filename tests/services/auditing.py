"""An audit trail for services under test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from app.core.roles import Role
from app.services.audit import AuditService
from app.services.trail import Trail
from app.store import Store


class Somebody:
    """Does everything as an admin."""

    def role(self) -> Role:
        return Role.ADMIN

    def person(self) -> str:
        return "somebody"


def audit_of(store: Store, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> AuditService:
    """The trail of a store, written by `Somebody`."""
    return AuditService(store, Somebody(), clock=clock)


def trail_of(store: Store, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Trail:
    """What named things are told to the trail through."""
    return Trail(store, audit_of(store, clock))
