"""A Criteo to try with: advertisers and contact lists, as strict as its published description.

It keeps audience segments and who is on their contact lists, and enforces the sign-in of an app, consent of the advertiser, types of
segments, at most 50,000 identifiers a request and the form of hashes. `names` is how many invalid ones it shows.
"""

from __future__ import annotations

import argparse
import itertools
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.description import vendor_description
from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, OAuthDesk

ADVERTISERS = {"57001": "Northwind shop", "57002": "Northwind outlet"}
MOST_IDENTIFIERS = 50_000
VERSION = "2026-07"
_HASH = re.compile("[0-9a-f]{64}")
_SEGMENTS = f"/{VERSION}/marketing-solutions/audience-segments"


@dataclass
class AudienceSegment:
    id: str
    name: str
    advertiser: str
    type: str = "ContactList"
    read_only: bool = False
    members: set[str] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        attributes: dict[str, Any] = {"name": self.name, "type": self.type, "advertiserId": self.advertiser}
        if self.type == "ContactList":
            attributes["contactList"] = {"isReadOnly": self.read_only}
        return {"id": self.id, "type": "AudienceSegment", "attributes": attributes}


class CriteoEmulator(Emulator):
    """An app that two advertisers let in. `refused` are hashes that are not valid to it."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("criteo/trimmed-2026-07.json", _mend), "")
        self.undescribed = {"/oauth2/token"}
        self.sign_in = OAuthDesk(access_seconds=900)
        self.segments: dict[str, AudienceSegment] = {}
        self.advertisers = dict(ADVERTISERS)
        self.refused: set[str] = set()
        self.names = 5
        self.consent = True
        self.counted = True
        self._numbers = itertools.count(910_001)

    def named(self, name: str) -> AudienceSegment | None:
        return next((each for each in self.segments.values() if each.name == name), None)

    def make(self, name: str, type_: str = "ContactList", advertiser: str = "57001") -> AudienceSegment:
        """An audience segment made at Criteo itself."""
        made = AudienceSegment(str(next(self._numbers)), name, advertiser, type_)
        self.segments[made.id] = made
        return made

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth2/token":
            return self.sign_in.token(request)
        _scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if not self.sign_in.accepts(token):
            return _problem(401, "authentication", "authorization-token-expired", "The authorization token has expired")
        if request.path == f"/{VERSION}/advertisers/me":
            rows = [
                {"id": number, "type": "advertiser", "attributes": {"advertiserName": name}}
                for number, name in self.advertisers.items()
            ]
            return Reply(document={"data": rows, "errors": [], "warnings": []})
        if not self.consent:
            return _problem(403, "authorization", "forbidden", "The app has no consent for this advertiser")
        parts = request.path.removeprefix(_SEGMENTS).strip("/").split("/")
        match request.method, parts:
            case "POST", ["search"]:
                return self._search(request)
            case "POST", ["create"]:
                return self._make(request.body)
            case _, [number, *_rest] if number not in self.segments:
                return _problem(404, "validation", "segment-not-found", f"Segment {number} not found")
            case "PATCH", [number, "contact-list"]:
                return self._amend(self.segments[number], request.body["data"]["attributes"])
            case "GET", [number, "contact-list", "statistics"]:
                return self._statistics(self.segments[number])
        return _problem(404, "validation", "not-found", "Not found")

    def _search(self, request: Request) -> Reply:
        wanted = request.body["data"]["attributes"]
        found = [
            each.document()
            for each in self.segments.values()
            if each.advertiser in wanted.get("advertiserIds", self.advertisers)
            and each.id in wanted.get("audienceSegmentIds", self.segments)
            and each.type in wanted.get("audienceSegmentTypes", [each.type])
        ]
        size, start = int(request.query.get("limit", 50)), int(request.query.get("offset", 0))
        meta = {"totalItems": len(found), "limit": size, "offset": start}
        return Reply(document={"data": found[start : start + size], "meta": meta, "errors": [], "warnings": []})

    def _make(self, body: dict[str, Any]) -> Reply:
        (given,) = (each["attributes"] for each in body["data"])
        if given["advertiserId"] not in self.advertisers:
            return _problem(403, "authorization", "forbidden", "The app has no consent for this advertiser")
        if len(given["name"]) > 255:
            error = {"type": "validation", "code": "name-too-long", "instance": "/", "detail": "The name is too long"}
            return Reply(document={"data": [], "errors": [error], "warnings": []})
        return Reply(document={"data": [self.make(given["name"], advertiser=given["advertiserId"]).document()]})

    def _amend(self, segment: AudienceSegment, given: dict[str, Any]) -> Reply:
        identifiers = given["identifiers"]
        if segment.type != "ContactList" or segment.read_only:
            return _problem(400, "validation", "not-a-contact-list", "The segment takes no contacts")
        if not identifiers or len(identifiers) > MOST_IDENTIFIERS:
            return _problem(400, "validation", "too-many-identifiers", "At most 50000 identifiers are allowed")
        invalid = [each for each in identifiers if not _HASH.fullmatch(each) or each in self.refused]
        valid = set(identifiers) - set(invalid)
        segment.members = segment.members | valid if given["operation"] == "add" else segment.members - valid
        attributes = {
            "contactListId": int(segment.id),
            "operation": given["operation"],
            "requestDate": "2026-11-26T12:00:00Z",
            "identifierType": given["identifierType"],
            "nbValidIdentifiers": len(valid),
            "nbInvalidIdentifiers": len(invalid),
            "sampleInvalidIdentifiers": invalid[: self.names],
        }
        data = {"type": "ContactlistAmendment", "attributes": attributes}
        return Reply(document={"data": data, "errors": [], "warnings": []})

    def _statistics(self, segment: AudienceSegment) -> Reply:
        number = len(segment.members) if self.counted else None
        attributes = {"numberOfIdentifiers": number, "numberOfMatches": number and number // 2, "matchRate": 0.5}
        data = {"id": segment.id, "type": "ContactListStatistics", "attributes": attributes}
        return Reply(document={"data": data, "errors": [], "warnings": []})


def _problem(status: int, type_: str, code: str, detail: str) -> Reply:
    error = {"type": type_, "code": code, "instance": "/", "title": "Refused", "detail": detail, "traceId": "a1"}
    return Reply(status, {"data": None, "errors": [error], "warnings": []})


def _mend(document: dict[str, Any]) -> None:
    """What is not said to be allowed is refused."""
    for schema in document["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)


def main() -> None:
    parser = argparse.ArgumentParser(description="A Criteo on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with CriteoEmulator(parser.parse_args().port) as criteo:
        print(f"api_url        {criteo.url}\ntoken_url      {criteo.url}/oauth2/token")
        print(f"client_id      {CLIENT_ID}\nclient_secret  {CLIENT_SECRET}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
