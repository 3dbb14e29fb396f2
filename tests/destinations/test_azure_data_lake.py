from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from azure.storage.filedatalake import DataLakeFileClient

from app.core.errors import FixSettings, NotAllowed, SignInAgain, TryAgain
from app.destinations import objects
from app.destinations.azure_data_lake.destination import create
from app.destinations.azure_lake import LakeUpload
from app.destinations.contract import Exchange, FileDestination, Settings
from app.jobs import JobContext
from tests.destinations.file_suite import silent
from tests.destinations.object_suite import ObjectDestinationSuite, put
from tests.servers import entra
from tests.servers.datalake import ACCOUNT, Lake, data_lake, running
from tests.servers.entra import certificates
from tests.servers.ports import Cable

__all__ = ["data_lake"]
FOLDER = "Team/Exports/"


class Bench:
    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.container = lake.container()
        self.secrets = (lake.key,)
        self.port = lake.port
        self.upload = LakeUpload
        self.ledger: list[Exchange] = []
        self.slow: list[float] = []
        self.opened: tuple[str, dict[str, str], dict[str, str]] = ("", {}, {})

    def destination(self, key: str = "", secrets: dict[str, str] | None = None, **changes: str) -> FileDestination:
        values = {
            "account": ACCOUNT,
            "container": self.container,
            "endpoint": self.lake.endpoint,
            "folder": "Team/Exports",
            "sign_in": "account_key",
            "parallel": "2",
            **changes,
        }
        self.opened = ("azure-data-lake", values, secrets or {"account_key": key or self.lake.key})
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
        return self.destination(), lambda: self.lake.denied.update({"PUT", "PATCH", "POST"})

    def unfinished(self, path: str) -> int:
        """Nobody can list what was appended and not flushed."""
        return 0

    def files(self) -> list[str]:
        """What readers look at: tools that read lakes pass over names that begin with a dot."""
        found = (path.removeprefix(FOLDER) for path in self.lake.files(self.container))
        return sorted(path for path in found if not path.rpartition("/")[2].startswith("."))

    def hidden(self) -> list[str]:
        return [path for path in self.lake.files(self.container) if path.rpartition("/")[2].startswith(".")]

    def read(self, path: str) -> bytes:
        return self.lake.files(self.container)[FOLDER + path]

    def write(self, path: str, data: bytes) -> None:
        self.lake.write(self.container, FOLDER + path, data)


@pytest.fixture
def bench(data_lake: Lake) -> Iterator[Bench]:
    yield Bench(data_lake)
    data_lake.denied.clear()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.csv"
    path.write_bytes(b"1")
    return path


class TestConformance(ObjectDestinationSuite):
    resumes = False

    def test_cancel_leaves_no_hidden_file(self, bench: Bench, source: Path) -> None:
        with bench.destination().session() as session:
            session.put(source, "Export/a.csv", JobContext(), silent)
            assert len(bench.hidden()) == 1
        assert bench.hidden() == []


class TestSignIn:
    def test_sas(self, bench: Bench, source: Path) -> None:
        destination = bench.destination(sign_in="sas", secrets={"sas": bench.lake.sas(bench.container)})
        assert destination.test(JobContext()).missing_rights == ()
        for text in (b"1", b"2"):  # the second keeps the first aside until it stands
            source.write_bytes(text)
            put(destination, source, "Export/a.csv", below="Export")
        put(destination, source, "Export/b.csv", below="Export")
        assert bench.files() == ["Export/b.csv"]
        assert bench.read("Export/b.csv") == b"2"

    def test_a_sas_of_another_account(self, bench: Bench) -> None:
        sas = bench.lake.sas(bench.container).replace("sig=", "sig=x")
        with pytest.raises(SignInAgain) as caught:
            bench.destination(sign_in="sas", secrets={"sas": sas}).test(JobContext())
        assert caught.value.code == "refused_sign_in"
        assert sas not in str(caught.value)

    def test_service_principal(self, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        certificate, key = certificates(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # where this computer keeps what it trusts
        with entra.running(certificate, key) as sign_in, running(certificate, key) as lake:
            bench = Bench(lake)
            who = {"authority": sign_in.url, "tenant_id": entra.TENANT, "client_id": entra.CLIENT}
            secrets = {"client_secret": entra.SECRET}
            destination = bench.destination(sign_in="service_principal", secrets=secrets, **who)
            assert f"the application {entra.CLIENT}" in destination.test(JobContext()).reached
            for _again in range(2):
                put(destination, source, "Export/a.csv", below="Export")
            assert bench.files() == ["Export/a.csv"]
            assert set(sign_in.asked) == {"https://storage.azure.com/.default"}


class TestLake:
    def test_where_is_an_address_others_can_read(self, bench: Bench) -> None:
        values = {"account": ACCOUNT, "container": "exports", "folder": "Team"}
        where = create(Settings(values, {"account_key": bench.lake.key})).where("a/b.csv")
        assert where == "https://contosolake.dfs.core.windows.net/exports/Team/a/b.csv"

    def test_no_container(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(container="nowhere").test(JobContext())
        assert caught.value.code == "no_bucket"

    @pytest.mark.parametrize(
        ("method", "missing"), [("GET", ("list files", "read files")), ("DELETE", ("remove files",))]
    )
    def test_missing_rights_are_named(self, bench: Bench, method: str, missing: tuple[str, ...]) -> None:
        bench.lake.denied.add(method)
        assert bench.destination().test(JobContext()).missing_rights == missing

    def test_no_right_to_write(self, bench: Bench) -> None:
        bench.lake.denied.add("PUT")
        with pytest.raises(NotAllowed) as caught:
            bench.destination().test(JobContext())
        assert caught.value.code == "missing_right"

    def test_empty_folders_of_earlier_runs_go(self, bench: Bench, source: Path) -> None:
        put(bench.destination(), source, "Export/2025/12/a.csv")
        put(bench.destination(), source, "Export/2026/01/a.csv", below="Export")
        folders = [path for path, file in bench.lake.containers[bench.container].items() if file is None]
        assert sorted(folders) == [
            "Team",
            "Team/Exports",
            "Team/Exports/Export",
            "Team/Exports/Export/2026",
            "Team/Exports/Export/2026/01",
        ]

    def test_a_rename_whose_answer_is_lost_is_done(
        self, bench: Bench, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real: Callable[..., DataLakeFileClient] = DataLakeFileClient.rename_file
        asked: list[str] = []

        def twice(self: DataLakeFileClient, name: str) -> DataLakeFileClient:
            asked.append(name)
            real(self, name)
            return real(self, name)

        monkeypatch.setattr(DataLakeFileClient, "rename_file", twice)
        put(bench.destination(), source, "a.csv")
        assert len(asked) == 1
        assert bench.read("a.csv") == b"1"

    def test_hidden_files_of_dead_runs_go_after_a_day(
        self, bench: Bench, source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        big = tmp_path / "big"
        big.write_bytes(b"x" * (24 << 20))
        monkeypatch.setattr(objects, "RETRY", objects.Retry(attempts=1))
        with Cable(bench.port, cut_after=12 << 20) as wire, pytest.raises(TryAgain):
            put(bench.through(wire.port), big, "Export/big.bin")
        bench.write("Export/.notes", b"not ours")
        assert len(bench.hidden()) == 2
        put(bench.destination(), source, "Export/a.csv")
        assert len(bench.hidden()) == 2
        time.sleep(1)  # the lake tells times in whole seconds
        monkeypatch.setattr(objects, "DEAD_AFTER", timedelta(0))
        put(bench.destination(), source, "Export/b.csv")
        assert bench.hidden() == [f"{FOLDER}Export/.notes"]
