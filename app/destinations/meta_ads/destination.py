"""Meta's custom audiences, with a sign-in by the browser or the token of a system user.

Source: Meta's own descriptions of ad accounts, custom audiences and users for its SDKs, and its pages on custom audiences,
their users, secure requests, long-lived tokens and rate limits (2025 and 2026).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator, Mapping

import msgspec

from app.core.connections import TestResult
from app.core.errors import SendoffError
from app.core.exports import SyncMode
from app.destinations.answers import Answer
from app.destinations.audience_session import AudienceDestination
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.meta_ads.answers import (
    CUSTOMER_LIST,
    AdAccount,
    AdAccounts,
    Permissions,
    Person,
    error_of,
    known_failure,
    meaning,
)
from app.destinations.meta_ads.session import ExportTarget, MetaSession, read_audiences
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.destinations.signin import SignedIn, signed_in
from app.jobs import JobContext

_PAGE = "100"
_RIGHT = "ads_management"
_ACTIVE = 1


def create(settings: Settings) -> MetaAds:
    """Open the destination; raises SignInAgain when nobody signed in, or a secret is missing."""
    return MetaAds(settings)


class MetaAds(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("meta-ads")
        self._values = filled(settings, self._description)
        self._app_secret = needed_secret(settings, "client_secret", "app secret of Meta")
        self._access: SignedIn | None = None
        self._token = ""
        if self._values["sign_in_by"] == "browser":
            self._access = signed_in(settings, self._description)
        else:
            self._token = needed_secret(settings, "access_token", "access token of Meta")

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the person or system user, how many ad accounts, and the right to audiences."""
        began = time.monotonic()
        with self._client() as client:
            person = client.read(Call("GET", "me", {"fields": "id,name"}), Person, ctx)
            rights = client.read(Call("GET", "me/permissions"), Permissions, ctx).data
            accounts = list(_accounts(client, ctx))
        milliseconds = round((time.monotonic() - began) * 1000)
        see = "see 1 ad account" if len(accounts) == 1 else f"see {len(accounts):,} ad accounts"
        granted = any(each.permission == _RIGHT and each.status == "granted" for each in rights)
        may, may_not = ((_MANAGE,), ()) if granted else ((), (f"{_MANAGE} ({_RIGHT})",))
        return TestResult(person.name or "Meta Ads", milliseconds, (see, *may), may_not)

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; ad accounts, and of all of them the audiences that can be filled."""
        if field_id not in {"account_id", "audience_id"}:
            return []
        with self._client() as client:
            accounts = list(_accounts(client, ctx))
            if field_id == "account_id":
                return [Choice(each.account_id, each.name or each.account_id, _detail(each)) for each in accounts]
            return [
                Choice(each.id, each.name, account.name or account.account_id, each.size)
                for account in accounts
                for each in read_audiences(client, account.account_id, ctx)
                if each.subtype == CUSTOMER_LIST
            ]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; Meta has the same ones for every audience."""
        ctx.check()
        return list(self._description.for_target(target).fields)

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> MetaSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        read = ExportTarget.read(target, segment)
        return MetaSession(self._client(read.account_id), read, JobContext())

    def _client(self, ad_account: str = "") -> HttpClient:
        """Meta counts by ad account; what goes to none of them is counted by the app."""
        client = _Client(
            self._description.name,
            f"{self._values['api_url'].rstrip('/')}/{self._values['version']}",
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Bearer {self._token}"},
            access=self._access,
            meaning=meaning,
            account=ad_account,
        )
        client.app_secret = self._app_secret
        return client


class _Usage(msgspec.Struct):
    """How much of its limit an ad account has used; the wait is in minutes."""

    estimated_time_to_regain_access: int = 0


class _Client(HttpClient):
    """Proves with every request that it knows the app's secret, and knows Meta's errors that a person can mend."""

    app_secret = ""

    def proof_in_address(self, proof: Mapping[str, str]) -> Mapping[str, str]:
        """The appsecret_proof: without it a stolen token could be used elsewhere."""
        token = proof["Authorization"].partition(" ")[2].encode()
        return {"appsecret_proof": hmac.new(self.app_secret.encode(), token, hashlib.sha256).hexdigest()}

    def asked_wait(self, answer: Answer) -> float | None:
        usage = answer.headers.get("x-business-use-case-usage", "")
        if answer.retry_after is not None or not usage:
            return answer.retry_after
        try:
            told = msgspec.json.decode(usage, type=dict[str, list[_Usage]])
        except (msgspec.ValidationError, ValueError):
            return None
        minutes = max((each.estimated_time_to_regain_access for every in told.values() for each in every), default=0)
        return minutes * 60.0 if minutes > 0 else None

    def words(self, answer: Answer) -> str:
        error = error_of(answer)
        return super().words(answer) if error is None else self.redact(error.words)[:300]

    def failure(self, answer: Answer) -> SendoffError:
        error = error_of(answer)
        known = None if error is None else known_failure(msgspec.structs.replace(error, message=self.words(answer)))
        return known or super().failure(answer)


def _accounts(client: HttpClient, ctx: JobContext) -> Iterator[AdAccount]:
    query = {"fields": "account_id,name,account_status", "limit": _PAGE}
    while True:
        page = client.read(Call("GET", "me/adaccounts", query), AdAccounts, ctx)
        yield from page.data
        if not page.paging.following:
            return
        query = {**query, "after": page.paging.following}


def _detail(account: AdAccount) -> str:
    return account.account_id if account.account_status == _ACTIVE else f"{account.account_id}, not active"


_MANAGE = "manage their audiences"
