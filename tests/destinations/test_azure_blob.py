from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from app.core.errors import FixSettings, NotAllowed, SendoffError, SignInAgain, TryAgain
from app.destinations.azure_blob.destination import create
from app.destinations.azure_blobs import BlobUpload
from app.destinations.contract import Exchange, FileDestination, Settings
from app.jobs import JobContext
from tests.destinations.file_suite import silent
from tests.destinations.object_suite import ObjectDestinationSuite, put
from tests.servers import entra
from tests.servers.azurite import ACCOUNT, Azurite, azurite, running
from tests.servers.entra import CLIENT, SECRET, TENANT, Entra, certificates

__all__ = ["azurite"]


class Bench:
    def __init__(self, server: Azurite) -> None:
        self.server = server
        self.container: ContainerClient = server.container()
        self.secrets = (server.key, "sig=")
        self.port = server.port
        self.upload = BlobUpload
        self.ledger: list[Exchange] = []
        self.slow: list[float] = []
        self.opened: tuple[str, dict[str, str], dict[str, str]] = ("", {}, {})

    @property
    def name(self) -> str:
        return str(self.container.container_name)

    def destination(self, key: str = "", sas: str = "", **changes: str) -> FileDestination:
        values = {
            "account": ACCOUNT,
            "container": self.name,
            "endpoint": self.server.endpoint,
            "folder": "Team/Exports",
            "parallel": "2",
            "sign_in": "sas" if sas else "account_key",
            **changes,
        }
        secrets = {"account_key": key or self.server.key, "sas": sas}
        self.opened = ("azure-blob", values, secrets)
        return create(
            Settings(
                values,
                self.opened[2],
                on_slow=lambda seconds, _words: self.slow.append(seconds),
                ledger=self.ledger.append,
            )
        )

    def through(self, port: int) -> FileDestination:
        return self.destination(endpoint=f"http://127.0.0.1:{port}/{ACCOUNT}")

    def wrong_secret(self) -> FileDestination:
        return self.destination(key=base64.b64encode(b"x" * 64).decode())

    def revocable(self) -> tuple[FileDestination, Callable[[], object]]:
        sas = self.server.sas_by_policy(self.container)
        return self.destination(sas=sas), lambda: self.container.set_container_access_policy({})

    def unfinished(self, path: str) -> int:
        _committed, waiting = self.container.get_blob_client(f"Team/Exports/{path}").get_block_list("uncommitted")
        return len(waiting)

    def files(self) -> list[str]:
        return sorted(self._relative(name) for name in self.container.list_blob_names())

    def read(self, path: str) -> bytes:
        return self.container.download_blob(f"Team/Exports/{path}").readall()

    def write(self, path: str, data: bytes) -> None:
        self.container.upload_blob(f"Team/Exports/{path}", data, overwrite=True)

    @staticmethod
    def _relative(name: str) -> str:
        assert name.startswith("Team/Exports/")
        return name.removeprefix("Team/Exports/")


@pytest.fixture
def bench(azurite: Azurite) -> Bench:
    return Bench(azurite)


class TestConformance(ObjectDestinationSuite):
    pass


class TestSignIn:
    def test_test_names_account_and_container(self, bench: Bench) -> None:
        reached = bench.destination().test(JobContext()).reached
        assert reached == f"{ACCOUNT}, with the account key, at {bench.server.endpoint}/{bench.name}/Team/Exports"

    def test_sas(self, bench: Bench, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"1")
        destination = bench.destination(sas="?" + bench.server.sas(bench.name))
        assert destination.test(JobContext()).missing_rights == ()
        for text in (b"1", b"2"):
            source.write_bytes(text)
            put(destination, source, "Export/a.csv", below="Export")
        assert bench.read("Export/a.csv") == b"2"
        assert bench.files() == ["Export/a.csv"]

    def test_expired_sas(self, bench: Bench) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.destination(sas=bench.server.sas(bench.name, hours=-1))
        assert caught.value.code == "expired"

    def test_a_sas_that_expires_in_mid_run(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.destinations.azure_account._is_expired", lambda _token: False)
        destination = bench.destination(sas=bench.server.sas(bench.name, hours=-1))
        monkeypatch.undo()
        with pytest.raises(SignInAgain) as caught:
            destination.test(JobContext())
        assert caught.value.code == "expired"

    @pytest.mark.parametrize(
        ("rights", "missing"),
        [
            ("rwl", ("remove files",)),
            ("wld", ("read files",)),
            ("rwd", ("list files",)),
            ("w", ("list files", "read files", "remove files")),
        ],
    )
    def test_missing_rights_are_named(self, bench: Bench, rights: str, missing: tuple[str, ...]) -> None:
        result = bench.destination(sas=bench.server.sas(bench.name, rights)).test(JobContext())
        assert result.missing_rights == missing

    def test_no_right_to_write(self, bench: Bench, tmp_path: Path) -> None:
        destination = bench.destination(sas=bench.server.sas(bench.name, "rl"))
        with pytest.raises(NotAllowed) as caught:
            destination.test(JobContext())
        assert caught.value.code == "missing_right"
        assert "write files" in caught.value.why
        source = tmp_path / "source"
        source.write_bytes(b"1")
        with pytest.raises(NotAllowed):
            put(destination, source, "a.csv")

    def test_only_a_right_to_write_is_enough_to_send(self, bench: Bench, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"1")
        put(bench.destination(sas=bench.server.sas(bench.name, "rw")), source, "a.csv")
        assert bench.files() == ["a.csv"]

    def test_container_is_missing(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(container="nowhere").test(JobContext())
        assert caught.value.code == "no_bucket"
        assert "nowhere" in caught.value.what

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"account": "https://x"}, "bad_account"),
            ({"container": "Upper"}, "bad_container"),
            ({"sign_in": "service_principal"}, "incomplete"),
            ({"sign_in": "sas"}, "bad_sas"),
        ],
    )
    def test_settings_that_cannot_be_right(self, bench: Bench, changes: dict[str, str], code: str) -> None:
        with pytest.raises(SendoffError) as caught:
            bench.destination(**changes)
        assert caught.value.code == code

    def test_a_damaged_key_is_told_before_anything_is_sent(self, bench: Bench) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.destination(key="no key at all")
        assert caught.value.code == "bad_key"
        assert "no key" not in str(caught.value)


@pytest.fixture(scope="module")
def secure(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Azurite, Entra, Path]]:
    certificate, key = certificates(tmp_path_factory.mktemp("tls"))
    options = ("--oauth", "basic", "--cert", str(certificate), "--key", str(key))
    with entra.running(certificate, key) as sign_in, running(*options) as server:
        yield server, sign_in, certificate


class TestServicePrincipal:
    @pytest.fixture
    def destination(
        self, secure: tuple[Azurite, Entra, Path], monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., FileDestination]:
        server, sign_in, certificate = secure
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # where this computer keeps what it trusts
        sign_in.asked.clear()
        endpoint = f"https://127.0.0.1:{server.port}/{ACCOUNT}"

        def make(secret: str = SECRET, container: str = "exports") -> FileDestination:
            values = {
                "account": ACCOUNT,
                "container": container,
                "endpoint": endpoint,
                "sign_in": "service_principal",
                "authority": sign_in.url,
                "tenant_id": TENANT,
                "client_id": CLIENT,
            }
            return create(Settings(values, {"client_secret": secret}))

        return make

    def test_signs_in_once_and_sends(
        self, secure: tuple[Azurite, Entra, Path], destination: Callable[..., FileDestination], tmp_path: Path
    ) -> None:
        server, sign_in, certificate = secure
        owner = ContainerClient(
            f"https://127.0.0.1:{server.port}/{ACCOUNT}",
            "exports",
            credential={"account_name": ACCOUNT, "account_key": server.key},
            connection_verify=str(certificate),
        )
        owner.create_container()
        source = tmp_path / "source"
        source.write_bytes(b"1")
        signed_in = destination()
        assert f"the application {CLIENT}" in signed_in.test(JobContext()).reached
        put(signed_in, source, "Export/a.csv", below="Export")
        assert list(owner.list_blob_names()) == ["Export/a.csv"]
        assert sign_in.asked == ["https://storage.azure.com/.default"]

    def test_wrong_secret(self, destination: Callable[..., FileDestination]) -> None:
        with pytest.raises(SignInAgain) as caught:
            destination("wrong-secret").test(JobContext())
        assert caught.value.code == "refused_sign_in"
        assert caught.value.why == "The client secret is wrong."
        assert "wrong-secret" not in str(caught.value)

    def test_expired_secret(
        self,
        secure: tuple[Azurite, Entra, Path],
        destination: Callable[..., FileDestination],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(secure[1], "refuse", "AADSTS7000222: The provided client secret keys are expired.")
        with pytest.raises(SignInAgain) as caught:
            destination().test(JobContext())
        assert caught.value.code == "expired"

    def test_a_certificate_nobody_trusts(
        self, destination: Callable[..., FileDestination], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(FixSettings) as caught:
            destination().test(JobContext())
        assert caught.value.code == "tls"


class TestBlobs:
    def test_blocks_wait_beside_the_blob(self, bench: Bench, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"1")
        with bench.destination().session() as session:
            session.put(source, "a.csv", JobContext(), silent)
            assert bench.unfinished("a.csv") == 1
            session.publish(JobContext())
        kind = bench.container.get_blob_client("Team/Exports/a.csv").get_blob_properties().content_settings
        assert kind.content_type == "text/csv"

    def test_a_blob_with_a_snapshot_is_replaced_and_removed(self, bench: Bench, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"1")
        put(bench.destination(), source, "Export/old.csv")
        bench.container.get_blob_client("Team/Exports/Export/old.csv").create_snapshot()
        put(bench.destination(), source, "Export/new.csv", below="Export")
        assert bench.files() == ["Export/new.csv"]

    def test_a_name_that_is_not_known(self, bench: Bench) -> None:
        with pytest.raises(TryAgain) as caught:
            bench.destination(endpoint="https://nowhere.invalid").test(JobContext())
        assert caught.value.code == "dns"
