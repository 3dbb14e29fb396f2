"""Connections in words, as table and gallery show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from PySide6.QtCore import QCoreApplication

from app.core.connections import Access, Connection, HealthState
from app.core.counts import LimitScope
from app.destinations.description import Description, FieldKind
from app.ui.formats import Formats

SOON = timedelta(days=14)
"""When the end of a sign-in is near enough to be told."""


@dataclass(frozen=True)
class ConnectionLine:
    """One row: a connection, what uses it, and what goes on with it here.

    `missing` tells that a secret is not in this computer's password store, `testing` that a test runs now.
    """

    connection: Connection
    description: Description
    used_by: tuple[str, ...]
    may_change: bool
    missing: bool = False
    testing: bool = False

    @property
    def key(self) -> str:
        """The connection's name, which is unique."""
        return self.connection.name

    @property
    def state(self) -> HealthState:
        """Its health on this computer."""
        if self.missing:
            return HealthState.SECRET_MISSING
        state = self.connection.health.state
        return HealthState.NOT_TESTED if state is HealthState.SECRET_MISSING else state


@dataclass(frozen=True)
class HealthWords:
    """Icon, its colour role, word, second line, and the words of the one action."""

    icon: str
    role: str
    word: str
    detail: str
    action: str
    ink: str = "text"


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("ConnectionWords", text)


def health_words(line: ConnectionLine, formats: Formats) -> HealthWords:
    """The health of a row in words."""
    health = line.connection.health
    when = _inside_a_sentence(health.tested_at, formats) if health.tested_at is not None else ""
    exact = formats.day_and_clock(health.tested_at) if health.tested_at is not None else ""
    ends = line.connection.sign_in_ends
    if ends is not None and ends_soon(line, formats.now()):
        if ends <= formats.now():
            return HealthWords("x-circle-fill", "danger", tr("Sign-in ended"), formats.date(ends), tr("Sign in again"))
        detail = tr("On {date}").format(date=formats.date(ends))
        return HealthWords("warning-fill", "warning", tr("Sign-in ends soon"), detail, tr("Renew"))
    if line.state is HealthState.HEALTHY:
        return HealthWords(
            "check-circle-fill", "success", tr("Healthy"), tr("Tested {when}").format(when=when), tr("Test")
        )
    if line.state is HealthState.FAILED:
        return HealthWords("x-circle-fill", "danger", tr("Test failed"), exact, tr("Test"))
    if line.state is HealthState.SIGN_IN_EXPIRED:
        return HealthWords("x-circle-fill", "danger", tr("Sign-in expired"), exact, tr("Sign in again"))
    if line.state is HealthState.SECRET_MISSING:
        return HealthWords("key-fill", "warning", tr("Secret missing"), tr("On this computer"), tr("Add secret"))
    added = tr("Added {date}").format(date=formats.date(line.connection.created_at))
    return HealthWords("clock", "text2", tr("Not tested yet"), added, tr("Test"), "text2")


def ends_soon(line: ConnectionLine, now: datetime) -> bool:
    """Whether a person has to sign in again soon, or had to already; what a test found weighs more."""
    ends = line.connection.sign_in_ends
    works = line.state in {HealthState.HEALTHY, HealthState.NOT_TESTED}
    return ends is not None and works and ends - now < SOON


def _inside_a_sentence(when: datetime, formats: Formats) -> str:
    """A relative time after other words: "just now" and "yesterday" lose their capital, weekdays and dates keep it."""
    words = formats.relative_time(when)
    return words[:1].lower() + words[1:] if formats.now() - when < timedelta(days=2) else words


def signs_in_with(line: ConnectionLine) -> str:
    """What this connection signs in with, where its destination lets people choose."""
    fields = line.description.connection_fields
    for field in fields:
        decides = any(other.secret and field.id in (other.when or {}) for other in fields)
        if field.kind is FieldKind.CHOICE and decides:
            chosen = line.connection.settings.get(field.id) or field.default
            return (field.choices or {}).get(chosen, line.description.signs_in_with)
    return line.description.signs_in_with


def access_words(access: Access) -> tuple[str, str]:
    """Icon and word for who can use a connection."""
    return {
        Access.ADMINS: ("shield-check", tr("Admins")),
        Access.CONTRIBUTORS: ("users", tr("Contributors")),
    }[access]


def category_words(category: str) -> tuple[str, str]:
    """The word on a chip and the heading in the gallery; a category of a plug-in names itself."""
    own = category.capitalize() if category else tr("Other")
    return {
        "advertising": (tr("Advertising"), tr("Advertising")),
        "e-mail": (tr("E-mail"), tr("E-mail and messaging")),
        "crm": (tr("CRM"), tr("CRM and service")),
        "storage": (tr("Storage"), tr("Storage and files")),
        "practice": (tr("Practice"), tr("Practice: nothing leaves this computer")),
    }.get(category, (own, own))


CATEGORY_ORDER = ("advertising", "e-mail", "crm", "storage", "practice")


def limit_words(description: Description, formats: Formats) -> str:
    """What the target takes: "Up to 1,000,000 members per segment", or its one sentence when no limit is known."""
    limits = description.limits
    if limits.maximum is None:
        return description.summary
    words = {
        LimitScope.PER_SEGMENT: tr("Up to {n} members per segment"),
        LimitScope.PER_EXPORT: tr("Up to {n} members per export"),
        LimitScope.TOTAL: tr("Up to {n} members in all"),
    }[limits.scope]
    return words.format(n=formats.number(limits.maximum))


def tile_tooltip(description: Description, formats: Formats) -> str:
    """What it does, how much it takes, and what is needed to sign in."""
    needed = tr("Needed: {what}").format(what=description.signs_in_with)
    lines = [description.summary, limit_words(description, formats), needed]
    return "\n".join(dict.fromkeys(lines))
