"""Brevo with an API key.

Source: Brevo's own description of its API (v3) of contacts, lists, folders, attributes, imports and processes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from app.core.connections import TestResult
from app.core.exports import SyncMode
from app.destinations.audience_session import AudienceDestination
from app.destinations.brevo.answers import Account, Attributes, Lists
from app.destinations.brevo.session import BrevoSession, ExportTarget, read_folders, read_lists
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.jobs import JobContext


def create(settings: Settings) -> Brevo:
    """Open the destination; raises SignInAgain without a key."""
    return Brevo(settings)


class Brevo(AudienceDestination):
    """A `ReadingDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("brevo")
        self._values = filled(settings, self._description)
        self._key = needed_secret(settings, "api_key", "API key of Brevo")

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the company, and how many lists there are."""
        began = time.monotonic()
        with self._client() as client:
            account = client.read(Call("GET", "account"), Account, ctx)
            lists = client.read(Call("GET", "contacts/lists", {"limit": "1"}), Lists, ctx).count
        see = "see 1 list" if lists == 1 else f"see {lists:,} lists"
        name = account.company_name or account.email or "Brevo"
        return TestResult(name, round((time.monotonic() - began) * 1000), (see,), account=account.email)

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; lists and folders, none for other fields."""
        with self._client() as client:
            if field_id == "audience_id":
                return [
                    Choice(str(each.id), each.name, str(each.id), each.unique_subscribers)
                    for each in read_lists(client, ctx)
                ]
            if field_id == "folder_id":
                return [Choice(str(each.id), each.name, str(each.id)) for each in read_folders(client, ctx)]
        return []

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; the e-mail address, and the account's attributes that can be filled."""
        del target
        with self._client() as client:
            found = client.read(Call("GET", "contacts/attributes"), Attributes, ctx).attributes
        there = {each.name for each in found if each.fillable}
        usual = [field for field in self._description.fields if field.id == "email" or field.id in there]
        own = sorted(there - {field.id for field in usual})
        return [*usual, *(TargetField(name, name) for name in own)]

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> BrevoSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        return BrevoSession(self._client(), ExportTarget.read(target, segment), JobContext())

    def read_members(
        self, target: Mapping[str, str], segment: str, ctx: JobContext
    ) -> Iterator[Sequence[Mapping[str, str | None]]]:
        """See `ReadingDestination.read_members`; contacts without an e-mail address are passed over: they are not ours."""
        session = self._session(target, segment, SyncMode.UPDATE)
        with session.client:
            found = session.find(ctx)
            if found is not None:
                for page in session.members(found.id, ctx):
                    yield [{"email": each.email.lower()} for each in page if each.email]

    def _client(self) -> HttpClient:
        return HttpClient(
            self._description.name,
            self._values["api_url"],
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"api-key": self._key},
            whose=_account,
        )


def _account(client: HttpClient, ctx: JobContext) -> str:
    """The address the account signs in with: Brevo's description knows nothing else that tells accounts apart."""
    return client.read(Call("GET", "account"), Account, ctx).email
