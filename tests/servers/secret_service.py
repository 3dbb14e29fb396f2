"""A real Secret Service: gnome-keyring-daemon on a D-Bus of its own, with its own home, far from the person's keyring.

def test_something(secret_service_here): ...        # keyring in this process now talks to it
subprocess.run(..., env=os.environ | secret_service.environment)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse"
_PATIENCE_SECONDS = 120

# No service directories: what is not started here must not be started by D-Bus behind the test's back.
_BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass(frozen=True)
class SecretServiceServer:
    """A running D-Bus with a Secret Service on it."""

    home: Path
    environment: dict[str, str]
    bus_pid: int
    daemon_pid: int

    @property
    def files(self) -> Path:
        """Where the keyring's own (encrypted) files lie."""
        return self.home / "data" / "keyrings"


def environment_of(home: Path) -> dict[str, str]:
    """The variables that keep a process inside `home`."""
    return {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home / 'bus'}",
    }


@contextmanager
def short_home() -> Iterator[Path]:
    """A temporary home with a short path: a Unix socket's path is at most 107 bytes, pytest's tmp_path may be longer."""
    with tempfile.TemporaryDirectory(prefix="sendoff-bus-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "run").mkdir(mode=0o700)
        yield home


@contextmanager
def bus_with_keyring(home: Path, *, password: str | None = PASSWORD) -> Iterator[SecretServiceServer]:
    """Start both in `home`; with no password the keyring stays locked. Ends both afterwards."""
    environment = environment_of(home)
    config = home / "bus.conf"
    config.write_text(_BUS_CONFIG.format(socket=home / "bus"))
    clean = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}} | environment
    with _process(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"], clean, home / "bus.log"
    ) as bus:
        _wait(lambda: (home / "bus").exists(), "dbus-daemon did not open its socket", home / "bus.log")
        command = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
        command += ["--unlock"] if password is not None else ["--start"]
        with _process(command, clean, home / "keyring.log", stdin=password) as daemon:
            _wait(lambda: _has_owner(clean), "gnome-keyring did not come up", home / "keyring.log")
            yield SecretServiceServer(home, environment, bus.pid, daemon.pid)


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], log: Path, stdin: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        assert process.stdin is not None
        process.stdin.write((stdin or "").encode())
        process.stdin.close()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def _has_owner(environment: dict[str, str]) -> bool:
    command = [
        "dbus-send",
        "--session",
        "--print-reply=literal",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
    ]
    command += ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return "true" in answer.stdout


def _wait(ready, complaint: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not ready():
        if time.monotonic() > until:
            raise AssertionError(f"{complaint}:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)


def need_secret_service() -> None:
    """Skip where no Secret Service exists by nature; on Linux a missing one is a failure, not a skip."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the Secret Service is for Linux; Windows and macOS have stores of their own")
    for tool in ("dbus-daemon", "dbus-send", "gnome-keyring-daemon"):
        assert shutil.which(tool), f"{tool} is not installed: apt-get install gnome-keyring dbus"


@pytest.fixture(scope="session")
def secret_service() -> Iterator[SecretServiceServer]:
    """An unlocked keyring, shared by all tests of the session; use names of your own in it."""
    need_secret_service()
    with short_home() as home, bus_with_keyring(home) as server:
        yield server


@pytest.fixture
def secret_service_here(secret_service: SecretServiceServer, monkeypatch: pytest.MonkeyPatch) -> SecretServiceServer:
    """The same, with this process talking to it for the length of one test."""
    use(secret_service.environment, monkeypatch)
    return secret_service


def use(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make keyring in this process use that bus and nothing of the person's own settings."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
