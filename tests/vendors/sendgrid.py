"""A Twilio SendGrid to try with: contacts, lists and jobs, as strict as its published descriptions.

Upserts are worked on after they were answered; `working` is how often it says so before they are done. `refused` are addresses
it does not take, and `names_refused` tells whether its file of errors names them. The file lies where no key may be shown, as
with the storage that SendGrid uses. `most` contacts fit into a request.
"""

from __future__ import annotations

import argparse
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from tests.vendors.description import vendor_description
from tests.vendors.emulator import Emulator, Reply, Request

KEY = "SG.northwind-0123456789ab.northwind-0123456789abcdef0123456789abcdef012"
MOST_CONTACTS, MOST_BYTES = 30_000, 6_000_000
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOMENT = "2026-11-26T12:00:00Z"
_CUSTOM = {"w1": "Favourite shop", "w2": "Points"}


@dataclass
class SendGridList:
    id: str
    name: str
    members: set[str] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "contact_count": len(self.members),
            "_metadata": {"self": f"https://api.sendgrid.com/v3/marketing/lists/{self.id}"},
        }


@dataclass
class _Job:
    asked: int
    requested: int
    wrong: list[str]


class SendGridEmulator(Emulator):
    """One account with a key of these `scopes`."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("sendgrid/trimmed.json", _mend), "")
        self.scopes = {"marketing.read", "marketing.write", "user.profile.read", "user.username.read"}
        self.undescribed = {
            "/v3/user/username"
        }  # the description of users has it, of which the trimmed one holds a part
        self.lists: dict[str, SendGridList] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.names_refused = True
        self.working = 1
        self.most = MOST_CONTACTS
        self._jobs: dict[str, _Job] = {}
        self._made = 0

    def named(self, name: str) -> SendGridList | None:
        return next((each for each in self.lists.values() if each.name == name), None)

    def make(self, name: str) -> SendGridList:
        """A list made in SendGrid itself."""
        made = SendGridList(self._number(), name)
        self.lists[made.id] = made
        return made

    def addresses(self, name: str) -> set[str]:
        found = self.named(name)
        return set(found.members) if found else set()

    def _number(self) -> str:
        self._made += 1
        return str(uuid5(UUID(int=0), str(self._made)))

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            return self._file(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in {KEY, *self.other_keys}:
            return _problem(401, "authorization required")
        parts = [part for part in request.path.removeprefix("/v3/").split("/") if part]
        if parts[0] == "marketing" and not {"marketing.read", "marketing.write"} <= self.scopes:
            return _problem(403, "access forbidden")
        match request.method, parts:
            case "GET", ["scopes"]:
                return Reply(document={"scopes": sorted(self.scopes)})
            case "GET", ["user", what] if f"user.{what}.read" not in self.scopes:
                return _problem(403, "access forbidden")
            case "GET", ["user", what] if what in _USER:
                return Reply(document=_USER[what])
            case "GET", ["marketing", "field_definitions"]:
                own = [{"id": each, "name": name, "field_type": "Text"} for each, name in _CUSTOM.items()]
                return Reply(document={"custom_fields": own, "reserved_fields": []})
            case method, ["marketing", "lists", *rest]:
                return self._lists(method, rest, request)
            case method, ["marketing", "contacts", *rest]:
                return self._contacts(method, rest, request)
        return _problem(404, "not found")

    def _lists(self, method: str, rest: list[str], request: Request) -> Reply:
        match method, rest:
            case "GET", []:
                return self._list(request)
            case "POST", []:
                return Reply(201, self.make(request.body["name"]).document())
            case "GET", [list_id] if found := self.lists.get(list_id):
                return Reply(document=found.document())
            case "GET", [list_id, "contacts", "count"] if found := self.lists.get(list_id):
                return Reply(document={"contact_count": len(found.members), "billable_count": len(found.members)})
            case "DELETE", [list_id, "contacts"] if found := self.lists.get(list_id):
                numbers = request.query["contact_ids"].split(",")
                if len(numbers) > 100:
                    return _problem(400, "too many contact_ids")
                found.members -= {address for address in found.members if _contact_id(address) in numbers}
                return Reply(202, {"job_id": self._number()})
        return Reply(404, [{"message": "list not found"}] if method == "GET" else None)

    def _list(self, request: Request) -> Reply:
        every = list(self.lists.values())
        start = int(request.query.get("page_token") or 0)
        size = int(request.query.get("page_size") or 100)
        page = every[start : start + size]
        metadata: dict[str, Any] = {"self": "https://api.sendgrid.com/v3/marketing/lists", "count": len(every)}
        if start + size < len(every):
            metadata["next"] = f"https://api.sendgrid.com/v3/marketing/lists?page_size={size}&page_token={start + size}"
        return Reply(document={"result": [each.document() for each in page], "_metadata": metadata})

    def _contacts(self, method: str, rest: list[str], request: Request) -> Reply:
        match method, rest:
            case "PUT", []:
                return self._upsert(request)
            case "GET", ["count"]:
                return Reply(document={"contact_count": len(self.contacts), "billable_count": len(self.contacts)})
            case "GET", ["imports", job_id] if job_id in self._jobs:
                return self._job(job_id)
            case "POST", ["search", "emails"]:
                return self._search(request.body["emails"])
        return _problem(404, "not found")

    def _upsert(self, request: Request) -> Reply:
        contacts, lists = request.body["contacts"], request.body.get("list_ids", [])
        if not contacts or len(contacts) > self.most or len(request.raw) > MOST_BYTES:
            return _problem(400, f"between 1 and {self.most} contacts and {MOST_BYTES} bytes are allowed", "contacts")
        if set(lists) - self.lists.keys():
            return _problem(400, "a list does not exist", "list_ids")
        for place, contact in enumerate(contacts):
            if not _ADDRESS.fullmatch(contact.get("email", "")):
                return _problem(400, "email is not valid", f"contacts[{place}].email")
            if set(contact.get("custom_fields", {})) - _CUSTOM.keys():
                return _problem(400, "custom field does not exist", "custom_fields")
        wrong = [each["email"].lower() for each in contacts if each["email"].lower() in self.refused]
        for contact in contacts:
            address = contact["email"].lower()
            if address not in self.refused:
                self.contacts.setdefault(address, {}).update(contact)
                for list_id in lists:
                    self.lists[list_id].members.add(address)
        job_id = self._number()
        self._jobs[job_id] = _Job(self.working, len(contacts), wrong)
        return Reply(202, {"job_id": job_id})

    def _job(self, job_id: str) -> Reply:
        job = self._jobs[job_id]
        document: dict[str, Any] = {"id": job_id, "job_type": "upsert", "started_at": _MOMENT}
        if job.asked > 0:
            job.asked -= 1
            return Reply(document={**document, "status": "pending"})
        results: dict[str, Any] = {"requested_count": job.requested, "errored_count": len(job.wrong)}
        status = "completed"
        if job.wrong:
            status = "failed" if len(job.wrong) == job.requested else "errored"
            path = f"/files/{job_id}.csv"
            self.undescribed.add(path)
            results["errors_url"] = f"{self.url}{path}?signature=0123"
        return Reply(document={**document, "status": status, "results": results, "finished_at": _MOMENT})

    def _file(self, request: Request) -> Reply:
        if "authorization" in request.headers or request.query.get("signature") != "0123":
            return Reply(400, raw=b"Only one way to sign in is allowed", content_type="text/plain")
        wrong = self._jobs[request.path.removeprefix("/files/").removesuffix(".csv")].wrong
        lines = [f'"{each if self.names_refused else "row"}","address is on no account"' for each in wrong]
        return Reply(raw="\n".join(['"email","error"', *lines]).encode(), content_type="text/csv")

    def _search(self, emails: list[str]) -> Reply:
        if not emails or len(emails) > 100:
            return _problem(400, "between 1 and 100 emails are allowed", "emails")
        asked = {each.lower() for each in emails}
        found = {each: {"contact": self._document(each)} for each in asked if each in self.contacts}
        if not found:
            return _problem(404, "not found")
        gone = {each: {"error": "contact not found"} for each in asked - found.keys()}
        return Reply(document={"result": found | gone})

    def _document(self, address: str) -> dict[str, Any]:
        return {
            "id": _contact_id(address),
            "email": address,
            "list_ids": [each.id for each in self.lists.values() if address in each.members],
            "created_at": _MOMENT,
            "updated_at": _MOMENT,
        }


_PROFILE = ("address", "city", "company", "country", "first_name", "last_name", "phone", "state", "website", "zip")
_USER: dict[str, dict[str, Any]] = {
    "username": {"username": "northwind", "user_id": 424_242},
    "profile": {**dict.fromkeys(_PROFILE, ""), "company": "Northwind Retail"},
}


def _contact_id(address: str) -> str:
    return str(uuid5(UUID(int=1), address))


def _problem(status: int, message: str, field_name: str | None = None) -> Reply:
    error: dict[str, Any] = {"message": message}
    if field_name is not None:
        error["field"] = field_name
    return Reply(status, {"errors": [error]})


def _mend(_document: dict[str, Any]) -> None:
    """The descriptions are SendGrid's own and taken as they are."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A Twilio SendGrid on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with SendGridEmulator(parser.parse_args().port) as sendgrid:
        print(f"api_url  {sendgrid.url}\napi_key  {KEY}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
