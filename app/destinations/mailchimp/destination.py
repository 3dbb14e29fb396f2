"""Mailchimp Marketing API 3.0 with an API key.

Source: the published description (version 3.0.85) and mailchimp.com/developer/marketing/docs/fundamentals: at most 500
members a call, 10 simultaneous connections a user, 120 seconds a call; too much traffic is answered with 429, or 403 without JSON.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence

from app.core.connections import TestResult
from app.core.errors import FixSettings
from app.core.exports import SyncMode
from app.destinations.answers import Answer
from app.destinations.contract import Choice, Member, Place, PreparedRequest, Settings, TargetField
from app.destinations.http import Call, HttpClient
from app.destinations.mailchimp import merge_fields
from app.destinations.mailchimp.answers import Account, Audience, Audiences, Client
from app.destinations.mailchimp.session import PAGE, ExportTarget, MailchimpSession, read_merge_fields, read_tags
from app.destinations.mailchimp.unsubscribed import unsubscribed
from app.destinations.opening import needed_secret
from app.destinations.registry import description
from app.jobs import JobContext

_DEFAULT_URL = "https://{dc}.api.mailchimp.com/3.0"
_MAY_WRITE = {"owner", "admin", "manager"}


def create(settings: Settings) -> Mailchimp:
    """Open the destination; raises SignInAgain without a key, FixSettings when the address cannot be made from it."""
    return Mailchimp(settings)


class Mailchimp:
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._description = description("mailchimp")
        self._key = needed_secret(settings, "api_key", "API key of Mailchimp")
        self._url = _address(settings.values.get("api_url", ""), self._key)

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the account's name, how many audiences there are, what the user may do."""
        began = time.monotonic()
        with self._client() as client:
            client.json(Call("GET", "ping"), ctx)  # needs a valid key and no rights at all
            account = client.read(Call("GET", "", {"fields": "account_name,role"}), Account, ctx)
            query = {"fields": "lists.id,lists.name,total_items", "count": "1"}
            audiences = client.read(Call("GET", "lists", query), Audiences, ctx).total_items
        milliseconds = round((time.monotonic() - began) * 1000)
        see = "see 1 audience" if audiences == 1 else f"see {audiences:,} audiences"
        write = "add and update members"
        if account.role and account.role.lower() not in _MAY_WRITE:
            return TestResult(account.account_name or "Mailchimp", milliseconds, (see,), (write,))
        return TestResult(account.account_name or "Mailchimp", milliseconds, (see, write))

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the account's audiences, and the tags in each of them."""
        if field_id not in {"audience_id", "tag_id"}:
            return []
        with self._client() as client:
            audiences = list(self._audiences(client, ctx))
            if field_id == "tag_id":
                return [
                    Choice(str(tag.id), tag.name, each.name, tag.member_count)
                    for each in audiences
                    for tag in read_tags(client, each.id, ctx)
                ]
        return [
            Choice(
                each.id,
                each.name,
                f"{each.id}, double opt-in" if each.double_optin else each.id,
                each.stats.member_count,
            )
            for each in audiences
        ]

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        """See `SegmentDestination.fields`; raises FixSettings when no audience is chosen or it is gone."""
        read = ExportTarget.read(target, "")
        with self._client() as client:
            found = read_merge_fields(client, read.audience_id, ctx)
        return [
            *self._description.fields,
            *merge_fields.target_fields(found, skip_required=read.skip_merge_validation),
        ]

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        """See `SegmentDestination.place`: the tag in the audience."""
        read = ExportTarget.read(target, segment)
        with self._client() as client:
            found = MailchimpSession(client, read, SyncMode.ADD, ctx).find_tag()
        return Place(f"{read.audience_id} {read.tag if found is None else found.name}", found is not None)

    def read_members(
        self, target: Mapping[str, str], segment: str, ctx: JobContext
    ) -> Iterator[Sequence[Mapping[str, str | None]]]:
        """See `ReadingDestination.read_members`: who has the tag."""
        read = ExportTarget.read(target, segment)
        with self._client() as client:
            yield from MailchimpSession(client, read, SyncMode.ADD, ctx).tagged(ctx)

    def unsubscribed(self, target: Mapping[str, str], ctx: JobContext) -> Iterator[Sequence[str]]:
        """See `UnsubscribeReader.unsubscribed`."""
        audience = ExportTarget.read(target, "").audience_id
        with self._client() as client:
            yield from unsubscribed(client, audience, ctx)

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> MailchimpSession:
        """See `SegmentDestination.session`; raises FixSettings when the export has no audience."""
        read = ExportTarget.read(target, segment)
        return MailchimpSession(self._client(), read, mode, JobContext())

    def preview(
        self,
        target: Mapping[str, str],
        segment: str,
        mode: SyncMode,
        members: Sequence[Member],
        *,
        removed: bool = False,
    ) -> list[PreparedRequest]:
        """See `SegmentDestination.preview`; the update is shown as if all members were there already."""
        with self._client() as client:
            session = MailchimpSession(client, ExportTarget.read(target, segment), mode, JobContext())
            return [client.prepared(call) for call in session.calls(members, removed=removed)]

    @staticmethod
    def _audiences(client: HttpClient, ctx: JobContext) -> Iterator[Audience]:
        done = 0
        while True:
            query = {
                "fields": "lists.id,lists.name,lists.stats.member_count,lists.double_optin,total_items",
                "count": str(PAGE),
                "offset": str(done),
            }
            page = client.read(Call("GET", "lists", query), Audiences, ctx)
            yield from page.lists
            done += len(page.lists)
            if not page.lists or done >= page.total_items:
                return

    def _client(self) -> HttpClient:
        proof = base64.b64encode(f"sendoff:{self._key}".encode()).decode()
        return Client(
            self._description.name,
            self._url,
            self._settings,
            pace=self._description.pace,
            sign_in=lambda: {"Authorization": f"Basic {proof}"},
            slow_down=_asks_to_slow_down,
            also_secret=(proof,),
        )


def _asks_to_slow_down(answer: Answer) -> bool:
    """429, or a 403 that is not Mailchimp's JSON: both come when there is too much traffic."""
    return answer.status == 429 or (answer.status == 403 and not answer.is_json)


def _address(template: str, key: str) -> str:
    """The base address; raises FixSettings when the key does not name its data centre."""
    template = template.strip() or _DEFAULT_URL
    if "{dc}" not in template:
        return template
    _start, dash, centre = key.rpartition("-")
    if not dash or not centre.isascii() or not centre.isalnum():
        raise FixSettings(
            "The API key of Mailchimp is not complete.",
            "It does not end with “-” and a data centre such as us21, so its server is not known.",
            "Copy the whole key from Mailchimp.",
            code="no_data_centre",
        )
    return template.replace("{dc}", centre)
