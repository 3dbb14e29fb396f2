"""A Meta to try with: ad accounts and custom audiences of the Graph API, as strict as Meta's descriptions and pages.

It keeps audiences and who is in them, and enforces the token, the proof of the app's secret, rights, kinds of audiences, at most
10,000 rows a request and the form of hashes. Meta's descriptions are in a format of its own; they become OpenAPI here.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import itertools
import json
import os
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.vendors.description import vendor_description
from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import CLIENT_SECRET, OAuthDesk

APP_ID = "481516234200"
ACCOUNTS = {"700100200": "Northwind shop", "700100201": "Northwind outlet"}
SYSTEM_TOKEN = "EAAGsystem0user1token2of3northwind4ZCZB5"
MOST_ROWS = 10_000
VERSION = "v25.0"
SIXTY_DAYS = 5_183_944
_HASH = re.compile("[0-9a-f]{64}")
_KEYS = ["EMAIL", "PHONE", "EXTERN_ID", "FN", "LN", "FI", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY"]


@dataclass
class CustomAudience:
    id: str
    name: str
    account: str
    subtype: str = "CUSTOM"
    status: int = 200
    source: str = "USER_PROVIDED_ONLY"
    members: dict[str, dict[str, str]] = field(default_factory=dict)

    def document(self, fields: list[str]) -> dict[str, Any]:
        words = {200: "Normal", 471: "This audience has been flagged"}
        number = len(self.members) // 100 * 100
        every = {
            "id": self.id,
            "name": self.name,
            "account_id": self.account,
            "subtype": self.subtype,
            "operation_status": {"code": self.status, "description": words[self.status]},
            "approximate_count_lower_bound": number or -1,
            "approximate_count_upper_bound": number + 100 if number else -1,
        }
        return {name: every[name] for name in fields}


class MetaDesk(OAuthDesk):
    """The sign-in: a code gives a token for an hour, and that one for sixty days; nothing renews it."""

    def token(self, request: Request) -> Reply:
        form = request.body if isinstance(request.body, dict) else {}
        if not self._knows_app(request, form):
            return _problem("Error validating client secret.", 1)
        if form.get("grant_type") == "fb_exchange_token":
            if not self.accepts(form.get("fb_exchange_token", "")):
                return _problem("Error validating access token.", 190)
            return Reply(document=self.lasting())
        if form.get("grant_type") == "authorization_code":
            return self._by_code(form)
        return _problem("Unsupported grant type.", 100)

    def lasting(self) -> dict[str, object]:
        token = f"EAAGlasting{next(self._numbers):04}ofNorthwindZB"
        self._access[token] = time.monotonic() + SIXTY_DAYS
        return {"access_token": token, "token_type": "bearer", "expires_in": SIXTY_DAYS}


class MetaEmulator(Emulator):
    """One person with two ad accounts. `refused` are hashes Meta reads nobody from; `names` is how many of them it shows."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("meta/trimmed.json", _mend), f"/{VERSION}")
        self.undescribed = {f"/{VERSION}/dialog/oauth", f"/{VERSION}/oauth/access_token"}
        self.sign_in = MetaDesk(("ads_management",), pkce=False, gives_refresh=False, client_id=APP_ID)
        self.system_token = SYSTEM_TOKEN
        self.audiences: dict[str, CustomAudience] = {}
        self.accounts = dict(ACCOUNTS)
        self.refused: set[str] = set()
        self.names = 5
        self.granted = True
        self.terms_accepted = True
        self._numbers = itertools.count(23_840_001)

    def named(self, name: str) -> CustomAudience | None:
        return next((each for each in self.audiences.values() if each.name == name), None)

    def make(self, name: str, subtype: str = "CUSTOM", account: str = "700100200") -> CustomAudience:
        """An audience made in Ads Manager itself."""
        made = CustomAudience(str(next(self._numbers)), name, account, subtype)
        self.audiences[made.id] = made
        return made

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix(f"/{VERSION}")
        if path == "/dialog/oauth":
            return self.sign_in.page(request)
        if path == "/oauth/access_token":
            return self.sign_in.token(request)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        parts = path.strip("/").split("/")
        match request.method, parts:
            case "GET", ["me"]:
                return Reply(document={"id": "10158", "name": "Ada Byron"})
            case "GET", ["me", "permissions"]:
                status = "granted" if self.granted else "declined"
                return Reply(document={"data": [{"permission": "ads_management", "status": status}]})
            case "GET", ["me", "adaccounts"]:
                rows = [
                    {"account_id": i, "name": n, "account_status": 1, "id": f"act_{i}"}
                    for i, n in self.accounts.items()
                ]
                return _page(request, rows)
        if not self.granted:
            return _problem("Requires ads_management permission to manage the object", 200, status=403)
        return self._manage(request, parts)

    def _manage(self, request: Request, parts: list[str]) -> Reply:
        fields = request.query.get("fields", "id").split(",")
        match request.method, parts:
            case _, [account, "customaudiences"] if account.removeprefix("act_") not in self.accounts:
                return _unknown(account)
            case "GET", [account, "customaudiences"]:
                own = (each for each in self.audiences.values() if each.account == account.removeprefix("act_"))
                return _page(request, [each.document(fields) for each in own])
            case "POST", [account, "customaudiences"]:
                return self._make(account.removeprefix("act_"), request.body)
            case _, [number, *_rest] if number not in self.audiences:
                return _unknown(number)
            case "GET", [number]:
                return Reply(document=self.audiences[number].document(fields))
            case "POST" | "DELETE", [number, "users"]:
                return self._change(self.audiences[number], request)
        return _problem("Unsupported request.", 100)

    def _refuse(self, request: Request) -> Reply | None:
        _scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if token != self.system_token and not self.sign_in.accepts(token):
            return _problem("Error validating access token: The session has expired.", 190, status=401)
        proof = hmac.new(CLIENT_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
        if request.query.get("appsecret_proof") != proof:
            return _problem("Invalid appsecret_proof provided in the API argument", 100)
        return None

    def _make(self, account: str, body: dict[str, Any]) -> Reply:
        if not self.terms_accepted:
            return _problem("Permissions error", 200, 1_870_090, "Custom Audience Terms Not Accepted", status=403)
        if not body.get("name") or body.get("subtype") != "CUSTOM" or not body.get("customer_file_source"):
            return _problem("Invalid parameter", 100)
        made = self.make(body["name"], account=account)
        made.source = body["customer_file_source"]
        return Reply(document={"id": made.id})

    def _change(self, audience: CustomAudience, request: Request) -> Reply:
        if audience.subtype != "CUSTOM":
            return _problem("Invalid parameter", 100, words="You can't add people to this audience.")
        if audience.status == 471:
            return _problem("Invalid parameter", 100, 1_713_230, "Audience Upload Blocked")
        payload = request.body["payload"]
        schema, data = payload["schema"], payload["data"]
        if len(data) > MOST_ROWS:
            return _problem("Invalid parameter", 100, words="You can add up to 10000 people at a time.")
        if any(len(row) != len(schema) for row in data):
            return _problem("Invalid parameter", 100, words="The rows do not fit the schema.")
        unread = [row for row in data if self._unreadable(row)]
        for row in data:
            if not self._unreadable(row):
                values = dict(zip(schema, row, strict=True))
                who = next(values[key] for key in _KEYS if values.get(key))
                if request.method == "POST":
                    audience.members[who] = values
                else:
                    audience.members.pop(who, None)
        samples = {str(at): ",".join(row) for at, row in enumerate(unread[: self.names])}
        return Reply(
            document={
                "audience_id": audience.id,
                "session_id": str(next(self._numbers)),
                "num_received": len(data),
                "num_invalid_entries": len(unread),
                "invalid_entry_samples": samples,
            }
        )

    def _unreadable(self, row: list[str]) -> bool:
        return (
            not any(row) or any(value and not _HASH.fullmatch(value) for value in row) or bool(self.refused & set(row))
        )


def _page(request: Request, rows: list[dict[str, Any]]) -> Reply:
    size, start = int(request.query.get("limit", 25)), int(request.query.get("after") or 0)
    document: dict[str, Any] = {"data": rows[start : start + size]}
    if document["data"]:
        document["paging"] = {"cursors": {"before": str(start), "after": str(start + size)}}
        if start + size < len(rows):
            document["paging"]["next"] = "https://graph.facebook.com/next-page-with-a-token"
    return Reply(document=document)


def _unknown(number: str) -> Reply:
    words = f"Unsupported get request. Object with ID '{number}' does not exist"
    return _problem(words, 100, 33)


def _problem(message: str, code: int, subcode: int = 0, words: str = "", status: int = 400) -> Reply:
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbC"}
    if subcode:
        error["error_subcode"] = subcode
    if words:
        error |= {"error_user_title": "Audience", "error_user_msg": words}
    return Reply(status, {"error": error})


def _mend(document: dict[str, Any]) -> None:
    """Meta's description of three nodes as paths; those of `/me` are its user's, of which it names the edges only."""
    folder = Path(os.environ["SENDOFF_VENDOR_SPECS"]) / "meta"
    enums = {
        each["name"]: each["values"] for each in json.loads((folder / "enum_types.CustomAudience.json").read_text())
    }
    user = json.loads((folder / "User.json").read_text())
    nodes = {"/act_{account}": document.pop("AdAccount"), "/{audience}": document.pop("CustomAudience"), "/me": user}
    shapes = {path: _shape(node["fields"], enums) for path, node in nodes.items()}
    answers = {"CustomAudience": shapes["/{audience}"], "AdAccount": shapes["/act_{account}"], "Permission": {}}
    paths: dict[str, Any] = {"/me": {"get": _operation("get", [], shapes["/me"], enums)}}
    for path, edges in _EDGES.items():
        for api in nodes[path]["apis"]:
            edge, method = api.get("endpoint", ""), api["method"].lower()
            if edge in edges:
                answer = answers[api["return"]] if method == "get" else {}
                page = {"type": "object", "properties": {"data": {"type": "array", "items": answer}}}
                where = f"{path}/{edge}" if edge else path
                paths.setdefault(where, {})[method] = _operation(method, api["params"], page if edge else answer, enums)
    document["paths"] = paths


_EDGES = {"/me": {"adaccounts", "permissions"}, "/act_{account}": {"customaudiences"}, "/{audience}": {"", "users"}}


def _operation(
    method: str, params: list[dict[str, Any]], answer: dict[str, Any], enums: dict[str, Any]
) -> dict[str, Any]:
    """One request: what GET takes in the address, others take in the body; some goes with all of them."""
    described: dict[str, Any] = {"responses": {"200": {"content": {"application/json": {"schema": answer}}}}}
    everywhere = ["appsecret_proof"] + (["fields", "limit", "after"] if method == "get" else [])
    query = [{"name": name, "in": "query", "schema": {}} for name in everywhere]
    properties = {each["name"]: _type(each["type"], enums) for each in params}
    if method == "get":
        query += [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]
    else:
        needed = [each["name"] for each in params if each["required"]]
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if "payload" in properties:
            properties["payload"] = _payload()
        described["requestBody"] = {
            "content": {"application/json": {"schema": {**schema, **({"required": needed} if needed else {})}}}
        }
    return {**described, "parameters": query}


def _payload() -> dict[str, Any]:
    """What Meta's page says of it; the description calls it an object."""
    return {
        "type": "object",
        "required": ["schema", "data"],
        "additionalProperties": False,
        "properties": {
            "schema": {"type": "array", "items": {"enum": _KEYS}},
            "data": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
        },
    }


def _shape(fields: list[dict[str, Any]], enums: dict[str, Any]) -> dict[str, Any]:
    properties = {each["name"]: _type(each["type"], enums) for each in fields}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _type(name: str, enums: dict[str, Any]) -> dict[str, Any]:
    if name in enums:
        return {"enum": enums[name]}
    if name.startswith("list<"):
        return {"type": "array", "items": _type(name[5:-1], enums)}
    plain = {"string": "string", "bool": "boolean", "unsigned int": "integer", "int": "integer", "float": "number"}
    return {"type": plain[name]} if name in plain else {}


def main() -> None:
    parser = argparse.ArgumentParser(description="A Meta on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with MetaEmulator(parser.parse_args().port) as meta:
        root = meta.url.removesuffix(f"/{VERSION}")
        print(
            f"api_url        {root}\nauthorize_url  {meta.url}/dialog/oauth\ntoken_url      {meta.url}/oauth/access_token"
        )
        print(f"client_id      {APP_ID}\nclient_secret  {CLIENT_SECRET}\naccess_token   {SYSTEM_TOKEN}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
