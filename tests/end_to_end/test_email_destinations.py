"""Segments into the e-mail and CRM destinations from connection to mirror, each against its emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from app.core.runs import Status
from app.destinations.brevo import session as brevo
from app.destinations.budgets import Budget, Budgets
from app.destinations.jobs import Patience
from app.destinations.klaviyo import session as klaviyo
from app.destinations.marketo import session as marketo
from app.destinations.sendgrid import session as sendgrid
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop
from tests.tools.planted_secret import search
from tests.vendors.brevo import KEY as BREVO_KEY
from tests.vendors.brevo import BrevoEmulator
from tests.vendors.hubspot import TOKEN as HUBSPOT_TOKEN
from tests.vendors.hubspot import HubSpotEmulator
from tests.vendors.iterable import KEY as ITERABLE_KEY
from tests.vendors.iterable import IterableEmulator
from tests.vendors.klaviyo import KEY as KLAVIYO_KEY
from tests.vendors.klaviyo import KlaviyoEmulator
from tests.vendors.marketo import FOLDER, MarketoEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET
from tests.vendors.sendgrid import KEY as SENDGRID_KEY
from tests.vendors.sendgrid import SendGridEmulator


@dataclass(frozen=True)
class Case:
    """One destination: what its connection is made of, the name of its first-name field, and who is on a list there."""

    id: str
    emulator: Callable[[], Any]
    secrets: dict[str, str]
    first_name: str
    on_list: Callable[[Any, str], set[str]]
    settings: dict[str, str] = field(default_factory=dict)
    target: dict[str, str] = field(default_factory=dict)


def addresses(emulator: Any, name: str) -> set[str]:
    return emulator.addresses(name)


def of_klaviyo(emulator: KlaviyoEmulator, name: str) -> set[str]:
    return emulator.known_by(name, "email")


def of_iterable(emulator: IterableEmulator, name: str) -> set[str]:
    found = emulator.named(name)
    return set(found.members) if found else set()


CASES = [
    Case("brevo", BrevoEmulator, {"api_key": BREVO_KEY}, "FIRSTNAME", addresses),
    Case("hubspot", HubSpotEmulator, {"access_token": HUBSPOT_TOKEN}, "firstname", addresses),
    Case("iterable", IterableEmulator, {"api_key": ITERABLE_KEY}, "firstName", of_iterable),
    Case("klaviyo", KlaviyoEmulator, {"api_key": KLAVIYO_KEY}, "first_name", of_klaviyo),
    Case(
        "marketo",
        MarketoEmulator,
        {"client_secret": CLIENT_SECRET},
        "firstName",
        addresses,
        {"host": "123-abc-456.mktorest.com", "client_id": CLIENT_ID, "token_url": "{api_url}/identity/oauth/token"},
        {"folder_id": f"Folder {FOLDER}"},
    ),
    Case("sendgrid", SendGridEmulator, {"api_key": SENDGRID_KEY}, "first_name", addresses),
]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for session in (brevo, klaviyo, marketo, sendgrid):
        monkeypatch.setattr(session, "PATIENCE", Patience(0.01, 0.02, 5.0))
    monkeypatch.setattr(Budgets, "of", lambda _self, _host, _secrets, simultaneous, _rate: Budget(simultaneous, None))


@pytest.mark.parametrize("case", CASES, ids=[each.id for each in CASES])
def test_a_mirror_from_connection_to_list_and_back(case: Case, shop: Workshop) -> None:
    with case.emulator() as emulator:
        shop.customers(150, without_address=3)
        shop.segment("Alps", "AT", "CH")
        settings = {name: value.format(api_url=emulator.url) for name, value in case.settings.items()}
        shop.connect("There", case.id, {"api_url": emulator.url, **settings}, case.secrets)
        assert shop.services.connections.test("There", JobContext()).reached
        match = {"email": "Customer.Email", case.first_name: "Customer.FirstName"}
        shop.newsletter(
            "Alps", connection="There", sync="mirror", target=case.target, match=match, guard={"removed_percent": None}
        )
        (run,) = shop.run("Newsletter")
        assert run.status is Status.SUCCESSFUL, shop.log(run)
        everybody = {f"p{i}@example.com" for i in range(147) if i % 4 in {1, 2}}
        assert case.on_list(emulator, "Alps") == everybody
        assert (run.totals.added, run.totals.rejected) == (len(everybody), 0)

        shop.segment("Alps", "AT", "FR")
        (again,) = shop.run("Newsletter")
        assert again.status is Status.SUCCESSFUL, shop.log(again)
        now = {f"p{i}@example.com" for i in range(147) if i % 4 in {1, 3}}
        assert case.on_list(emulator, "Alps") == now
        assert (again.totals.added, again.totals.removed) == (len(now - everybody), len(everybody - now))
        planned = shop.services.undo.plan(again.id, JobContext()).changes
        assert (planned.added, planned.removed) == (len(everybody - now), len(now - everybody))
        back = shop.undo(again)
        assert back.status is Status.SUCCESSFUL, shop.log(back)
        assert case.on_list(emulator, "Alps") == everybody
        assert emulator.violations == []
    assert not [hit for secret in case.secrets.values() for hit in search([shop.folder], secret)]


def test_a_run_waits_for_the_work_an_earlier_one_left_behind(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever left the segment meanwhile would else be put onto the list after they were taken off it."""
    with KlaviyoEmulator() as emulator:
        shop.customers(8)
        shop.segment("Alps", "AT", "CH")
        shop.connect("There", "klaviyo", {"api_url": emulator.url}, {"api_key": KLAVIYO_KEY})
        changes = {"target": {}, "match": {"email": "Customer.Email"}, "guard": {"removed_percent": None}}
        shop.newsletter("Alps", connection="There", sync="mirror", **changes)
        emulator.working = 6
        monkeypatch.setattr(klaviyo, "PATIENCE", Patience(0.001, 0.001, 0.0))
        (cut,) = shop.run("Newsletter")
        assert cut.error is not None
        assert cut.error.what == "Klaviyo is still working on what was sent."
        (notes,) = (shop.folder / "jobs").rglob("*.txt")
        assert notes.read_text().strip()

        monkeypatch.setattr(klaviyo, "PATIENCE", Patience(0.001, 0.001, 30.0))
        shop.segment("Alps", "AT")
        emulator.requests.clear()
        (run,) = shop.run("Newsletter")
        assert run.status is Status.SUCCESSFUL, shop.log(run)
        first = next(at for at, each in enumerate(emulator.requests) if "profile" in each.path and each.method != "GET")
        asked = sum("-import-jobs/" in each.path for each in emulator.requests[:first])
        assert asked >= 5
        assert of_klaviyo(emulator, "Alps") == {"p1@example.com", "p5@example.com"}
        assert not notes.read_text()
        assert shop.services.connections.remove_with("There", "detach").name == "There"
        shop.services.connections.purge_removed(timedelta(days=-1))
        assert not notes.exists()


def _hubspot_left(emulator: HubSpotEmulator, number: int) -> None:
    emulator.left = number


def _marketo_left(emulator: MarketoEmulator, number: int) -> None:
    emulator.used = emulator.daily - number


@pytest.mark.parametrize(("case_id", "leave"), [("hubspot", _hubspot_left), ("marketo", _marketo_left)])
def test_a_day_with_too_few_requests_left_sends_nobody(
    case_id: str, leave: Callable[[Any, int], None], shop: Workshop
) -> None:
    case = next(each for each in CASES if each.id == case_id)
    with case.emulator() as emulator:
        shop.customers(150)
        shop.segment("Alps", "AT", "CH")
        settings = {name: value.format(api_url=emulator.url) for name, value in case.settings.items()}
        shop.connect("There", case.id, {"api_url": emulator.url, **settings}, case.secrets)
        shop.newsletter("Alps", connection="There", target=case.target, match={"email": "Customer.Email"})
        forecast = shop.services.plans.plan("Newsletter", JobContext(), 0).forecast
        assert forecast is not None
        assert (forecast.calls, forecast.obstacle) == (8, ())
        leave(emulator, 10)  # three are made before it is asked
        (run,) = shop.run("Newsletter")
        assert run.status is Status.FAILED
        assert run.error is not None
        assert run.error.why.startswith("It needs about 8; 7 of ")
        assert emulator.named("Alps") is None
        leave(emulator, 11)
        (run,) = shop.run("Newsletter")
        assert run.status is Status.SUCCESSFUL, shop.log(run)
        assert len(case.on_list(emulator, "Alps")) == run.totals.added > 0
