"""Microsoft Advertising's customer match, through the JSON form of its API v13, with a sign-in by the browser.

Source: the WSDL of Microsoft's campaign and customer management services v13 and its pages on customer lists, their data, audiences
and errors, which also tell the JSON form.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from app.core.connections import TestResult
from app.core.errors import NotAllowed, SendoffError
from app.core.exports import SyncMode
from app.destinations.answers import Answer
from app.destinations.audience_session import AudienceDestination
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.microsoft_advertising.answers import (
    AccountInfo,
    AccountsInfo,
    as_text,
    asked_wait,
    errors_of,
    known_failure,
    meaning,
)
from app.destinations.microsoft_advertising.session import ExportTarget, MicrosoftSession, read_lists
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.destinations.signin import signed_in
from app.jobs import JobContext

_MANAGE = "manage their customer lists"


def create(settings: Settings) -> MicrosoftAdvertising:
    """Open the destination; raises SignInAgain when nobody signed in, or without a developer token."""
    return MicrosoftAdvertising(settings)


class MicrosoftAdvertising(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has clients of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("microsoft-advertising").for_connection(settings.values)
        self._values = filled(settings, self._description)
        self._developer = needed_secret(settings, "developer_token", "developer token of Microsoft Advertising")
        self._access = signed_in(settings, self._description)

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the first account's name, how many there are, and the right to their lists."""
        began = time.monotonic()
        accounts = self._accounts(ctx)
        may_manage = bool(accounts) and self._may_manage(as_text(accounts[0].id), ctx)
        milliseconds = round((time.monotonic() - began) * 1000)
        if not accounts:
            return TestResult("Microsoft Advertising", milliseconds, (), ("see accounts", _MANAGE))
        see = "see 1 account" if len(accounts) == 1 else f"see {len(accounts):,} accounts"
        reached = accounts[0].name or "Microsoft Advertising"
        return TestResult(
            reached, milliseconds, (see, _MANAGE) if may_manage else (see,), () if may_manage else (_MANAGE,)
        )

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; accounts, and the customer lists of all of them, each once."""
        if field_id not in {"account_id", "audience_id"}:
            return []
        accounts = self._accounts(ctx)
        if field_id == "account_id":
            return [Choice(as_text(each.id), each.name or as_text(each.id), _detail(each)) for each in accounts]
        found: dict[str, Choice] = {}
        for account in accounts:
            with self._client(as_text(account.id)) as client:
                for each in read_lists(client, ctx):
                    id_ = as_text(each.id)
                    found.setdefault(id_, Choice(id_, each.name or id_, account.name or "", each.size))
        return list(found.values())

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; all lists have the same one."""
        del target
        ctx.check()
        return list(self._description.fields)

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> MicrosoftSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        read = ExportTarget.read(target, segment)
        return MicrosoftSession(self._client(read.account_id), read, JobContext())

    def _accounts(self, ctx: JobContext) -> list[AccountInfo]:
        body = {"CustomerId": self._values["customer_id"], "OnlyParentAccounts": False}
        call = Call("POST", "AccountsInfo/Query", json=body, repeatable=True, abortable=True)
        with self._opened(self._values["accounts_url"], {}) as client:
            return client.read(call, AccountsInfo, ctx).accounts_info or []

    def _may_manage(self, account_id: str, ctx: JobContext) -> bool:
        try:
            with self._client(account_id) as client:
                read_lists(client, ctx)
        except NotAllowed:
            return False
        return True

    def _client(self, account_id: str) -> HttpClient:
        return self._opened(self._values["api_url"], {"CustomerAccountId": account_id})

    def _opened(self, address: str, headers: Mapping[str, str]) -> HttpClient:
        return _Client(
            self._description.name,
            address,
            self._settings,
            pace=self._description.pace,
            access=self._access,
            headers={"DeveloperToken": self._developer, "CustomerId": self._values["customer_id"], **headers},
            meaning=meaning,
        )


class _Client(HttpClient):
    """Knows Microsoft's errors that a person can mend."""

    def asked_wait(self, answer: Answer) -> float | None:
        return asked_wait(answer) if answer.asked_wait is None else answer.asked_wait

    def words(self, answer: Answer) -> str:
        errors = errors_of(answer)
        return self.redact(errors[0].words)[:300] if errors else super().words(answer)

    def failure(self, answer: Answer) -> SendoffError:
        said = f"Microsoft says: {self.words(answer)}"
        known = (known_failure(each, said) for each in errors_of(answer))
        return next((each for each in known if each is not None), None) or super().failure(answer)


def _detail(account: AccountInfo) -> str:
    status = account.account_life_cycle_status
    return ", ".join(part for part in (account.number, status.lower() if status != "Active" else "") if part)
