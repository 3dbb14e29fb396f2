from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import FixSettings, NotAllowed, SendoffError, SignInAgain
from app.destinations import objects
from app.destinations.amazon_s3 import bucket as module
from app.destinations.amazon_s3.bucket import S3Upload, SignedBody
from app.destinations.amazon_s3.destination import create
from app.destinations.contract import Exchange, FileDestination, Settings
from app.jobs import JobContext
from tests.destinations.object_suite import ObjectDestinationSuite, put
from tests.servers.entra import certificates
from tests.servers.s3 import REGION, S3Server, User, running, s3_server

__all__ = ["s3_server"]
FOLDER = "Team/Exports/"


class Bench:
    def __init__(self, server: S3Server, *, versioned: bool = False, locked: bool = False) -> None:
        self.server = server
        self.bucket = server.bucket(versioned=versioned, locked=locked)
        self.client = server.client()
        self.secrets = (server.admin.key,)
        self.port = server.port
        self.upload = S3Upload
        self.ledger: list[Exchange] = []
        self.slow: list[float] = []
        self.opened: tuple[str, dict[str, str], dict[str, str]] = ("", {}, {})

    def destination(self, user: User | None = None, **changes: str) -> FileDestination:
        user = user or self.server.admin
        values = {
            "bucket": self.bucket,
            "region": REGION,
            "endpoint": self.server.endpoint,
            "folder": "Team/Exports",
            "sign_in": "keys",
            "access_key_id": user.key_id,
            "parallel": "2",
            **changes,
        }
        self.opened = ("amazon-s3", values, {"secret_access_key": user.key})
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
        return self.destination(User("admin", self.server.admin.key_id, "wrong" * 8))

    def revocable(self) -> tuple[FileDestination, Callable[[], object]]:
        user = self.server.user("s3:*")
        iam = self.server.client("iam")
        return self.destination(user), lambda: iam.delete_user_policy(UserName=user.name, PolicyName="rights")

    def unfinished(self, path: str) -> int:
        found = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=FOLDER + path).get("Uploads", ())
        return sum(
            len(self.client.list_parts(Bucket=self.bucket, Key=each["Key"], UploadId=each["UploadId"]).get("Parts", ()))
            for each in found
        )

    def files(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return sorted(each["Key"].removeprefix(FOLDER) for each in found)

    def read(self, path: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.bucket, Key=FOLDER + path)["Body"].read())

    def write(self, path: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=FOLDER + path, Body=data)


@pytest.fixture
def bench(s3_server: S3Server) -> Bench:
    return Bench(s3_server)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.csv"
    path.write_bytes(b"1")
    return path


class TestConformance(ObjectDestinationSuite):
    def let_time_pass(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "IDLE", timedelta(0))


class TestSignIn:
    def test_test_names_the_key_and_the_bucket(self, bench: Bench) -> None:
        reached = bench.destination().test(JobContext()).reached
        assert reached == f"the access key {bench.server.admin.key_id} at s3://{bench.bucket}/Team/Exports"

    def test_unknown_key(self, bench: Bench) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.destination(User("x", "AKIAXXXXXXXXXXXXXXXX", "x" * 40)).test(JobContext())
        assert caught.value.why == "It does not know the access key ID."

    @pytest.mark.parametrize(
        ("denied", "missing"),
        [
            ("s3:DeleteObject", ("remove files",)),
            ("s3:GetObject", ("read files",)),
            ("s3:ListBucket", ("list files",)),
        ],
    )
    def test_missing_rights_are_named(self, bench: Bench, denied: str, missing: tuple[str, ...]) -> None:
        user = bench.server.user("s3:*", deny=(denied,))
        assert bench.destination(user).test(JobContext()).missing_rights == missing

    def test_no_right_to_write(self, bench: Bench, source: Path) -> None:
        destination = bench.destination(bench.server.user("s3:*", deny=("s3:PutObject",)))
        with pytest.raises(NotAllowed) as caught:
            destination.test(JobContext())
        assert caught.value.code == "missing_right"
        assert "s3:PutObject" in caught.value.fix
        with pytest.raises(NotAllowed):
            put(destination, source, "a.csv")
        assert bench.files() == []

    def test_only_a_right_to_write_is_enough_to_send(self, bench: Bench, source: Path) -> None:
        put(bench.destination(bench.server.user("s3:PutObject")), source, "a.csv")
        assert bench.files() == ["a.csv"]

    def test_role(self, bench: Bench, source: Path) -> None:
        role = bench.server.role("s3:*")
        user = bench.server.user("sts:AssumeRole")
        with pytest.raises(NotAllowed):
            bench.destination(user).test(JobContext())
        destination = bench.destination(user, role_arn=role)
        assert f"the role {role}" in destination.test(JobContext()).reached
        bench.ledger.clear()
        put(destination, source, "a.csv")
        assert bench.files() == ["a.csv"]
        assert [each.sign_in for each in bench.ledger].count(True) == 1

    def test_a_role_that_may_not_be_assumed(self, bench: Bench) -> None:
        role = bench.server.role("s3:*")
        with pytest.raises(NotAllowed) as caught:
            bench.destination(bench.server.user("s3:*"), role_arn=role).test(JobContext())
        assert "sts:AssumeRole" in caught.value.fix

    def test_profile(self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        admin = bench.server.admin
        credentials = tmp_path / "credentials"
        credentials.write_text(
            f"[exports]\naws_access_key_id = {admin.key_id}\naws_secret_access_key = {admin.key}\n[empty]\n"
        )
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        reached = bench.destination(sign_in="profile", profile="exports").test(JobContext()).reached
        assert reached.startswith("the profile exports at s3://")
        with pytest.raises(FixSettings) as missing:
            bench.destination(sign_in="profile", profile="nobody").test(JobContext())
        assert missing.value.code == "no_profile"
        with pytest.raises(SignInAgain) as empty:
            bench.destination(sign_in="profile", profile="empty").test(JobContext())
        assert empty.value.code == "not_signed_in"

    def test_bucket_is_missing(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(bucket="nowhere-at-all").test(JobContext())
        assert caught.value.code == "no_bucket"
        assert "nowhere-at-all" in caught.value.what

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"bucket": "s3://x"}, "bad_bucket"),
            ({"access_key_id": " "}, "incomplete"),
            ({"sign_in": "profile"}, "incomplete"),
        ],
    )
    def test_settings_that_are_not_complete(self, bench: Bench, changes: dict[str, str], code: str) -> None:
        with pytest.raises(SendoffError) as caught:
            bench.destination(**changes)
        assert caught.value.code == code


def spoil_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Change a byte of the first piece that is sent after it was signed."""
    real = SignedBody.read
    spoiled: list[int] = []

    def read(self: SignedBody, size: int = -1) -> bytes:
        data = real(self, size)
        if not self._signed or spoiled or not data:
            return data
        spoiled.append(1)
        return bytes([data[0] ^ 1]) + data[1:]

    monkeypatch.setattr(SignedBody, "read", read)
    return spoiled


def test_over_tls_the_system_says_whom_to_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = certificates(tmp_path)
    big = tmp_path / "big"
    big.write_bytes(b"0123456789abcdef" * (20 << 16))
    with running(certificate, key) as server:
        bench = Bench(server)
        with pytest.raises(FixSettings) as caught:
            bench.destination().test(JobContext())
        assert caught.value.code == "tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # where this computer keeps what it trusts
        seen: list[int] = []
        spoiled = spoil_once(monkeypatch)
        put(bench.destination(), big, "big.bin", progress=seen.append)
        assert bench.read("big.bin") == big.read_bytes()
    assert spoiled == [1]
    assert seen == sorted(seen)
    assert seen[-1] == big.stat().st_size


class TestBuckets:
    def test_a_versioned_bucket(self, s3_server: S3Server, source: Path) -> None:
        bench = Bench(s3_server, versioned=True)
        for text in (b"1", b"2"):
            source.write_bytes(text)
            put(bench.destination(), source, "Export/a.csv", below="Export")
        put(bench.destination(), source, "Export/b.csv", below="Export")
        assert bench.files() == ["Export/b.csv"]
        versions = bench.client.list_object_versions(Bucket=bench.bucket, Prefix=f"{FOLDER}Export/a.csv")["Versions"]
        assert len(versions) == 2

    def test_a_bucket_that_locks_its_objects(self, s3_server: S3Server, tmp_path: Path) -> None:
        bench = Bench(s3_server, locked=True)
        big, empty = tmp_path / "big", tmp_path / "empty"
        big.write_bytes(b"0123456789abcdef" * (20 << 16))
        empty.touch()
        assert bench.destination().test(JobContext()).missing_rights == ()
        put(bench.destination(), big, "big.bin")
        put(bench.destination(), empty, "empty.csv")
        put(bench.destination(), big, "big.bin")
        assert bench.read("big.bin") == big.read_bytes()
        assert bench.files() == ["big.bin", "empty.csv"]

    def test_an_upload_somebody_goes_on_with_is_left_alone(self, bench: Bench, source: Path) -> None:
        place = {"Bucket": bench.bucket, "Key": f"{FOLDER}a.csv"}
        theirs = bench.client.create_multipart_upload(**place)["UploadId"]
        bench.client.upload_part(**place, UploadId=theirs, PartNumber=1, Body=b"1")
        put(bench.destination(), source, "a.csv")
        assert [
            each["UploadId"] for each in bench.client.list_multipart_uploads(Bucket=bench.bucket).get("Uploads", ())
        ] == [theirs]

    def test_what_a_dead_run_left_half_done_is_given_up(
        self, bench: Bench, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for key in (f"{FOLDER}Export/2025/old.csv", f"{FOLDER}Other/old.csv"):
            bench.client.create_multipart_upload(Bucket=bench.bucket, Key=key)
        monkeypatch.setattr(objects, "DEAD_AFTER", timedelta(0))
        put(bench.destination(), source, "Export/2026/a.csv")
        left: list[dict[str, Any]] = bench.client.list_multipart_uploads(Bucket=bench.bucket).get("Uploads", [])
        assert [each["Key"] for each in left] == [f"{FOLDER}Other/old.csv"]

    def test_content_type(self, bench: Bench, source: Path) -> None:
        put(bench.destination(), source, "a.parquet")
        head = bench.client.head_object(Bucket=bench.bucket, Key=f"{FOLDER}a.parquet")
        assert head["ContentType"] == "application/vnd.apache.parquet"
