"""Access by OAuth 2 against a desk that is strict about codes, verifiers, apps and renewals."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.core.errors import FixSettings, SignInAgain, TellUs, TryAgain
from app.core.tokens import Tokens
from app.destinations import signin
from app.destinations.browser_signin import sign_in
from app.destinations.budgets import Account, Budgets
from app.destinations.calls import Call, Retry
from app.destinations.contract import Exchange, Settings
from app.destinations.description import ClientAuth, Description, Grant, Pace, SignIn
from app.destinations.http import HttpClient
from app.destinations.registry import description
from app.destinations.signin import SignedIn, TokenDesk
from app.jobs import Cancelled, CancelToken, JobContext
from tests.vendors.emulator import Emulator, Reply, Request
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, OAuthDesk, agree

SECRETS = {"client_secret": CLIENT_SECRET}


class Vendor(Emulator):
    """An API behind a sign-in."""

    def __init__(self, desk: OAuthDesk) -> None:
        super().__init__()
        self.desk = desk

    def answer(self, request: Request) -> Reply:
        if request.path == "/authorize":
            return self.desk.page(request)
        if request.path == "/token":
            return self.desk.token(request)
        _scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if not self.desk.accepts(token):
            return Reply(401, {"error": f"the token {token} has ended"})
        return Reply(document={"ok": True})

    def values(self) -> dict[str, str]:
        return {"client_id": CLIENT_ID, "authorize_url": f"{self.url}/authorize", "token_url": f"{self.url}/token"}


class Ring:
    """A keyring of one connection, and what was masked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.masked: list[str] = []

    def read(self, field_id: str) -> str | None:
        assert field_id == "sign_in"
        return self.text

    def keep(self, field_id: str, value: str) -> None:
        assert field_id == "sign_in"
        self.text = value

    def mask(self, secret: str) -> None:
        self.masked.append(secret)


SPEC = SignIn("", authorize_url="https://unused.example", scopes=("read", "write"))


def described(spec: SignIn) -> Description:
    return replace(description("linkedin-ads"), name="Northwind", sign_in=spec)


@pytest.fixture(params=[ClientAuth.POST, ClientAuth.BASIC])
def spec(request: pytest.FixtureRequest) -> SignIn:
    return replace(SPEC, client_auth=request.param)


@pytest.fixture
def vendor(spec: SignIn) -> Iterator[Vendor]:
    with Vendor(OAuthDesk(("read", "write"), client_auth=spec.client_auth)) as running:
        yield running


def browse(page: str) -> None:
    threading.Thread(target=agree, args=(page,), daemon=True).start()


def signed_in(vendor: Vendor, spec: SignIn, **details: Any) -> Tokens:
    return sign_in(described(spec), vendor.values(), SECRETS, browse, JobContext(), **details)


class Opened:
    """A connection in use."""

    def __init__(self, vendor: Vendor, spec: SignIn, tokens: Tokens, ring: Ring | None = None) -> None:
        self.ring = ring or Ring(tokens.written())
        secrets = {**SECRETS, "sign_in": tokens.written()}
        self.bytes: dict[str, int] = {}
        settings = Settings(vendor.values(), secrets, ledger=self._count, keyring=self.ring)
        self.access = SignedIn("Northwind", spec, settings)
        self.client = HttpClient("Northwind", vendor.url, settings, pace=Pace(), access=self.access)

    def _count(self, made: Exchange) -> None:
        assert CLIENT_SECRET.encode() not in made.body
        self.bytes[made.host] = self.bytes.get(made.host, 0) + made.sent + made.received

    def ask(self) -> Any:
        return self.client.json(Call("POST", "things", json={"a": 1}), JobContext())


@pytest.fixture
def opened(vendor: Vendor, spec: SignIn) -> Iterator[Opened]:
    each = Opened(vendor, spec, signed_in(vendor, spec))
    with each.client:
        yield each


class TestTheBrowser:
    def test_a_person_signs_in(self, vendor: Vendor, spec: SignIn) -> None:
        tokens = signed_in(vendor, spec)
        assert vendor.desk.accepts(tokens.access)
        assert tokens.refresh
        (asked,) = vendor.desk.asked
        assert asked["redirect_uri"].startswith("http://127.0.0.1:")
        assert len(asked["state"]) >= 32
        assert CLIENT_SECRET not in str(asked)

    def test_a_vendor_without_pkce(self, vendor: Vendor, spec: SignIn) -> None:
        vendor.desk.pkce = False
        assert signed_in(vendor, replace(spec, pkce=False)).access
        assert "code_challenge" not in vendor.desk.asked[0]

    def test_the_person_says_no(self, vendor: Vendor, spec: SignIn) -> None:
        vendor.desk.refuses = True
        with pytest.raises(SignInAgain) as raised:
            signed_in(vendor, spec)
        assert "The user cancelled" in raised.value.why

    def test_nobody_comes(self, vendor: Vendor, spec: SignIn) -> None:
        with pytest.raises(TryAgain) as raised:
            sign_in(described(spec), vendor.values(), SECRETS, lambda _page: None, JobContext(), patience=0.2)
        assert raised.value.code == "sign_in_timeout"

    def test_the_wait_is_cancelled(self, vendor: Vendor, spec: SignIn) -> None:
        token = CancelToken()
        with pytest.raises(Cancelled):
            sign_in(described(spec), vendor.values(), SECRETS, lambda _page: token.cancel(), JobContext(token))

    @pytest.mark.parametrize("path", ["/", "/?code=mine", "/?code=mine&state=guessed", "/favicon.ico?state="])
    def test_others_at_the_door_get_nothing(self, vendor: Vendor, spec: SignIn, path: str) -> None:
        found: list[int] = []

        def strangers_first(page: str) -> None:
            redirect = urlsplit(parse_qs(urlsplit(page).query)["redirect_uri"][0])
            try:
                urllib.request.urlopen(f"http://{redirect.netloc}{path}", timeout=5)
            except urllib.error.HTTPError as error:
                found.append(error.code)
            browse(page)

        assert sign_in(described(spec), vendor.values(), SECRETS, strangers_first, JobContext()).access
        assert found == [404]

    def test_a_port_that_is_taken(self, vendor: Vendor, spec: SignIn) -> None:
        taken = replace(spec, redirect_port=vendor.port)
        with pytest.raises(FixSettings) as raised:
            signed_in(vendor, taken)
        assert raised.value.code == "port_in_use"
        assert str(vendor.port) in raised.value.why

    def test_a_wrong_app(self, vendor: Vendor, spec: SignIn) -> None:
        with pytest.raises(SignInAgain) as raised:
            sign_in(described(spec), vendor.values(), {"client_secret": "wrong"}, browse, JobContext())
        assert raised.value.code == "client_id_refused"

    def test_rights_the_app_does_not_have(self, vendor: Vendor, spec: SignIn) -> None:
        with pytest.raises(SignInAgain) as raised:
            signed_in(vendor, replace(spec, scopes=("read", "everything")))
        assert "invalid_scope" in raised.value.why

    def test_a_destination_without_it(self, vendor: Vendor) -> None:
        with pytest.raises(FixSettings):
            sign_in(description("klaviyo"), vendor.values(), SECRETS, browse, JobContext())

    def test_when_the_person_has_to_come_again(self, vendor: Vendor, spec: SignIn) -> None:
        noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
        assert signed_in(vendor, spec, clock=lambda: noon).ends_at is None
        lasting = replace(spec, lasts_days=60)
        assert signed_in(vendor, lasting, clock=lambda: noon).ends_at == noon + timedelta(days=60)
        vendor.desk.refresh_seconds = 86_400
        assert signed_in(vendor, lasting, clock=lambda: noon).ends_at == noon + timedelta(days=1)
        vendor.desk.gives_refresh = False
        assert signed_in(vendor, lasting, clock=lambda: noon).ends_at == noon + timedelta(hours=1)


class TestRenewal:
    def test_nothing_is_renewed_while_it_is_good(self, vendor: Vendor, opened: Opened) -> None:
        assert opened.ask() == {"ok": True}
        assert vendor.desk.renewals == 0

    def test_access_that_ended_in_the_middle_is_renewed_once(self, vendor: Vendor, opened: Opened) -> None:
        opened.ask()
        vendor.desk.end_access()
        assert opened.ask() == {"ok": True}
        assert opened.ask() == {"ok": True}
        assert vendor.desk.renewals == 1
        kept = Tokens.read(opened.ring.text)
        assert kept is not None
        assert vendor.desk.accepts(kept.access)
        assert set(kept.secrets) <= set(opened.ring.masked)

    def test_access_is_renewed_before_it_ends(self, vendor: Vendor, spec: SignIn) -> None:
        vendor.desk.access_seconds = 30
        each = Opened(vendor, spec, signed_in(vendor, spec))
        with each.client:
            vendor.desk.access_seconds = 3_600
            assert each.ask() == {"ok": True}
            assert each.ask() == {"ok": True}
        assert vendor.desk.renewals == 1
        assert not [r for r in vendor.requests if r.path == "/things" and "Bearer -" in r.headers["authorization"]]

    def test_many_threads_renew_once(self, vendor: Vendor, opened: Opened) -> None:
        vendor.desk.end_access()
        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(lambda _n: opened.ask(), range(12))) == [{"ok": True}] * 12
        assert vendor.desk.renewals == 1

    def test_a_refresh_token_that_stays(self, vendor: Vendor, spec: SignIn) -> None:
        vendor.desk.rotates = False
        each = Opened(vendor, spec, signed_in(vendor, spec))
        with each.client:
            for _ in range(3):
                vendor.desk.end_access()
                assert each.ask() == {"ok": True}
        assert vendor.desk.renewals == 3

    def test_another_process_renewed_meanwhile(self, vendor: Vendor, spec: SignIn) -> None:
        tokens = signed_in(vendor, spec)
        ring = Ring(tokens.written())
        first, second = Opened(vendor, spec, tokens, ring), Opened(vendor, spec, tokens, ring)
        with first.client, second.client:
            vendor.desk.end_access()
            assert first.ask() == {"ok": True}
            vendor.desk.end_access()
            assert second.ask() == {"ok": True}

    def test_a_right_that_was_taken_away(self, vendor: Vendor, opened: Opened) -> None:
        vendor.desk.end_all()
        with pytest.raises(SignInAgain) as raised:
            opened.ask()
        assert raised.value.code == "sign_in_ended"
        assert "revoked" in raised.value.why

    def test_without_a_refresh_token_the_refusal_is_told(self, vendor: Vendor, spec: SignIn) -> None:
        vendor.desk.gives_refresh = False
        each = Opened(vendor, spec, signed_in(vendor, spec))
        with each.client:
            vendor.desk.end_access()
            with pytest.raises(SignInAgain) as raised:
                each.ask()
        assert raised.value.code == "http_401"
        assert "access-token" not in str(raised.value)  # the vendor repeated it

    def test_nobody_signed_in_yet(self, vendor: Vendor, spec: SignIn) -> None:
        with pytest.raises(SignInAgain) as raised:
            SignedIn("Northwind", spec, Settings(vendor.values(), SECRETS))
        assert raised.value.code == "secret_missing"

    def test_an_app_gets_its_own(self, vendor: Vendor, spec: SignIn) -> None:
        own = replace(spec, grant=Grant.APP)
        settings = Settings(vendor.values(), SECRETS)
        access = SignedIn("Northwind", own, settings)
        with HttpClient("Northwind", vendor.url, settings, pace=Pace(), access=access) as client:
            call = Call("POST", "things", json={})
            assert client.json(call, JobContext()) == {"ok": True}
            vendor.desk.end_access()
            assert client.json(call, JobContext()) == {"ok": True}
        asked = [r for r in vendor.requests if r.path == "/token"]
        assert [r.body["grant_type"] for r in asked] == ["client_credentials"] * 2

    def test_a_renewed_sign_in_is_the_same_account(self, vendor: Vendor, spec: SignIn) -> None:
        budgets = Budgets()

        def account(tokens: Tokens) -> Account:
            secrets = {**SECRETS, "sign_in": tokens.written()}
            settings = Settings(vendor.values(), secrets, budgets=budgets)
            with HttpClient("Northwind", vendor.url, settings, pace=Pace()) as client:
                return client._budget._account

        assert account(Tokens("first", "one")) is account(Tokens("second", "two"))

    def test_the_sign_in_is_in_the_ledger(self, vendor: Vendor, opened: Opened) -> None:
        vendor.desk.end_access()
        opened.ask()
        assert opened.bytes["127.0.0.1"] > 500

    def test_a_sign_in_without_an_answer_is_in_the_ledger_too(self, vendor: Vendor, opened: Opened) -> None:
        vendor.desk.end_access()
        vendor.fail("reset", path="/token")
        with pytest.raises(TryAgain):
            opened.ask()
        assert opened.bytes["127.0.0.1"] > 50

    def test_a_preview_asks_nobody_and_shows_no_token(self, vendor: Vendor, opened: Opened) -> None:
        before = len(vendor.requests)
        prepared = opened.client.prepared(Call("POST", "things", json={}))
        assert prepared.headers["Authorization"] == "Bearer ••••"
        assert len(vendor.requests) == before


FAULTS: list[tuple[Callable[[Vendor], Any], type[Exception], str]] = [
    (lambda v: v.fail("reset", path="/token"), TryAgain, "sign_in_unreachable"),
    (
        lambda v: v.fail("reply", path="/token", reply=Reply(503, raw=b"busy", content_type="text/html")),
        TryAgain,
        "sign_in_503",
    ),
    (lambda v: v.fail("reply", path="/token", reply=Reply(429, {"error": "slow"})), TryAgain, "sign_in_429"),
    (
        lambda v: v.fail("reply", path="/token", reply=Reply(200, raw=b"<html>", content_type="text/html")),
        TellUs,
        "sign_in_answer",
    ),
    (lambda v: v.fail("reply", path="/token", reply=Reply(200, {"token_type": "Bearer"})), TellUs, "sign_in_answer"),
    (lambda v: v.fail("reply", path="/token", reply=Reply(200, ["x"])), TellUs, "sign_in_answer"),
]


@pytest.mark.parametrize(("fault", "kind", "code"), FAULTS)
def test_a_token_address_in_trouble(
    vendor: Vendor, opened: Opened, fault: Callable[[Vendor], Any], kind: type[Exception], code: str
) -> None:
    vendor.desk.end_access()
    fault(vendor)
    with pytest.raises(kind) as raised:
        opened.ask()
    assert getattr(raised.value, "code") == code  # noqa: B009 - the type is one of several
    assert CLIENT_SECRET not in str(raised.value)


@pytest.mark.parametrize("status", [429, 503])
def test_a_token_address_that_is_busy_for_a_moment(vendor: Vendor, opened: Opened, status: int) -> None:
    vendor.desk.end_access()
    vendor.fail("reply", path="/token", times=1, reply=Reply(status, raw=b"", headers={"Retry-After": "1"}))
    began = time.monotonic()
    assert opened.ask() == {"ok": True}
    assert time.monotonic() - began >= 1


def test_a_token_address_that_asks_for_minutes(vendor: Vendor, opened: Opened) -> None:
    vendor.desk.end_access()
    vendor.fail("reply", path="/token", reply=Reply(503, raw=b"", headers={"Retry-After": "120"}))
    with pytest.raises(TryAgain) as raised:
        opened.ask()
    assert raised.value.retry_after == 120


def test_a_renewal_whose_answer_is_lost_is_not_asked_for_again(vendor: Vendor, opened: Opened) -> None:
    """A refresh token is good for one use: twice the same one ends the sign-in at some vendors."""
    vendor.desk.end_access()
    vendor.fail("lost", path="/token")
    with pytest.raises(TryAgain) as raised:
        opened.ask()
    assert raised.value.code == "sign_in_unreachable"
    assert len([each for each in vendor.requests if each.path == "/token" and "refresh_token" in each.body]) == 1


def test_tokens_for_the_app_itself_are_asked_for_again(vendor: Vendor, spec: SignIn) -> None:
    vendor.fail("lost", path="/token", times=1)
    vendor.fail("reply", path="/token", times=1, reply=Reply(500, raw=b""))
    assert (
        TokenDesk("Northwind", replace(spec, token_url=f"{vendor.url}/token"), vendor.values(), SECRETS)
        .for_app()
        .access
    )


def test_a_token_answer_has_an_end_and_a_size(vendor: Vendor, spec: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "deadline_seconds", 0.4)
    monkeypatch.setattr(signin, "RETRY", Retry(attempts=1))
    desk = TokenDesk("Northwind", spec, vendor.values(), SECRETS)
    vendor.fail("drip", path="/token", times=1, seconds=0.2)
    began = time.monotonic()
    with pytest.raises(TryAgain) as raised:
        desk.for_app()
    assert raised.value.code == "sign_in_unreachable"
    assert time.monotonic() - began < 10  # all of it would take longer
    vendor.fail("reply", path="/token", times=1, reply=Reply(200, raw=b" " * (2 << 20)))
    with pytest.raises(TellUs) as large:
        desk.for_app()
    assert large.value.code == "answer_too_large"


def test_the_app_s_secret_goes_to_no_address_in_the_clear(spec: SignIn) -> None:
    with pytest.raises(FixSettings) as raised:
        TokenDesk("Northwind", replace(spec, token_url="http://acme.example/token"), {}, SECRETS).for_app()
    assert raised.value.code == "plain_http"


def test_an_address_may_name_settings(vendor: Vendor, spec: SignIn) -> None:
    named = replace(spec, token_url="http://127.0.0.1:{port}/token")
    values = {"client_id": CLIENT_ID, "port": str(vendor.port)}
    desk = TokenDesk("Northwind", named, values, SECRETS)
    assert desk.for_app().access
