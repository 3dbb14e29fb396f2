"""Mailchimp Marketing API 3.0 with an API key or a sign-in by the browser.

Source: the published description (version 3.0.85) and mailchimp.com/developer/marketing/docs/fundamentals: at most 500
members a call, 10 simultaneous connections a user, 120 seconds a call; too much traffic is answered with 429, or 403 without JSON.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from app.core.connections import TestResult
from app.core.exports import SyncMode
from app.destinations.batches import Member
from app.destinations.calls import Call
from app.destinations.contract import Choice, Place, PreparedRequest, Settings, TargetField
from app.destinations.http import HttpClient
from app.destinations.mailchimp import merge_fields
from app.destinations.mailchimp.account import MailchimpAccount
from app.destinations.mailchimp.answers import Account, Audience, Audiences
from app.destinations.mailchimp.session import PAGE, ExportTarget, MailchimpSession, read_merge_fields, read_tags
from app.destinations.mailchimp.unsubscribed import unsubscribed
from app.destinations.registry import description
from app.jobs import JobContext

_MAY_WRITE = {"owner", "admin", "manager"}


def create(settings: Settings) -> Mailchimp:
    """Open the destination; raises SignInAgain without a key, FixSettings when the address cannot be made from it."""
    return Mailchimp(settings)


class Mailchimp:
    """A `SegmentDestination`; thread safe, each call and session has a client of its own."""

    def __init__(self, settings: Settings) -> None:
        self._description = description("mailchimp")
        self._account = MailchimpAccount(self._description, settings)

    def test(self, ctx: JobContext) -> TestResult:
        """See `SegmentDestination.test`: the account's name, how many audiences there are, what the user may do."""
        began = time.monotonic()
        with self._account.client(ctx) as client:
            client.json(Call("GET", "ping"), ctx)  # needs a valid key and no rights at all
            account = client.read(Call("GET", "", {"fields": "account_id,account_name,role"}), Account, ctx)
            query = {"fields": "lists.id,lists.name,total_items", "count": "1"}
            audiences = client.read(Call("GET", "lists", query), Audiences, ctx).total_items
        milliseconds = round((time.monotonic() - began) * 1000)
        see = "see 1 audience" if audiences == 1 else f"see {audiences:,} audiences"
        write = "add and update members"
        if account.role and account.role.lower() not in _MAY_WRITE:
            return TestResult(account.account_name or "Mailchimp", milliseconds, (see,), (write,), account.account_id)
        return TestResult(account.account_name or "Mailchimp", milliseconds, (see, write), account=account.account_id)

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        """See `SegmentDestination.choices`; the account's audiences, and the tags in each of them."""
        if field_id not in {"audience_id", "tag_id"}:
            return []
        with self._account.client(ctx) as client:
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
        with self._account.client(ctx) as client:
            found = read_merge_fields(client, read.audience_id, ctx)
        return [
            *self._description.fields,
            *merge_fields.target_fields(found, skip_required=read.skip_merge_validation),
        ]

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        """See `SegmentDestination.place`: the tag in the audience."""
        read = ExportTarget.read(target, segment)
        with self._account.client(ctx) as client:
            found = MailchimpSession(client, read, SyncMode.ADD, ctx).find_tag()
        return Place(f"{read.audience_id} {read.tag if found is None else found.name}", found is not None)

    def read_members(
        self, target: Mapping[str, str], segment: str, ctx: JobContext
    ) -> Iterator[Sequence[Mapping[str, str | None]]]:
        """See `ReadingDestination.read_members`: who has the tag."""
        read = ExportTarget.read(target, segment)
        with self._account.client(ctx) as client:
            yield from MailchimpSession(client, read, SyncMode.ADD, ctx).tagged(ctx)

    def unsubscribed(self, target: Mapping[str, str], ctx: JobContext) -> Iterator[Sequence[str]]:
        """See `UnsubscribeReader.unsubscribed`."""
        audience = ExportTarget.read(target, "").audience_id
        with self._account.client(ctx) as client:
            yield from unsubscribed(client, audience, ctx)

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> MailchimpSession:
        """See `SegmentDestination.session`; raises FixSettings when the export has no audience."""
        read = ExportTarget.read(target, segment)
        ctx = JobContext()
        return MailchimpSession(self._account.client(ctx), read, mode, ctx)

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
        with self._account.client() as client:
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
