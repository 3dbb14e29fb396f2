from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.destinations import http
from app.destinations.calls import Retry
from tests.cli.desk import NEWSLETTER, Desk
from tests.servers.secret_service import SecretServiceServer, secret_service, secret_service_here
from tests.vendors.mailchimp import KEY, MailchimpEmulator

__all__ = ["secret_service", "secret_service_here"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A command line without a workspace."""
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("SENDOFF_ROLE", "SENDOFF_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    return Desk(tmp_path, capsys)


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A command line with a workspace of 60 customers, a segment of 15 of them and a folder to deliver into."""
    desk.make_shop()
    return desk


@pytest.fixture
def mailchimp(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailchimpEmulator]:
    monkeypatch.setattr(http, "RETRY", Retry(attempts=3, first=0.01, longest=0.05))
    with MailchimpEmulator() as emulator:
        yield emulator
        assert emulator.violations == []


@pytest.fixture
def newsletter(
    shop: Desk, mailchimp: MailchimpEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """With an export to Mailchimp."""
    assert shop.connect_mail(mailchimp.url, monkeypatch, KEY).status == 0
    shop.done("exports", "apply", shop.file("newsletter.yaml", NEWSLETTER))
    return shop
