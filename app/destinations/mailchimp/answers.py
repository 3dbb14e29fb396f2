"""Mailchimp's answers: their shapes, and errors per contact as sentences.

Only two error codes are documented (ERROR_CONTACT_EXISTS, ERROR_GENERIC), so that the kinds of the second are told apart by
words of its text. What is not recognised is shown in Mailchimp's own words alone, always without the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError
from app.destinations.answers import Answer
from app.destinations.http import HttpClient

STATIC = "static"
_PLAN_WORDS = (
    "contact limit",
    "subscriber limit",
    "plan limit",
    "exceed your plan",
    "upgrade your plan",
    "upgrade to add",
)


class Metadata(msgspec.Struct):
    """`GET https://login.mailchimp.com/oauth2/metadata`: where the account of a sign-in lies."""

    dc: str = ""


class Account(msgspec.Struct):
    """`GET /`."""

    account_name: str = ""
    role: str = ""
    account_id: str = ""


class AudienceStats(msgspec.Struct):
    """Part of an audience."""

    member_count: int = 0


class Audience(msgspec.Struct):
    """One of `GET /lists`."""

    id: str
    name: str
    stats: AudienceStats = msgspec.field(default_factory=AudienceStats)
    double_optin: bool = False


class Audiences(msgspec.Struct):
    """`GET /lists`."""

    lists: list[Audience]
    total_items: int = 0


class TagSegment(msgspec.Struct):
    """A segment; the static ones are what Mailchimp shows as tags, the others fill themselves by rules."""

    id: int
    name: str = ""
    member_count: int = 0
    type: str = STATIC


class TagSegments(msgspec.Struct):
    """`GET /lists/{id}/segments`."""

    segments: list[TagSegment]
    total_items: int = 0


class TagMembers(msgspec.Struct):
    """`GET /lists/{id}/segments/{id}/members`."""

    members: list[Contact]
    total_items: int = 0


class TaggedMember(msgspec.Struct):
    """A contact that has a tag, with its values."""

    email_address: str
    merge_fields: dict[str, Any] = {}


class TaggedMembers(msgspec.Struct):
    """As `TagMembers`, with values."""

    members: list[TaggedMember]
    total_items: int = 0


class Contact(msgspec.Struct, gc=False):
    """A contact by its address."""

    email_address: str


class ContactError(msgspec.Struct):
    """Why a contact was not added or updated."""

    email_address: str = ""
    error: str = ""
    error_code: str = ""
    field: str = ""
    field_message: str = ""

    @property
    def exists(self) -> bool:
        """Whether the contact is in the audience already; the text is for answers from before there were codes."""
        return self.error_code == "ERROR_CONTACT_EXISTS" or "is already a list member" in self.error


class BatchResult(msgspec.Struct):
    """`POST /lists/{id}`."""

    new_members: list[Contact] = []
    updated_members: list[Contact] = []
    errors: list[ContactError] = []


class TagError(msgspec.Struct):
    """Contacts that could not be tagged."""

    email_addresses: list[str] = []
    error: str = ""

    @property
    def already(self) -> bool:
        """Whether it only says that they have the tag."""
        return "already" in self.error.lower()


class TagResult(msgspec.Struct):
    """`POST /lists/{id}/segments/{id}`; it names everybody who was tagged as well, which nobody asks."""

    errors: list[TagError]

    def demand_named(self, number: int) -> None:
        """Raises FixData, so that halves are tried, when an error does not name whom of so many contacts it is about."""
        for each in self.errors:
            if not each.email_addresses and not each.already:
                raise FixData(
                    f"Mailchimp did not do it with some of {number:,} contacts.",
                    f"Mailchimp says: {each.error or 'nothing'} It does not name them.",
                    "Run the export again; when it comes back, look at the tag in Mailchimp.",
                    code="unnamed_rejects",
                )


@dataclass(frozen=True, slots=True)
class Refusal:
    """One member's reject: the target's field, our sentence, what helps."""

    field: str
    reason: str
    fix: str


_KNOWN = (
    (
        _PLAN_WORDS,
        "The Mailchimp account holds as many contacts as its plan allows.",
        "Archive contacts in Mailchimp or change the plan, then run the export again.",
    ),
    (
        ("duplicate item",),
        "Another contact of the same request has this address.",
        "Join the two customers in your data.",
    ),
    (
        ("compliance state", "unsubscribe, bounce", "cannot be resubscribed"),
        "This person unsubscribed, bounced or complained earlier; Mailchimp does not let anybody add them again.",
        "Leave them out: only they themselves can sign up again, with a Mailchimp form.",
    ),
    (
        ("permanently deleted", "forgotten"),
        "This contact was deleted for good in Mailchimp and cannot be imported again.",
        "Leave them out: only they themselves can sign up again, with a Mailchimp form.",
    ),
    (
        ("fake or invalid", "looks fake"),
        "Mailchimp takes this address for an invented one.",
        "Check the address with the person, and correct it in your data.",
    ),
    (
        ("role-based", "role address", "role based"),
        "This address belongs to a role such as info@ or admin@, not to a person.",
        "Use the person's own address.",
    ),
    (
        ("invalid email", "valid email", "domain portion", "username portion"),
        "Mailchimp does not accept this e-mail address as valid.",
        "Correct the address in your data.",
    ),
    (
        ("lot of lists", "lots of lists", "too many"),
        "This address was added to many lists lately, so that Mailchimp blocks it for a while.",
        "Try again tomorrow.",
    ),
)


def refusal(error: ContactError) -> Refusal:
    """What an error per contact means."""
    text = error.error.lower()
    if error.field or "merge field" in text:
        said = _without(error.field_message or error.error, error.email_address)
        return Refusal(
            error.field,
            f"Mailchimp does not accept the value of this field: {said}" if said else "A required field is empty.",
            "Correct the value in your data, or match another field.",
        )
    said = f"Mailchimp says: {_without(error.error, error.email_address) or 'no reason was given.'}"
    for words, reason, fix in _KNOWN:
        if any(each in text for each in words):
            return Refusal("email", f"{reason} {said}", fix)
    return Refusal("email", said, "Look the contact up in Mailchimp.")


def tag_refusal(error: TagError) -> Refusal:
    """What an error while tagging means."""
    said = _said(error)
    return Refusal("email", f"The contact is in the audience, but was not tagged: {said}", "Run the export again.")


def untag_refusal(error: TagError) -> Refusal:
    """What an error while taking the tag off means."""
    return Refusal(
        "email", f"The contact has left the segment, but kept the tag: {_said(error)}", "Run the export again."
    )


def _said(error: TagError) -> str:
    said = error.error
    for address in error.email_addresses:
        said = _without(said, address)
    return said


def _without(text: str, address: str) -> str:
    """The text without the address, so that rejects with one cause have one reason."""
    return " ".join((text.replace(address, "the address") if address else text).split())


class Client(HttpClient):
    """Knows Mailchimp's errors that a person can mend, by their titles (mailchimp.com/developer/marketing/docs/errors)."""

    def failure(self, answer: Answer) -> SendoffError:
        """See `HttpClient.failure`."""
        document = answer.json(self.target) if answer.is_json else {}
        title, detail = (
            (str(document.get(name, "")).lower() for name in ("title", "detail"))
            if isinstance(document, dict)
            else ("", "")
        )
        title = "".join(title.split())
        said = f"Mailchimp says: {self.words(answer)}"
        if title == "wrongdatacenter":
            return FixSettings(
                "The API key belongs to another data centre of Mailchimp.",
                said,
                "Copy the whole key again; under Advanced the address must name the same data centre.",
                code="data_centre",
            )
        if title == "userdisabled":
            return NotAllowed(
                "Mailchimp has disabled this account or its user.",
                said,
                "Sign in to Mailchimp and see what it asks for, or use the key of another user.",
                code="disabled",
            )
        if title == "compliancerelated":
            return NotAllowed(
                "Mailchimp has stopped this account until it was reviewed.",
                said,
                "Sign in to Mailchimp and answer what it asks, then run the export again.",
                code="under_review",
            )
        if answer.status in {400, 402, 403} and any(each in detail for each in _PLAN_WORDS):
            return FixSettings(
                "The Mailchimp account holds as many contacts as its plan allows.",
                said,
                "Archive contacts in Mailchimp or change the plan, then run the export again.",
                code="plan_limit",
            )
        return super().failure(answer)
