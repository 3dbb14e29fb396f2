"""Adobe Marketo Engage with the client ID and secret of a custom service.

Source: Adobe's descriptions of Marketo Engage's REST API (leads, static lists, bulk import, usage, identity) and its page on
limits: 50,000 requests a day, 100 in 20 seconds, 10 at the same time, 10 MB a file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from app.core.connections import TestResult
from app.core.errors import FixSettings, NotAllowed
from app.core.exports import SyncMode
from app.core.forecasts import Quota
from app.destinations.audience_session import AudienceDestination
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.marketo.answers import (
    Client,
    Described,
    Folder,
    Result,
    StaticList,
    Usage,
    asks_to_slow_down,
    meaning,
)
from app.destinations.marketo.session import ExportTarget, MarketoSession
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.destinations.signin import signed_in
from app.jobs import JobContext

_PAGE = 300
_FOLDERS_PAGE = 200
_SEE, _MAKE = "see people and their lists", "make lists"


def create(settings: Settings) -> Marketo:
    """Open the destination; raises SignInAgain without a secret, FixSettings without a host."""
    return Marketo(settings)


class Marketo(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("marketo")
        self._values = filled(settings, self._description)
        needed_secret(settings, "client_secret", "client secret of Marketo")
        if not (self._values["api_url"] or self._values["host"]):
            raise FixSettings(
                "The host of Marketo is missing.",
                "Each customer of Marketo has a host of its own.",
                "Enter it in the connection.",
                code="no_host",
            )
        self._url = self._values["api_url"] or f"https://{self._values['host']}"
        self._daily = int(self._values["daily_requests"])
        self._access = signed_in(settings, self._description)

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: what the API user may see, and how many requests are left today.

        Whether it may write people can't be told without writing.
        """
        began = time.monotonic()
        with self._client() as client:
            left = self._left(client, ctx)
            allowed = {
                _SEE: self._may(client, Call("GET", "rest/v1/leads/describe2.json"), ctx),
                _MAKE: self._may(client, Call("GET", "rest/asset/v1/folders.json", {"maxReturn": "1"}), ctx),
            }
        rights = [name for name, may in allowed.items() if may]
        return TestResult(
            f"Marketo {self._values['host'].partition('.')[0]}".strip(),
            round((time.monotonic() - began) * 1000),
            (*rights, f"make {left:,} more requests today"),
            () if allowed[_SEE] else (_SEE,),
        )

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; static lists and folders, none for other fields."""
        with self._client() as client:
            if field_id == "audience_id":
                return [Choice(str(each.id), each.name, str(each.id)) for each in self._lists(client, ctx)]
            if field_id == "folder_id":
                return [
                    Choice(f"{each.folder_id.type} {each.folder_id.id}", each.name, each.path)
                    for each in self._folders(client, ctx)
                ]
        return []

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; those every Marketo has, and its own that can be changed."""
        del target
        with self._client() as client:
            found = client.read(Call("GET", "rest/v1/leads/describe2.json"), Result[Described], ctx).result
        known = {field.id for field in self._description.fields}
        own = {each.name: each for part in found for each in part.fields if each.updateable and each.name not in known}
        ordered = sorted(own.values(), key=lambda each: each.display_name.casefold())
        return [
            *self._description.fields,
            *(TargetField(each.name, each.display_name or each.name) for each in ordered),
        ]

    def quota(self, ctx: JobContext) -> Quota:
        """See `MeteredDestination.quota`; of the requests a day that the connection says the contract allows."""
        with self._client() as client:
            return Quota(self._left(client, ctx), self._daily)

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> MarketoSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        return MarketoSession(self._client(), ExportTarget.read(target, segment), JobContext())

    def _left(self, client: HttpClient, ctx: JobContext) -> int:
        """The requests of today that nobody who asks this Marketo has used up."""
        found = client.read(Call("GET", "rest/v1/stats/usage.json"), Result[Usage], ctx).result
        return max(0, self._daily - (found[0].total if found else 0))

    @staticmethod
    def _lists(client: HttpClient, ctx: JobContext) -> Iterator[StaticList]:
        query = {"batchSize": str(_PAGE)}
        while True:
            page = client.read(Call("GET", "rest/v1/lists.json", query), Result[StaticList], ctx)
            yield from page.result
            if not page.next_page_token:
                return
            query = {"batchSize": str(_PAGE), "nextPageToken": page.next_page_token}

    @staticmethod
    def _folders(client: HttpClient, ctx: JobContext) -> Iterator[Folder]:
        done = 0
        while True:
            query = {"maxDepth": "10", "maxReturn": str(_FOLDERS_PAGE), "offset": str(done)}
            page = client.read(Call("GET", "rest/asset/v1/folders.json", query), Result[Folder], ctx).result
            yield from (each for each in page if not each.is_system)
            done += len(page)
            if len(page) < _FOLDERS_PAGE:
                return

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
            self._url,
            self._settings,
            pace=self._description.pace,
            access=self._access,
            meaning=meaning,
            slow_down=asks_to_slow_down,
        )
