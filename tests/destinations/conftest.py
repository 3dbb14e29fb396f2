"""Fixtures of the destinations' tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.destinations import http
from app.destinations.budgets import Budget, Budgets
from app.destinations.calls import Retry
from tests.rights import IS_ROOT


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pace and short waits between attempts: the general client has both, and its own tests measure them."""
    monkeypatch.setattr(http, "RETRY", Retry(first=0.01, longest=0.05))
    monkeypatch.setattr(Budgets, "of", lambda _self, _host, _secrets, simultaneous, _rate: Budget(simultaneous, None))


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """The folder the `bench` writes to; `small_drive` makes it a drive of 5 MB."""
    folder = tmp_path / "drive"
    folder.mkdir()
    return folder


@pytest.fixture
def small_drive(drive: Path) -> Iterator[Path]:
    """A drive in memory that is soon full; needs root."""
    if not IS_ROOT:
        pytest.skip("mounting a small drive needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(drive)], check=False, capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("this computer does not allow mounting")
    yield drive
    subprocess.run(["umount", "-l", str(drive)], check=True)
