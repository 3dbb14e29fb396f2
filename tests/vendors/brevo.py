"""A Brevo to try with: contacts, lists, folders and imports, as its own description has them.

Imports are worked on after they were answered; `working` is how often it says so before they are done. Like the real one it
drops without a word who is in `refused`, whose address is none, and values that do not fit their attribute. `most` contacts fit
into a request.
"""

from __future__ import annotations

import argparse
import itertools
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.description import from_swagger_2, vendor_description
from tests.vendors.emulator import Emulator, Reply, Request

KEY = f"xkeysib-{'0123456789abcdef' * 4}-northwind4242xyz"
MOST_BYTES = 10_000_000
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOMENT = "2026-11-26T12:00:00.000+01:00"
_ATTRIBUTES = {
    "FIRSTNAME": ("normal", "text"),
    "LASTNAME": ("normal", "text"),
    "SMS": ("normal", "text"),
    "POINTS": ("normal", "float"),
    "CLUB": ("normal", "boolean"),
    "BIRTHDAY": ("normal", "date"),
    "ORDERS": ("calculated", "float"),
}
_TYPES: dict[str, Any] = {"text": str, "date": str, "float": int | float, "boolean": bool}


@dataclass
class BrevoList:
    id: int
    name: str
    folder: int
    dynamic: bool = False
    members: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        number = len(self.members)
        counts = {"totalBlacklisted": 0, "totalSubscribers": number, "uniqueSubscribers": number}
        return {"id": self.id, "name": self.name, "folderId": self.folder, **counts}


class BrevoEmulator(Emulator):
    """One account with a key that may do everything."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("brevo/trimmed.json", _mend), "/v3")
        self.lists: dict[int, BrevoList] = {}
        self.folders = {1: "Your first folder"}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.working = 1
        self.most = 1_000_000
        self._processes: dict[int, int] = {}
        self._numbers = itertools.count(11)

    def named(self, name: str) -> BrevoList | None:
        return next((each for each in self.lists.values() if each.name == name), None)

    def make(self, name: str, *, folder: int = 1, dynamic: bool = False) -> BrevoList:
        """A list made in Brevo itself."""
        made = BrevoList(next(self._numbers), name, folder, dynamic)
        self.lists[made.id] = made
        return made

    def addresses(self, name: str) -> set[str]:
        found = self.named(name)
        return set(found.members) if found else set()

    def answer(self, request: Request) -> Reply:
        if request.headers.get("api-key") not in {KEY, *self.other_keys}:
            return _problem(401, "unauthorized", "Key not found")
        parts = [part for part in request.path.removeprefix("/v3/").split("/") if part]
        match request.method, parts:
            case "GET", ["account"]:
                return Reply(document=_ACCOUNT)
            case "GET", ["processes", number] if int(number) in self._processes:
                return self._process(int(number))
            case "GET", ["contacts", "attributes"]:
                told = [{"name": name, "category": c, "type": t} for name, (c, t) in _ATTRIBUTES.items()]
                return Reply(document={"attributes": told})
            case "GET", ["contacts", "folders"]:
                none = {"totalBlacklisted": 0, "totalSubscribers": 0, "uniqueSubscribers": 0}
                every = [{"id": number, "name": name, **none} for number, name in self.folders.items()]
                return Reply(document={"folders": _page(every, request, 10), "count": len(every)})
            case "POST", ["contacts", "import"]:
                return self._import(request)
            case method, ["contacts", "lists", *rest]:
                return self._lists(method, rest, request)
        return _problem(404, "document_not_found", "There is nothing here")

    def _lists(self, method: str, rest: list[str], request: Request) -> Reply:
        found = self.lists.get(int(rest[0])) if rest and rest[0].isdecimal() else None
        match method, rest:
            case "GET", []:
                every = [each.document() for each in self.lists.values()]
                return Reply(document={"lists": _page(every, request, 10), "count": len(every)})
            case "POST", []:
                if request.body["folderId"] not in self.folders:
                    return _problem(400, "invalid_parameter", "Folder ID does not exist")
                return Reply(201, {"id": self.make(request.body["name"], folder=request.body["folderId"]).id})
            case "GET", [_list_id] if found:
                more = {"createdAt": _MOMENT, "dynamicList": found.dynamic}
                return Reply(document={**found.document(), **more})
            case "GET", [_list_id, "contacts"] if found:
                every = [self._document(each) for each in found.members]
                return Reply(document={"contacts": _page(every, request, 50), "count": len(every)})
            case "POST", [_list_id, "contacts", "remove"] if found:
                return self._remove(found, request.body["emails"])
        return _problem(404, "document_not_found", "List ID does not exist")

    def _remove(self, found: BrevoList, emails: list[str]) -> Reply:
        if not emails or len(emails) > 150:
            return _problem(400, "invalid_parameter", "Between 1 and 150 emails are allowed")
        gone = [each for each in emails if each.lower() in found.members]
        if not gone:
            return _problem(400, "invalid_parameter", "Contact already removed from list and/or does not exist")
        lower = {each.lower() for each in gone}
        found.members = [each for each in found.members if each not in lower]
        failed = [each for each in emails if each not in gone]
        return Reply(201, {"contacts": {"success": gone, "failure": failed, "total": len(gone)}})

    def _import(self, request: Request) -> Reply:
        body = request.body
        contacts = body["jsonBody"]
        if not contacts or len(contacts) > self.most or len(request.raw) > MOST_BYTES:
            return _problem(400, "invalid_parameter", "jsonBody is empty or too large")
        if set(body["listIds"]) - self.lists.keys():
            return _problem(400, "invalid_parameter", "List ID does not exist")
        lists = [self.lists[number] for number in body["listIds"]]
        if any(each.dynamic for each in lists):
            return _problem(400, "invalid_parameter", "A dynamic list can't be filled")
        known = {each.id: set(each.members) for each in lists}
        for contact in contacts:
            address = contact["email"].lower()
            if address in self.refused or not _ADDRESS.fullmatch(address):
                continue
            fitting = {name: value for name, value in contact["attributes"].items() if _fits(name, value)}
            self.contacts.setdefault(address, {}).update(fitting)
            for each in lists:
                if address not in known[each.id]:
                    each.members.append(address)
        number = next(self._numbers)
        self._processes[number] = self.working
        return Reply(202, {"processId": number})

    def _process(self, number: int) -> Reply:
        left = self._processes[number]
        self._processes[number] = max(0, left - 1)
        status = "in_process" if left > 0 else "completed"
        return Reply(document={"id": number, "status": status, "name": "import"})

    def _document(self, address: str) -> dict[str, Any]:
        return {
            "email": address,
            "id": 1 + list(self.contacts).index(address) if len(self.contacts) < 100 else 1,
            "emailBlacklisted": False,
            "smsBlacklisted": False,
            "createdAt": _MOMENT,
            "modifiedAt": _MOMENT,
            "listIds": [each.id for each in self.lists.values() if address in each.members],
            "attributes": self.contacts[address],
        }


_ACCOUNT = {
    "email": "owner@northwind.example",
    "firstName": "Nora",
    "lastName": "Wind",
    "companyName": "Northwind Retail",
    "address": {"street": "", "city": "", "zipCode": "", "country": ""},
    "plan": [{"type": "free", "creditsType": "sendLimit", "credits": 300.0}],
    "relay": {"enabled": False, "data": {"userName": "owner@northwind.example", "relay": "smtp", "port": 587}},
}


def _fits(name: str, value: Any) -> bool:
    category, kind = _ATTRIBUTES.get(name, ("", ""))
    return category == "normal" and isinstance(value, _TYPES[kind])


def _page(every: list[Any], request: Request, usual: int) -> list[Any]:
    start, size = int(request.query.get("offset") or 0), int(request.query.get("limit") or usual)
    ordered = every if request.query.get("sort") == "asc" else every[::-1]
    return ordered[start : start + size]


def _problem(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"code": code, "message": message})


def _mend(document: dict[str, Any]) -> None:
    """The description forbids nothing it does not name: of an import that is held here."""
    from_swagger_2(document)
    document["definitions"]["requestContactImport"]["additionalProperties"] = False


def main() -> None:
    parser = argparse.ArgumentParser(description="A Brevo on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with BrevoEmulator(parser.parse_args().port) as brevo:
        print(f"api_url  {brevo.url}\napi_key  {KEY}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
