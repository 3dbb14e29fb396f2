"""Iterable's answers: their shapes, and who was not taken and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec


class IterableList(msgspec.Struct, rename="camel"):
    """One of `GET /api/lists`; only static ones ("Standard") can be filled."""

    id: int
    name: str
    list_type: str = "Standard"

    @property
    def static(self) -> bool:
        """Whether members can be put on it."""
        return self.list_type == "Standard"


class Lists(msgspec.Struct):
    """`GET /api/lists`."""

    lists: list[IterableList]


class MadeList(msgspec.Struct, rename="camel"):
    """`POST /api/lists`."""

    list_id: int


class Fields(msgspec.Struct):
    """`GET /api/users/getFields`: the type of each field by its name."""

    fields: dict[str, str] = {}


class FailedUpdates(msgspec.Struct, rename="camel"):
    """Who was not taken, by reason."""

    conflict_emails: list[str] = []
    conflict_user_ids: list[str] = []
    forgotten_emails: list[str] = []
    forgotten_user_ids: list[str] = []
    invalid_data_emails: list[str] = []
    invalid_data_user_ids: list[str] = []
    invalid_emails: list[str] = []
    invalid_user_ids: list[str] = []
    not_found_emails: list[str] = []
    not_found_user_ids: list[str] = []


@dataclass(frozen=True, slots=True)
class Refused:
    """What a refused user is known by, why (with the list of Iterable's answer that names it), and what to do.

    `is_nobody` tells that no user is known by that, so that it is on no list.
    """

    user: str
    reason: str
    fix: str
    is_nobody: bool


class Subscribed(msgspec.Struct, rename="camel"):
    """`POST /api/lists/subscribe` and `unsubscribe`."""

    success_count: int
    fail_count: int
    invalid_emails: list[str] = []
    invalid_user_ids: list[str] = []
    failed_updates: FailedUpdates = msgspec.field(default_factory=FailedUpdates)

    def refused(self) -> Iterator[Refused]:
        """Every user who was refused."""
        failed = self.failed_updates
        for emails, user_ids, kind, (reason, fix) in (
            (self.invalid_emails + failed.invalid_emails, [], "invalid", _NOT_AN_ADDRESS),
            ([], self.invalid_user_ids + failed.invalid_user_ids, "invalid", _NOT_AN_ID),
            (failed.invalid_data_emails, failed.invalid_data_user_ids, "invalidData", _WRONG_DATA),
            (failed.conflict_emails, failed.conflict_user_ids, "conflict", _CONFLICT),
            (failed.forgotten_emails, failed.forgotten_user_ids, "forgotten", _FORGOTTEN),
            (failed.not_found_emails, failed.not_found_user_ids, "notFound", _NOT_FOUND),
        ):
            for users, what in ((emails, "Emails"), (user_ids, "UserIds")):
                for each in users:
                    yield Refused(each, f"{reason} Iterable says: {kind}{what}.", fix, kind in _NOBODY)


_NOBODY = frozenset({"invalid", "forgotten", "notFound"})
_NOT_AN_ADDRESS = ("Iterable does not take this e-mail address.", "Correct it at the source.")
_NOT_AN_ID = ("Iterable does not take this user ID.", "Correct it at the source.")
_WRONG_DATA = ("A value does not fit the type of its field in Iterable.", "Match another field, or correct the value.")
_CONFLICT = ("E-mail address and user ID belong to two users in Iterable.", "Join the two there, or match one of them.")
_FORGOTTEN = (
    "This person was forgotten in Iterable (GDPR) and may not be added again.",
    "Leave the member out, or put them on the suppression list.",
)
_NOT_FOUND = ("Iterable does not know this user.", "Nothing needs to be done.")
