"""A Mailchimp to try with: `python -m tests.vendors.mailchimp --port 8080` prints an address and a key.

It keeps audiences, contacts, merge fields and tags, and enforces what Mailchimp's documents say: basic sign-in, the data
centre of the key, 500 members a call, 10 simultaneous connections, merge fields by type, and contacts that must not be
subscribed again. Where the documents are silent (texts of errors) it uses wording seen in public reports.
"""

from __future__ import annotations

import argparse
import base64
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import md5
from typing import Any

from tests.vendors.description import vendor_description
from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import OAuthDesk

DATA_CENTRE = "us21"
KEY = "0123456789abcdef0123456789abcdef-us21"
MOST_MEMBERS = 500
_PROBLEM = "application/problem+json; charset=utf-8"


@dataclass
class Contact:
    email: str
    status: str
    merge_fields: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "id": md5(self.email.lower().encode(), usedforsecurity=False).hexdigest(),
            "email_address": self.email,
            "status": self.status,
            "merge_fields": self.merge_fields,
        }


@dataclass
class MergeField:
    tag: str
    name: str
    type: str = "text"
    required: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def document(self, number: int) -> dict[str, Any]:
        return {
            "merge_id": number,
            "tag": self.tag,
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "options": self.options,
        }


@dataclass
class Tag:
    id: int
    name: str
    members: set[str] = field(default_factory=set)
    type: str = "static"
    _ordered: list[str] = field(default_factory=list)

    def ordered(self) -> list[str]:
        """The addresses as pages list them, sorted anew only when others came or some went."""
        if len(self._ordered) != len(self.members) or not self.members.issuperset(self._ordered):
            self._ordered = sorted(self.members)
        return self._ordered


def _usual_fields() -> list[MergeField]:
    return [
        MergeField("FNAME", "First Name"),
        MergeField("LNAME", "Last Name"),
        MergeField("ADDRESS", "Address", "address"),
        MergeField("PHONE", "Phone Number", "phone", options={"phone_format": "none"}),
        MergeField("BIRTHDAY", "Birthday", "birthday", options={"date_format": "MM/DD"}),
        MergeField("POINTS", "Points", "number"),
        MergeField("SINCE", "Customer since", "date", options={"date_format": "MM/DD/YYYY"}),
        MergeField("CODE", "ZIP code", "zip"),
        MergeField("LEVEL", "Level", "dropdown", options={"choices": ["Gold", "Silver"]}),
    ]


@dataclass
class Audience:
    id: str
    name: str
    merge_fields: list[MergeField] = field(default_factory=_usual_fields)
    contacts: dict[str, Contact] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    compliance: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    received: Counter[str] = field(default_factory=Counter)
    """How often each address came in a batch that was to add it."""
    double_optin: bool = False
    most: int = 1_000_000
    """So many contacts the account's plan allows."""

    def put(self, email: str, status: str = "subscribed", **fields: Any) -> None:
        """Let a contact be there already."""
        self.contacts[email.lower()] = Contact(email, status, fields)

    def active(self) -> int:
        return sum(contact.status == "subscribed" for contact in self.contacts.values())

    def tag(self, name: str) -> Tag | None:
        return next((tag for tag in self.tags if tag.name == name), None)

    def tag_document(self, tag: Tag, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A tag with its number of contacts: the subscribed, and those of other statuses that are asked for."""
        number = len(_listed(self, tag, query or {}))
        return {"id": tag.id, "name": tag.name, "type": tag.type, "member_count": number, "list_id": self.id}


class MailchimpEmulator(Emulator):
    """One account."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, vendor_description("mailchimp/trimmed.json", _mend), "/3.0")
        self.audiences: dict[str, Audience] = {}
        self.account_name = "Northwind US"
        self.role = "owner"
        self.crowded_with_html = False
        self.data_centre = DATA_CENTRE
        self.desk = OAuthDesk(gives_refresh=False)
        self.undescribed = {"/3.0/oauth2/authorize", "/3.0/oauth2/token", "/3.0/oauth2/metadata"}
        self._next_tag = 1000
        self.add_audience("a1b2c3d4e5", "Newsletter")

    def add_audience(self, audience_id: str, name: str) -> Audience:
        self.audiences[audience_id] = Audience(audience_id, name)
        return self.audiences[audience_id]

    @property
    def audience(self) -> Audience:
        """The first audience."""
        return next(iter(self.audiences.values()))

    def crowded(self) -> Reply:
        if self.crowded_with_html:
            return Reply(403, raw=b"<html><body>Forbidden</body></html>", content_type="text/html")
        return Reply(429, raw=b"")

    def answer(self, request: Request) -> Reply:  # noqa: C901 - one line per address of the API
        if request.path == "/3.0/oauth2/authorize":
            return self.desk.page(request)
        if request.path == "/3.0/oauth2/token":
            return self.desk.token(request)
        refused = self._sign_in(request)
        if refused is not None:
            return refused
        parts = [part for part in request.path.removeprefix("/3.0").split("/") if part]
        route = " ".join([request.method, *(part if index % 2 == 0 else "*" for index, part in enumerate(parts))])
        match route:
            case "GET":
                return Reply(document={"account_name": self.account_name, "role": self.role, "account_id": "x1"})
            case "GET oauth2 *":
                return Reply(document={"dc": self.data_centre, "accountname": self.account_name})
            case "GET ping":
                return Reply(document={"health_status": "Everything's Chimpy!"})
            case "GET lists":
                lists = [
                    {
                        "id": each.id,
                        "name": each.name,
                        "stats": {"member_count": each.active()},
                        "double_optin": each.double_optin,
                    }
                    for each in self.audiences.values()
                ]
                return _page(request, "lists", lists)
        audience = self.audiences.get(parts[1]) if len(parts) > 1 else None
        if audience is None or parts[0] != "lists":
            return _problem(404, "Resource Not Found", "The requested resource could not be found.")
        match route:
            case "GET lists * merge-fields":
                fields = [each.document(number) for number, each in enumerate(audience.merge_fields, 1)]
                return _page(request, "merge_fields", fields)
            case "POST lists *":
                return self._batch(audience, request)
            case "GET lists * members":
                wanted = request.query.get("status")
                contacts = [each for each in audience.contacts.values() if wanted in (None, each.status)]
                return _page(request, "members", contacts, Contact.document)
            case "GET lists * segments":
                kind = request.query.get("type")
                tags = [audience.tag_document(tag) for tag in audience.tags if kind in (None, tag.type)]
                return _page(request, "segments", tags)
            case "POST lists * segments":
                return self._make_tag(audience, request.body)
        tag = next((tag for tag in audience.tags if len(parts) >= 4 and str(tag.id) == parts[3]), None)
        if tag is None:
            return _problem(404, "Resource Not Found", "The requested resource could not be found.")
        match route:
            case "GET lists * segments * members":
                return _page(request, "members", _listed(audience, tag, request.query), Contact.document)
            case "GET lists * segments *":
                return Reply(document=audience.tag_document(tag, request.query))
            case "POST lists * segments *":
                return self._tag_members(audience, tag, request.body)
        return _problem(405, "Method Not Allowed", "The requested method is not allowed.")

    def _sign_in(self, request: Request) -> Reply | None:
        scheme, _space, proof = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            good = self.desk.accepts(proof)
            return None if good else _problem(401, "API Key Invalid", "Your access token is not valid.")
        try:
            key = base64.b64decode(proof, validate=True).decode().partition(":")[2]
        except ValueError:
            key = ""
        if scheme.lower() != "basic" or not key:
            return _problem(401, "API Key Missing", "Your request did not include an API key.")
        if key.rpartition("-")[2] != DATA_CENTRE:
            return _problem(403, "Wrong Datacenter", "The API key provided is linked to a different data center.")
        if key not in {KEY, *self.other_keys}:
            return _problem(
                401, "API Key Invalid", "Your API key may be invalid, or you've attempted the wrong datacenter."
            )
        return None

    def _make_tag(self, audience: Audience, body: dict[str, Any]) -> Reply:
        name = body.get("name", "")
        if not name or len(name) > 100:
            return _problem(400, "Invalid Resource", "The name must have 1 to 100 characters.")
        if audience.tag(name):
            return _problem(400, "Bad Request", "Sorry, that tag already exists.")
        self._next_tag += 1
        tag = Tag(self._next_tag, name)
        audience.tags.append(tag)
        return Reply(document=audience.tag_document(tag))

    def _tag_members(self, audience: Audience, tag: Tag, body: dict[str, Any]) -> Reply:
        if tag.type != "static":
            return _problem(400, "Bad Request", "Only static segments can be updated.")
        wanted, unwanted = body.get("members_to_add", []), body.get("members_to_remove", [])
        if len(wanted) > MOST_MEMBERS or len(unwanted) > MOST_MEMBERS:
            return _problem(400, "Invalid Resource", "You may only add or remove 500 members at a time.")
        removed = [each.lower() for each in unwanted if each.lower() in tag.members]
        tag.members.difference_update(removed)
        present = [each.lower() for each in wanted if each.lower() in audience.contacts]
        added = [each for each in present if each not in tag.members]
        tag.members.update(added)
        return Reply(
            document={
                "members_added": [audience.contacts[each].document() for each in added],
                "members_removed": [audience.contacts[each].document() for each in removed],
                "errors": [],
                "total_added": len(added),
                "total_removed": len(removed),
                "error_count": 0,
            }
        )

    def _batch(self, audience: Audience, request: Request) -> Reply:
        members = request.body.get("members", [])
        if len(members) > MOST_MEMBERS:
            return _problem(400, "Invalid Resource", "You may only add 500 members at a time.")
        new: list[dict[str, Any]] = []
        updated: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        seen: set[str] = set()
        for member in members:
            email = member.get("email_address", "")
            address = email.lower()
            if not request.body.get("update_existing"):
                audience.received[address] += 1
            error = None
            if address in seen:
                error = _error(email, f"Duplicate items found for {email}")
            seen.add(address)
            skip = request.query.get("skip_merge_validation") == "true"
            error = error or _refuse(
                audience, member, update=bool(request.body.get("update_existing")), skip_required=skip
            )
            if error is not None:
                errors.append(error)
                continue
            contact = audience.contacts.get(address)
            if contact is None:
                contact = audience.contacts[address] = Contact(email, member["status"])
                new.append(contact.document())
            else:
                # What the description says of update_existing: it changes the subscription status.
                contact.status = member.get("status", contact.status)
                updated.append(contact.document())
            known = {each.tag for each in audience.merge_fields}
            contact.merge_fields.update({k: v for k, v in member.get("merge_fields", {}).items() if k in known})
        return Reply(
            document={
                "new_members": new,
                "updated_members": updated,
                "errors": errors,
                "total_created": len(new),
                "total_updated": len(updated),
                "error_count": len(errors),
            }
        )


def _error(email: str, text: str, code: str = "ERROR_GENERIC", where: str = "", message: str = "") -> dict[str, Any]:
    return {"email_address": email, "error": text, "error_code": code, "field": where, "field_message": message}


def _refuse(  # noqa: C901 - one question per rule of the vendor
    audience: Audience, member: dict[str, Any], *, update: bool, skip_required: bool
) -> dict[str, Any] | None:
    email = member.get("email_address", "")
    address = email.lower()
    local, _at, domain = address.partition("@")
    contact = audience.contacts.get(address)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", address):
        return _error(email, "Please provide a valid email address.")
    if domain in {"fake.example", "test.test"}:
        return _error(email, f"{email} looks fake or invalid, please enter a real email address.")
    if local in {"abuse", "noc", "postmaster", "spam"}:
        return _error(email, f"{email} is a role-based address and cannot be imported.")
    if address in audience.deleted:
        return _error(
            email, f"{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe."
        )
    wants_in = member.get("status") in {"subscribed", "pending"}
    if wants_in and (address in audience.compliance or (contact and contact.status == "cleaned" and update)):
        text = "is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
        return _error(email, f"{email} {text}")
    if contact is not None and not update:
        return _error(email, f"{email} is already a list member, do you want to update?", "ERROR_CONTACT_EXISTS")
    if contact is None and len(audience.contacts) >= audience.most:
        return _error(email, "You've reached your contact limit. Upgrade your plan to add more contacts.")
    if contact is None and "status" not in member:
        return _error(email, "The status is required for a new contact.")
    given = member.get("merge_fields", {})
    for merge in audience.merge_fields:
        value = given.get(merge.tag)
        held = (contact.merge_fields if contact else {}).get(merge.tag)
        message = "" if value is None else _bad_value(merge, value)
        if value in (None, "") and held in (None, "") and merge.required and not skip_required:
            message = "This value should not be blank."
        if message:
            return _error(email, "Your merge fields were invalid.", where=merge.tag, message=message)
    return None


def _bad_value(merge: MergeField, value: Any) -> str:  # noqa: C901 - one rule per type
    if merge.type == "address":
        needed = ("addr1", "city", "state", "zip")
        whole = isinstance(value, dict) and all(value.get(part) for part in needed)
        return "" if whole else "Please enter a complete address."
    if merge.type == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number else "Please enter a number."
    if not isinstance(value, str):
        return "This value must be a text."
    if len(value) > 255:
        return "Data did not match: at most 255 characters."
    if merge.type == "birthday":
        try:
            date.fromisoformat(f"2000-{value[:2]}-{value[3:]}")
        except ValueError:
            return "Please enter a birthday as MM/DD."
        return "" if value[2:3] == "/" else "Please enter a birthday as MM/DD."
    if merge.type == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            return "Please enter the date."
    if merge.type == "zip":
        return "" if re.fullmatch(r"\d{5}", value) else "Please enter a zip code with 5 digits."
    if merge.type == "phone" and merge.options.get("phone_format") == "US":
        return "" if re.fullmatch(r"\d{3}-\d{3}-\d{4}", value) else "Please enter a US phone number."
    if merge.type in {"radio", "dropdown"} and value not in merge.options.get("choices", []):
        return "Please choose one of the options."
    if merge.type in {"url", "imageurl"} and not re.match(r"https?://", value):
        return "Please enter a web address."
    return ""


def _listed(audience: Audience, tag: Tag, query: Mapping[str, str]) -> list[Contact]:
    """The subscribed contacts of a tag, and those of other statuses that are asked for."""
    wanted = {"subscribed"} | {
        status for status in ("cleaned", "transactional", "unsubscribed") if query.get(f"include_{status}") == "true"
    }
    contacts = [audience.contacts[each] for each in tag.ordered()]
    return [each for each in contacts if each.status in wanted]


def _page(request: Request, name: str, rows: list[Any], document: Callable[[Any], Any] = lambda row: row) -> Reply:
    """The asked part of the rows; documents are made of these only, for an audience may be large."""
    count, offset = int(request.query.get("count", 10)), int(request.query.get("offset", 0))
    if not 0 <= count <= 1000:
        return _problem(400, "Bad Request", "The count must lie between 0 and 1000.")
    asked = [document(row) for row in rows[offset : offset + count]]
    return Reply(document={name: asked, "total_items": len(rows)})


def _problem(status: int, title: str, detail: str) -> Reply:
    document = {
        "type": "https://mailchimp.com/developer/marketing/docs/errors/",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "995c5cb0-3280-4a6e-808b-3b096d0bb219",
    }
    return Reply(status, document, content_type=_PROBLEM)


def _mend(node: Any) -> None:
    """Mailchimp's conversion says that every merge field value is an object; the vendor's own text says strings and numbers."""
    if isinstance(node, dict):
        if "merge_fields" in node and isinstance(node["merge_fields"], dict):
            node["merge_fields"].pop("additionalProperties", None)
        for each in node.values():
            _mend(each)
    elif isinstance(node, list):
        for each in node:
            _mend(each)


def main() -> None:
    parser = argparse.ArgumentParser(description="A Mailchimp on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with MailchimpEmulator(parser.parse_args().port) as mailchimp:
        mailchimp.add_audience("f6a7b8c9d0", "Customers DE")
        print(f"api_url  {mailchimp.url}")
        print(f"api_key  {KEY}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
