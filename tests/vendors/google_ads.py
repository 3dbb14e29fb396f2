"""A Google Ads to try with: the Data Manager API and Google's sign-in, as strict as their published description.

It keeps customer lists and who is in them, and enforces the sign-in, the kinds of lists, at most 10,000 members a request, the
form of hashes and addresses. Requests are worked on after they were answered; `working` is how often it says so before it is done.
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

CUSTOMER = "1234567890"
MOST_MEMBERS = 10_000
SCOPE = "https://www.googleapis.com/auth/datamanager"
_HASH = re.compile("[0-9a-f]{64}")
_KINDS = {"userData": "CONTACT_ID", "mobileData": "MOBILE_ID", "userIdData": "USER_ID"}


@dataclass
class CustomerList:
    id: str
    name: str
    kind: str
    members: set[str] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": f"accountTypes/GOOGLE_ADS/accounts/{CUSTOMER}/userLists/{self.id}",
            "displayName": self.name,
            "membershipStatus": "OPEN",
            "ingestedUserListInfo": {"uploadKeyTypes": [self.kind]},
            "sizeInfo": {"searchNetworkMembersCount": str(len(self.members) // 100 * 100)},
        }


@dataclass
class _Work:
    asked: int
    status: dict[str, Any]


class GoogleAdsEmulator(Emulator):
    """One account. `refused` are identifiers Google takes the record of no member with."""

    def __init__(self, port: int = 0) -> None:
        description = vendor_description("google-data-manager/trimmed.json", _mend)
        super().__init__(port, description, "")
        self.undescribed = {"/o/oauth2/v2/auth", "/token"}
        self.sign_in = OAuthDesk((SCOPE,))
        self.lists: dict[str, CustomerList] = {}
        self.refused: set[str] = set()
        self.unnamed = False
        self.terms_accepted = True
        self.working = 1
        self._numbers = itertools.count(7_001)
        self._work: dict[str, _Work] = {}

    def named(self, name: str) -> CustomerList | None:
        return next((each for each in self.lists.values() if each.name == name), None)

    def make(self, name: str, kind: str = "CONTACT_ID") -> CustomerList:
        """A list made in Google Ads itself."""
        made = CustomerList(str(next(self._numbers)), name, kind)
        self.lists[made.id] = made
        return made

    def answer(self, request: Request) -> Reply:
        if request.path == "/o/oauth2/v2/auth":
            return self.sign_in.page(request)
        if request.path == "/token":
            return self.sign_in.token(request)
        _scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if not self.sign_in.accepts(token):
            return _problem(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        lists = f"/v1/accountTypes/GOOGLE_ADS/accounts/{CUSTOMER}/userLists"
        match request.method, request.path:
            case "GET", path if path == lists:
                return self._list(request)
            case "POST", path if path == lists:
                return self._make(request.body)
            case "POST", "/v1/audienceMembers:ingest" | "/v1/audienceMembers:remove":
                return self._change(request)
            case "GET", "/v1/requestStatus:retrieve":
                return self._status(request)
        return _problem(404, "NOT_FOUND", "Requested entity was not found.")

    def _list(self, request: Request) -> Reply:
        size, start = int(request.query.get("pageSize", 50)), int(request.query.get("pageToken") or 0)
        every = [each.document() for each in self.lists.values()]
        document: dict[str, Any] = {"userLists": every[start : start + size]}
        if start + size < len(every):
            document["nextPageToken"] = str(start + size)
        return Reply(document=document)

    def _make(self, body: dict[str, Any]) -> Reply:
        if self.named(body["displayName"]) is not None:
            return _problem(409, "ALREADY_EXISTS", "The display name is used already.", "DISPLAY_NAME_ALREADY_USED")
        (kind,) = body["ingestedUserListInfo"]["uploadKeyTypes"]
        if kind == "MOBILE_ID" and not body["ingestedUserListInfo"].get("mobileIdInfo", {}).get("appId"):
            return _problem(400, "INVALID_ARGUMENT", "The app is required.", "REQUIRED_FIELD_MISSING")
        return Reply(document=self.make(body["displayName"], kind).document())

    def _change(self, request: Request) -> Reply:
        body = request.body
        (destination,) = body["destinations"]
        found = self.lists.get(destination["productDestinationId"])
        if destination["operatingAccount"]["accountId"] != CUSTOMER or found is None:
            return _problem(400, "INVALID_ARGUMENT", "The destination is not valid.", "INVALID_DESTINATION")
        adding = request.path.endswith("ingest")
        terms = body.get("termsOfService", {}).get("customerMatchTermsOfServiceStatus")
        if adding and not self.terms_accepted and terms != "ACCEPTED":
            return _problem(403, "PERMISSION_DENIED", "The terms are not signed.", "TERMS_AND_CONDITIONS_NOT_SIGNED")
        members = body["audienceMembers"]
        if not members or len(members) > MOST_MEMBERS:
            return _problem(400, "INVALID_ARGUMENT", "Too many members.", "TOO_MANY_AUDIENCE_MEMBERS")
        wrong = [(at, words) for at, each in enumerate(members) if (words := _wrong(each, found.kind, body))]
        if wrong:
            violations = [{"field": f"audience_members[{at}]", "description": words} for at, words in wrong]
            return _problem(400, "INVALID_ARGUMENT", "There was a problem.", "INVALID_AUDIENCE_MEMBER", violations)
        return self._work_on(found, members, adding=adding, destination=destination)

    def _work_on(
        self, found: CustomerList, members: list[dict[str, Any]], *, adding: bool, destination: dict[str, Any]
    ) -> Reply:
        failed = []
        for at, each in enumerate(members):
            values = _values(each)
            if self.refused & set(values):
                failed.append(at)
            elif adding:
                found.members.add(values[0])
            else:
                found.members.discard(values[0])
        status: dict[str, Any] = {"destination": destination, "requestStatus": "SUCCESS"}
        if failed:
            count: dict[str, Any] = {
                "reason": "PROCESSING_ERROR_REASON_INVALID_FORMAT",
                "recordCount": str(len(failed)),
            }
            if not self.unnamed:
                count["recordIndices"] = failed
            status |= {
                "requestStatus": "FAILED" if len(failed) == len(members) else "PARTIAL_SUCCESS",
                "errorInfo": {"errorCounts": [count]},
            }
        number = f"126365e1-{next(self._numbers):04}"
        self._work[number] = _Work(self.working, status)
        return Reply(document={"requestId": number})

    def _status(self, request: Request) -> Reply:
        work = self._work.get(request.query.get("requestId", ""))
        if work is None:
            return _problem(400, "INVALID_ARGUMENT", "The request ID is not valid.", "INVALID_REQUEST_ID")
        if work.asked > 0:
            work.asked -= 1
            status = {"destination": work.status["destination"], "requestStatus": "PROCESSING"}
            return Reply(document={"requestStatusPerDestination": [status]})
        return Reply(document={"requestStatusPerDestination": [work.status]})


def _wrong(member: dict[str, Any], kind: str, body: dict[str, Any]) -> str:
    (data,) = member.keys() & _KINDS.keys()
    if _KINDS[data] != kind:
        return "The user list takes other members."
    if data != "userData":
        return ""
    if body.get("encoding") != "HEX":
        return "The encoding is required."
    identifiers = member["userData"]["userIdentifiers"]
    if not 1 <= len(identifiers) <= 10:
        return "Between 1 and 10 identifiers are allowed."
    for each in identifiers:
        address = each.get("address", {})
        hashed = [
            each.get("emailAddress"),
            each.get("phoneNumber"),
            address.get("givenName"),
            address.get("familyName"),
        ]
        if any(value is not None and not _HASH.fullmatch(value) for value in hashed):
            return "The value is not a SHA-256 in hexadecimal."
        if address and not re.fullmatch("[A-Z]{2}", address["regionCode"]):
            return "The region code is not valid."
    return ""


def _values(member: dict[str, Any]) -> list[str]:
    if "mobileData" in member:
        return list(member["mobileData"]["mobileIds"])
    if "userIdData" in member:
        return [member["userIdData"]["userId"]]
    return [
        each.get("emailAddress") or each.get("phoneNumber") or each["address"]["familyName"]
        for each in member["userData"]["userIdentifiers"]
    ]


def _problem(
    code: int, status: str, message: str, reason: str = "", violations: list[dict[str, str]] | None = None
) -> Reply:
    details: list[dict[str, Any]] = []
    if reason:
        details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason})
    if violations:
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
    return Reply(code, {"error": {"code": code, "message": message, "status": status, "details": details}})


def _mend(document: dict[str, Any]) -> None:
    """How many members a request may hold is refused here, as Google does it, so that it can be tried."""
    for name in ("IngestAudienceMembersRequest", "RemoveAudienceMembersRequest"):
        del document["components"]["schemas"][name]["properties"]["audienceMembers"]["maxItems"]


def main() -> None:
    parser = argparse.ArgumentParser(description="A Google Ads on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with GoogleAdsEmulator(parser.parse_args().port) as google:
        print(
            f"api_url        {google.url}/v1\nauthorize_url  {google.url}/o/oauth2/v2/auth\ntoken_url      {google.url}/token"
        )
        print(f"customer_id    {CUSTOMER}\nclient_id      {CLIENT_ID}\nclient_secret  {CLIENT_SECRET}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
