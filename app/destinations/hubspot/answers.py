"""HubSpot's answers: their shapes, and what was refused and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from app.core.errors import FixSettings, NotAllowed, SendoffError, TryAgain
from app.core.forecasts import Quota
from app.destinations.answers import Answer
from app.destinations.http import HttpClient

CONTACTS = "0-1"
FILLABLE = ("MANUAL", "SNAPSHOT")
_TOLD = {"SUCCESS", "CACHED"}
_TEXT_LIKE = {"string", "number", "enumeration", "bool", "date", "datetime", "phone_number"}


class AccountDetails(msgspec.Struct, rename="camel"):
    """`GET /account-info/v3/details`."""

    portal_id: int
    ui_domain: str = ""


class Usage(msgspec.Struct, rename="camel"):
    """What private apps have asked today; `fetch_status` tells whether HubSpot found it out."""

    current_usage: int = 0
    usage_limit: int = 0
    fetch_status: str = ""
    resets_at: datetime | None = None


class Usages(msgspec.Struct):
    """`GET /account-info/v3/api-usage/daily/private-apps`."""

    results: list[Usage] = []

    @property
    def quota(self) -> Quota | None:
        """What is left today, of the limit that ends first; None when HubSpot does not tell."""
        told = [
            Quota(max(0, each.usage_limit - each.current_usage), each.usage_limit, each.resets_at)
            for each in self.results
            if each.fetch_status in _TOLD
        ]
        return min(told, key=lambda each: each.left, default=None)


class HubSpotList(msgspec.Struct, rename="camel"):
    """A list; only those that are MANUAL or SNAPSHOT and hold contacts can be filled."""

    list_id: str
    name: str
    processing_type: str = ""
    object_type_id: str = ""
    size: int | None = None
    additional_properties: dict[str, str | None] = {}

    @property
    def members(self) -> int | None:
        """How many it holds, where HubSpot says so."""
        told = self.additional_properties.get("hs_list_size") or ""
        return int(told) if told.isdecimal() else self.size


class OneList(msgspec.Struct):
    """`GET /crm/v3/lists/{listId}`, by its name, and `POST /crm/v3/lists`."""

    list: HubSpotList


class FoundLists(msgspec.Struct, rename="camel"):
    """`POST /crm/v3/lists/search`."""

    lists: list[HubSpotList] = []
    has_more: bool = False
    offset: int = 0


class Modification(msgspec.Struct, rename="camel"):
    """Whether a property's value can be changed."""

    read_only_value: bool = False


class Property(msgspec.Struct, rename="camel"):
    """A property of contacts."""

    name: str
    label: str = ""
    type: str = ""
    hidden: bool = False
    calculated: bool = False
    modification_metadata: Modification = msgspec.field(default_factory=Modification)

    @property
    def fillable(self) -> bool:
        """Whether a person would want to fill it, and can."""
        closed = self.hidden or self.calculated or self.modification_metadata.read_only_value
        return not closed and self.type in _TEXT_LIKE


class Properties(msgspec.Struct):
    """`GET /crm/v3/properties/contacts`."""

    results: list[Property] = []


class Contact(msgspec.Struct, rename="camel"):
    """A contact that was read or written; `new` tells that it was made."""

    id: str
    new: bool = False
    properties: dict[str, str | None] = {}
    object_write_trace_id: str = ""

    @property
    def addresses(self) -> Iterator[str]:
        """Its e-mail addresses in lower case: a contact may have several."""
        yield (self.properties.get("email") or "").lower()
        yield from (self.properties.get("hs_additional_emails") or "").lower().split(";")


class Problem(msgspec.Struct, rename="camel"):
    """An error of one contact, or of several at once."""

    message: str = ""
    category: str = ""
    context: dict[str, list[str]] = {}


class Written(msgspec.Struct, rename="camel"):
    """`POST /crm/v3/objects/contacts/batch/upsert` and `/batch/read`, with 200 or 207."""

    results: list[Contact]
    errors: list[Problem] = []


class Memberships(msgspec.Struct):
    """`PUT /crm/v3/lists/{listId}/memberships/add` and `/remove`; the first name is HubSpot's own spelling."""

    added: list[str] = msgspec.field(name="recordsIdsAdded")
    missing: list[str] = msgspec.field(name="recordIdsMissing")


class Client(HttpClient):
    """Knows HubSpot's errors that a person can mend, and over how many seconds it counts."""

    def asked_wait(self, answer: Answer) -> float | None:
        """See `HttpClient.asked_wait`; where HubSpot asks for none its window has to pass, which a header tells."""
        told = answer.headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
        if answer.asked_wait is not None or answer.status != 429 or not told.isdecimal():
            return answer.asked_wait
        return int(told) / 1_000

    def failure(self, answer: Answer) -> SendoffError:
        """See `HttpClient.failure`."""
        document = answer.json(self.target) if answer.is_json else {}
        said = f"HubSpot says: {self.words(answer)}"
        if answer.status == 403 and (lacking := sorted(_missing_scopes(document))):
            return NotAllowed(
                "The app of this connection lacks a right in HubSpot.",
                f"{said} It lacks {', '.join(lacking)}.",
                "Give the app that right in HubSpot, then test the connection.",
                code="http_403",
            )
        if is_used_up(answer):
            return TryAgain(
                "The HubSpot account has used up its requests of today.",
                said,
                "Run the export again tomorrow; it goes on where it stopped.",
                code="daily_limit",
            )
        if answer.status == 400 and "PROPERTY_DOESNT_EXIST" in _codes(document):
            return FixSettings(
                "A matched property is not in HubSpot any more.",
                said,
                "Match another field in the export, or make the property there again.",
                code="no_property",
            )
        return super().failure(answer)


def is_used_up(answer: Answer) -> bool:
    """Whether the requests of the whole day are used up, which no wait of minutes mends."""
    return answer.status == 429 and b'"DAILY"' in answer.body


def asks_to_slow_down(answer: Answer) -> bool:
    """Whether a short wait helps."""
    return (answer.status == 429 and not is_used_up(answer)) or (
        answer.status == 503 and answer.retry_after is not None
    )


def _errors(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a vendor's answer can be anything
    if isinstance(document, dict):
        yield document
        errors = document.get("errors")
        yield from (each for each in errors if isinstance(each, dict)) if isinstance(errors, list) else ()


def _missing_scopes(document: Any) -> set[str]:  # noqa: ANN401 - a vendor's answer can be anything
    found: set[str] = set()
    for error in _errors(document):
        context = error.get("context")
        for name, values in context.items() if isinstance(context, dict) else ():
            if "scopes" in name.lower() and isinstance(values, list):
                found.update(str(value) for value in values)
    return found


def _codes(document: Any) -> set[str]:  # noqa: ANN401 - a vendor's answer can be anything
    told = {str(error.get(name)) for error in _errors(document) for name in ("code", "error", "subCategory")}
    message = document.get("message", "") if isinstance(document, dict) else ""
    return told | ({"PROPERTY_DOESNT_EXIST"} if "PROPERTY_DOESNT_EXIST" in str(message) else set())
