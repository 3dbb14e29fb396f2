"""Google's customer match through the Data Manager API, with a sign-in by the browser.

Source: the discovery document of the Data Manager API v1 and its protos, which say what is hashed and how, and its limits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from app.core.connections import TestResult
from app.core.errors import FixSettings, NotAllowed, SendoffError, TryAgain
from app.core.exports import SyncMode
from app.destinations.answers import Answer
from app.destinations.audience_session import AudienceDestination
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.google_ads.answers import asked_wait, error_reasons, is_used_up
from app.destinations.google_ads.session import KEY_TYPES, Account, ExportTarget, GoogleAdsSession, read_lists
from app.destinations.http import HttpClient
from app.destinations.opening import filled
from app.destinations.registry import description
from app.destinations.signin import signed_in
from app.jobs import JobContext


def create(settings: Settings) -> GoogleAds:
    """Open the destination; raises SignInAgain when nobody signed in."""
    return GoogleAds(settings)


class GoogleAds(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("google-ads")
        self._values = filled(settings, self._description)
        self._access = signed_in(settings, self._description)
        self._account = Account(_digits(self._values["customer_id"]), _digits(self._values["manager_id"]))

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the account and how many of its lists can be filled."""
        began = time.monotonic()
        with self._client() as client:
            lists = list(read_lists(client, self._account, ctx))
        milliseconds = round((time.monotonic() - began) * 1000)
        ours = sum(bool(each.takes) for each in lists)
        see = "see 1 customer list" if ours == 1 else f"see {ours:,} customer lists"
        return TestResult(f"Google Ads account {_shown(self._account.customer)}", milliseconds, (see,))

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the lists that can be filled, none for other fields."""
        if field_id != "audience_id":
            return []
        words = {KEY_TYPES["contact"]: "contact data", KEY_TYPES["mobile"]: "mobile IDs", KEY_TYPES["user"]: "user IDs"}
        with self._client() as client:
            return [
                Choice(
                    each.id,
                    each.display_name,
                    ", ".join(words.get(kind, kind) for kind in sorted(each.takes)),
                    each.size,
                )
                for each in read_lists(client, self._account, ctx)
                if each.takes & words.keys()
            ]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; all lists of a kind have the same ones."""
        ctx.check()
        return list(self._description.for_target(target).fields)

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> GoogleAdsSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan removes."""
        del mode
        return GoogleAdsSession(self._client(), self._account, ExportTarget.read(target, segment), JobContext())

    def _client(self) -> HttpClient:
        return _Client(
            self._description.name,
            self._values["api_url"],
            self._settings,
            pace=self._description.pace,
            access=self._access,
            account=_project(self._values["client_id"]),
            slow_down=_asks_to_slow_down,
        )


class _Client(HttpClient):
    """Knows Google's reasons that a person can mend, and how it asks to wait."""

    def asked_wait(self, answer: Answer) -> float | None:
        if answer.asked_wait is not None or answer.status not in {429, 503}:
            return answer.asked_wait
        return asked_wait(_document(answer))

    def failure(self, answer: Answer) -> SendoffError:
        reasons = error_reasons(_document(answer))
        said = f"Google says: {self.words(answer)}"
        if answer.status == 429 and is_used_up(_document(answer)):
            return TryAgain(
                "The Google Cloud project of this connection has used up its requests of today.",
                said,
                "Run the export again tomorrow; it goes on where it stopped. Google's day begins at midnight in California.",
                code="daily_limit",
            )
        if "TERMS_AND_CONDITIONS_NOT_SIGNED" in reasons:
            return FixSettings(
                "Nobody accepted Google's customer match terms for this account yet.",
                said,
                "Accept them in the export, or in Google Ads under Audience manager.",
                code="terms",
            )
        if "NOT_ALLOWLISTED" in reasons:
            return NotAllowed(
                "This Google Ads account may not use customer match.",
                said,
                "Ask Google to open customer match for the account.",
                code="not_allowlisted",
            )
        if reasons & {"OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH", "INVALID_DESTINATION"}:
            return FixSettings(
                "Google Ads does not know this account or list.",
                said,
                "Check the customer IDs in the connection; an account under a manager needs that one's ID too.",
                code="no_account",
            )
        return super().failure(answer)


def _document(answer: Answer) -> Any:  # noqa: ANN401 - a vendor's answer can be anything
    try:
        return json.loads(answer.body) if answer.is_json else None
    except ValueError:
        return None


def _asks_to_slow_down(answer: Answer) -> bool:
    """Whether a short wait helps: not when the requests of the day are used up."""
    if answer.status == 503:
        return answer.retry_after is not None
    return answer.status == 429 and not is_used_up(_document(answer))


def _project(client_id: str) -> str:
    """The number of the project that an OAuth client belongs to: its ID begins with it; empty for an ID of another kind."""
    number = client_id.partition("-")[0]
    return number if number.isascii() and number.isdecimal() else ""


def _digits(customer_id: str) -> str:
    return customer_id.replace("-", "")


def _shown(customer: str) -> str:
    return f"{customer[:3]}-{customer[3:6]}-{customer[6:]}"
