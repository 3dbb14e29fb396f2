"""A person's Microsoft account at Azure Blob Storage: a stand-in of the sign-in, and Azurite, which checks the bearer it gives."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import pytest
from azure.storage.blob import ContainerClient

from app.core.errors import FixSettings, SignInAgain
from app.core.tokens import Tokens
from app.destinations.browser_signin import sign_in
from app.destinations.contract import FileDestination, Settings
from app.destinations.registry import description, open_destination
from app.jobs import JobContext
from tests.destinations.object_suite import put
from tests.servers.azurite import ACCOUNT, Azurite, azurite, running
from tests.servers.entra import PUBLIC_CLIENT, SCOPES, TENANT, Entra, certificates
from tests.servers.entra import running as entra_running

__all__ = ["azurite"]

DESTINATIONS = ("azure-blob", "inmobi")


@dataclass
class Ring:
    """The keyring of one connection."""

    text: str
    masked: list[str] = field(default_factory=list)

    def read(self, field_id: str) -> str | None:
        assert field_id == "microsoft"
        return self.text

    def keep(self, field_id: str, value: str) -> None:
        assert field_id == "microsoft"
        self.text = value

    def mask(self, secret: str) -> None:
        self.masked.append(secret)


@dataclass
class Place:
    """A container of an Azurite that takes bearers, and the sign-in beside it."""

    server: Azurite
    entra: Entra
    certificate: Path
    container: str = field(default_factory=lambda: f"c{token_hex(6)}")

    def __post_init__(self) -> None:
        self.owner = ContainerClient(
            self.endpoint,
            self.container,
            credential={"account_name": ACCOUNT, "account_key": self.server.key},
            connection_verify=str(self.certificate),
        )
        self.owner.create_container()

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.server.port}/{ACCOUNT}"

    def values(self, **changes: str) -> dict[str, str]:
        values = {
            "account": ACCOUNT,
            "container": self.container,
            "endpoint": self.endpoint,
            "sign_in": "microsoft",
            "authority": self.entra.url,
            "tenant_id": TENANT,
            "client_id": PUBLIC_CLIENT,
        }
        return values | changes

    def browser(self, page: str) -> None:
        """The person's browser, which trusts what this computer trusts."""
        urllib.request.urlopen(
            page, context=ssl.create_default_context(cafile=str(self.certificate)), timeout=10
        ).close()

    def signed_in(self, of: str = "azure-blob") -> Tokens:
        return sign_in(description(of), self.values(), {}, self.browser, JobContext(), patience=10)

    def opened(self, ring: Ring, of: str = "azure-blob", **changes: str) -> FileDestination:
        settings = Settings(self.values(**changes), {"microsoft": ring.text}, keyring=ring)
        destination = open_destination(description(of), settings)
        assert isinstance(destination, FileDestination)
        return destination


@pytest.fixture(scope="module")
def servers(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Azurite, Entra, Path]]:
    certificate, key = certificates(tmp_path_factory.mktemp("tls"))
    options = ("--oauth", "basic", "--cert", str(certificate), "--key", str(key))
    with entra_running(certificate, key) as entra, running(*options) as server:
        yield server, entra, certificate


@pytest.fixture
def place(servers: tuple[Azurite, Entra, Path], monkeypatch: pytest.MonkeyPatch) -> Place:
    server, entra, certificate = servers
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # where this computer keeps what it trusts
    monkeypatch.setattr(entra, "lasts", 3600)
    entra.asked.clear()
    return Place(server, entra, certificate)


@pytest.fixture
def send(tmp_path: Path) -> Callable[[FileDestination], None]:
    source = tmp_path / "source"
    source.write_bytes(b"1")
    return lambda destination: put(destination, source, "Export/a.csv")


@pytest.mark.parametrize("of", DESTINATIONS)
def test_a_person_signs_in_with_the_browser_and_sends(
    place: Place, send: Callable[[FileDestination], None], of: str
) -> None:
    tokens = place.signed_in(of)
    assert tokens.refresh
    assert tokens.ends_at is not None
    assert timedelta(days=89) < tokens.ends_at - datetime.now(UTC) <= timedelta(days=90)
    destination = place.opened(Ring(tokens.written()), of)
    result = destination.test(JobContext())
    assert result.reached.startswith(f"{ACCOUNT}, with a Microsoft account,")
    assert result.missing_rights == ()
    send(destination)
    assert list(place.owner.list_blob_names()) == ["Export/a.csv"]
    assert place.entra.asked == ["authorization_code"]


def test_the_page_asks_for_storage_in_the_persons_name_and_no_more(place: Place) -> None:
    pages: list[str] = []
    sign_in(
        description("azure-blob"),
        place.values(),
        {},
        lambda page: (pages.append(page), place.browser(page))[0],
        JobContext(),
        patience=10,
    )
    assert pages[0].startswith(f"{place.entra.url}/{TENANT}/oauth2/v2.0/authorize?")
    assert SCOPES.split()[0].rpartition("/")[2] in pages[0]
    assert "client_secret" not in pages[0]


def test_access_that_ends_is_renewed_and_kept(place: Place, send: Callable[[FileDestination], None]) -> None:
    old = replace(place.signed_in(), access_ends_at=datetime.now(UTC) - timedelta(seconds=1))
    ring = Ring(old.written())
    send(place.opened(ring))
    kept = Tokens.read(ring.text)
    assert kept is not None
    assert kept.refresh != old.refresh
    assert set(ring.masked) == {kept.access, kept.refresh}
    send(place.opened(ring))
    assert place.entra.asked == ["authorization_code", "refresh_token"]


def test_access_is_renewed_in_the_middle_of_a_run(place: Place, send: Callable[[FileDestination], None]) -> None:
    place.entra.lasts = 30  # less than what a token must still have
    ring = Ring(place.signed_in().written())
    send(place.opened(ring))
    assert place.entra.asked.count("refresh_token") > 2


def test_a_sign_in_that_has_ended_wants_the_person(place: Place) -> None:
    tokens = replace(place.signed_in(), access_ends_at=datetime.now(UTC))
    place.entra.refresh.clear()
    with pytest.raises(SignInAgain) as caught:
        place.opened(Ring(tokens.written())).test(JobContext())
    assert caught.value.code == "sign_in_ended"
    assert tokens.access not in str(caught.value)
    assert tokens.refresh not in str(caught.value)


def test_a_token_of_somebody_else_is_refused(place: Place) -> None:
    tokens = Tokens("e30.e30.c2ln", "r", datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(SignInAgain) as caught:
        place.opened(Ring(tokens.written())).test(JobContext())
    assert caught.value.code == "refused_sign_in"
    assert "Microsoft account" in caught.value.why


def test_another_app_is_not_let_in(place: Place) -> None:
    with pytest.raises(urllib.error.HTTPError):
        sign_in(
            description("azure-blob"),
            place.values(client_id="00000000-0000-0000-0000-000000000000"),
            {},
            place.browser,
            JobContext(),
            patience=2,
        )


@pytest.mark.parametrize("missing", ["tenant_id", "client_id"])
def test_tenant_and_app_are_needed(place: Place, missing: str) -> None:
    with pytest.raises(FixSettings) as caught:
        place.opened(Ring(Tokens("t").written()), **{missing: ""})
    assert caught.value.code == "incomplete"


def test_nobody_signed_in_yet(place: Place) -> None:
    with pytest.raises(SignInAgain) as caught:
        place.opened(Ring(""))
    assert caught.value.code == "secret_missing"


def test_the_form_shows_what_this_way_needs() -> None:
    from app.services.connection_forms import visible_fields

    shown = {field.id for field in visible_fields(description("azure-blob"), {"sign_in": "microsoft"})}
    assert {"tenant_id", "client_id", "microsoft", "authority"} <= shown
    assert not {"client_secret", "account_key", "sas"} & shown
