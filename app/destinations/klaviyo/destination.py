"""Klaviyo with a private API key.

Source: Klaviyo's OpenAPI description of revision 2026-07-15.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from app.core.connections import TestResult
from app.core.exports import SyncMode
from app.destinations.audience_session import AudienceDestination
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.klaviyo.answers import Accounts, Lists
from app.destinations.klaviyo.session import PROPERTY, ExportTarget, KlaviyoSession, read_pages
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.jobs import JobContext


def create(settings: Settings) -> Klaviyo:
    """Open the destination; raises SignInAgain without a key."""
    return Klaviyo(settings)


class Klaviyo(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("klaviyo")
        self._values = filled(settings, self._description)
        self._key = needed_secret(settings, "api_key", "API key of Klaviyo")

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the account's name, and that its lists can be seen."""
        began = time.monotonic()
        with self._client() as client:
            accounts = client.read(Call("GET", "api/accounts"), Accounts, ctx).data
            client.read(Call("GET", "api/lists"), Lists, ctx)
        name = accounts[0].attributes.contact_information.organization_name if accounts else ""
        milliseconds = round((time.monotonic() - began) * 1000)
        return TestResult(name or "Klaviyo", milliseconds, ("see lists",), account=accounts[0].id if accounts else "")

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the lists, none for other fields."""
        if field_id != "audience_id":
            return []
        with self._client() as client:
            pages = read_pages(client, Call("GET", "api/lists"), Lists, ctx)
            return [Choice(each.id, each.name, each.id) for page in pages for each in page.data]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; those of every profile, and the properties named in the export."""
        ctx.check()
        own = ExportTarget.read(target, "").properties
        return [*self._description.fields, *(TargetField(PROPERTY + name, name) for name in own)]

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> KlaviyoSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        return KlaviyoSession(self._client(), ExportTarget.read(target, segment), JobContext())

    def _client(self) -> HttpClient:
        return HttpClient(
            self._description.name,
            self._values["api_url"],
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Klaviyo-API-Key {self._key}"},
            headers={"revision": self._values["revision"], "Accept": "application/vnd.api+json"},
            whose=_account,
        )


def _account(client: HttpClient, ctx: JobContext) -> str:
    """The number of the account, which its site shows to everybody."""
    accounts = client.read(Call("GET", "api/accounts"), Accounts, ctx).data
    return accounts[0].id if accounts else ""
