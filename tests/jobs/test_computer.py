"""What a computer is called, on each system."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app.jobs import computer


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    """What is played here must not be remembered."""
    computer.this_computer.cache_clear()
    yield
    computer.this_computer.cache_clear()


def test_all_processes_of_a_computer_call_it_the_same() -> None:
    script = "from app.jobs.computer import this_computer; print(this_computer())"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert other == computer.this_computer()
    assert ":" not in other


def test_two_computers_of_one_name_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for own in ("1", "2", "2"):
        monkeypatch.setattr(computer, "_own", lambda own=own: own)
        computer.this_computer.cache_clear()
        told.append(computer.this_computer())
    assert told[0] != told[1] == told[2]


def test_a_mac_stays_itself_when_a_network_gives_it_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(computer, "_own", lambda: "a1")
    told = []
    for name in ("desk.local", "cafe.example"):
        monkeypatch.setattr(platform, "node", lambda name=name: name)
        computer.this_computer.cache_clear()
        told.append(computer.this_computer())
    assert told == ["a1", "a1"]


@pytest.mark.parametrize("error", [OSError("no"), AttributeError("no")])
def test_where_the_system_tells_nothing_the_name_has_to_do(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse() -> str:
        raise error

    monkeypatch.setattr(computer, "_own", refuse)
    assert computer.this_computer() == platform.node()


def test_macos_is_asked_for_the_hardware() -> None:
    def answer(told, _wait) -> int:
        told[:] = range(16)
        return 0

    assert computer._host_uuid(SimpleNamespace(gethostuuid=answer)) == "000102030405060708090a0b0c0d0e0f"
    with pytest.raises(OSError, match="nothing of itself"):
        computer._host_uuid(SimpleNamespace(gethostuuid=lambda _told, _wait: -1))


@pytest.mark.skipif(sys.platform not in {"win32", "darwin"}, reason="Linux may have none, as in containers")
def test_this_system_tells() -> None:
    assert len(computer._own()) >= 32
