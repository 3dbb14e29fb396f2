"""A LinkedIn to try with: `python -m tests.vendors.linkedin --port 8081` prints an address and a token.

It keeps ad accounts, DMP segments and their entries, and enforces what LinkedIn's pages say: the token and its rights, the
header with a version that is not retired, five seconds until a new segment is known, at most 5,000 entries a request and 300
or 600 requests a minute. Where those pages are silent (errors of entries, statuses of known ones) it does what open
connectors expect.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.description import vendor_description
from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import OAuthDesk

TOKEN = "AQX0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
VERSIONS = {"202604", "202605", "202606"}
MOST_ENTRIES = 5_000
PER_MINUTE = {"users": 600, "companies": 300}
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_COMPANY_IDS = ("companyWebsiteDomain", "companyName", "companyEmailDomain", "companyPageUrl", "stockSymbol")


@dataclass
class Audience:
    id: int
    name: str
    account: str
    type: str
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    known_from: float = 0.0
    status: str = ""

    def document(self) -> dict[str, Any]:
        size = len(self.entries) if len(self.entries) >= 300 else 0
        usual = "READY" if size else "BUILDING"
        return {
            "id": self.id,
            "name": self.name,
            "account": self.account,
            "accessPolicy": "PRIVATE",
            "type": self.type,
            "sourcePlatform": "API",
            "destinations": [{"destination": "LINKEDIN", "status": self.status or usual, "audienceSize": size}],
        }


class LinkedInEmulator(Emulator):
    """One person with ad accounts. `delay` is the time in seconds until a new audience is known."""

    def __init__(self, port: int = 0, *, delay: float = 0.0) -> None:
        description = vendor_description("linkedin/linkedin-marketing-audience-3rdparty.yml", _mend)
        super().__init__(port, description, "/rest")
        self.accounts = {516848833: "Northwind NW", 506333826: "Northwind tests"}
        self.audiences: dict[int, Audience] = {}
        self.refused: set[str] = set()
        self.may_manage = True
        self.by_token = False
        self.id_header = "x-restli-id"
        self.delay = delay
        self.undescribed = {"/oauth/v2/authorization", "/oauth/v2/accessToken", "/rest/adAccountUsers"}
        self.sign_in = OAuthDesk(("r_ads", "rw_dmp_segments"), pkce=False, refresh_seconds=365 * 86_400)
        self._recent: dict[str, deque[float]] = {kind: deque() for kind in PER_MINUTE}

    def named(self, name: str) -> Audience | None:
        """The audience of that name."""
        return next((each for each in self.audiences.values() if each.name == name), None)

    def make(self, name: str, type_: str = "USER", account: str = "516848833", known_from: float = 0.0) -> Audience:
        """An audience made in Campaign Manager itself."""
        number = 10_000_001 + len(self.audiences)
        urn = f"urn:li:sponsoredAccount:{account}"
        self.audiences[number] = Audience(number, name, urn, type_, known_from=known_from)
        return self.audiences[number]

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth/v2/authorization":
            return self.sign_in.page(request)
        if request.path == "/oauth/v2/accessToken":
            return self.sign_in.token(request)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        parts = [part for part in request.path.removeprefix("/rest").split("/") if part]
        match request.method, parts:
            case "GET", ["adAccounts"]:
                return self._list_accounts(request)
            case "GET", ["adAccountUsers"]:
                return self._list_rights(request)
            case "GET", ["dmpSegments"]:
                return self._list_audiences(request)
            case "POST", ["dmpSegments"]:
                return self._make(request.body)
            case "POST", ["dmpSegments", audience_id, ("users" | "companies") as kind]:
                return self._add(audience_id, kind, request)
        return _problem(404, "No virtual resource found", "RESOURCE_NOT_FOUND")

    def _refuse(self, request: Request) -> Reply | None:
        headers = request.headers
        scheme, _space, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return _problem(401, "Empty oauth2 access token", "EMPTY_ACCESS_TOKEN")
        if token not in {TOKEN, *self.other_keys} and not self.sign_in.accepts(token):
            return _problem(401, "Invalid access token", "INVALID_ACCESS_TOKEN")
        version = headers.get("linkedin-version", "")
        if version not in VERSIONS:
            return _problem(426, f"Requested version {version} is not active", "NONEXISTENT_VERSION")
        if headers.get("x-restli-protocol-version") != "2.0.0":
            return _problem(400, "The Rest.li protocol version must be 2.0.0", "VERSION_MISSING")
        if not self.may_manage and "dmpSegments" in request.path:
            return _problem(403, "Not enough permissions to access: dmpSegments.FINDER-account", "ACCESS_DENIED")
        return None

    def _list_accounts(self, request: Request) -> Reply:
        found = [{"id": number, "name": name, "test": "tests" in name} for number, name in self.accounts.items()]
        if not self.by_token:
            return _page(request, found)
        start = int(request.query.get("pageToken") or 0)
        size = int(request.query.get("pageSize") or 1)
        metadata = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return Reply(document={"elements": found[start : start + size], "metadata": metadata})

    def _list_rights(self, request: Request) -> Reply:
        """As LinkedIn's pages on ad account users tell of the finder for who asks."""
        if request.query != {"q": "authenticatedUser"}:
            return _problem(400, "Invalid query parameters passed to request", "QUERY_PARAM_NOT_ALLOWED")
        accounts = (f"urn:li:sponsoredAccount:{number}" for number in self.accounts)
        rights = [{"account": each, "role": "CAMPAIGN_MANAGER", "user": "urn:li:person:N0r4Wind"} for each in accounts]
        return Reply(document={"elements": rights, "paging": {"start": 0, "count": 10, "total": len(rights)}})

    def _list_audiences(self, request: Request) -> Reply:
        account = request.query.get("account", "")
        if not self._has(account):
            return _problem(404, f"Account {account} does not exist", "NOT_FOUND")
        now = time.monotonic()
        known = [each for each in self.audiences.values() if each.account == account and each.known_from <= now]
        return _page(request, [each.document() for each in known])

    def _make(self, body: dict[str, Any]) -> Reply:
        if not self._has(body.get("account", "")):
            return _problem(404, "The account does not exist", "NOT_FOUND")
        if not body.get("name") or not body.get("sourcePlatform") or body.get("type") not in {"USER", "COMPANY"}:
            return _problem(400, "name, sourcePlatform and type are needed", "INVALID_REQUEST")
        account = body["account"].removeprefix("urn:li:sponsoredAccount:")
        made = self.make(body["name"], body["type"], account, time.monotonic() + self.delay)
        return Reply(201, made.document(), headers={self.id_header: str(made.id)})

    def _add(self, audience_id: str, kind: str, request: Request) -> Reply:
        if self._too_often(kind):
            return _problem(429, "Too many requests in this minute", "TOO_MANY_REQUESTS")
        if request.headers.get("x-restli-method", "").upper() != "BATCH_CREATE":
            return _problem(400, "X-RestLi-Method must be BATCH_CREATE", "INVALID_REQUEST")
        audience = self.audiences.get(int(audience_id)) if audience_id.isdigit() else None
        if audience is None or time.monotonic() < audience.known_from:
            return _problem(404, f"Could not find DMP segment with ID {audience_id}", "NOT_FOUND")
        if (audience.type == "USER") != (kind == "users"):
            return _problem(400, "The segment is of another type", "INVALID_REQUEST")
        entries = request.body.get("elements", [])
        if len(entries) > MOST_ENTRIES:
            return _problem(400, f"At most {MOST_ENTRIES} elements are allowed", "INVALID_REQUEST")
        return Reply(document={"elements": [self._take(audience, kind, entry) for entry in entries]})

    def _take(self, audience: Audience, kind: str, entry: dict[str, Any]) -> dict[str, Any]:
        identity = _identity(kind, entry)
        if identity is None:
            return _entry_error("Invalid or missing identifiers")
        if identity in self.refused:
            return _entry_error("This entry is not accepted")
        if entry["action"] == "REMOVE":
            audience.entries.pop(identity, None)
            return {"status": 200}
        known = identity in audience.entries
        audience.entries[identity] = {**audience.entries.get(identity, {}), **entry}
        return {"status": 200 if known else 201}

    def _has(self, account: str) -> bool:
        return account.removeprefix("urn:li:sponsoredAccount:") in {str(number) for number in self.accounts}

    def _too_often(self, kind: str) -> bool:
        now, recent = time.monotonic(), self._recent[kind]
        while recent and recent[0] < now - 60:
            recent.popleft()
        if len(recent) >= PER_MINUTE[kind]:
            return True
        recent.append(now)
        return False


def _identity(kind: str, entry: dict[str, Any]) -> str | None:
    """What an entry is known by; None when it is not one."""
    if entry.get("action") not in {"ADD", "REMOVE"}:
        return None
    if kind == "companies":
        return next((str(entry[name]) for name in _COMPANY_IDS if entry.get(name)), None)
    shapes = {"SHA256_EMAIL": "[0-9a-f]{64}", "GOOGLE_AID": _UUID, "APPLE_IDFA": _UUID}
    ids = entry.get("userIds") or []
    if not ids or not all(re.fullmatch(shapes.get(each["idType"], "(?!)"), each["idValue"]) for each in ids):
        return None
    return str(ids[0]["idValue"])


def _entry_error(message: str) -> dict[str, Any]:
    return {"status": 400, "error": {"status": 400, "message": message}}


def _page(request: Request, rows: list[dict[str, Any]]) -> Reply:
    start, count = int(request.query.get("start", 0)), int(request.query.get("count", 10))
    paging = {"start": start, "count": count, "total": len(rows), "links": []}
    return Reply(document={"elements": rows[start : start + count], "paging": paging})


def _problem(status: int, message: str, code: str) -> Reply:
    return Reply(status, {"status": status, "message": message, "code": code})


def _mend(document: dict[str, Any]) -> None:
    """The description is a third party's. LinkedIn's own pages say that a company needs no name, and page with start and count.

    Types are called USER and COMPANY there and in open connectors, and each platform has a name of its own.
    """
    schemas = document["components"]["schemas"]
    for name in ("DmpSegment", "DmpSegmentCreateRequest"):
        schemas[name]["properties"]["type"]["enum"] += ["USER", "COMPANY"]
        del schemas[name]["properties"]["sourcePlatform"]["enum"]
    schemas["CompanyStreamElement"]["required"].remove("companyName")
    for path, names in {
        "/adAccounts": ("start", "count", "pageSize", "pageToken"),
        "/dmpSegments": ("start", "count"),
    }.items():
        document["paths"][path]["get"]["parameters"] += [
            {"name": name, "in": "query", "schema": {"type": "string"}} for name in names
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description="A LinkedIn on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with LinkedInEmulator(parser.parse_args().port) as linkedin:
        print(f"api_url       {linkedin.url}")
        print(f"access_token  {TOKEN}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
