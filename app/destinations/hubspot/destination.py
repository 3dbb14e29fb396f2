"""HubSpot with the token of a private app or a sign-in by the browser.

Source: HubSpot's OpenAPI descriptions of contacts, lists, properties and account information (v3), and its OAuth v3.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from app.core.connections import TestResult
from app.core.errors import NotAllowed
from app.core.exports import SyncMode
from app.core.forecasts import Quota
from app.destinations.audience_session import AudienceDestination
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.hubspot.answers import (
    CONTACTS,
    FILLABLE,
    AccountDetails,
    Client,
    FoundLists,
    Properties,
    Usages,
    asks_to_slow_down,
)
from app.destinations.hubspot.session import ExportTarget, HubSpotSession
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.destinations.signin import SignedIn, signed_in
from app.jobs import JobContext

_PAGE = 100
_SEE_LISTS, _SEE_CONTACTS = "see lists", "see contacts"


def create(settings: Settings) -> HubSpot:
    """Open the destination; raises SignInAgain without a token or sign-in."""
    return HubSpot(settings)


class HubSpot(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("hubspot").for_connection(settings.values)
        self._values = filled(settings, self._description)
        self._access: SignedIn | None = None
        self._token = ""
        if self._values["sign_in_by"] == "browser":
            self._access = signed_in(settings, self._description)
        else:
            self._token = needed_secret(settings, "access_token", "access token of HubSpot")

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the account, what it may see, how many requests it has left today.

        Whether it may write can't be told without writing.
        """
        began = time.monotonic()
        with self._client() as client:
            account = client.read(Call("GET", "account-info/v3/details"), AccountDetails, ctx)
            allowed = {
                _SEE_LISTS: self._may(client, _search(0, 1), ctx),
                _SEE_CONTACTS: self._may(client, Call("GET", "crm/v3/objects/contacts", {"limit": "1"}), ctx),
            }
        left = self.quota(ctx)
        rights = [name for name, may in allowed.items() if may]
        if left is not None:
            rights.append(f"make {left.left:,} more requests today")
        return TestResult(
            f"HubSpot account {account.portal_id}",
            round((time.monotonic() - began) * 1000),
            tuple(rights),
            tuple(name for name, may in allowed.items() if not may),
        )

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the static lists of contacts, none for other fields."""
        if field_id != "audience_id":
            return []
        found: list[Choice] = []
        offset = 0
        with self._client() as client:
            while True:
                page = client.read(_search(offset, _PAGE), FoundLists, ctx)
                found += [Choice(each.list_id, each.name, each.list_id, each.members) for each in page.lists]
                if not page.has_more or page.offset <= offset:
                    return found
                offset = page.offset

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; those every account has, and its own that can be filled."""
        del target
        with self._client() as client:
            found = client.read(Call("GET", "crm/v3/properties/contacts"), Properties, ctx).results
        known = {field.id for field in self._description.fields}
        own = sorted(
            (each for each in found if each.fillable and each.name not in known), key=lambda each: each.label.casefold()
        )
        return [*self._description.fields, *(TargetField(each.name, each.label or each.name) for each in own)]

    def quota(self, ctx: JobContext) -> Quota | None:
        """See `MeteredDestination.quota`; HubSpot tells it of private apps only."""
        if self._access is not None:
            return None
        try:
            with self._client() as client:
                return client.read(Call("GET", "account-info/v3/api-usage/daily/private-apps"), Usages, ctx).quota
        except NotAllowed:
            return None

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> HubSpotSession:
        """See `SegmentDestination.session`."""
        return HubSpotSession(self._client(), ExportTarget.read(target, segment), mode, JobContext())

    @staticmethod
    def _may(client: HttpClient, call: Call, ctx: JobContext) -> bool:
        try:
            client.json(call, ctx)
        except NotAllowed:
            return False
        return True

    def _client(self) -> HttpClient:
        return Client(
            self._description.name,
            self._values["api_url"],
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Bearer {self._token}"},
            access=self._access,
            slow_down=asks_to_slow_down,
        )


def _search(offset: int, count: int) -> Call:
    body = {
        "query": "",
        "objectTypeId": CONTACTS,
        "processingTypes": list(FILLABLE),
        "additionalProperties": ["hs_list_size"],
        "offset": offset,
        "count": count,
    }
    return Call("POST", "crm/v3/lists/search", json=body, repeatable=True, abortable=True)
