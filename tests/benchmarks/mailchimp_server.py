"""A Mailchimp that costs as little as possible: it takes everybody, answers as the documents say, and keeps nothing.

A process of its own: prints its address; when its standard input is closed, one line of JSON with what came: `requests`,
`members` added, `tagged`, and from the first request with members to the last the `seconds` and the requests `between`.
`--wordy` answers with all fields a contact has at Mailchimp instead of the few the tests' emulator knows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import orjson

AUDIENCE = "a1b2c3d4e5"
_LINKS = [
    {
        "rel": rel,
        "href": f"https://us21.api.mailchimp.com/3.0/lists/{AUDIENCE}/members/{'0' * 32}/{rel}",
        "method": "GET",
        "targetSchema": "https://us21.api.mailchimp.com/schema/3.0/Definitions/Lists/Members/Response.json",
    }
    for rel in ("self", "parent", "update", "upsert", "delete", "activity", "goals", "notes", "delete_permanent")
]
_REST: dict[str, Any] = {
    "unique_email_id": "f" * 10,
    "contact_id": "e" * 32,
    "email_type": "html",
    "interests": {},
    "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
    "ip_signup": "",
    "timestamp_signup": "",
    "ip_opt": "192.0.2.1",
    "timestamp_opt": "2026-01-01T00:00:00+00:00",
    "member_rating": 2,
    "last_changed": "2026-01-01T00:00:00+00:00",
    "language": "",
    "vip": False,
    "email_client": "",
    "location": {"latitude": 0, "longitude": 0, "gmtoff": 0, "dstoff": 0, "country_code": "", "timezone": ""},
    "tags_count": 0,
    "tags": [],
    "list_id": AUDIENCE,
    "_links": _LINKS,
}


class Mailchimp:
    """What every connection shares."""

    def __init__(self, latency: float, tag: str, *, wordy: bool) -> None:
        self.latency = latency
        self.tags = [{"id": 1, "name": tag}] if tag else []
        self.rest = _REST if wordy else {}
        self.requests = self.members = self.tagged = 0
        self.first = self.last = 0.0
        self.before = self.until = 0

    def answer(self, method: str, path: str, body: bytes) -> Any:
        self.requests += 1
        parts = path.partition("?")[0].removeprefix("/3.0").strip("/").split("/")
        if parts == [""]:
            return {"account_id": "bench"}
        if parts[-1] == "merge-fields":
            fields = [{"tag": tag, "name": tag, "type": "text", "required": False} for tag in ("FNAME", "LNAME")]
            return {"merge_fields": fields, "total_items": 2}
        if parts[-1] == "segments":
            if method == "POST":
                self.tags = [{"id": 1, "name": orjson.loads(body)["name"]}]
                return self.tags[0]
            return {"segments": self.tags, "total_items": len(self.tags)}
        if method == "GET":
            return {**self.tags[0], "member_count": self.tagged}
        self.last, self.until = time.monotonic(), self.requests
        if not self.first:
            self.first, self.before = self.last, self.requests
        sent = orjson.loads(body)
        if parts[-2:-1] == ["segments"]:
            added = sent["members_to_add"]
            self.tagged += len(added)
            contacts = [self._contact({"email_address": each}) for each in added]
            return {"members_added": contacts, "members_removed": [], "errors": [], "total_added": len(added)}
        members = sent["members"]
        self.members += len(members)
        contacts = [self._contact(member) for member in members]
        return {"new_members": contacts, "updated_members": [], "errors": [], "total_created": len(contacts)}

    def _contact(self, member: dict[str, Any]) -> dict[str, Any]:
        return {"id": "0" * 32, "status": "subscribed", "merge_fields": {}, **member, **self.rest}

    def told(self) -> dict[str, float]:
        numbers = {"requests": self.requests, "members": self.members, "tagged": self.tagged}
        return {**numbers, "seconds": self.last - self.first, "between": self.until - self.before}


class Connection(asyncio.Protocol):
    """Reads one request after the other."""

    def __init__(self, owner: Mailchimp) -> None:
        self._owner = owner
        self._read = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._read[:end]).decode("latin-1")
        lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
        whole = end + 4 + int(headers.get("content-length", "0"))
        if len(self._read) < whole:
            return
        body = bytes(self._read[end + 4 : whole])
        del self._read[:whole]
        method, path, _version = lines[0].split(" ")
        if self._owner.latency:
            asyncio.get_running_loop().call_later(self._owner.latency, self._respond, method, path, body)
        else:
            self._respond(method, path, body)

    def _respond(self, method: str, path: str, body: bytes) -> None:
        data = orjson.dumps(self._owner.answer(method, path, body))
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        self._transport.write(head.encode() + data)


async def serve(owner: Mailchimp) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(owner), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/3.0", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps(owner.told()), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0, help="seconds each request takes")
    parser.add_argument("--tag", default="", help="a tag that is there already")
    parser.add_argument("--wordy", action="store_true")
    given = parser.parse_args()
    asyncio.run(serve(Mailchimp(given.latency, given.tag, wordy=given.wordy)))
