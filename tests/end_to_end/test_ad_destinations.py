"""Segments into the advertising destinations from connection to mirror: nothing that tells who somebody is leaves unhashed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.runs import Status
from app.core.tokens import Tokens
from app.destinations.budgets import Budget, Budgets
from app.destinations.google_ads import session as google
from app.destinations.jobs import Patience
from app.destinations.linkedin_ads import session as linkedin
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop
from tests.tools.planted_secret import search
from tests.vendors.criteo import CriteoEmulator
from tests.vendors.google_ads import GoogleAdsEmulator
from tests.vendors.linkedin import TOKEN, LinkedInEmulator
from tests.vendors.meta import SYSTEM_TOKEN, VERSION, MetaEmulator
from tests.vendors.microsoft_advertising import CAMPAIGNS, CUSTOMER, CUSTOMERS, DEVELOPER_TOKEN, MicrosoftEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET

NUMBER, LACKING = 1_300, 3
NAMES_IN_THE_CLEAR = frozenset({"linkedin-ads"})
"""LinkedIn takes first names as they are; the others only hashed."""


@dataclass(frozen=True)
class Case:
    """One destination: its connection, the export's own fields, and who is in an audience there. {url} is the emulator's."""

    id: str
    emulator: Callable[[], Any]
    settings: dict[str, str]
    secrets: dict[str, str]
    held: Callable[[Any, str], set[str]]
    target: dict[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ("email", "first_name", "country")


def members(emulator: Any, name: str) -> set[str]:
    found = emulator.named(name)
    return set(found.members) if found else set()


def entries(emulator: LinkedInEmulator, name: str) -> set[str]:
    found = emulator.named(name)
    return set(found.entries) if found else set()


CASES = [
    Case(
        "criteo",
        CriteoEmulator,
        {"client_id": CLIENT_ID, "api_url": "{url}", "token_url": "{url}/oauth2/token"},
        {"client_secret": CLIENT_SECRET},
        members,
        {"account_id": "57001"},
        ("email",),
    ),
    Case(
        "google-ads",
        GoogleAdsEmulator,
        {"customer_id": "123-456-7890", "client_id": CLIENT_ID, "api_url": "{url}/v1", "token_url": "{url}/token"},
        {"client_secret": CLIENT_SECRET},
        members,
    ),
    Case(
        "linkedin-ads",
        LinkedInEmulator,
        {"api_url": "{url}"},
        {"access_token": TOKEN},
        entries,
        {"account_id": "516848833"},
    ),
    Case(
        "meta-ads",
        MetaEmulator,
        {"sign_in_by": "token", "api_url": "{url}"},
        {"client_secret": CLIENT_SECRET, "access_token": SYSTEM_TOKEN},
        members,
        {"account_id": "700100200"},
        ("email", "first_name", "first_initial", "country", "external_id"),
    ),
    Case(
        "microsoft-advertising",
        MicrosoftEmulator,
        {
            "customer_id": CUSTOMER,
            "client_id": CLIENT_ID,
            "api_url": f"{{url}}{CAMPAIGNS}",
            "accounts_url": f"{{url}}{CUSTOMERS}",
            "token_url": "{url}/oauth2/v2.0/token",
        },
        {"client_secret": CLIENT_SECRET, "developer_token": DEVELOPER_TOKEN},
        members,
        {"account_id": "141000001"},
        ("email",),
    ),
]
COLUMNS = {
    "email": "Customer.Email",
    "first_name": "Customer.FirstName",
    "first_initial": "Customer.FirstName",
    "country": "Customer.Country",
    "external_id": "Customer.CustomerId",
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "PATIENCE", Patience(0.01, 0.02, 5.0))
    monkeypatch.setattr(linkedin, "READY_AFTER", 0.0)
    monkeypatch.setattr(Budgets, "of", lambda _self, _host, _secrets, simultaneous, _rate: Budget(simultaneous, None))


def hashed(*countries: int) -> set[str]:
    """The addresses of customers of these countries, by their places among the four."""
    found = (f"p{i}@example.com" for i in range(NUMBER - LACKING) if i % 4 in countries)
    return {hashlib.sha256(address.encode()).hexdigest() for address in found}


@pytest.mark.parametrize("case", CASES, ids=[each.id for each in CASES])
def test_a_mirror_from_connection_to_audience_and_back(case: Case, shop: Workshop) -> None:
    with case.emulator() as emulator:
        url = emulator.url.removesuffix(f"/{VERSION}")
        settings = {name: value.format(url=url) for name, value in case.settings.items()}
        secrets = dict(case.secrets)
        if "client_secret" in secrets and "access_token" not in secrets and case.id != "criteo":
            secrets["sign_in"] = Tokens(emulator.sign_in.access()).written()
        shop.customers(NUMBER, without_address=LACKING)
        shop.segment("Alps", "AT", "CH")
        shop.connect("There", case.id, settings, secrets)
        assert shop.services.connections.test("There", JobContext()).reached
        match = {name: COLUMNS[name] for name in case.fields}
        guard = {"removed_percent": None}
        shop.newsletter("Alps", connection="There", sync="mirror", target=case.target, match=match, guard=guard)
        plan = shop.services.plans.plan("Newsletter", JobContext(), 0)
        assert plan.forecast is not None
        assert plan.forecast.calls in {5, 6}
        (run,) = shop.run("Newsletter")
        assert run.status is Status.SUCCESSFUL, shop.log(run)
        assert case.held(emulator, "Alps") == hashed(1, 2)
        assert (run.totals.added, run.totals.rejected) == (len(hashed(1, 2)), 0)

        shop.segment("Alps", "AT", "FR")
        (again,) = shop.run("Newsletter")
        assert again.status is Status.SUCCESSFUL, shop.log(again)
        assert case.held(emulator, "Alps") == hashed(1, 3)
        assert (again.totals.added, again.totals.removed) == (len(hashed(3)), len(hashed(2)))
        planned = shop.services.undo.plan(again.id, JobContext()).changes
        assert (planned.added, planned.removed) == (len(hashed(2)), len(hashed(3)))
        back = shop.undo(again)
        assert back.status is Status.SUCCESSFUL, shop.log(back)
        assert case.held(emulator, "Alps") == hashed(1, 2)
        assert (back.totals.added + back.totals.updated, back.totals.removed) == (len(hashed(2)), len(hashed(3)))
        assert emulator.violations == []

        sent = b"".join(request.raw for request in emulator.requests).decode()
        addresses = "".join(f"{request.path}{request.query}" for request in emulator.requests)
        assert "example.com" not in sent + addresses
        assert "C-000" not in sent
        assert ("Zoë" in sent) == (case.id in NAMES_IN_THE_CLEAR)
        assert "example.com" not in shop.log(run) + shop.log(again)
    assert not [hit for secret in secrets.values() for hit in search([shop.folder], secret)]
