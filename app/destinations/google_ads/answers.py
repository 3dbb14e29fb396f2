"""Google's answers: their shapes, and its reasons as sentences with what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_MINUTE = 60.0
_MEMBER = re.compile(r"audience_?members?(?:\[|\.)(\d+)", re.IGNORECASE)


class SizeInfo(msgspec.Struct, rename="camel"):
    """How many a list reaches; int64 comes as text in JSON."""

    display_network_members_count: str = ""
    search_network_members_count: str = ""


class ListInfo(msgspec.Struct, rename="camel"):
    """What a list of ours takes."""

    upload_key_types: list[str] = []


class UserList(msgspec.Struct, rename="camel"):
    """One of `GET …/userLists`; lists that are filled by other means have no `ingested_user_list_info`."""

    id: str = ""
    display_name: str = ""
    membership_status: str = ""
    read_only: bool = False
    ingested_user_list_info: ListInfo | None = None
    size_info: SizeInfo = msgspec.field(default_factory=SizeInfo)

    @property
    def takes(self) -> frozenset[str]:
        """The kinds of identifiers that can be sent to it."""
        info = self.ingested_user_list_info
        return frozenset() if info is None or self.read_only else frozenset(info.upload_key_types)

    @property
    def size(self) -> int | None:
        """How many people it reaches in search, as Google rounds it; None where it does not say."""
        told = self.size_info.search_network_members_count or self.size_info.display_network_members_count
        return int(told) if told.isdecimal() else None


class UserLists(msgspec.Struct, rename="camel"):
    """`GET …/userLists`."""

    user_lists: list[UserList] = []
    next_page_token: str = ""


class Accepted(msgspec.Struct, rename="camel"):
    """`audienceMembers:ingest` and `:remove`."""

    request_id: str = ""


class ErrorCount(msgspec.Struct, rename="camel"):
    """One reason, how many records it struck and which."""

    reason: str = ""
    record_count: str = "0"
    record_indices: list[int] = []

    @property
    def unnamed(self) -> int:
        """How many records it struck without telling which."""
        counted = int(self.record_count) if self.record_count.isdecimal() else 0
        return max(0, counted - len(set(self.record_indices)))


class ErrorInfo(msgspec.Struct, rename="camel"):
    """What went wrong in a request."""

    error_counts: list[ErrorCount] = []


class DestinationStatus(msgspec.Struct, rename="camel"):
    """What became of a request at one list."""

    request_status: str = ""
    error_info: ErrorInfo = msgspec.field(default_factory=ErrorInfo)


class RequestStatus(msgspec.Struct, rename="camel"):
    """`GET requestStatus:retrieve`."""

    request_status_per_destination: list[DestinationStatus] = []


_REASONS: Mapping[str, tuple[str, str]] = {
    "DENIED_CONSENT": (
        "The member did not agree to advertising.",
        "Leave the member out, or set the consent in the export.",
    ),
    "NO_CONSENT": ("Google has no consent for this member.", "Set the consent in the export."),
    "UNKNOWN_CONSENT": ("Google could not tell whether this member agreed.", "Set the consent in the export."),
    "DESTINATION_TOO_RECENTLY_CREATED": (
        "The list was made so lately that Google does not take members yet.",
        "Run the export again in some hours.",
    ),
    "INVALID_AD_IDENTIFIERS": (
        "Google can't use what identifies this member.",
        "Correct the matched fields at the source.",
    ),
    "INVALID_FORMAT": ("Google can't read this member's values.", "Correct the matched fields at the source."),
    "INVALID_MOBILE_ID_FORMAT": ("It is not a mobile advertising ID.", "Correct it at the source."),
    "USER_ID_NOT_FOUND": (
        "Google does not know this user ID.",
        "Send user IDs that your website tells Google as well.",
    ),
    "INTERNAL_ERROR": ("Google had a problem of its own with this member.", "Run the export again."),
}


def reason_words(reason: str) -> tuple[str, str]:
    """Google's reason for a record: what it means where that is known, the code as Google gives it, and what to do."""
    short = reason.removeprefix("PROCESSING_ERROR_REASON_").removeprefix("PROCESSING_ERROR_")
    said = f"Google says: {short}."
    known = _REASONS.get(short)
    if known is None:
        return said, "Look the reason up in Google's documentation."
    return f"{known[0]} {said}", known[1]


def refused_members(document: Any) -> dict[int, str]:  # noqa: ANN401 - a vendor's answer can be anything
    """The members that a refused request names, by their places, each with Google's words; empty when it names none."""
    found: dict[int, str] = {}
    for detail in _details(document):
        for violation in detail.get("fieldViolations", []):
            place = _MEMBER.search(str(violation.get("field", "")))
            if place is not None:
                found.setdefault(int(place[1]), str(violation.get("description", "")))
    return found


def asked_wait(document: Any) -> float | None:  # noqa: ANN401 - as above
    """The seconds a refusal asks to wait (google.rpc.RetryInfo), else the minute over which it counts; None for neither."""
    waits = [str(each.get("retryDelay", "")).removesuffix("s") for each in _details(document)]
    told = [float(each) for each in waits if each.replace(".", "", 1).isdecimal()]
    if told:
        return max(told)
    return _MINUTE if any(unit.startswith("1/min") for unit in _quota_units(document)) else None


def is_used_up(document: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the requests of the whole day are used up."""
    return any(unit.startswith("1/d") for unit in _quota_units(document))


def _quota_units(document: Any) -> list[str]:  # noqa: ANN401 - as above
    """Over what refused quotas count, such as 1/min/{project} (google.rpc.ErrorInfo of quotas)."""
    metadata = (each.get("metadata") for each in _details(document))
    return [str(each.get("quota_unit", "")) for each in metadata if isinstance(each, dict)]


def _details(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
    error = document.get("error") if isinstance(document, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    return [each for each in details if isinstance(each, dict)] if isinstance(details, list) else []


def error_reasons(document: Any) -> frozenset[str]:  # noqa: ANN401 - as above
    """The machine-readable reasons of a failed answer."""
    details = _details(document)
    reasons = [detail.get("reason") for detail in details]
    for detail in details:
        reasons += [each.get("reason") for each in detail.get("fieldViolations", []) if isinstance(each, dict)]
    return frozenset(str(reason) for reason in reasons if reason)
