"""SendGrid's answers: their shapes, and which contacts of a request it refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

_PLACE = re.compile(r"contacts?[.\[]\s*(\d+)")
_PARTS = re.compile(r"[^\s,;|\"'<>\[\]{}]+")


class Metadata(msgspec.Struct):
    """Where the next page is."""

    next: str | None = None


class SendGridList(msgspec.Struct):
    """A list."""

    id: str
    name: str = ""
    contact_count: int | None = None


class Lists(msgspec.Struct):
    """`GET /v3/marketing/lists`."""

    result: list[SendGridList] = []
    metadata: Metadata = msgspec.field(name="_metadata", default_factory=Metadata)


class Scopes(msgspec.Struct):
    """`GET /v3/scopes`."""

    scopes: list[str] = []


class Profile(msgspec.Struct):
    """`GET /v3/user/profile`."""

    company: str = ""


class User(msgspec.Struct):
    """`GET /v3/user/username`: whose key it is."""

    user_id: int | None = None


class ContactCount(msgspec.Struct):
    """`GET /v3/marketing/contacts/count` and `/lists/{id}/contacts/count`."""

    contact_count: int = 0


class CustomField(msgspec.Struct):
    """A field of the account's own; values are sent under its id."""

    id: str
    name: str
    field_type: str = "Text"


class FieldDefinitions(msgspec.Struct):
    """`GET /v3/marketing/field_definitions`."""

    custom_fields: list[CustomField] = []


class Accepted(msgspec.Struct):
    """`PUT /v3/marketing/contacts`."""

    job_id: str = ""


class Results(msgspec.Struct):
    """What a job did."""

    errored_count: int = 0
    errors_url: str | None = None


class Job(msgspec.Struct):
    """`GET /v3/marketing/contacts/imports/{id}`."""

    status: str = ""
    results: Results | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.status in {"completed", "errored", "failed"}

    @property
    def done_well(self) -> bool:
        """Whether it has ended and tells of no error."""
        return self.status == "completed"


class KnownContact(msgspec.Struct):
    """A contact that is there."""

    id: str
    list_ids: list[str] = []


class Looked(msgspec.Struct):
    """What was found for an e-mail address."""

    contact: KnownContact | None = None


class FoundContacts(msgspec.Struct):
    """`POST /v3/marketing/contacts/search/emails`, by e-mail address in lower case."""

    result: dict[str, Looked]

    @property
    def contacts(self) -> dict[str, KnownContact]:
        """Those that are there."""
        return {address: each.contact for address, each in self.result.items() if each.contact is not None}


def refused_places(document: Any, number: int) -> dict[int, str]:  # noqa: ANN401 - a vendor's answer can be anything
    """Which of so many contacts of a request an error of the whole request names, and its words."""
    errors = document.get("errors") if isinstance(document, dict) else None
    found: dict[int, str] = {}
    for each in errors if isinstance(errors, list) else ():
        if not isinstance(each, dict):
            continue
        place = _PLACE.search(f"{each.get('field') or ''} {each.get('parameter') or ''}")
        if place and int(place[1]) < number:
            found.setdefault(int(place[1]), str(each.get("message") or "the contact is not valid"))
    return found


def lines_naming(text: str, addresses: Collection[str]) -> Iterator[tuple[str, str]]:
    """Which of these e-mail addresses (lower case) lines of a file of errors name, and the rest of the line."""
    for line in text.splitlines():
        for part in _PARTS.findall(line):
            if part.lower() in addresses:
                rest = " ".join(line.replace(part, " ").replace('"', " ").split()).strip(" ,;|")
                yield part.lower(), " ".join(re.sub(r"(\s*[,;|]\s*)+", ", ", rest).split())
