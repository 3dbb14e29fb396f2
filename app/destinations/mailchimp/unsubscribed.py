"""Who can't be sent to any more in an audience of Mailchimp.

Source: `GET /lists/{list_id}/members` with `status` unsubscribed (they opted out) and cleaned (their address bounced for good);
at most 1,000 a page.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from app.destinations.calls import Call
from app.destinations.http import HttpClient
from app.jobs import JobContext, Progress

PAGE = 1_000
_STATUSES = ("unsubscribed", "cleaned")


class _Member(msgspec.Struct):
    email_address: str = ""


class _Members(msgspec.Struct):
    members: list[_Member] = []
    total_items: int = 0


def unsubscribed(client: HttpClient, audience_id: str, ctx: JobContext) -> Iterator[list[str]]:
    """Their addresses, page by page."""
    for status in _STATUSES:
        done = 0
        while True:
            query = {
                "fields": "members.email_address,total_items",
                "status": status,
                "sort_field": "timestamp_opt",  # who comes meanwhile stands at the end
                "sort_dir": "ASC",
                "count": str(PAGE),
                "offset": str(done),
            }
            page = client.read(Call("GET", f"lists/{audience_id}/members", query), _Members, ctx)
            done += len(page.members)
            ctx.report(Progress("Read unsubscribes", done, page.total_items, "members"))
            if page.members:
                yield [member.email_address for member in page.members]
            if not page.members or done >= page.total_items:
                break
