from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.destinations import http
from app.destinations.calls import Retry
from tests.cli.conftest import desk
from tests.end_to_end.workshop import Workshop, workshop
from tests.rights import IS_ROOT
from tests.servers.secret_service import secret_service, secret_service_here
from tests.vendors.mailchimp import MailchimpEmulator

__all__ = ["desk", "secret_service", "secret_service_here"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setattr(http, "RETRY", Retry(attempts=3, first=0.01, longest=0.05))
    with workshop(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def mailchimp() -> Iterator[MailchimpEmulator]:
    with MailchimpEmulator() as emulator:
        yield emulator
        assert emulator.violations == []


@pytest.fixture
def small_drive(tmp_path: Path) -> Iterator[Path]:
    """A drive in memory with room for the workspace but not for the parts of its export; needs root."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if not IS_ROOT or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small drive needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
