"""A Marketo to try with: people, static lists and imports of files, as its own descriptions have them.

It says 200 whatever happens, as the real one does. Imports are worked on after they were answered; `working` is how often it says
so before they are done. `refused` are addresses it does not take, `names_refused` tells whether its file of failures has them,
`used` are the requests of today, `most` rows fit into a file.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.vendors.description import from_swagger_2, vendor_description
from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, OAuthDesk

FOLDER = 42
MOST_BYTES = 10_000_000
_TOKEN = "/identity/oauth/token"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOMENT = "2026-11-26T12:00:00Z"
_FIELDS = {
    **dict.fromkeys(("id", "email", "firstName", "lastName", "phone", "company", "title", "address", "city"), True),
    **dict.fromkeys(("state", "postalCode", "country", "favouriteShop"), True),
    "leadScore": False,
}


@dataclass
class StaticList:
    id: int
    name: str
    members: set[int] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "createdAt": _MOMENT, "updatedAt": _MOMENT}

    def asset(self) -> dict[str, Any]:
        more = {"description": "", "url": "", "workspace": "Default", "folder": {"id": FOLDER, "type": "Folder"}}
        return {**self.document(), **more}


@dataclass
class _Import:
    asked: int
    processed: int
    failed: list[list[str]]
    header: list[str]


class MarketoEmulator(Emulator):
    """One customer's Marketo; its API user may do everything unless `may_see` or `may_make` say otherwise."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("marketo/trimmed.json", _mend), "")
        self.undescribed = {_TOKEN}
        self.sign_in = OAuthDesk()
        self.lists: dict[int, StaticList] = {}
        self.people: dict[int, dict[str, str]] = {}
        self.refused: set[str] = set()
        self.names_refused = True
        self.fails = ""
        self.working = 1
        self.most = 1_000_000
        self.used = 0
        self.daily = 50_000
        self.may_see = self.may_make = True
        self._by_email: dict[str, int] = {}
        self._imports: dict[int, _Import] = {}
        self._numbers = itertools.count(1_001)

    def named(self, name: str) -> StaticList | None:
        return next((each for each in self.lists.values() if each.name == name), None)

    def make(self, name: str) -> StaticList:
        """A list made in Marketo itself."""
        made = StaticList(next(self._numbers), name)
        self.lists[made.id] = made
        return made

    def add(self, email: str, **values: str) -> int:
        """A person made in Marketo itself: there may be several of one address."""
        number = next(self._numbers)
        self.people[number] = {"email": email, **values}
        self._by_email.setdefault(email.lower(), number)
        return number

    def addresses(self, name: str) -> set[str]:
        found = self.named(name)
        return {self.people[number]["email"] for number in found.members} if found else set()

    def answer(self, request: Request) -> Reply:
        if request.path == _TOKEN:
            return self.sign_in.token(request)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        parts = [part for part in request.path.removesuffix(".json").split("/") if part]
        match request.method, parts:
            case "GET", ["rest", "v1", "stats", "usage"]:
                return _reply([{"date": _MOMENT, "total": self.used, "users": []}])
            case method, ["rest", "asset", "v1", *rest]:
                return self._assets(method, rest, request)
            case method, ["rest", "v1", "lists", *rest]:
                return self._lists(method, rest, request)
            case "GET", ["rest", "v1", "leads", "describe2"]:
                fields = [
                    {"name": n, "displayName": n, "dataType": "string", "updateable": u, "crmManaged": False}
                    for n, u in _FIELDS.items()
                ]
                return _reply([{"name": "API Lead", "searchableFields": [["email"], ["id"]], "fields": fields}])
            case "GET", ["rest", "v1", "leads"]:
                return self._find(request)
            case method, ["bulk", "v1", "leads", *rest]:
                return self._bulk(method, rest, request)
        return _problem("610", "Requested resource not found")

    def _refuse(self, request: Request) -> Reply | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.sign_in.accepts(token):
            return _problem("602" if token.startswith("access-token") else "601", "Access token invalid")
        self.used += 1
        if self.used > self.daily:
            return _problem("607", f"Daily API quota of {self.daily} exceeded")
        may = self.may_make if "/asset/" in request.path else self.may_see or "/stats/" in request.path
        return None if may else _problem("603", "Access denied")

    def _assets(self, method: str, rest: list[str], request: Request) -> Reply:
        match method, rest:
            case "GET", ["folders"]:
                return _reply([] if int(request.query.get("offset", 0)) else [_FOLDER])
            case "GET", ["staticList", "byName"]:
                found = self.named(request.query["name"])
                return _reply([found.asset()] if found else None)
            case "POST", ["staticLists"]:
                folder = json.loads(request.body["folder"])
                if folder != {"id": FOLDER, "type": "Folder"}:
                    return _problem("702", "The folder does not exist")
                if self.named(request.body["name"]) is not None:
                    return _problem("709", "Another list has this name")
                return _reply([self.make(request.body["name"]).asset()])
        return _problem("610", "Requested resource not found")

    def _lists(self, method: str, rest: list[str], request: Request) -> Reply:
        found = self.lists.get(int(rest[0])) if rest else None
        match method, rest:
            case "GET", []:
                every = [each.document() for each in self.lists.values()]
                start = int(request.query.get("nextPageToken") or 0)
                end = start + int(request.query.get("batchSize") or 300)
                more = {"nextPageToken": str(end)} if end < len(every) else {}
                return _reply(every[start:end], **more)
            case "GET", [_list_id] if found:
                return _reply([found.document()])
            case "DELETE", [_list_id, "leads"] if found:
                numbers = [int(each) for each in request.query["id"].split(",")]
                if len(numbers) > 300:
                    return _problem("1003", "At most 300 ids")
                told = [{"id": each, "status": "removed" if each in found.members else "skipped"} for each in numbers]
                found.members -= set(numbers)
                return _reply(told)
        return _problem("1013", "List not found")

    def _find(self, request: Request) -> Reply:
        values = {each.lower() for each in request.query["filterValues"].split(",")}
        if len(values) > 300 or request.query["filterType"] != "email":
            return _problem("1003", "The filter is not valid")
        every = [number for number, person in self.people.items() if person["email"].lower() in values]
        start = int(request.query.get("nextPageToken") or 0)
        more = {"nextPageToken": str(start + 300)} if start + 300 < len(every) else {}
        told = [{"id": number, "email": self.people[number]["email"]} for number in every[start : start + 300]]
        return _reply(told, **more)

    def _bulk(self, method: str, rest: list[str], request: Request) -> Reply:
        match method, rest:
            case "POST", []:
                return self._import(request)
            case "GET", ["batch", number] if int(number) in self._imports:
                return self._state(int(number))
            case "GET", ["batch", number, "failures"] if int(number) in self._imports:
                text = io.StringIO()
                told = self._imports[int(number)]
                rows = [[row[0] if self.names_refused else "?", *row[1:]] for row in told.failed]
                csv.writer(text).writerows([[*told.header, "Import Failure Reason"], *rows])
                return Reply(raw=text.getvalue().encode(), content_type="text/csv;charset=UTF-8")
        return _problem("610", "Requested resource not found")

    def _import(self, request: Request) -> Reply:
        header, *rows = csv.reader(io.StringIO(_file_of(request)))
        found = self.lists.get(int(request.query["listId"]))
        lookup = request.query["lookupField"]
        if found is None:
            return _problem("1013", "List not found")
        if len(request.raw) > MOST_BYTES or len(rows) > self.most or not rows:
            return _problem("1003", f"Between 1 and {self.most} rows and {MOST_BYTES} bytes are allowed")
        if header[0] != lookup or set(header) - _FIELDS.keys():
            return _problem("1006", f"Field '{header[-1]}' not found")
        failed = []
        for row in rows:
            values = dict(zip(header, row, strict=True))
            why = self._wrong(lookup, values)
            if why:
                failed.append([*row, why])
                continue
            number = self._upsert(lookup, {name: value for name, value in values.items() if value})
            found.members.add(number)
        batch = next(self._numbers)
        self._imports[batch] = _Import(self.working, len(rows), failed, header)
        return self._told(batch, "Queued")

    def _wrong(self, lookup: str, values: dict[str, str]) -> str:
        if lookup == "id" and not (values["id"].isdecimal() and int(values["id"]) in self.people):
            return "Lead not found"
        if lookup == "email" and not _ADDRESS.fullmatch(values["email"]):
            return "Invalid email address"
        return "Lead is blocked" if values.get("email", "").lower() in self.refused else ""

    def _upsert(self, lookup: str, values: dict[str, str]) -> int:
        number = int(values["id"]) if lookup == "id" else self._by_email.get(values["email"].lower())
        if number is None:
            number = self.add(values["email"])
        self.people[number].update({name: value for name, value in values.items() if name != "id"})
        return number

    def _state(self, number: int) -> Reply:
        told = self._imports[number]
        if told.asked > 0:
            told.asked -= 1
            return self._told(number, "Importing")
        return self._told(number, "Failed" if self.fails else "Complete")

    def _told(self, number: int, status: str) -> Reply:
        told = self._imports[number]
        done = status == "Complete"
        document = {"batchId": number, "importId": str(number), "status": status, "message": self.fails}
        failed = len(told.failed) if done else 0
        counts = {"numOfLeadsProcessed": told.processed - failed if done else 0, "numOfRowsFailed": failed}
        return _reply([{**document, **counts, "numOfRowsWithWarning": 0}])


_FOLDER = {
    "folderId": {"id": FOLDER, "type": "Folder"},
    "folderType": "Marketing Folder",
    "id": FOLDER,
    "isArchive": False,
    "isSystem": False,
    "name": "Segments",
    "parent": {"id": 1, "type": "Folder"},
    "path": "/Marketing Activities/Segments",
    "createdAt": _MOMENT,
    "updatedAt": _MOMENT,
    "url": "",
}


def _file_of(request: Request) -> str:
    """The file in a form of one part."""
    boundary = request.headers["content-type"].partition("boundary=")[2]
    _before, part, end = request.raw.decode().split(f"--{boundary}")
    head, _gap, content = part.partition("\r\n\r\n")
    assert 'name="file"' in head
    assert end.strip() == "--"
    return content.removesuffix("\r\n")


def _reply(result: list[Any] | None, **more: Any) -> Reply:
    found = {} if result is None else {"result": result}
    return Reply(document={"requestId": "d01f#15d672f8560", "success": True, **found, **more})


def _problem(code: str, message: str) -> Reply:
    document = {"requestId": "d01f#15d672f8560", "success": False, "errors": [{"code": code, "message": message}]}
    return Reply(document=document)


def _mend(document: dict[str, Any]) -> None:
    """Assets stand in a description of their own; `errors` and `warnings` are there only when there are some.

    The folder of a new list is JSON inside a form, and numbers to be removed stand in the address or in the body.
    """
    assets = json.loads((Path(os.environ["SENDOFF_VENDOR_SPECS"]) / "marketo/trimmed-asset.json").read_text("utf-8"))
    text = json.dumps(assets).replace("#/definitions/", "#/definitions/asset.")
    document["paths"] |= json.loads(text)["paths"]
    document["definitions"] |= {f"asset.{name}": each for name, each in json.loads(text)["definitions"].items()}
    from_swagger_2(document)
    for each in document["definitions"].values():
        if "success" in each.get("properties", {}):
            each["required"] = ["requestId", "success"]
    document["definitions"]["asset.CreateStaticListRequest"]["properties"]["folder"] = {"type": "string"}
    del document["paths"]["/rest/v1/lists/{listId}/leads.json"]["delete"]["requestBody"]


def main() -> None:
    parser = argparse.ArgumentParser(description="A Marketo on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with MarketoEmulator(parser.parse_args().port) as marketo:
        print(
            f"host           123-abc-456.mktorest.com\napi_url        {marketo.url}\ntoken_url      {marketo.url}{_TOKEN}"
        )
        print(f"client_id      {CLIENT_ID}\nclient_secret  {CLIENT_SECRET}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
