"""One member a vendor refuses without naming: everybody else is sent, and nobody is in the way of the next run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.runs import Status
from app.destinations.budgets import Budget, Budgets
from app.destinations.jobs import Patience
from app.destinations.klaviyo import session as klaviyo
from app.destinations.marketo import session as marketo
from app.destinations.sendgrid import session as sendgrid
from tests.end_to_end.workshop import Workshop
from tests.vendors.iterable import KEY as ITERABLE_KEY
from tests.vendors.iterable import IterableEmulator
from tests.vendors.klaviyo import KEY as KLAVIYO_KEY
from tests.vendors.klaviyo import KlaviyoEmulator
from tests.vendors.marketo import FOLDER, MarketoEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET
from tests.vendors.sendgrid import KEY as SENDGRID_KEY
from tests.vendors.sendgrid import SendGridEmulator

REFUSED = "p5@example.com"


@dataclass(frozen=True)
class Case:
    """One vendor that does not name whom it refused, how often it was given members, and whom."""

    id: str
    emulator: Callable[[], Any]
    secrets: dict[str, str]
    writes: tuple[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    target: dict[str, str] = field(default_factory=dict)


CASES = [
    Case("iterable", IterableEmulator, {"api_key": ITERABLE_KEY}, ("POST", "/lists/subscribe")),
    Case("klaviyo", KlaviyoEmulator, {"api_key": KLAVIYO_KEY}, ("POST", "/profile-bulk-import-jobs")),
    Case(
        "marketo",
        MarketoEmulator,
        {"client_secret": CLIENT_SECRET},
        ("POST", "/bulk/v1/leads.json"),
        {"host": "123-abc-456.mktorest.com", "client_id": CLIENT_ID, "token_url": "{api_url}/identity/oauth/token"},
        {"folder_id": f"Folder {FOLDER}"},
    ),
    Case("sendgrid", SendGridEmulator, {"api_key": SENDGRID_KEY}, ("PUT", "/marketing/contacts")),
]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for session in (klaviyo, marketo, sendgrid):
        monkeypatch.setattr(session, "PATIENCE", Patience(0.001, 0.002, 5.0))
    monkeypatch.setattr(Budgets, "of", lambda _self, _host, _who, simultaneous, _rate: Budget(simultaneous, None))


def refuse(emulator: Any) -> None:
    """From now on one address is refused, in answers and files that name nobody."""
    (emulator.forgotten if isinstance(emulator, IterableEmulator) else emulator.refused).add(REFUSED)
    if isinstance(emulator, KlaviyoEmulator):
        emulator.names_by = "nothing"
    else:
        emulator.names_refused = False


def on_list(emulator: Any, name: str) -> set[str]:
    if isinstance(emulator, KlaviyoEmulator):
        return {address for address in emulator.known_by(name, "email") if address}
    return set(emulator.named(name).members) if isinstance(emulator, IterableEmulator) else emulator.addresses(name)


@pytest.mark.parametrize("there_before", [False, True], ids=["new", "there before"])
@pytest.mark.parametrize("case", CASES, ids=[each.id for each in CASES])
def test_one_who_is_refused_without_a_name_stands_in_nobodys_way(
    case: Case, there_before: bool, shop: Workshop
) -> None:
    everybody = {f"p{number}@example.com" for number in range(64)}
    with case.emulator() as emulator:
        shop.customers(64)
        shop.segment("All")
        settings = {name: value.format(api_url=emulator.url) for name, value in case.settings.items()}
        shop.connect("There", case.id, {"api_url": emulator.url, **settings}, case.secrets)
        shop.newsletter("All", connection="There", target=case.target, match={"email": "Customer.Email"})
        if there_before:  # in the list by hand, as far as it goes: asking who is there finds nobody missing
            shop.newsletter(
                "All", name="Before", connection="There", target=case.target, match={"email": "Customer.Email"}
            )
            shop.run("Before")
        refuse(emulator)
        emulator.requests.clear()
        (run,) = shop.run("Newsletter")
        assert (run.totals.added + run.totals.updated, run.totals.rejected) == (63, 1), shop.log(run)
        assert run.status is not Status.FAILED
        assert on_list(emulator, "All") >= everybody - {REFUSED}
        method, path = case.writes
        writes = [r for r in emulator.requests if r.method == method and r.path.endswith(path)]
        assert len(writes) <= 13  # the batch, and two halves each time: 2 to the power of 6 are 64
        (reject,) = shop.services.runs.rejects(run.id).rejects
        assert reject.reason
        emulator.requests.clear()
        (again,) = shop.run("Newsletter")
        assert again.totals.rejected == 1
        assert sum(r.method == method and r.path.endswith(path) for r in emulator.requests) == 1
