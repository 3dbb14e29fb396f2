"""Microsoft Advertising's answers (JSON of API v13): their shapes, and its error codes as sentences with what to do."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.errors import FixSettings, NotAllowed, SendoffError
from app.destinations.answers import Answer

CALL_RATE_WAIT = 60.0
"""Seconds to wait once the calls of a minute are used up."""

_CALL_RATE = frozenset({117})
_SIGNED_OUT = frozenset({105, 109})
_FORBIDDEN = frozenset({106})
_INTERNAL = 0
_TERMS = 8003


class AudienceList(msgspec.Struct, rename="pascal"):
    """One of `POST /Audiences/QueryByIds`; long numbers come as text."""

    id: str | int = ""
    name: str | None = ""
    type: str = ""
    search_size: int | str | None = None
    audience_network_size: int | str | None = None

    @property
    def size(self) -> int | None:
        """How many people it reaches in search, else in the audience network; None before it was matched."""
        told = self.search_size if self.search_size is not None else self.audience_network_size
        return None if told is None or not str(told).isdecimal() else int(told)


class BatchError(msgspec.Struct, rename="pascal"):
    """What is wrong with one item of a request; `index` is its place."""

    code: int = 0
    error_code: str | None = ""
    message: str | None = ""
    index: int = 0

    @property
    def words(self) -> str:
        """What Microsoft says, in one line."""
        return " ".join((self.message or self.error_code or f"code {self.code}").split())


class AudienceLists(msgspec.Struct, rename="pascal"):
    """`POST /Audiences/QueryByIds`; what could not be read is null."""

    audiences: list[AudienceList | None] | None = None


class Made(msgspec.Struct, rename="pascal"):
    """`POST /Audiences`."""

    audience_ids: list[str | int | None] | None = None
    partial_errors: list[BatchError] | None = None


class Applied(msgspec.Struct, rename="pascal"):
    """`POST /CustomerListUserData/Apply`."""

    partial_errors: list[BatchError] | None = None


class AccountInfo(msgspec.Struct, rename="pascal"):
    """One of `POST /AccountsInfo/Query`."""

    id: str | int = ""
    name: str | None = ""
    number: str | None = ""
    account_life_cycle_status: str = ""


class AccountsInfo(msgspec.Struct, rename="pascal"):
    """`POST /AccountsInfo/Query`."""

    accounts_info: list[AccountInfo] | None = None


class Fault(msgspec.Struct, rename="pascal"):
    """A request that failed as a whole: either kind of fault tells its errors under a name of its own."""

    errors: list[BatchError] | None = None
    operation_errors: list[BatchError] | None = None
    batch_errors: list[BatchError] | None = None

    @property
    def all(self) -> list[BatchError]:
        """Every error of it."""
        return [*(self.errors or []), *(self.operation_errors or []), *(self.batch_errors or [])]


def errors_of(answer: Answer) -> list[BatchError]:
    """The errors of an answer that failed in Microsoft's shape, whatever its status; none for any other answer."""
    if not answer.is_json or b'Errors"' not in answer.body:
        return []
    try:
        return msgspec.json.decode(answer.body, type=Fault).all
    except (msgspec.ValidationError, ValueError):
        return []


def meaning(answer: Answer) -> int:
    """The status that Microsoft's error codes stand for, whatever status they come with."""
    codes = {each.code for each in errors_of(answer)}
    if codes & _SIGNED_OUT:
        return 401
    if codes & _CALL_RATE:
        return 429
    if codes & _FORBIDDEN:
        return 403
    if codes == {_INTERNAL}:
        return 503
    return 400 if codes and answer.ok else answer.status


def asked_wait(answer: Answer) -> float | None:
    """The wait Microsoft's pages ask for where the answer itself does not."""
    return CALL_RATE_WAIT if {each.code for each in errors_of(answer)} & _CALL_RATE else None


def known_failure(error: BatchError, said: str) -> SendoffError | None:
    """The sentences for an error a person can mend; None for the rest."""
    if error.code == _TERMS:
        return FixSettings(
            "Nobody accepted Microsoft's customer match terms for this account yet.",
            said,
            "Accept them in the export, or make a customer list in Microsoft Advertising once.",
            code="terms",
        )
    if error.code in _FORBIDDEN:
        return NotAllowed(
            "Microsoft Advertising does not let this sign-in use the account.",
            said,
            "Check the customer ID in the connection, or sign in as somebody who manages the account.",
            code="http_403",
        )
    return None


def as_text(value: Any) -> str:  # noqa: ANN401 - long numbers come as text or as numbers
    """A long number as text."""
    return "" if value is None else str(value)
