"""A Klaviyo to try with: profiles, lists and import jobs, as strict as its published description.

Imports are worked on after they were answered; `working` is how often it says so before it is done. `refused` are the
identifiers of profiles it does not take; `names_by` is how it tells which one: by payload or pointer.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.description import vendor_description
from tests.vendors.emulator import Emulator, Reply, Request

KEY = "pk_0123456789abcdef0123456789abcdef"
REVISIONS = {"2026-07-15", "2026-04-15"}
MOST_PROFILES, MOST_BYTES = 10_000, 5_000_000
_KEYS = ("email", "phone_number", "external_id")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass
class KlaviyoList:
    id: str
    name: str
    members: set[str] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        return {
            "type": "list",
            "id": self.id,
            "attributes": {"name": self.name},
            "links": {"self": f"https://a.klaviyo.com/api/lists/{self.id}/"},
        }


@dataclass
class _Job:
    asked: int
    failed: list[dict[str, Any]]
    total: int


class KlaviyoEmulator(Emulator):
    """One account with a key that may do everything."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("klaviyo/trimmed.json", _mend), "")
        self.lists: dict[str, KlaviyoList] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.names_by = "payload"
        self.working = 1
        self.cancels = False
        self._numbers = itertools.count(1)
        self._jobs: dict[str, _Job] = {}

    def named(self, name: str) -> KlaviyoList | None:
        return next((each for each in self.lists.values() if each.name == name), None)

    def make(self, name: str) -> KlaviyoList:
        """A list made in Klaviyo itself."""
        made = KlaviyoList(f"L{next(self._numbers):05}", name)
        self.lists[made.id] = made
        return made

    def known_by(self, name: str, key: str) -> set[str]:
        """What the profiles on a list are known by."""
        found = self.named(name)
        return {self.profiles[number].get(key) for number in found.members} if found else set()

    def answer(self, request: Request) -> Reply:
        refused = self._refuse(request)
        if refused is not None:
            return refused
        parts = [part for part in request.path.removeprefix("/api/").split("/") if part]
        match request.method, parts:
            case "GET", ["accounts"]:
                return Reply(document={"data": [_ACCOUNT], "links": _SELF})
            case "GET", ["lists"]:
                return self._list(request)
            case "POST", ["lists"]:
                return Reply(201, {"data": self.make(request.body["data"]["attributes"]["name"]).document()})
            case "GET", ["lists", list_id] if list_id in self.lists:
                return self._one(self.lists[list_id], request)
            case method, ["profile-bulk-import-jobs", *rest]:
                return self._jobs_of(method, rest, request)
            case "GET", ["profiles"]:
                return self._ask(request)
            case "DELETE", ["lists", list_id, "relationships", "profiles"] if list_id in self.lists:
                return self._take_off(self.lists[list_id], request.body["data"])
        return _problem(404, "not_found", "The resource you requested could not be found.")

    def _jobs_of(self, method: str, rest: list[str], request: Request) -> Reply:
        match method, rest:
            case "POST", []:
                return self._import(request)
            case "GET", [job_id] if job_id in self._jobs:
                return self._job(job_id)
            case "GET", [job_id, "import-errors"] if job_id in self._jobs:
                return Reply(document={"data": self._jobs[job_id].failed, "links": _SELF})
        return _problem(404, "not_found", "The job could not be found.")

    def _refuse(self, request: Request) -> Reply | None:
        key = request.headers.get("authorization", "").removeprefix("Klaviyo-API-Key ")
        if key not in {KEY, *self.other_keys}:
            return _problem(401, "not_authenticated", "Missing or invalid private key.")
        if request.headers.get("revision") not in REVISIONS:
            return _problem(400, "invalid", "The revision is not valid.")
        if request.raw and request.headers.get("content-type") != "application/vnd.api+json":
            return _problem(415, "unsupported_media_type", "The content type must be application/vnd.api+json.")
        return None

    def _list(self, request: Request) -> Reply:
        name = request.query.get("filter", "").removeprefix("equals(name,").removesuffix(")")
        every = [each for each in self.lists.values() if not name or each.name == json.loads(name)]
        start = int(request.query.get("page[cursor]") or 0)
        links: dict[str, Any] = {**_SELF, "next": None}
        if start + 10 < len(every):
            links["next"] = f"https://a.klaviyo.com/api/lists?page%5Bcursor%5D={start + 10}"
        else:
            del links["next"]
        return Reply(document={"data": [each.document() for each in every[start : start + 10]], "links": links})

    def _one(self, found: KlaviyoList, request: Request) -> Reply:
        document = found.document()
        if request.query.get("additional-fields[list]") == "profile_count":
            document["attributes"]["profile_count"] = len(found.members)
        return Reply(document={"data": document})

    def _import(self, request: Request) -> Reply:
        data = request.body["data"]
        profiles = data["attributes"]["profiles"]["data"]
        if not profiles or len(profiles) > MOST_PROFILES or len(request.raw) > MOST_BYTES:
            return _problem(400, "invalid", f"Between 1 and {MOST_PROFILES} profiles and 5 MB are allowed.")
        lists = [self.lists.get(each["id"]) for each in data["relationships"]["lists"]["data"]]
        if None in lists:
            return _problem(400, "invalid", "A list does not exist.")
        failed = []
        for place, profile in enumerate(profiles):
            words = self._wrong(profile["attributes"])
            if words:
                failed.append(self._error(place, profile, words))
                continue
            number = self._upsert(profile["attributes"])
            for each in lists:
                if each is not None:
                    each.members.add(number)
        job_id = f"J{next(self._numbers):05}"
        self._jobs[job_id] = _Job(self.working, failed, len(profiles))
        return Reply(202, {"data": self._document(job_id, "queued")})

    def _wrong(self, attributes: dict[str, Any]) -> str:
        if self.refused & {attributes.get(key) for key in _KEYS}:
            return "This profile is not allowed."
        if attributes.get("email") and not _ADDRESS.fullmatch(attributes["email"]):
            return "Invalid email address."
        if attributes.get("phone_number") and not re.fullmatch(r"\+[1-9]\d{6,14}", attributes["phone_number"]):
            return "Invalid phone number format."
        return "" if any(attributes.get(key) for key in _KEYS) else "An identifier is required."

    def _error(self, place: int, profile: dict[str, Any], words: str) -> dict[str, Any]:
        pointer = f"/data/attributes/profiles/data/{place}" if self.names_by == "pointer" else "/data"
        attributes = {"code": "invalid", "title": "Invalid input.", "detail": words, "source": {"pointer": pointer}}
        if self.names_by == "payload":
            attributes["original_payload"] = profile["attributes"]
        return {
            "type": "import-error",
            "id": f"E{place}",
            "attributes": attributes,
            "links": {"self": "https://a.klaviyo.com/api/import-errors/1"},
        }

    def _upsert(self, attributes: dict[str, Any]) -> str:
        for number, known in self.profiles.items() if len(self.profiles) < 100 else ():
            if any(attributes.get(key) and known.get(key) == attributes[key] for key in _KEYS):
                known.update(attributes)
                return number
        number = f"P-{attributes.get('email') or attributes.get('phone_number') or attributes.get('external_id')}"
        self.profiles.setdefault(number, {}).update(attributes)
        return number

    def _job(self, job_id: str) -> Reply:
        job = self._jobs[job_id]
        if job.asked > 0:
            job.asked -= 1
            return Reply(document={"data": self._document(job_id, "processing")})
        return Reply(document={"data": self._document(job_id, "cancelled" if self.cancels else "complete")})

    def _document(self, job_id: str, status: str) -> dict[str, Any]:
        job = self._jobs[job_id]
        return {
            "type": "profile-bulk-import-job",
            "id": job_id,
            "attributes": {
                "status": status,
                "created_at": "2026-11-26T12:00:00Z",
                "total_count": job.total,
                "completed_count": job.total - len(job.failed),
                "failed_count": len(job.failed),
            },
            "links": {"self": f"https://a.klaviyo.com/api/profile-bulk-import-jobs/{job_id}/"},
        }

    def _ask(self, request: Request) -> Reply:
        name, _comma, values = request.query["filter"].removeprefix("any(").removesuffix(")").partition(",")
        wanted = set(json.loads(values))
        if len(wanted) > 100 or name not in _KEYS:
            return _problem(400, "invalid", "The filter is not valid.")
        found = [number for number, profile in self.profiles.items() if profile.get(name) in wanted]
        data = [
            {"type": "profile", "id": number, "attributes": {name: self.profiles[number][name]}, "links": _SELF}
            for number in found
        ]
        return Reply(document={"data": data, "links": _SELF})

    @staticmethod
    def _take_off(found: KlaviyoList, data: list[dict[str, str]]) -> Reply:
        if len(data) > 1_000:
            return _problem(400, "invalid", "At most 1,000 profiles.")
        found.members -= {each["id"] for each in data}
        return Reply(204)


_SELF = {"self": "https://a.klaviyo.com/api/"}
_ACCOUNT = {
    "type": "account",
    "id": "AbC123",
    "attributes": {
        "test_account": False,
        "contact_information": {
            "default_sender_name": "Northwind",
            "default_sender_email": "hello@northwind.example",
            "website_url": None,
            "organization_name": "Northwind Retail",
            "street_address": {
                "address1": None,
                "address2": None,
                "city": None,
                "region": None,
                "country": None,
                "zip": None,
            },
        },
        "industry": None,
        "timezone": "Europe/Berlin",
        "preferred_currency": "EUR",
        "public_api_key": "AbC123",
        "locale": "en-US",
    },
    "links": _SELF,
}


def _problem(status: int, code: str, detail: str) -> Reply:
    error = {
        "id": "0001",
        "status": status,
        "code": code,
        "title": detail,
        "detail": detail,
        "source": {"pointer": "/"},
    }
    return Reply(status, {"errors": [error]})


def _mend(_document: dict[str, Any]) -> None:
    """The description is Klaviyo's own and taken as it is."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A Klaviyo on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with KlaviyoEmulator(parser.parse_args().port) as klaviyo:
        print(f"api_url  {klaviyo.url}\napi_key  {KEY}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
