"""Two keys or sign-ins of what a vendor counts as one have one budget; those of two have two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.connections import account_mark
from app.core.errors import FixData, NotAllowed, SendoffError, SignInAgain, TellUs, TryAgain
from app.core.exports import ExportKind, SyncMode
from app.core.tokens import Tokens
from app.destinations.budgets import Account, Budgets
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.counting import Counted
from app.destinations.description import Pace
from app.destinations.registry import description, descriptions, open_destination

TOKEN = Tokens("access", "refresh").written()
APP = {"client_secret": "secret-of-the-app", "sign_in": TOKEN}


@dataclass(frozen=True)
class Case:
    """Two connections of one account, and one of another account: values and secrets of each."""

    one: tuple[Mapping[str, str], Mapping[str, str]]
    same: tuple[Mapping[str, str], Mapping[str, str]]
    other: tuple[Mapping[str, str], Mapping[str, str]]
    target: Mapping[str, str] = field(default_factory=dict)
    other_target: Mapping[str, str] | None = None
    told: bool = False


def key(name: str, one: str, two: str, values: Mapping[str, str] | None = None, **changes: Any) -> Case:
    """Two keys of one account that the vendor told of; the first key and another account."""
    plain = dict(values or {})
    return Case((plain, {name: one}), (plain, {name: two}), (plain, {name: one}), told=True, **changes)


KEY = "0123456789abcdef0123456789abcdef"
CASES = {
    "mailchimp": key("api_key", f"{KEY}-us21", f"f{KEY[1:]}-us21", target={"audience_id": "a1"}),
    "klaviyo": key("api_key", f"pk_{KEY}", f"pk_f{KEY}"),
    "brevo": key("api_key", f"xkeysib-{KEY}", f"xkeysib-f{KEY}"),
    "sendgrid": key("api_key", f"SG.{KEY}.{KEY}", f"SG.f{KEY}.{KEY}"),
    "linkedin-ads": key("access_token", "one-token", "two-token", target={"account_id": "1"}),
    "iterable": Case(
        ({"project": "Shop"}, {"api_key": KEY}),
        ({"project": "Shop"}, {"api_key": f"f{KEY[1:]}"}),
        ({"project": "Club"}, {"api_key": KEY}),
    ),
    "hubspot": Case(  # each private app has limits of its own, and one token
        ({}, {"access_token": "pat-1"}), ({}, {"access_token": "pat-1"}), ({}, {"access_token": "pat-2"})
    ),
    "marketo": Case(
        ({"host": "1.mktorest.com", "client_id": "a"}, APP),
        ({"host": "1.mktorest.com", "client_id": "b"}, {**APP, "client_secret": "another"}),
        ({"host": "2.mktorest.com", "client_id": "a"}, APP),
    ),
    "google-ads": Case(
        ({"customer_id": "1234567890", "client_id": "77-a.apps.googleusercontent.com"}, APP),
        ({"customer_id": "9876543210", "client_id": "77-b.apps.googleusercontent.com"}, {**APP, "client_secret": "b"}),
        ({"customer_id": "1234567890", "client_id": "78-a.apps.googleusercontent.com"}, APP),
    ),
    "meta-ads": Case(
        ({"client_id": "12345"}, APP),
        ({"sign_in_by": "token"}, {"client_secret": "another-app", "access_token": "system-user"}),
        ({"client_id": "12345"}, APP),
        target={"account_id": "111"},
        other_target={"account_id": "222"},
    ),
    "microsoft-advertising": Case(
        ({"customer_id": "1", "client_id": "a"}, {"developer_token": "d", "sign_in": TOKEN}),
        ({"customer_id": "1", "client_id": "b"}, {"developer_token": "e", "sign_in": TOKEN}),
        ({"customer_id": "2", "client_id": "a"}, {"developer_token": "d", "sign_in": TOKEN}),
        target={"account_id": "1"},
    ),
    "criteo": Case(
        ({"client_id": "app-1"}, {"client_secret": "old-secret"}),
        ({"client_id": "app-1"}, {"client_secret": "new-secret"}),
        ({"client_id": "app-2"}, {"client_secret": "old-secret"}),
        target={"account_id": "1"},
    ),
    "webhook": Case(
        ({"url": "https://shop.example/hook"}, {"signing_secret": "0123456789abcdef"}),
        ({"url": "https://shop.example/hook"}, {"signing_secret": "fedcba9876543210"}),
        ({"url": "https://shop.example/other"}, {"signing_secret": "0123456789abcdef"}),
    ),
}


def account_of(destination_id: str, settings: Settings, target: Mapping[str, str]) -> Account:
    """Whose budget a session there has."""
    destination = open_destination(description(destination_id), settings)
    assert isinstance(destination, SegmentDestination)
    session: Any = destination.session(dict(target), "VIP", SyncMode.UPDATE)
    client = getattr(session, "client", None) or session._client
    client.close()
    return client._budget._account


def test_every_destination_that_asks_a_vendor_is_here() -> None:
    asking = {each.id for each in descriptions() if ExportKind.SEGMENT in each.kinds and each.calls is not None}
    assert asking - {"practice"} == set(CASES)


@pytest.mark.parametrize("destination_id", CASES)
def test_what_a_vendor_counts_as_one_has_one_budget(destination_id: str) -> None:
    case, budgets = CASES[destination_id], Budgets()

    def account(given: tuple[Mapping[str, str], Mapping[str, str]], told: str, target: Mapping[str, str]) -> Account:
        values, secrets = given
        mark = account_mark(told) if case.told else ""
        return account_of(destination_id, Settings(values, secrets, budgets=budgets, account=mark), target)

    one = account(case.one, "N-1", case.target)
    assert account(case.same, "N-1", case.target) is one
    assert account(case.other, "N-2", case.other_target or case.target) is not one


def test_practice_accounts_are_told_apart_by_their_folders(tmp_path: Any) -> None:
    budgets = Budgets()

    def account(name: str, code: str) -> Account:
        values = {"folder": str(tmp_path / name), "sign_in": "code"}
        return account_of("practice", Settings(values, {"access_code": code}, budgets=budgets), {})

    assert account("one", "a") is account("one", "b")
    assert account("one", "a") is not account("two", "a")


BY_ACCOUNT = Pace(counted_by=("account",))


def counted(settings: Settings) -> Counted:
    return Counted("api.shop.example", BY_ACCOUNT, settings)


def fails(error: SendoffError) -> Callable[[], str]:
    def ask() -> str:
        raise error

    return ask


def test_once_told_all_keys_of_an_account_have_its_budget() -> None:
    budgets, told = Budgets(), []
    one, two = (Settings({}, {"key": name}, budgets=budgets, on_account=told.append) for name in ("one", "two"))
    first, second = counted(one), counted(two)
    assert first.budget()._account is not second.budget()._account
    first.learn(lambda: "Owner@Shop.example")
    second.learn(lambda: " owner@shop.example")
    assert first.budget()._account is second.budget()._account
    assert counted(one).budget()._account is first.budget()._account  # the next client of the same key
    assert not counted(one).unknown
    assert told == [account_mark("owner@shop.example")] * 2
    assert "owner" not in told[0]
    assert "owner" not in repr(vars(budgets))


@pytest.mark.parametrize("error", [NotAllowed("No.", "", ""), FixData("No.", "", ""), TellUs("No.", "", "")])
def test_who_may_not_ask_for_the_account_is_counted_by_the_key(error: SendoffError) -> None:
    told: list[str] = []
    settings = Settings({}, {"key": "one"}, on_account=told.append)
    known = counted(settings).budget()._account
    asking = counted(settings)
    assert asking.unknown
    asking.learn(fails(error))
    assert asking.budget()._account is known
    assert not counted(settings).unknown  # it is not asked again in this process
    assert told == []


@pytest.mark.parametrize("error", [TryAgain("No.", "", ""), SignInAgain("No.", "", "")])
def test_what_fails_in_passing_is_asked_again(error: SendoffError) -> None:
    settings = Settings({}, {"key": "one"}, on_account=lambda _mark: None)
    counted(settings).learn(fails(error))
    assert counted(settings).unknown


def test_nobody_asks_for_what_nobody_wants_to_know() -> None:
    assert not counted(Settings({}, {"key": "one"})).unknown
    assert not counted(Settings({}, {"key": "one"}, account="known", on_account=lambda _mark: None)).unknown
