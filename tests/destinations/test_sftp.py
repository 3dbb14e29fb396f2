from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from app.core.connections import ChangedHostKey, UnknownHostKey
from app.core.errors import FixSettings, SendoffError, SignInAgain, TryAgain
from app.destinations.calls import Retry
from app.destinations.contract import Exchange, FileDestination, Settings
from app.destinations.sftp.destination import create
from app.destinations.ssh import link, storage
from app.destinations.ssh.keys import private_key
from app.jobs import Cancelled, CancelToken, JobContext
from tests.destinations.file_suite import FolderBench, FolderDestinationSuite, Opened, files, silent
from tests.rights import IS_ROOT
from tests.servers import openssh
from tests.servers.openssh import OpenSshServer

pytestmark = pytest.mark.skipif(not openssh.USABLE, reason="needs OpenSSH's sshd")
NO_ROOT = pytest.mark.skipif(not IS_ROOT, reason="making a user of the system needs root")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSshServer]:
    running = openssh.start(tmp_path_factory.mktemp("sshd"))
    yield running
    running.stop()


class Bench(FolderBench):
    def __init__(self, server: OpenSshServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.secrets = (server.key.splitlines()[2],)
        self.ledger: list[Exchange] = []
        self.opened: Opened = ("", {}, {})

    def destination(self, **changes: str) -> FileDestination:
        values = self.server.values(**{"folder": str(self.folder), **changes})
        self.opened = ("sftp", values, {"private_key": self.server.key})
        return create(Settings(values, self.opened[2], ledger=self.ledger.append))


@pytest.fixture
def bench(server: OpenSshServer, drive: Path) -> Bench:
    return Bench(server, drive)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(1 << 20) * 64)
    return path


class TestConformance(FolderDestinationSuite):
    read_only = "server_failure"  # this version of SFTP has no word for it


def test_the_ledger_hears_of_files_and_requests(bench: Bench, tmp_path: Path) -> None:
    told: list[Exchange] = []
    settings = Settings(
        bench.server.values(folder=str(bench.folder)),
        {"private_key": bench.server.key},
        ledger=told.append,
    )
    source = tmp_path / "part.csv"
    source.write_bytes(b"x" * 5_000)
    with create(settings).session() as session:
        session.put(source, "part.csv", JobContext(), lambda _sent: None)
        session.publish(JobContext())
    assert {each.host for each in told} == {bench.server.values()["host"]}
    assert (sum(each.sent for each in told), sum(each.received for each in told)) == (5_000, 5_000)
    assert len(told) > 3


class TestHostKey:
    def test_unknown(self, bench: Bench) -> None:
        with pytest.raises(UnknownHostKey) as caught:
            bench.destination(host_key="").test(JobContext())
        error = caught.value
        assert error.fingerprint == bench.server.fingerprint
        assert error.fingerprint.startswith("SHA256:")
        assert error.key_type == "ssh-ed25519"
        assert error.host == f"127.0.0.1:{bench.server.port}"
        assert bench.destination(host_key=error.key).test(JobContext()).reached

    @pytest.mark.parametrize("other_type", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
    def test_changed(self, bench: Bench, other_type: str) -> None:
        before = asyncssh.generate_private_key(other_type)
        line = before.export_public_key().decode()
        with pytest.raises(ChangedHostKey) as caught:
            bench.destination(host_key=line).test(JobContext())
        assert bench.server.fingerprint in str(caught.value)
        assert before.get_fingerprint() in str(caught.value)
        assert caught.value.trusted == before.get_fingerprint()

    def test_nothing_secret_is_sent_to_an_unknown_server(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        original = asyncssh.SSHClient.public_key_auth_requested
        monkeypatch.setattr(
            asyncssh.SSHClient, "public_key_auth_requested", lambda self: (asked.append("key"), original(self))[1]
        )
        with pytest.raises(UnknownHostKey):
            bench.destination(host_key="").test(JobContext())
        assert asked == []

    def test_not_a_key(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(host_key="ssh-ed25519 nonsense").test(JobContext())
        assert caught.value.code == "bad_host_key"


class TestSignIn:
    def test_names_the_server(self, bench: Bench) -> None:
        reached = bench.destination().test(JobContext()).reached
        assert reached.startswith(f"{bench.server.user}@127.0.0.1:{bench.server.port} (OpenSSH_")

    def test_unknown_user(self, bench: Bench) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.destination(user="nobody-we-know").test(JobContext())
        assert caught.value.code == "refused_sign_in"

    @NO_ROOT
    def test_password_and_rights_of_a_plain_user(self, server: OpenSshServer, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        with openssh.password_user() as (user, password):

            def destination(folder: str, secret: str = password) -> FileDestination:
                values = server.values(user=user, sign_in="password", folder=folder)
                return create(Settings(values, {"password": secret}))

            assert destination("My/Folder").test(JobContext()).reached.startswith(user)
            assert destination("My/Folder").where("a") == f"sftp://{user}@127.0.0.1:{server.port}/~/My/Folder/a"
            with destination("").session() as session:
                session.put(source, "Sub/a.csv", JobContext(), silent)
                session.publish(JobContext())
            assert (Path(f"~{user}").expanduser() / "Sub/a.csv").exists()
            with pytest.raises(SignInAgain) as refused:
                destination("", "wrong-password").test(JobContext())
            assert "wrong-password" not in str(refused.value)
            with pytest.raises(FixSettings) as denied:
                destination("/usr/sendoff").test(JobContext())
            assert denied.value.code == "not_writable"
            with pytest.raises(FixSettings) as denied:
                destination("/usr").test(JobContext())
            assert denied.value.code == "not_writable"

    @NO_ROOT
    def test_a_users_right_revoked_in_mid_run(self, server: OpenSshServer, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"new")
        with openssh.password_user() as (user, password):
            folder = Path(f"~{user}").expanduser() / "Export"
            values = server.values(user=user, sign_in="password", folder="")
            destination = create(Settings(values, {"password": password}))
            with destination.session() as session:
                session.put(source, "Export/a.csv", JobContext(), silent)
                session.publish(JobContext())
            source.write_bytes(b"newer")
            with destination.session() as session:
                session.put(source, "Export/a.csv", JobContext(), silent)
                os.chown(folder, 0, 0)
                with pytest.raises(FixSettings) as caught:
                    session.publish(JobContext())
            assert caught.value.code == "not_writable"
            assert (folder / "a.csv").read_bytes() == b"new"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"host": ""}, "incomplete"),
            ({"user": " "}, "incomplete"),
            ({"port": "0"}, "bad_port"),
            ({"port": "ssh"}, "bad_port"),
        ],
    )
    def test_incomplete_settings(self, bench: Bench, changes: dict[str, str], code: str) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(**changes)
        assert caught.value.code == code

    def test_folder_must_not_climb(self, bench: Bench) -> None:
        with pytest.raises(FixSettings):
            bench.destination(folder="a/../../b")


class TestKeys:
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[..., str]:
        def make(*options: str, passphrase: str = "") -> str:
            path = tmp_path / f"key{len(list(tmp_path.iterdir()))}"
            subprocess.run(["ssh-keygen", "-q", "-N", passphrase, "-f", str(path), *options], check=True)
            return path.read_text()

        return make

    @pytest.mark.parametrize(
        "options",
        [
            ("-t", "ed25519"),
            ("-t", "rsa"),
            ("-t", "rsa", "-m", "PEM"),
            ("-t", "ecdsa", "-m", "PEM"),
            ("-t", "rsa", "-m", "PKCS8"),
        ],
    )
    def test_formats(self, make: Callable[..., str], options: tuple[str, ...]) -> None:
        assert private_key(make(*options), "").get_fingerprint()
        assert private_key("\r\n" + make(*options).replace("\n", "\r\n"), "").get_fingerprint()

    @pytest.mark.parametrize("form", ["PEM", "PKCS8"])
    def test_passphrase(self, make: Callable[..., str], form: str) -> None:
        key = make("-t", "rsa", "-m", form, passphrase="right one")
        assert private_key(key, "right one").get_fingerprint()
        for passphrase, code in {"": "passphrase_missing", "wrong one": "passphrase_wrong"}.items():
            with pytest.raises(SignInAgain) as caught:
                private_key(key, passphrase)
            assert caught.value.code == code
            assert "right one" not in str(caught.value)
            assert "wrong one" not in str(caught.value)

    def test_passphrase_of_openssh(self, make: Callable[..., str]) -> None:
        key = make("-t", "ed25519", passphrase="right one")
        with pytest.raises(SignInAgain) as caught:
            private_key(key, "")
        assert caught.value.code == "passphrase_missing"
        if importlib.util.find_spec("bcrypt"):
            assert private_key(key, "right one").get_fingerprint()
            return
        with pytest.raises(FixSettings) as missing:
            private_key(key, "right one")
        assert missing.value.code == "bcrypt_missing"

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none", "putty_key"),
            ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", "ssh_com_key"),
            ("ssh-ed25519 AAAA me@here", "public_half"),
            ("---- BEGIN SSH2 PUBLIC KEY ----", "public_half"),
            ("hello", "bad_private_key"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "bad_private_key"),
        ],
    )
    def test_wrong_formats(self, text: str, code: str) -> None:
        for passphrase in ("", "a passphrase"):
            with pytest.raises(FixSettings) as caught:
                private_key(text, passphrase)
            assert caught.value.code == code
            assert caught.value.fix

    def test_no_key_at_all(self) -> None:
        with pytest.raises(SignInAgain):
            private_key(" \n", "")


class TestNetwork:
    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(storage, "RETRY", Retry(attempts=3, first=0.1))

    @pytest.mark.parametrize(("changes", "code"), [({"host": "nowhere.invalid"}, "dns"), ({"port": "1"}, "refused")])
    def test_not_reached(self, bench: Bench, changes: dict[str, str], code: str) -> None:
        with pytest.raises(TryAgain) as caught:
            bench.destination(**changes).test(JobContext())
        assert caught.value.code == code

    def test_something_else_listens(self, bench: Bench) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:

            def answer() -> None:
                for _try in range(2):  # the second looks for another type of host key
                    connection, _address = other.accept()
                    connection.sendall(b"220 ftp.example ready\r\n" * 2)
                    connection.close()

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            with pytest.raises(SendoffError) as caught:
                bench.destination(port=str(other.getsockname()[1])).test(JobContext())
        assert caught.value.code in {"disconnected", "reset"}

    def test_silent_server(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(link, "CONNECT_SECONDS", 0.5)
        monkeypatch.setattr(link, "SIGN_IN_SECONDS", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(TryAgain) as caught:
            bench.destination(port=str(mute.getsockname()[1])).test(JobContext())
        assert caught.value.code == "connect_timeout"

    def test_cancel_while_connecting(self, bench: Bench) -> None:
        token = CancelToken()
        threading.Timer(0.3, token.cancel).start()
        began = time.monotonic()
        with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(Cancelled):
            bench.destination(port=str(mute.getsockname()[1])).test(JobContext(token))
        assert time.monotonic() - began < link.CONNECT_SECONDS

    def test_cut_in_the_middle_replaces_nothing(self, own: Bench, big: Path) -> None:
        (own.folder / "big.bin").write_bytes(b"last good")

        def cut(sent: int) -> None:
            if sent > 8 << 20:
                own.server.break_connections()

        with own.destination().session() as session:
            with pytest.raises(TryAgain) as caught:
                session.put(big, "big.bin", JobContext(), cut)
            assert caught.value.code == "reset"
        assert (own.folder / "big.bin").read_bytes() == b"last good"
        assert [name for name in files(own.folder) if not name.startswith(".")] == ["big.bin"]

    def test_a_short_cut_is_mended_and_only_the_rest_is_sent_again(self, own: Bench, big: Path) -> None:
        cuts: list[int] = []

        def cut(sent: int) -> None:
            if sent > 8 << 20 and not cuts:
                cuts.append(sent)
                own.server.break_connections()

        with own.destination().session() as session:
            stored = session.put(big, "big.bin", JobContext(), cut)
            session.publish(JobContext())
        assert len(cuts) == 1
        assert (own.folder / "big.bin").read_bytes() == big.read_bytes()
        assert stored.sha256 == hashlib.sha256(big.read_bytes()).hexdigest()
        assert files(own.folder) == ["big.bin"]
        assert big.stat().st_size <= sum(each.sent for each in own.ledger) < big.stat().st_size + (9 << 20)

    def test_what_a_server_lost_of_a_file_is_sent_again(self, own: Bench, big: Path) -> None:
        """It said that it had written it, and crashed before it had."""
        cuts: list[int] = []

        def crash(sent: int) -> None:
            if sent > 8 << 20 and not cuts:
                cuts.append(sent)
                own.server.break_connections()
                (hidden,) = (path for path in own.folder.iterdir() if path.name.startswith("."))
                os.truncate(hidden, 1 << 20)

        with own.destination().session() as session:
            session.put(big, "big.bin", JobContext(), crash)
            session.publish(JobContext())
        assert (own.folder / "big.bin").read_bytes() == big.read_bytes()

    def test_leaving_an_unreachable_server_does_not_wait_for_each_file(self, own: Bench, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        tried: list[str] = []
        original = storage.SftpStorage.remove
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                storage.SftpStorage, "remove", lambda self, path: (tried.append(path), original(self, path))[1]
            )
            with own.destination().session() as session:
                for number in range(5):
                    session.put(source, f"{number}.csv", JobContext(), silent)
                own.server.stop()
        assert len(tried) == 1

    def test_a_session_survives_a_cut_between_files(self, own: Bench, big: Path) -> None:
        with own.destination().session() as session:
            session.put(big, "a.bin", JobContext(), silent)
            own.server.break_connections()
            time.sleep(0.2)
            session.put(big, "b.bin", JobContext(), silent)
            session.publish(JobContext())
        assert files(own.folder) == ["a.bin", "b.bin"]

    def test_standstill(self, own: Bench, big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (storage, link):
            monkeypatch.setattr(module, "STALL_SECONDS", 1.0)
        monkeypatch.setattr(storage, "_CLEAN_UP_SECONDS", 0.5)

        def freeze(sent: int) -> None:
            if sent > 4 << 20:
                own.server.freeze_connections(frozen=True)

        with own.destination().session() as session, pytest.raises(TryAgain) as caught:
            session.put(big, "big.bin", JobContext(), freeze)
        assert caught.value.code in {"stalled", "reset"}
        assert "big.bin" not in files(own.folder)

    def test_cancel_of_a_standstill_takes_seconds_not_a_minute(
        self, own: Bench, big: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(link, "CANCEL_GRACE_SECONDS", 0.5)
        monkeypatch.setattr(storage, "_CLEAN_UP_SECONDS", 0.5)
        token = CancelToken()

        def freeze(sent: int) -> None:
            if sent > 4 << 20:
                own.server.freeze_connections(frozen=True)
                threading.Timer(0.2, token.cancel).start()

        began = time.monotonic()
        with own.destination().session() as session, pytest.raises(Cancelled):
            session.put(big, "big.bin", JobContext(token), freeze)
        assert time.monotonic() - began < 40


@pytest.fixture
def own(tmp_path: Path, drive: Path) -> Iterator[Bench]:
    """A server of its own, for tests that break all its connections."""
    running = openssh.start(tmp_path / "sshd")
    yield Bench(running, drive)
    running.stop()


class TestPlainServers:
    """Servers without OpenSSH's extensions: no hard links, no rename that replaces, no fsync, no statvfs."""

    @pytest.fixture(autouse=True)
    def _no_extensions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def unsupported(*_args: object, **_kwargs: object) -> None:
            raise asyncssh.SFTPOpUnsupported("no")

        for name in ("posix_rename", "link", "statvfs"):
            monkeypatch.setattr(asyncssh.SFTPClient, name, unsupported)
        monkeypatch.setattr(asyncssh.SFTPClientFile, "fsync", unsupported)

    def test_files_are_still_replaced(self, bench: Bench, tmp_path: Path) -> None:
        source = tmp_path / "source"
        for text in (b"1", b"2"):
            source.write_bytes(text)
            with bench.destination().session() as session:
                session.put(source, "Export/a", JobContext(), silent)
                session.publish(JobContext())
                session.clear("Export", (), JobContext())
        assert (bench.folder / "Export/a").read_bytes() == b"2"
        assert files(bench.folder) == ["Export/a"]

    def test_a_full_drive_is_still_an_error(self, bench: Bench, small_drive: Path, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(os.urandom(6 << 20))
        with bench.destination().session() as session, pytest.raises(TryAgain) as caught:
            session.put(source, "a", JobContext(), silent)
        assert caught.value.code == "server_failure"
        assert files(bench.folder) == []


def test_a_file_changed_on_the_way_is_noticed(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 1000)
    original = asyncssh.SFTPClientFile.write

    async def spoil(self: asyncssh.SFTPClientFile, data: bytes, offset: int | None = None) -> int:
        return await original(self, b"y" + data[1:], offset)

    monkeypatch.setattr(asyncssh.SFTPClientFile, "write", spoil)
    with bench.destination().session() as session, pytest.raises(TryAgain) as caught:
        session.put(source, "a", JobContext(), silent)
    assert caught.value.code == "not_whole"
    assert files(bench.folder) == []
