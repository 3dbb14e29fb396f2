"""Meta's answers (Graph API): their shapes, what its error codes mean, and errors a person can mend as sentences."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec

from app.core.errors import FixSettings, NotAllowed, SendoffError, SignInAgain
from app.core.identifiers import SHA256_HEX
from app.destinations.answers import Answer

CUSTOMER_LIST = "CUSTOM"
"""The subtype of audiences that are filled with customers; others follow websites, apps or likeness."""
FLAGGED = 471
"""The operation status of an audience Meta holds back."""

_SLOW = frozenset({4, 17, 32, 613, 80_003, 80_004, 80_014})
_PASSING = frozenset({1, 2})
_SIGNED_OUT = frozenset({102, 190})
_FORBIDDEN = frozenset({3, 10, 294, *range(200, 300)})
_UNKNOWN_OBJECT = 803
_PARAMETER, _NO_OBJECT, _FLAGGED_UPLOAD = 100, 33, 1_713_230
_BLOCKED = 368
_TERMS = 1_870_090
_HASH = re.compile(SHA256_HEX)


class Person(msgspec.Struct):
    """`GET /me`."""

    id: str = ""
    name: str = ""


class Permission(msgspec.Struct):
    """One right of the token."""

    permission: str = ""
    status: str = ""


class Permissions(msgspec.Struct):
    """`GET /me/permissions`."""

    data: list[Permission] = []


class Cursors(msgspec.Struct):
    """Where a page ends."""

    after: str = ""


class Paging(msgspec.Struct):
    """Whether there is another page."""

    cursors: Cursors = msgspec.field(default_factory=Cursors)
    next: str = ""

    @property
    def following(self) -> str:
        """What asks for the next page; empty on the last one."""
        return self.cursors.after if self.next else ""


class AdAccount(msgspec.Struct):
    """One of `GET /me/adaccounts`."""

    account_id: str = ""
    name: str = ""
    account_status: int = 1


class AdAccounts(msgspec.Struct):
    """`GET /me/adaccounts`."""

    data: list[AdAccount] = []
    paging: Paging = msgspec.field(default_factory=Paging)


class AudienceStatus(msgspec.Struct):
    """How an audience is, in Meta's words."""

    code: int = 0
    description: str = ""


class Audience(msgspec.Struct):
    """A custom audience; Meta gives only the fields it was asked for."""

    id: str = ""
    name: str = ""
    account_id: str = ""
    subtype: str = ""
    operation_status: AudienceStatus = msgspec.field(default_factory=AudienceStatus)
    approximate_count_lower_bound: int = -1
    approximate_count_upper_bound: int = -1

    @property
    def size(self) -> int | None:
        """How many people it holds at most, as Meta estimates; None where it does not say."""
        return self.approximate_count_upper_bound if self.approximate_count_upper_bound >= 0 else None


class Audiences(msgspec.Struct):
    """`GET /act_{id}/customaudiences`."""

    data: list[Audience] = []
    paging: Paging = msgspec.field(default_factory=Paging)


class Made(msgspec.Struct):
    """`POST /act_{id}/customaudiences`."""

    id: str


class Taken(msgspec.Struct):
    """`POST` and `DELETE /{audience}/users`."""

    num_received: int
    num_invalid_entries: int = 0
    invalid_entry_samples: Any = None

    @property
    def sampled(self) -> frozenset[str]:
        """The hashes that Meta names as invalid, wherever in its samples they stand."""
        return frozenset(_HASH.findall(str(self.invalid_entry_samples)))


class GraphError(msgspec.Struct):
    """Why the Graph API refused."""

    message: str = ""
    code: int = 0
    error_subcode: int = 0
    error_user_title: str = ""
    error_user_msg: str = ""
    is_transient: bool = False

    @property
    def words(self) -> str:
        """What Meta tells people, else what it tells programs."""
        return " ".join((self.error_user_msg or self.message).split())


class _Refusal(msgspec.Struct):
    error: GraphError


def error_of(answer: Answer) -> GraphError | None:
    """The error of an answer in Meta's shape, whatever its status; None for any other answer."""
    if not answer.is_json or b'"error"' not in answer.body:
        return None
    try:
        return msgspec.json.decode(answer.body, type=_Refusal).error
    except (msgspec.ValidationError, ValueError):
        return None


def meaning(answer: Answer) -> int:
    """The status that Meta's error code stands for: it answers 400 for nearly everything."""
    error = error_of(answer)
    if error is None:
        return answer.status
    code = error.code
    kinds: tuple[tuple[Collection[int], int], ...] = (
        (_SLOW, 429),
        (_PASSING, 503),
        (_SIGNED_OUT, 401),
        (_FORBIDDEN, 403),
        ({_UNKNOWN_OBJECT}, 404),
    )
    if code == _PARAMETER and error.error_subcode == _NO_OBJECT:
        return 404
    otherwise = 503 if error.is_transient else 400 if answer.ok else answer.status
    return next((status for codes, status in kinds if code in codes), otherwise)


def known_failure(error: GraphError) -> SendoffError | None:
    """The sentences for an error a person can mend; None for the rest."""
    said = f"Meta says: {error.words or error.code}"
    if error.error_subcode == _FLAGGED_UPLOAD:
        return flagged(said)
    if error.error_subcode == _TERMS:
        return FixSettings(
            "Nobody accepted Meta's custom audience terms for this ad account yet.",
            said,
            "Accept them in Meta's Ads Manager under Audiences, then run the export again.",
            code="terms",
        )
    if error.code in _SIGNED_OUT:
        return SignInAgain(
            "The sign-in at Meta has ended.",
            f"{said} A sign-in in the browser lasts 60 days.",
            "Sign in again in the connection; runs that stopped go on where they were.",
            code="sign_in_ended",
        )
    if error.code == _BLOCKED:
        return NotAllowed(
            "Meta has blocked this for a while.",
            said,
            "Look at the account's quality page in Meta's Business settings.",
            code="blocked",
        )
    if error.code in _FORBIDDEN:
        return NotAllowed(
            "Meta does not let this connection manage audiences.",
            said,
            "Sign in as an admin of the ad account, and let the app have the right ads_management.",
            code="http_403",
        )
    return None


def flagged(said: str) -> FixSettings:
    """Meta holds an audience back because of what its name or members suggest."""
    return FixSettings(
        "Meta holds this audience back.",
        said,
        "Appeal in Meta's Audience Manager, or let the export make a new audience with another name.",
        code="flagged",
    )
