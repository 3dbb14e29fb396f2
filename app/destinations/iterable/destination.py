"""Iterable with an API key.

Source: Iterable's own description of its API, and its two data centres.
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
from app.destinations.iterable.answers import Fields, Lists
from app.destinations.iterable.session import ExportTarget, IterableSession
from app.destinations.opening import needed_secret
from app.destinations.registry import description
from app.jobs import JobContext

_HOSTS = {"us": "https://api.iterable.com", "eu": "https://api.eu.iterable.com"}


def create(settings: Settings) -> Iterable:
    """Open the destination; raises SignInAgain without a key."""
    return Iterable(settings)


class Iterable(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("iterable")
        self._key = needed_secret(settings, "api_key", "API key of Iterable")
        region = settings.values.get("region", "").strip() or "us"
        self._url = settings.values.get("api_url", "").strip() or _HOSTS.get(region, _HOSTS["us"])

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: how many static lists there are; Iterable does not name the project."""
        began = time.monotonic()
        with self._client() as client:
            lists = client.read(Call("GET", "api/lists"), Lists, ctx).lists
        static = sum(each.static for each in lists)
        see = "see 1 static list" if static == 1 else f"see {static:,} static lists"
        return TestResult("Iterable project", round((time.monotonic() - began) * 1000), (see,))

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the static lists, none for other fields."""
        if field_id != "audience_id":
            return []
        with self._client() as client:
            lists = client.read(Call("GET", "api/lists"), Lists, ctx).lists
        return [Choice(str(each.id), each.name, str(each.id)) for each in lists if each.static]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; those every project has, and its own that hold text."""
        del target
        with self._client() as client:
            found = client.read(Call("GET", "api/users/getFields"), Fields, ctx).fields
        known = {field.id for field in self._description.fields}
        own = sorted(name for name, kind in found.items() if kind == "string" and name not in known and "." not in name)
        return [*self._description.fields, *(TargetField(name, name) for name in own)]

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> IterableSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        return IterableSession(self._client(), ExportTarget.read(target, segment), JobContext())

    def _client(self) -> HttpClient:
        return HttpClient(
            self._description.name,
            self._url,
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Api-Key": self._key},
        )
