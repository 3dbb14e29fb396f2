from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import quote

import pytest

from app.core.errors import FixSettings, NotAllowed, SendoffError, SignInAgain
from app.destinations import objects
from app.destinations.contract import Exchange, FileDestination, Settings
from app.destinations.google_cloud_storage.bucket import GoogleUpload
from app.destinations.google_cloud_storage.destination import create
from app.jobs import JobContext
from tests.destinations.object_suite import ObjectDestinationSuite, put
from tests.servers.gcs import ALL, GcsServer, Robot, gcs

__all__ = ["gcs"]
FOLDER = "Team/Exports/"


class Bench:
    def __init__(self, server: GcsServer) -> None:
        self.server = server
        self.bucket = server.bucket()
        self.robot = server.robot()
        self.secrets = (json.loads(self.robot.key_file)["private_key"].splitlines()[1],)
        self.port = server.port
        self.upload = GoogleUpload
        self.ledger: list[Exchange] = []
        self.slow: list[float] = []
        self.opened: tuple[str, dict[str, str], dict[str, str]] = ("", {}, {})

    def destination(self, robot: Robot | None = None, key_file: str = "", **changes: str) -> FileDestination:
        values = {
            "bucket": self.bucket,
            "endpoint": self.server.endpoint,
            "folder": "Team/Exports",
            **changes,
        }
        self.opened = ("google-cloud-storage", values, {"service_account": key_file or (robot or self.robot).key_file})
        return create(
            Settings(
                values,
                self.opened[2],
                on_slow=lambda seconds, _words: self.slow.append(seconds),
                ledger=self.ledger.append,
            )
        )

    def through(self, port: int) -> FileDestination:
        return self.destination(endpoint=f"http://127.0.0.1:{port}")

    def wrong_secret(self) -> FileDestination:
        """A key that was removed and replaced by another one."""
        removed = self.server.robot()
        self.server.robots[removed.email] = Robot(removed.email, "", self.robot.public, ALL)
        return self.destination(removed)

    def revocable(self) -> tuple[FileDestination, Callable[[], object]]:
        robot = self.server.robot()
        return self.destination(robot), lambda: self.server.revoke(robot)

    def unfinished(self, path: str) -> int:
        """Nobody can list them, at Google's neither."""
        return 0

    def files(self) -> list[str]:
        _status, _headers, body = self.server.ask("GET", f"/storage/v1/b/{self.bucket}/o")
        return sorted(each["name"].removeprefix(FOLDER) for each in json.loads(body).get("items", ()))

    def read(self, path: str) -> bytes:
        place = f"/storage/v1/b/{self.bucket}/o/{quote(FOLDER + path, safe='')}?alt=media"
        return self.server.ask("GET", place)[2]

    def write(self, path: str, data: bytes) -> None:
        place = f"/upload/storage/v1/b/{self.bucket}/o?uploadType=media&name={quote(FOLDER + path, safe='')}"
        assert self.server.ask("POST", place, data, {"Content-Type": "application/octet-stream"})[0] == 200


@pytest.fixture
def bench(gcs: GcsServer) -> Bench:
    return Bench(gcs)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.csv"
    path.write_bytes(b"1")
    return path


class TestConformance(ObjectDestinationSuite):
    resumes = False
    checks_parts = False

    def told_of_the_right(self, moment: str) -> AbstractContextManager[pytest.ExceptionInfo[SendoffError] | None]:
        """The address of an upload is its own authority: what was begun with the right to is completed without it."""
        return nullcontext() if moment == "before publishing" else super().told_of_the_right(moment)


class TestSignIn:
    def test_test_names_the_account_and_the_bucket(self, bench: Bench) -> None:
        reached = bench.destination().test(JobContext()).reached
        assert reached == f"{bench.robot.email} at gs://{bench.bucket}/Team/Exports"

    @pytest.mark.parametrize(
        ("right", "missing"), [("delete", "remove files"), ("get", "read files"), ("list", "list files")]
    )
    def test_missing_rights_are_named(self, bench: Bench, right: str, missing: str) -> None:
        robot = bench.server.robot(ALL - {right})
        assert bench.destination(robot).test(JobContext()).missing_rights == (missing,)

    def test_no_right_to_write(self, bench: Bench, source: Path) -> None:
        destination = bench.destination(bench.server.robot(ALL - {"create"}))
        with pytest.raises(NotAllowed) as caught:
            destination.test(JobContext())
        assert caught.value.code == "missing_right"
        assert "Storage Object Admin" in caught.value.fix
        with pytest.raises(NotAllowed):
            put(destination, source, "a.csv")
        assert bench.files() == []

    def test_only_a_right_to_write_is_enough_to_send(self, bench: Bench, source: Path) -> None:
        put(bench.destination(bench.server.robot(frozenset({"create"}))), source, "a.csv")
        assert bench.files() == ["a.csv"]

    @pytest.mark.parametrize("text", ["no json", "{}", '{"type": "authorized_user"}', '"text"', "[1]"])
    def test_a_key_file_that_is_none(self, bench: Bench, text: str) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.destination(key_file=text).test(JobContext())
        assert caught.value.code == "bad_key_file"

    def test_bucket_is_missing(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(bucket="nowhere-at-all").test(JobContext())
        assert caught.value.code == "no_bucket"
        assert "nowhere-at-all" in caught.value.what

    def test_not_the_name_of_a_bucket(self, bench: Bench) -> None:
        with pytest.raises(SendoffError) as caught:
            bench.destination(bucket="gs://x")
        assert caught.value.code == "bad_bucket"


def test_signing_in_is_told_apart_in_the_ledger(bench: Bench, source: Path) -> None:
    put(bench.destination(), source, "a.csv")
    assert [each.sign_in for each in bench.ledger].count(True) == 1


class TestUploads:
    @pytest.mark.parametrize("size", [(256 << 10) - 1, 256 << 10, (256 << 10) + 1, (8 << 20) + (256 << 10)])
    def test_sizes_around_the_steps_of_an_upload(self, bench: Bench, source: Path, size: int) -> None:
        source.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
        put(bench.destination(), source, "a.csv")
        assert bench.read("a.csv") == source.read_bytes()

    def test_a_piece_that_arrived_in_part_is_gone_on_with(
        self, bench: Bench, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source.write_bytes(b"0123456789abcdef" * (1 << 17))
        real = objects.Body.read
        cut: list[int] = []

        def short(self: objects.Body, size: int = -1) -> bytes:
            if not cut and self._at >= 1 << 20:
                cut.append(1)
                raise ConnectionResetError
            return real(self, size)

        monkeypatch.setattr(objects.Body, "read", short)
        put(bench.destination(), source, "a.csv")
        assert cut
        assert bench.read("a.csv") == source.read_bytes()
