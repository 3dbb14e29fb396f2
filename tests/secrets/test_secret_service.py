"""The store over a real Secret Service (gnome-keyring), and each way in which it fails to be there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from app.core.errors import FixSettings, SendoffError, TryAgain
from app.secrets.store import KeyringStore
from tests.servers.secret_service import bus_with_keyring, environment_of, need_secret_service, short_home, use
from tests.tools.planted_secret import search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.secret_service import SecretServiceServer

pytestmark = pytest.mark.usefixtures("linux_only")

NAME = "Secret Service (GNOME Keyring / KWallet)"


@pytest.fixture(scope="module")
def linux_only() -> None:
    need_secret_service()


@pytest.fixture
def home() -> Iterator[Path]:
    with short_home() as folder:
        yield folder


def test_the_probe_names_it(secret_service_here: SecretServiceServer) -> None:
    assert KeyringStore("probe").probe().name == NAME


@pytest.mark.parametrize("value", ["", "hunter2", "pässwörd 🗝 密码", "k" * 1279, "k" * 1280, "🗝" * 3000, "x" * 70_000])
def test_values_come_back(secret_service_here: SecretServiceServer, value: str) -> None:
    store = KeyringStore("values")
    store.put("c1", "password", value)
    assert store.get("c1", "password") == value
    store.put("c1", "password", "shrunk")
    assert store.get("c1", "password") == "shrunk"
    store.delete("c1", "password")
    assert store.get("c1", "password") is None


def test_delete_twice_and_get_of_nothing(secret_service_here: SecretServiceServer) -> None:
    store = KeyringStore("twice")
    assert store.get("c1", "password") is None
    store.put("c1", "password", "hunter2")
    store.delete("c1", "password")
    store.delete("c1", "password")
    assert store.get("c1", "password") is None


def test_another_process_reads_it_and_the_files_do_not_show_it(secret_service_here: SecretServiceServer) -> None:
    secret = "planted-7f3a9c2e51"
    KeyringStore("process").put("c1", "password", secret)
    code = "from app.secrets.store import KeyringStore; print(KeyringStore('process').get('c1', 'password'))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.strip() == secret
    assert list(secret_service_here.files.iterdir())
    assert search([secret_service_here.home], secret) == []


def test_it_is_still_there_after_a_restart(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(environment_of(home), monkeypatch)
    store = KeyringStore("restart")
    with bus_with_keyring(home):
        store.put("c1", "key", "k" * 5000)
    with pytest.raises(SendoffError) as gone:
        store.get("c1", "key")
    assert gone.value.code == "keyring_missing"
    with bus_with_keyring(home):
        assert store.get("c1", "key") == "k" * 5000


def test_no_bus_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(environment_of(home), monkeypatch)
    for address in ("DBUS_SESSION_BUS_ADDRESS", None):
        if address is None:
            monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
        with pytest.raises(FixSettings) as caught:
            KeyringStore("w").put("c1", "password", "hunter2")
        assert caught.value.code == "keyring_missing"


def test_a_locked_keyring(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(environment_of(home), monkeypatch)
    with bus_with_keyring(home, password=None), pytest.raises(TryAgain) as caught:
        KeyringStore("w").put("c1", "password", "hunter2")
    assert caught.value.code == "keyring_locked"
    assert NAME in caught.value.what


def test_a_keyring_unlocked_with_the_wrong_password_stays_locked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(environment_of(home), monkeypatch)
    store = KeyringStore("w")
    with bus_with_keyring(home, password="right"):
        store.put("c1", "password", "hunter2")
    with bus_with_keyring(home, password="wrong"):
        for call in (store.probe, lambda: store.get("c1", "password"), lambda: store.delete("c1", "password")):
            with pytest.raises(TryAgain) as caught:
                call()
            assert caught.value.code == "keyring_locked"
    with bus_with_keyring(home, password="right"):
        assert store.get("c1", "password") == "hunter2"


def test_a_keyring_that_hangs_ends_the_call_and_works_again_later(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(environment_of(home), monkeypatch)
    with bus_with_keyring(home) as server:
        patient, hasty = KeyringStore("hang"), KeyringStore("hang", patience=0.5)
        patient.put("c1", "password", "hunter2")
        os.kill(server.daemon_pid, signal.SIGSTOP)
        try:
            for _ in range(2):
                with pytest.raises(TryAgain) as caught:
                    hasty.get("c1", "password")
                assert caught.value.code == "keyring_timeout"
        finally:
            os.kill(server.daemon_pid, signal.SIGCONT)
        assert patient.get("c1", "password") == "hunter2"
        assert KeyringStore("hang").get("c1", "password") == "hunter2"
        until = time.monotonic() + 30
        while any(thread.name == "secret-store" for thread in threading.enumerate()):
            assert time.monotonic() < until, "the call that was given up never ended"
            time.sleep(0.01)


def test_a_keyring_started_later_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(environment_of(home), monkeypatch)
    store = KeyringStore("later")
    with pytest.raises(FixSettings):
        store.probe()
    with bus_with_keyring(home):
        assert store.probe().name == NAME


def test_the_null_backend_is_refused_though_a_real_one_runs(
    secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with pytest.raises(FixSettings) as caught:
        KeyringStore("w").put("c1", "password", "hunter2")
    assert caught.value.code == "keyring_unsafe"
