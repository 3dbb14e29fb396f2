"""A HubSpot to try with: contacts, properties and lists, as strict as its published descriptions.

`refused` are addresses it does not take; `traces` tells whether it says which contacts of a request it refused (207), or
refuses the whole request (400). `left` are the requests left today.
"""

from __future__ import annotations

import argparse
import itertools
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.vendors.description import vendor_description
from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import OAuthDesk

TOKEN = "pat-eu1-01234567-89ab-cdef-0123-456789abcdef"
SCOPES = (
    "oauth",
    "crm.lists.read",
    "crm.lists.write",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
)
MOST = 100
CONTACTS = "0-1"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOMENT = "2026-11-26T12:00:00Z"
_PROPERTIES = {
    **dict.fromkeys(("firstname", "lastname", "phone", "company", "jobtitle", "address", "city"), "string"),
    **dict.fromkeys(("email", "state", "zip", "country", "favourite_shop", "hs_lead_source", "full_name"), "string"),
    "points": "number",
}


@dataclass
class HubSpotList:
    id: str
    name: str
    kind: str = "MANUAL"
    objects: str = CONTACTS
    members: set[str] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        return {
            "listId": self.id,
            "listVersion": 1,
            "name": self.name,
            "objectTypeId": self.objects,
            "processingStatus": "COMPLETE",
            "processingType": self.kind,
        }


class HubSpotEmulator(Emulator):
    """One account with a private app that has all rights it needs, unless `scopes` has fewer, and an app for the browser."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("hubspot/trimmed.json", _mend), "")
        self.undescribed = {"/oauth/authorize", "/oauth/v3/token"}
        self.sign_in = OAuthDesk(SCOPES)
        self.scopes = set(SCOPES)
        self.lists: dict[str, HubSpotList] = {}
        self.contacts: dict[str, dict[str, str]] = {}
        self.refused: set[str] = set()
        self.traces = True
        self.left = 650_000
        self._by_email: dict[str, str] = {}
        self._numbers = itertools.count(101)

    def named(self, name: str) -> HubSpotList | None:
        return next((each for each in self.lists.values() if each.name.casefold() == name.casefold()), None)

    def make(self, name: str, kind: str = "MANUAL", objects: str = CONTACTS) -> HubSpotList:
        """A list made in HubSpot itself."""
        made = HubSpotList(str(next(self._numbers)), name, kind, objects)
        self.lists[made.id] = made
        return made

    def add(self, email: str, **properties: str) -> str:
        """A contact made in HubSpot itself; its number. `hs_additional_emails` are found too."""
        number = str(next(self._numbers))
        self.contacts[number] = {"email": email, **properties}
        for each in (email, *properties.get("hs_additional_emails", "").split(";")):
            self._by_email[each] = number
        return number

    def addresses(self, name: str) -> set[str]:
        found = self.named(name)
        return {self.contacts[number]["email"] for number in found.members} if found else set()

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth/authorize":
            return self.sign_in.page(request)
        if request.path == "/oauth/v3/token":
            return self.sign_in.token(request)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        self.left -= 1
        parts = [part for part in request.path.split("/") if part]
        match request.method, parts:
            case "GET", ["account-info", "v3", "details"]:
                return Reply(document=_ACCOUNT)
            case "GET", ["account-info", "v3", "api-usage", "daily", "private-apps"]:
                usage = {"name": "private-apps-api-calls-daily", "usageLimit": 650_000, "fetchStatus": "SUCCESS"}
                told = {**usage, "currentUsage": 650_000 - self.left, "collectedAt": _MOMENT}
                return Reply(document={"results": [told]})
            case "GET", ["crm", "v3", "properties", "contacts"]:
                return Reply(document={"results": [_property(name, kind) for name, kind in _PROPERTIES.items()]})
            case method, ["crm", "v3", "objects", "contacts", *rest]:
                return self._contacts(method, rest, request.body)
            case method, ["crm", "v3", "lists", *rest]:
                return self._lists(method, rest, request.body)
        return _problem(404, "OBJECT_NOT_FOUND", "There is nothing here.")

    def _refuse(self, request: Request) -> Reply | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token != TOKEN and not self.sign_in.accepts(token):
            return _problem(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        if self.left <= 0:
            problem = _problem(429, "RATE_LIMITS", "You have reached your daily limit.")
            return Reply(429, {**problem.document, "policyName": "DAILY"})
        verb = "read" if request.method == "GET" or request.path.endswith(("/search", "/batch/read")) else "write"
        needed = {"lists": f"crm.lists.{verb}", "objects": f"crm.objects.contacts.{verb}"}
        scope = needed.get([*request.path.split("/"), "", "", ""][3], "oauth")
        if scope not in self.scopes:
            context = {"requiredGranularScopes": [scope]}
            error = {"message": "One or more of the following scopes are required.", "context": context}
            return _problem(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.", errors=[error])
        return None

    def _contacts(self, method: str, rest: list[str], body: Any) -> Reply:
        match method, rest:
            case "GET", []:
                return Reply(document={"results": []})
            case "POST", ["batch", ("read" | "upsert") as verb]:
                inputs = body["inputs"]
                ids = [each["id"].lower() for each in inputs]
                if not inputs or len(inputs) > MOST:
                    return _problem(400, "VALIDATION_ERROR", f"Between 1 and {MOST} inputs are allowed.")
                if len(set(ids)) < len(ids):
                    return _problem(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input.")
                return self._read(ids) if verb == "read" else self._upsert(inputs)
        return _problem(404, "OBJECT_NOT_FOUND", "There is nothing here.")

    def _read(self, ids: list[str]) -> Reply:
        found = {self._by_email[each] for each in ids if each in self._by_email}
        gone = [each for each in ids if each not in self._by_email]
        document = _batch([self._document(number) for number in sorted(found)])
        if not gone:
            return Reply(document=document)
        error = _error("OBJECT_NOT_FOUND", "Could not get some CONTACT objects, they may be deleted or not exist.")
        return Reply(207, {**document, "numErrors": 1, "errors": [{**error, "context": {"ids": gone}}]})

    def _upsert(self, inputs: list[dict[str, Any]]) -> Reply:
        unknown = {name for each in inputs for name in each["properties"]} - _PROPERTIES.keys()
        if unknown:
            message = f'Property values were not valid: [{{"error":"PROPERTY_DOESNT_EXIST","name":"{min(unknown)}"}}]'
            return _problem(400, "VALIDATION_ERROR", message)
        wrong = [each for each in inputs if each["id"] in self.refused or not _ADDRESS.fullmatch(each["id"])]
        if wrong and not self.traces:
            return _problem(400, "VALIDATION_ERROR", f"Email address {wrong[0]['id']} is invalid")
        results = []
        for each in inputs:
            if each in wrong:
                continue
            number, new = self._by_email.get(each["id"].lower()), False
            if number is None:
                number, new = self.add(each["id"].lower()), True
            self.contacts[number] |= {k: v for k, v in each["properties"].items() if new or k != "email"}
            results.append({**self._document(number), "new": new, "objectWriteTraceId": each["objectWriteTraceId"]})
        if not wrong:
            return Reply(document=_batch(results))
        errors = [
            {
                **_error("VALIDATION_ERROR", f"Email address {each['id']} is invalid"),
                "context": {"objectWriteTraceId": [each["objectWriteTraceId"]]},
            }
            for each in wrong
        ]
        return Reply(207, {**_batch(results), "numErrors": len(errors), "errors": errors})

    def _document(self, number: str) -> dict[str, Any]:
        known = {name: value for name, value in self.contacts[number].items() if "email" in name}
        return {"id": number, "properties": known, "createdAt": _MOMENT, "updatedAt": _MOMENT, "archived": False}

    def _lists(self, method: str, rest: list[str], body: Any) -> Reply:
        match method, rest:
            case "POST", []:
                if self.named(body["name"]) is not None:
                    return _problem(400, "VALIDATION_ERROR", "The list name must be unique.")
                return Reply(document={"list": self.make(body["name"], body["processingType"]).document()})
            case "POST", ["search"]:
                return self._search(body)
            case "GET", ["object-type-id", "0-1", "name", name] if found := self.named(unquote(name)):
                return Reply(document={"list": found.document()})
            case "GET", [list_id] if found := self.lists.get(list_id):
                return Reply(document={"list": {**found.document(), "size": len(found.members)}})
            case "PUT", [list_id, "memberships", verb] if found := self.lists.get(list_id):
                return self._membership(found, verb, body)
        return _problem(404, "OBJECT_NOT_FOUND", "List does not exist.")

    def _search(self, body: dict[str, Any]) -> Reply:
        kinds = body["processingTypes"]
        every = [each for each in self.lists.values() if each.kind in kinds and each.objects == body["objectTypeId"]]
        start, count = body["offset"], body["count"]
        page = [
            {**each.document(), "additionalProperties": {"hs_list_size": str(len(each.members))}}
            for each in every[start : start + count]
        ]
        end = start + len(page)
        return Reply(document={"lists": page, "hasMore": end < len(every), "offset": end, "total": len(every)})

    def _membership(self, found: HubSpotList, verb: str, numbers: list[str]) -> Reply:
        if found.kind == "DYNAMIC":
            return _problem(400, "VALIDATION_ERROR", "Memberships of a dynamic list can't be changed.")
        there = {number for number in numbers if number in self.contacts}
        changed = there - found.members if verb == "add" else there & found.members
        found.members ^= changed
        return Reply(
            document={
                "recordsIdsAdded": sorted(changed) if verb == "add" else [],
                "recordIdsRemoved": sorted(changed) if verb == "remove" else [],
                "recordIdsMissing": sorted(set(numbers) - there),
            }
        )


_ACCOUNT = {
    "portalId": 4_242_424,
    "accountType": "STANDARD",
    "additionalCurrencies": [],
    "companyCurrency": "EUR",
    "dataHostingLocation": "eu1",
    "timeZone": "Europe/Berlin",
    "uiDomain": "app-eu1.hubspot.com",
    "utcOffset": "+01:00",
    "utcOffsetMilliseconds": 3_600_000,
}


def _property(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "description": "",
        "fieldType": "text",
        "groupName": "contactinformation",
        "options": [],
        "type": kind,
        "hidden": False,
        "calculated": name == "full_name",
        "modificationMetadata": {
            "archivable": True,
            "readOnlyDefinition": False,
            "readOnlyValue": name.startswith("hs_"),
        },
    }


def _batch(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "COMPLETE", "startedAt": _MOMENT, "completedAt": _MOMENT, "results": results}


def _error(category: str, message: str) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": message, "context": {}, "errors": [], "links": {}}


def _problem(status: int, category: str, message: str, **more: Any) -> Reply:
    told = {"category": category, "message": message, "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf"}
    return Reply(status, {**told, **more})


def _mend(_document: dict[str, Any]) -> None:
    """The descriptions are HubSpot's own and taken as they are."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A HubSpot on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with HubSpotEmulator(parser.parse_args().port) as hubspot:
        print(f"api_url       {hubspot.url}\naccess_token  {TOKEN}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
