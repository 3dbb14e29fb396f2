"""Klaviyo's answers (JSON:API): their shapes, and errors of an import as sentences."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_PLACE = re.compile(r"/data/attributes/profiles/data/(\d+)")


class Links(msgspec.Struct):
    """Where the next page is."""

    next: str | None = None


class ContactInformation(msgspec.Struct):
    """Of an account."""

    organization_name: str = ""


class AccountAttributes(msgspec.Struct):
    """Of an account."""

    contact_information: ContactInformation = msgspec.field(default_factory=ContactInformation)


class Account(msgspec.Struct):
    """One of `GET /api/accounts`."""

    id: str = ""
    attributes: AccountAttributes = msgspec.field(default_factory=AccountAttributes)


class Accounts(msgspec.Struct):
    """`GET /api/accounts`."""

    data: list[Account] = []


class ListAttributes(msgspec.Struct):
    """Of a list."""

    name: str | None = None
    profile_count: int | None = None


class KlaviyoList(msgspec.Struct):
    """One of `GET /api/lists`."""

    id: str = ""
    attributes: ListAttributes = msgspec.field(default_factory=ListAttributes)

    @property
    def name(self) -> str:
        """Its name."""
        return self.attributes.name or ""


class Lists(msgspec.Struct):
    """`GET /api/lists`."""

    data: list[KlaviyoList]
    links: Links = msgspec.field(default_factory=Links)


class OneList(msgspec.Struct):
    """`POST /api/lists`, `GET /api/lists/{id}`."""

    data: KlaviyoList


class JobAttributes(msgspec.Struct):
    """Of an import job."""

    status: str = ""
    failed_count: int | None = 0


class Job(msgspec.Struct):
    """An import job."""

    id: str = ""
    attributes: JobAttributes = msgspec.field(default_factory=JobAttributes)


class OneJob(msgspec.Struct):
    """`POST /api/profile-bulk-import-jobs` and its state."""

    data: Job


class ErrorSource(msgspec.Struct):
    """Which value is meant."""

    pointer: str = ""


class ErrorAttributes(msgspec.Struct):
    """Of an error of an import."""

    code: str = ""
    title: str = ""
    detail: str = ""
    source: ErrorSource = msgspec.field(default_factory=ErrorSource)
    original_payload: dict[str, Any] | None = None


class RefusedProfile(msgspec.Struct):
    """One profile an import did not take."""

    attributes: ErrorAttributes = msgspec.field(default_factory=ErrorAttributes)

    @property
    def place(self) -> int | None:
        """Its place among the profiles, where Klaviyo points at it."""
        found = _PLACE.search(self.attributes.source.pointer)
        return int(found[1]) if found else None

    @property
    def identifiers(self) -> tuple[str, ...]:
        """What the profile is known by, where Klaviyo repeats its values."""
        payload = self.attributes.original_payload or {}
        values = payload.get("attributes", payload)
        names = ("email", "phone_number", "external_id")
        return tuple(str(values[name]) for name in names if isinstance(values, dict) and values.get(name))

    @property
    def words(self) -> str:
        """Klaviyo's words."""
        return self.attributes.detail or self.attributes.title or self.attributes.code


class ImportErrors(msgspec.Struct):
    """`GET /api/profile-bulk-import-jobs/{id}/import-errors`."""

    data: list[RefusedProfile] = []
    links: Links = msgspec.field(default_factory=Links)


class Profile(msgspec.Struct):
    """One of `GET /api/profiles`, by its number alone."""

    id: str


class Profiles(msgspec.Struct):
    """`GET /api/profiles`."""

    data: list[Profile]
    links: Links = msgspec.field(default_factory=Links)
