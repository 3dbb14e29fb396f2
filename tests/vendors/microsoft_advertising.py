"""A Microsoft Advertising to try with: accounts and customer lists in the JSON form of its API v13, as strict as its description.

It keeps lists and who is on them, and enforces the sign-in, the headers, accepted terms, at most 1,000 items a request and the form
of hashes. What is wrong with an item is told by its place.
"""

from __future__ import annotations

import argparse
import itertools
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, OAuthDesk
from tests.vendors.wsdl import json_of_wsdl

CUSTOMER = "251234567"
ACCOUNTS = {"141000001": "Northwind shop", "141000002": "Northwind outlet"}
DEVELOPER_TOKEN = "BBD37VB98NorthwindDeveloper"
SCOPES = ("https://ads.microsoft.com/msads.manage", "offline_access")
MOST_ITEMS = 1_000
CAMPAIGNS, CUSTOMERS = "/CampaignManagement/v13", "/CustomerManagement/v13"
_HASH = re.compile("[0-9a-f]{64}")


@dataclass
class CustomerList:
    id: str
    name: str
    account: str
    type: str = "CustomerList"
    members: set[str] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "Name": self.name,
            "Description": None,
            "ParentId": self.account,
            "Scope": "Account",
            "SearchSize": str(len(self.members) // 100 * 100) if len(self.members) >= 300 else None,
            "Type": self.type,
        }


class MicrosoftEmulator(Emulator):
    """One customer with two accounts. `refused` are hashes that are not taken."""

    def __init__(self, port: int = 0) -> None:
        folder = "microsoft-advertising/"
        campaigns = (
            ("post", "/Audiences/QueryByIds", "GetAudiencesByIds"),
            ("post", "/Audiences", "AddAudiences"),
            ("post", "/CustomerListUserData/Apply", "ApplyCustomerListUserData"),
        )
        customers = (("post", "/AccountsInfo/Query", "GetAccountsInfo"),)
        description = json_of_wsdl(
            (f"{folder}campaignmanagement_service.xml", CAMPAIGNS, campaigns),
            (f"{folder}customermanagement_service.xml", CUSTOMERS, customers),
        )
        super().__init__(port, description, "")
        self.undescribed = {"/oauth2/v2.0/authorize", "/oauth2/v2.0/token"}
        self.sign_in = OAuthDesk(SCOPES)
        self.lists: dict[str, CustomerList] = {}
        self.accounts = dict(ACCOUNTS)
        self.refused: set[str] = set()
        self.may_manage = True
        self.terms_accepted = True
        self._numbers = itertools.count(806_001)

    def named(self, name: str) -> CustomerList | None:
        return next((each for each in self.lists.values() if each.name == name), None)

    def make(self, name: str, type_: str = "CustomerList", account: str = "141000001") -> CustomerList:
        """A list made in Microsoft Advertising itself."""
        made = CustomerList(str(next(self._numbers)), name, account, type_)
        self.lists[made.id] = made
        return made

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth2/v2.0/authorize":
            return self.sign_in.page(request)
        if request.path == "/oauth2/v2.0/token":
            return self.sign_in.token(request)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        match request.method, request.path:
            case "POST", "/CustomerManagement/v13/AccountsInfo/Query":
                rows = [
                    {"Id": number, "Name": name, "Number": f"F1{number[-3:]}", "AccountLifeCycleStatus": "Active"}
                    for number, name in self.accounts.items()
                ]
                return Reply(document={"AccountsInfo": rows})
            case "POST", "/CampaignManagement/v13/Audiences/QueryByIds":
                return self._query(request)
            case "POST", "/CampaignManagement/v13/Audiences":
                return self._make(request)
            case "POST", "/CampaignManagement/v13/CustomerListUserData/Apply":
                return self._apply(request.body["CustomerListUserData"])
        return _fault(404, 1, "NotFound", "The resource was not found.")

    def _refuse(self, request: Request) -> Reply | None:
        headers = request.headers
        _scheme, _space, token = headers.get("authorization", "").partition(" ")
        if not self.sign_in.accepts(token) or headers.get("developertoken") != DEVELOPER_TOKEN:
            return _fault(401, 109, "AuthenticationTokenExpired", "Authentication token expired.")
        if headers.get("customerid") != CUSTOMER:
            return _fault(400, 106, "UserIsNotAuthorized", "The user does not represent an authorized user.")
        if request.path.startswith(CAMPAIGNS) and headers.get("customeraccountid") not in self.accounts:
            return _fault(400, 106, "UserIsNotAuthorized", "The user does not represent an authorized user.")
        if request.path.startswith(CAMPAIGNS) and not self.may_manage:
            return _fault(400, 106, "UserIsNotAuthorized", "The user does not represent an authorized user.")
        return None

    def _query(self, request: Request) -> Reply:
        account, type_ = request.headers["customeraccountid"], request.body["Type"]
        found = [each.document() for each in self.lists.values() if each.type == type_ and each.account == account]
        return Reply(document={"Audiences": found, "PartialErrors": []})

    def _make(self, request: Request) -> Reply:
        (audience,) = request.body["Audiences"]
        if not self.terms_accepted:
            error = _error(0, 8003, "CustomerListTermsAndConditionsNotAccepted", "The terms are not accepted.")
            return Reply(document={"AudienceIds": [None], "PartialErrors": [error]})
        if len(audience["Name"]) > 128:
            error = _error(0, 4818, "AudienceNameTooLong", "The name is too long.")
            return Reply(document={"AudienceIds": [None], "PartialErrors": [error]})
        made = self.make(audience["Name"], audience["Type"], request.headers["customeraccountid"])
        return Reply(document={"AudienceIds": [made.id], "PartialErrors": []})

    def _apply(self, data: dict[str, Any]) -> Reply:
        items, found = data["CustomerListItems"], self.lists.get(data["AudienceId"])
        if found is None or found.type != "CustomerList" or not items or len(items) > MOST_ITEMS:
            return _fault(
                400, 1001, "InvalidRequest", "The customer list or the number of its items is not valid.", True
            )
        if not self.terms_accepted and not data.get("AcceptCustomerMatchTerm"):
            error = _error(0, 8003, "CustomerListTermsAndConditionsNotAccepted", "The terms are not accepted.")
            return Reply(document={"PartialErrors": [error]})
        errors = []
        for at, item in enumerate(items):
            if not _HASH.fullmatch(item) or item in self.refused:
                errors.append(_error(at, 8010, "CustomerListItemTextInvalid", "The text of the item is not valid."))
            elif data["ActionType"] == "Add":
                found.members.add(item)
            else:
                found.members.discard(item)
        return Reply(document={"PartialErrors": errors})


def _error(index: int, code: int, name: str, message: str) -> dict[str, Any]:
    return {"Code": code, "ErrorCode": name, "Message": message, "Index": index, "Type": "BatchError", "Details": None}


def _fault(status: int, code: int, name: str, message: str, operation: bool = False) -> Reply:
    error = {"Code": code, "ErrorCode": name, "Message": message}
    kind = "OperationErrors" if operation else "Errors"
    return Reply(
        status, {kind: [error], "TrackingId": "a1b2", "Type": "ApiFaultDetail" if operation else "AdApiFaultDetail"}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A Microsoft Advertising on this computer, to try Sendoff with.")
    parser.add_argument("--port", type=int, default=0)
    with MicrosoftEmulator(parser.parse_args().port) as microsoft:
        root = microsoft.url
        print(f"api_url          {root}{CAMPAIGNS}\naccounts_url     {root}{CUSTOMERS}")
        print(f"authorize_url    {root}/oauth2/v2.0/authorize\ntoken_url        {root}/oauth2/v2.0/token")
        print(f"customer_id      {CUSTOMER}\ndeveloper_token  {DEVELOPER_TOKEN}")
        print(f"client_id        {CLIENT_ID}\nclient_secret    {CLIENT_SECRET}")
        print("Ctrl+C ends it; everything it was sent is forgotten then.", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
