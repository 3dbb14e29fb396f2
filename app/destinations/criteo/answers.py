"""Criteo's answers: their shapes, and what the types of its errors mean."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from app.destinations.answers import Answer

CONTACT_LIST = "ContactList"
"""The type of audience segments that are filled with contacts."""

_STATUS: Mapping[str, int] = {
    "authentication": 401,
    "authorization": 403,
    "access-control": 403,
    "access_control": 403,
    "quota": 429,
    "availability": 503,
    "validation": 400,
}


class Problem(msgspec.Struct):
    """One error."""

    type: str | None = ""


class _Problems(msgspec.Struct):
    errors: list[Problem] | None = None


class AdvertiserName(msgspec.Struct, rename="camel"):
    """Of an advertiser."""

    advertiser_name: str | None = ""


class Advertiser(msgspec.Struct):
    """One of `GET /advertisers/me`."""

    id: str | None = ""
    attributes: AdvertiserName | None = None

    @property
    def number(self) -> str:
        """Its number."""
        return self.id or ""

    @property
    def name(self) -> str:
        """Its name, else its number."""
        return (self.attributes.advertiser_name if self.attributes else "") or self.number


class Advertisers(msgspec.Struct):
    """`GET /advertisers/me`."""

    data: list[Advertiser] | None = None


class ContactListState(msgspec.Struct, rename="camel"):
    """Of a contact list."""

    is_read_only: bool | None = False


class SegmentAttributes(msgspec.Struct, rename="camel"):
    """Of an audience segment."""

    name: str | None = ""
    type: str | None = ""
    advertiser_id: str | None = ""
    contact_list: ContactListState | None = None


class AudienceSegment(msgspec.Struct):
    """One of `POST /audience-segments/search` and `/create`."""

    id: str | None = ""
    attributes: SegmentAttributes = msgspec.field(default_factory=SegmentAttributes)

    @property
    def number(self) -> str:
        """Its number."""
        return self.id or ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.attributes.name or ""


class Page(msgspec.Struct, rename="camel"):
    """How many there are."""

    total_items: int | None = None


class AudienceSegments(msgspec.Struct):
    """`POST /audience-segments/search` and `/create`."""

    data: list[AudienceSegment] | None = None
    meta: Page | None = None


class Amendment(msgspec.Struct, rename="camel"):
    """How many identifiers of a request were valid, and some that were not."""

    nb_invalid_identifiers: int | None = 0
    sample_invalid_identifiers: list[str] | None = None


class AmendmentResource(msgspec.Struct):
    """Of an amendment."""

    attributes: Amendment = msgspec.field(default_factory=Amendment)


class Amended(msgspec.Struct):
    """`PATCH /audience-segments/{id}/contact-list`."""

    data: AmendmentResource


class Statistics(msgspec.Struct, rename="camel"):
    """How many identifiers a contact list has, and of how many Criteo knows the person."""

    number_of_identifiers: int | None = None
    number_of_matches: int | None = None


class StatisticsResource(msgspec.Struct):
    """Of statistics."""

    attributes: Statistics | None = None


class ContactListStatistics(msgspec.Struct):
    """`GET /audience-segments/{id}/contact-list/statistics`."""

    data: StatisticsResource | None = None


def meaning(answer: Answer) -> int:
    """The status that the errors of an answer stand for: they may come with 200."""
    if not answer.is_json or answer.status not in {200, 400}:
        return answer.status
    try:
        errors = msgspec.json.decode(answer.body, type=_Problems).errors or []
    except (msgspec.ValidationError, ValueError):
        return answer.status
    return next((_STATUS.get(each.type or "", 400) for each in errors), answer.status)
