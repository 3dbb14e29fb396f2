"""Criteo's contact lists, with the client credentials of an app that the advertiser let in.

Source: Criteo's OpenAPI description of its marketing solutions, version 2026-07, and its page on rate limits.
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
from app.destinations.criteo.answers import Advertiser, Advertisers, meaning
from app.destinations.criteo.session import CriteoSession, ExportTarget, read_segments
from app.destinations.http import HttpClient
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.destinations.signin import signed_in
from app.jobs import JobContext

_MANAGE = "see their contact lists"


def create(settings: Settings) -> Criteo:
    """Open the destination; raises SignInAgain without the app's secret."""
    return Criteo(settings)


class Criteo(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("criteo")
        self._values = filled(settings, self._description)
        needed_secret(settings, "client_secret", "client secret of Criteo")
        self._access = signed_in(settings, self._description)

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the first advertiser's name, how many there are, and the right to their lists."""
        began = time.monotonic()
        with self._client() as client:
            advertisers = _advertisers(client, ctx)
            may = bool(advertisers) and _may_see_lists(client, advertisers[0], ctx)
        milliseconds = round((time.monotonic() - began) * 1000)
        if not advertisers:
            return TestResult("Criteo", milliseconds, (), ("see advertisers", _MANAGE))
        see = "see 1 advertiser" if len(advertisers) == 1 else f"see {len(advertisers):,} advertisers"
        return TestResult(
            advertisers[0].name, milliseconds, (see, _MANAGE) if may else (see,), () if may else (_MANAGE,)
        )

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; advertisers, and the contact lists of all of them that can be changed."""
        if field_id not in {"account_id", "audience_id"}:
            return []
        with self._client() as client:
            names = {each.number: each.name for each in _advertisers(client, ctx)}
            if field_id == "account_id":
                return [Choice(number, name, number) for number, name in names.items()]
            if not names:
                return []
            return [
                Choice(each.number, each.name, names.get(each.attributes.advertiser_id or "", ""))
                for each in read_segments(client, list(names), ctx)
                if each.attributes.contact_list is None or not each.attributes.contact_list.is_read_only
            ]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; all contact lists have the same one."""
        del target
        ctx.check()
        return list(self._description.fields)

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> CriteoSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        return CriteoSession(self._client(), ExportTarget.read(target, segment), JobContext())

    def _client(self) -> HttpClient:
        return _Client(
            self._description.name,
            f"{self._values['api_url'].rstrip('/')}/{self._values['version']}",
            self._settings,
            pace=self._description.pace,
            access=self._access,
            meaning=meaning,
        )


class _Client(HttpClient):
    """Knows what lets an app in."""

    def failure(self, answer: Answer) -> SendoffError:
        if answer.status != 403:
            return super().failure(answer)
        return NotAllowed(
            "Criteo does not let this app use the advertiser.",
            f"Criteo says: {self.words(answer) or 'status 403'}",
            "Have an admin of the advertiser open the app's consent link, with the right to manage audiences.",
            code="http_403",
        )


def _advertisers(client: HttpClient, ctx: JobContext) -> list[Advertiser]:
    return client.read(Call("GET", "advertisers/me"), Advertisers, ctx).data or []


def _may_see_lists(client: HttpClient, advertiser: Advertiser, ctx: JobContext) -> bool:
    try:
        next(read_segments(client, [advertiser.number], ctx), None)
    except NotAllowed:
        return False
    return True
