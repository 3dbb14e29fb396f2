"""What a target's HTTP answer means: its body as JSON, and failures as sentences that name the target.

A destination turns the answers it knows better into its own sentences first; `failure` is for the rest.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec

from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError, SignInAgain, TellUs, TryAgain

T = TypeVar("T")

_MASK = "••••"
_SHORTEST_SECRET = 4  # anything shorter would mask half of a sentence
_LONGEST_WORDS = 300
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-sib-ratelimit-reset")
_MOMENTS = 1e9  # larger numbers are moments since 1970, smaller ones seconds to wait


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of a target; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the target did what was asked."""
        return 200 <= self.status < 300

    @property
    def is_json(self) -> bool:
        """Whether the target says that this is JSON, of any flavour."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    @property
    def retry_after(self) -> float | None:
        """The wait in seconds the target asks for (a number or a date), None when it asks for none.

        A date is held against `now`.
        """
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            return max(0.0, float(text))
        except ValueError:
            pass
        when = _moment(text)
        if when is None:
            return None
        return max(0.0, (when - self.now).total_seconds())

    @property
    def asked_wait(self) -> float | None:
        """As `retry_after`; where a refusal for the pace has none, until the limit begins anew, if a header tells that.

        Vendors write a moment in seconds since 1970 (SendGrid) or the seconds left (Brevo, Klaviyo); Criteo does not say which.
        """
        if self.retry_after is not None or self.status != 429:
            return self.retry_after
        told = (self.headers.get(name, "").strip() for name in _RESETS)
        reset = next((float(text) for text in told if text.isascii() and text.isdecimal()), None)
        if reset is None or reset < _MOMENTS:
            return reset
        return max(0.0, reset - self.now.timestamp())

    @property
    def now(self) -> datetime:
        """The moment by the target's own clock where it tells it: that of this computer may be wrong."""
        return _moment(self.headers.get("date", "")) or datetime.now(UTC)

    def json(self, target: str) -> Any:  # noqa: ANN401 - a vendor's answer can be anything
        """The body read as JSON; raises TellUs when it is something else."""
        self._demand_json(target)
        try:
            return json.loads(self.body)
        except ValueError:
            raise _malformed(target) from None

    def read(self, target: str, shape: type[T], redact: Callable[[str], str]) -> T:
        """The body read as that msgspec type, of which nothing else is kept; raises TellUs when it has another shape."""
        self._demand_json(target)
        try:
            return msgspec.json.decode(self.body.removeprefix(BOM_UTF8), type=shape)
        except msgspec.ValidationError as error:
            raise TellUs(
                f"{target} answered in a way we do not understand.",
                f"A part of its answer is missing or different: {redact(str(error))}.",
                "Look for a newer Sendoff; when there is none, send us the log.",
                code="unexpected_answer",
            ) from None
        except ValueError:
            raise _malformed(target) from None

    def _demand_json(self, target: str) -> None:
        if not self.is_json:
            kind = self.headers.get("content-type", "").partition(";")[0] or "nothing it names"
            raise TellUs(
                f"{target} answered in a way we do not understand.",
                f"It sent {kind} where JSON was expected; a proxy or sign-in page may have answered in its place.",
                "Check that the address is right and no proxy is in between, then try again.",
                code="wrong_content_type",
            )


def _moment(text: str) -> datetime | None:
    """A date as headers write it; None for anything else."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)  # the oldest form names no zone


def _malformed(target: str) -> TellUs:
    return TellUs(
        f"{target} answered in a way we do not understand.",
        "Its answer is damaged: it is not valid JSON.",
        "Try again; when it comes back, send us the log.",
        code="malformed_answer",
    )


@dataclass(frozen=True, slots=True)
class Redactor:
    """Masks known secrets in any text."""

    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Redactor:
        """The longest first, so that a secret inside another one leaves nothing behind."""
        return cls(tuple(sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True)))

    def __call__(self, text: str) -> str:
        """The text with every secret replaced by a mask."""
        for secret in self.secrets:
            text = text.replace(secret, _MASK)
        return text


def masked_header(value: str) -> str:
    """A sign-in header as a preview shows it: its scheme, when there is one, and a mask."""
    scheme, space, _rest = value.partition(" ")
    return f"{scheme} {_MASK}" if space else _MASK


def words_of(answer: Answer, redact: Callable[[str], str]) -> str:
    """What the target itself says about a failure, in one line without secrets; empty when it says nothing readable."""
    if not answer.is_json:
        return ""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return ""
    text = words_in(document)
    return redact(" ".join(text.split()))[:_LONGEST_WORDS]


def failure(target: str, answer: Answer, words: str, retry_after: float | None = None) -> SendoffError:
    """The error for an answer that is not ok; `words` is what the target says about it, `retry_after` the seconds it asks for."""
    said = (
        f"{target} says: {words}{'' if words[-1] in '.!?…' else '.'}"
        if words
        else f"It answered with status {answer.status}."
    )
    status = answer.status
    if status == 401:
        return SignInAgain(
            f"{target} does not accept the sign-in.",
            said,
            "Enter a valid key or sign in again in this connection.",
            code="http_401",
        )
    if status == 403:
        return NotAllowed(
            f"{target} does not allow this.",
            said,
            "Give the account of this connection the right to do it, or use another account.",
            code="http_403",
        )
    if status in {404, 410}:
        return FixSettings(
            f"{target} does not have what was asked for.",
            said,
            "It may have been removed there. Choose it again in the export or connection.",
            code="http_404",
        )
    if status == 409:
        return TryAgain(
            f"{target} is busy with a change of the same thing.",
            said,
            "Wait for it to end there, then try again.",
            code="http_409",
        )
    if status == 429:
        return TryAgain(
            f"{target} asks us to slow down and did not stop asking.",
            said,
            "Try again later, when less is sent to this account.",
            code="http_429",
            retry_after=retry_after,
        )
    if status >= 500:
        return TryAgain(
            f"{target} has a problem of its own.",
            said,
            "Try again later.",
            code=f"http_{status}",
            retry_after=retry_after,
        )
    if 300 <= status < 400:
        return FixSettings(
            f"{target} points to another address.",
            "Secrets are never sent on to an address you did not enter.",
            "Enter the new address in the connection.",
            code="redirect",
        )
    if status in {400, 413, 422}:
        return FixData(
            f"{target} does not accept what was sent.",
            said,
            "Check the matched fields and the settings of the export.",
            code=f"http_{status}",
        )
    return TellUs(
        f"{target} answered in a way we do not understand.",
        said,
        "Try again; when it comes back, send us the log.",
        code=f"http_{status}",
    )


def words_in(document: object) -> str:
    """The most telling text of a problem document, whatever the vendor calls it."""
    if isinstance(document, str):
        return document
    if isinstance(document, list):
        return next((words for each in document if (words := words_in(each))), "")
    if isinstance(document, dict):
        for key in ("detail", "message", "error_description", "error", "errors", "title", "reason"):
            if key in document and (words := words_in(document[key])):
                return words
    return ""
