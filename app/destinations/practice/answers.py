"""The vendor's answers: their shapes, and refusals as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from app.destinations.batches import Member, Outcome, OutcomeKind


class Account(msgspec.Struct):
    """`GET /account`."""

    name: str
    audiences: int


class Audience(msgspec.Struct):
    """One of `GET /audiences`; `kind` is contact or company."""

    id: int
    name: str
    kind: str
    members: int


class Audiences(msgspec.Struct):
    """`GET /audiences`."""

    audiences: list[Audience]


class Result(msgspec.Struct):
    """What became of one member of a batch."""

    status: str
    code: str = ""
    message: str = ""


class BatchAnswer(msgspec.Struct):
    """`POST /audiences/{id}/members` and `.../removals`: the results, or the number of a job that will have them."""

    results: list[Result] = []
    job: int | None = None


class JobAnswer(msgspec.Struct):
    """`GET /jobs/{id}`."""

    state: str
    results: list[Result]


class MembersPage(msgspec.Struct):
    """`GET /audiences/{id}/members`: what identifies each, and where the next page begins."""

    members: list[dict[str, str | None]]
    next: str | None = None


_SENTENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "unknown_address": (
            "There is no mailbox of this address; mail to it comes back.",
            "Correct the address in your data.",
        ),
        "unsubscribed": (
            "This person unsubscribed there earlier.",
            "Leave them out: only they themselves can sign up again.",
        ),
        "blocked": (
            "Practice has this member on its block list.",
            "Leave them out, or have the block lifted there.",
        ),
        "unknown_company": (
            "No company is known there by this domain or name.",
            "Correct the domain or the name in your data.",
        ),
        "full": (
            "The audience is full.",
            "Send a smaller segment, or allow a larger audience in the practice connection.",
        ),
    }
)


def outcome(member: Member, result: Result, key_field: str) -> Outcome:
    """What a result means and the vendor's own words; of a code we do not know the words alone."""
    if result.status != OutcomeKind.REJECTED:
        return Outcome(member.key, OutcomeKind(result.status))
    said = f"Practice says: {(result.message or result.code).rstrip('.')}."
    reason, fix = _SENTENCES.get(result.code, ("", "Correct the member in your data."))
    return Outcome(member.key, OutcomeKind.REJECTED, key_field, f"{reason} {said}".lstrip(), fix)
