"""Twilio SendGrid with an API key.

Source: Twilio SendGrid's OpenAPI descriptions of marketing contacts, lists, custom fields, scopes and the user's profile (v3).
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from app.core.connections import TestResult
from app.core.errors import NotAllowed
from app.core.exports import SyncMode
from app.destinations.audience_session import AudienceDestination
from app.destinations.calls import Call
from app.destinations.contract import Choice, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.opening import filled, needed_secret
from app.destinations.registry import description
from app.destinations.sendgrid.answers import ContactCount, FieldDefinitions, Profile, Scopes, User
from app.destinations.sendgrid.session import CUSTOM, ExportTarget, SendGridSession, read_lists
from app.jobs import JobContext

_MARKETING = "use marketing contacts"


def create(settings: Settings) -> SendGrid:
    """Open the destination; raises SignInAgain without a key."""
    return SendGrid(settings)


class SendGrid(AudienceDestination):
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("sendgrid").for_connection(settings.values)
        self._values = filled(settings, self._description)
        self._key = needed_secret(settings, "api_key", "API key of Twilio SendGrid")

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the company, whether the key reaches marketing contacts, and how many there are."""
        began = time.monotonic()
        with self._client() as client:
            scopes = client.read(Call("GET", "v3/scopes"), Scopes, ctx).scopes
            name = self._company(client, ctx) if "user.profile.read" in scopes else ""
            account = _user(client, ctx) if "user.username.read" in scopes else ""
            try:
                held = client.read(Call("GET", "v3/marketing/contacts/count"), ContactCount, ctx).contact_count
            except NotAllowed:
                held = None
        milliseconds = round((time.monotonic() - began) * 1000)
        if held is None:
            return TestResult(name or "Twilio SendGrid", milliseconds, (), (_MARKETING,), account)
        see = "see 1 contact" if held == 1 else f"see {held:,} contacts"
        return TestResult(name or "Twilio SendGrid", milliseconds, (_MARKETING, see), account=account)

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the lists, none for other fields."""
        if field_id != "audience_id":
            return []
        with self._client() as client:
            return [Choice(each.id, each.name, each.id, each.contact_count) for each in read_lists(client, ctx)]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; those of every account, and its custom fields."""
        del target
        with self._client() as client:
            own = client.read(Call("GET", "v3/marketing/field_definitions"), FieldDefinitions, ctx).custom_fields
        return [*self._description.fields, *(TargetField(CUSTOM + each.id, each.name) for each in own)]

    def _session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> SendGridSession:
        """See `SegmentDestination.session`; the modes differ only in whom the plan sends and removes."""
        del mode
        return SendGridSession(self._client(), ExportTarget.read(target, segment), self._errors_client, JobContext())

    def _company(self, client: HttpClient, ctx: JobContext) -> str:
        return client.read(Call("GET", "v3/user/profile"), Profile, ctx).company

    def _client(self) -> HttpClient:
        return HttpClient(
            self._description.name,
            self._values["api_url"],
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Bearer {self._key}"},
            whose=_user,
        )

    def _errors_client(self, origin: str) -> HttpClient:
        """Reads a file of errors, which may lie with another host: the key is not sent there."""
        return HttpClient(self._description.name, origin, self._settings, pace=self._description.pace)


def _user(client: HttpClient, ctx: JobContext) -> str:
    """The number of the user whose key it is, which needs the scope user.username.read."""
    number = client.read(Call("GET", "v3/user/username"), User, ctx).user_id
    return "" if number is None else str(number)
