"""LinkedIn's DMP segments, with an access token or a sign-in by the browser.

Source: LinkedIn's pages on matched audiences (version 2026-04 and older) and a description by a third party: a header with
the version, 300 requests a minute for companies and 600 for users, five seconds between making a segment and filling it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from app.core.connections import TestResult
from app.core.errors import FixSettings, NotAllowed, SendoffError, TryAgain
from app.core.exports import SyncMode
from app.destinations.answers import Answer
from app.destinations.audience_session import AudienceDestination
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.linkedin_ads.answers import AdAccount, AdAccounts, AdAccountUsers
from app.destinations.linkedin_ads.session import ExportTarget, LinkedInSession, account_urn, read_audiences
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.destinations.signin import SignedIn, signed_in
from app.jobs import JobContext

_DEFAULT_URL = "https://api.linkedin.com/rest"
_PAGE = 100
_MINUTE = 60.0
_SEE, _MANAGE = "see ad accounts", "manage their audiences"


def create(settings: Settings) -> LinkedInAds:
    """Open the destination; raises SignInAgain without a token or sign-in."""
    return LinkedInAds(settings)


class LinkedInAds(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("linkedin-ads")
        self._values = filled(settings, self._description)
        self._access: SignedIn | None = None
        self._token = ""
        if self._values["sign_in_by"] == "browser":
            self._access = signed_in(settings, self._description)
        else:
            self._token = needed_secret(settings, "access_token", "access token of LinkedIn")

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the first ad account's name, how many there are, what the token may do there."""
        began = time.monotonic()
        with self._client() as client:
            accounts = self._accounts(client, ctx)
            may_manage = bool(accounts) and self._may_manage(client, accounts[0], ctx)
            member = _member(client, ctx) if accounts else ""
        milliseconds = round((time.monotonic() - began) * 1000)
        if not accounts:
            return TestResult("LinkedIn Ads", milliseconds, (), (_SEE, _MANAGE))
        see = "see 1 ad account" if len(accounts) == 1 else f"see {len(accounts):,} ad accounts"
        reached = accounts[0].name or "LinkedIn Ads"
        if not may_manage:
            return TestResult(reached, milliseconds, (see,), (f"{_MANAGE} (rw_dmp_segments)",), member)
        return TestResult(reached, milliseconds, (see, _MANAGE), account=member)

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the ad accounts of the person, and their audiences that are filled entry by entry."""
        if field_id not in {"account_id", "audience_id"}:
            return []
        words = {"USER": "people", "COMPANY": "companies"}
        with self._client() as client:
            accounts = self._accounts(client, ctx)
            if field_id == "account_id":
                return [
                    Choice(
                        str(each.id), each.name or str(each.id), f"{each.id}, for tests" if each.test else str(each.id)
                    )
                    for each in accounts
                ]
            return [
                Choice(str(each.id), each.name, f"{words[each.holds]}, {account.name or account.id}", each.told[1])
                for account in accounts
                for each in read_audiences(client, str(account.id), ctx)
                if each.holds in words
            ]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; LinkedIn has the same ones for every account. Raises FixSettings without one."""
        ctx.check()
        ExportTarget.read(target, "")
        return list(self._description.for_target(target).fields)

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> LinkedInSession:
        """See `SegmentDestination.session`; raises FixSettings when the export has no ad account."""
        read = ExportTarget.read(target, segment)
        return LinkedInSession(self._client(), read, mode, self._values["source_platform"], JobContext())

    def _accounts(self, client: HttpClient, ctx: JobContext) -> list[AdAccount]:
        """All ad accounts; newer versions page by a token, older ones by a place."""
        found: list[AdAccount] = []
        query = {"q": "search"}
        while True:
            page = client.read(Call("GET", "adAccounts", query), AdAccounts, ctx)
            found += page.elements
            if page.metadata.next_page_token:
                query = {"q": "search", "pageSize": str(_PAGE), "pageToken": page.metadata.next_page_token}
            elif page.elements and page.paging.total > len(found):
                query = {"q": "search", "start": str(len(found)), "count": str(_PAGE)}
            else:
                return found

    @staticmethod
    def _may_manage(client: HttpClient, account: AdAccount, ctx: JobContext) -> bool:
        """Whether the token has the right to audiences; who is only a viewer of the account can't be told from it."""
        query = {"q": "account", "account": account_urn(str(account.id))}
        try:
            client.json(Call("GET", "dmpSegments", query), ctx)
        except NotAllowed:
            return False
        return True

    def _client(self) -> HttpClient:
        return _Client(
            self._description.name,
            self._values["api_url"] or _DEFAULT_URL,
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Bearer {self._token}"},
            access=self._access,
            headers={"LinkedIn-Version": self._values["version"], "X-Restli-Protocol-Version": "2.0.0"},
            whose=_member,
            slow_down=_asks_to_slow_down,
        )


def _member(client: HttpClient, ctx: JobContext) -> str:
    """LinkedIn's long name of who the token is of; empty where it does not tell, which is no failure of anything else."""
    answer = client.send(Call("GET", "adAccountUsers", {"q": "authenticatedUser"}), ctx)
    found = answer.read(client.target, AdAccountUsers, client.redact).elements if answer.ok else []
    return found[0].user if found else ""


class _Client(HttpClient):
    """Knows how LinkedIn's limits pass, and what it answers when it does not know the version any more."""

    def asked_wait(self, answer: Answer) -> float | None:
        if answer.asked_wait is not None or answer.status != 429 or not self.words(answer):
            return answer.asked_wait
        return _MINUTE  # it counts by the minute and by the day, and asks for no wait

    def failure(self, answer: Answer) -> SendoffError:
        said = f"LinkedIn says: {self.words(answer) or f'status {answer.status}'}"
        if _is_used_up(answer):
            return TryAgain(
                "LinkedIn takes no more of these requests today.",
                said,
                "Run the export again tomorrow; it goes on where it stopped. LinkedIn's day begins at midnight UTC.",
                code="daily_limit",
            )
        if answer.status != 426:
            return super().failure(answer)
        return FixSettings(
            "LinkedIn has retired this version of its API.",
            said,
            "Enter a newer version under Advanced in the connection, such as that of this year's spring.",
            code="http_426",
        )


def _is_used_up(answer: Answer) -> bool:
    """Whether the limit of a whole day was reached, for the app or the member."""
    return answer.status == 429 and b"DAY limit" in answer.body


def _asks_to_slow_down(answer: Answer) -> bool:
    """Whether a short wait helps: not when the requests of the day are used up."""
    if answer.status == 503:
        return answer.retry_after is not None
    return answer.status == 429 and not _is_used_up(answer)
