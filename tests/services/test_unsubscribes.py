"""Unsubscribes come from Mailchimp's emulator onto the list of a real workspace, on demand and after a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import Services
from app.core.audit import AuditFilter, Deed
from app.core.connections import Access
from app.core.errors import FixSettings, NotAllowed
from app.core.roles import Role
from app.core.runs import Status, Trigger
from app.core.suppression import ChangeKind
from app.jobs import JobContext
from tests.ui.workspace import make_small
from tests.vendors.mailchimp import KEY, MailchimpEmulator

AUDIENCE = "a1b2c3d4e5"


@pytest.fixture
def vendor() -> Iterator[MailchimpEmulator]:
    with MailchimpEmulator() as emulator:
        for number in range(1, 1202):
            emulator.audience.put(f"gone{number}@example.com", "unsubscribed")
        emulator.audience.put("Ann4@example.com", "cleaned")
        emulator.audience.put("ann8@example.com")
        yield emulator


@pytest.fixture
def shop(tmp_path: Path, vendor: MailchimpEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    services = make_small(tmp_path / "workspace")
    services.connections.add(
        "Mail", "mailchimp", {"api_url": vendor.url}, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True
    )
    services.exports.apply(
        {
            "name": "Mailing",
            "kind": "segment",
            "connection": "Mail",
            "segments": ["Germany"],
            "target": {"audience_id": AUDIENCE},
            "match": {"email": "Customer.Email"},
            "sync": "update",
            "consent": {"agreed": True},
        }
    )
    yield services
    services.close()


def test_who_opted_out_there_is_put_on_the_list(shop: Services) -> None:
    ctx = JobContext()
    assert [connection.name for connection in shop.unsubscribes.readable()] == ["Mail"]
    done = shop.unsubscribes.read_back("mail", ctx)
    assert (done.told, done.new) == (1202, 1202)
    assert shop.suppression.check("ann4@example.com") is not None
    assert shop.suppression.check("ann8@example.com") is None
    (source,) = shop.suppression.sources()
    assert (source.name, source.read_back) == ("Unsubscribed at Mail", True)
    assert shop.suppression.changes(1)[0].what is ChangeKind.READ_BACK
    assert shop.counts.suppressed(shop.exports.get("Mailing").export, ctx) == 1
    assert shop.unsubscribes.read_back("Mail", ctx).new == 0
    entries = shop.audit.page(AuditFilter(text="unsubscribed at")).entries
    assert [entry.note for entry in entries] == ["1,202 entries added"]
    shop.putting_back.put_back(entries[0].id)
    assert shop.suppression.numbers().entries == 0


def test_after_a_run_when_it_is_switched_on(shop: Services) -> None:
    def run() -> Status:
        runs = shop.runs.start(["Mailing"], Trigger.PERSON)
        return shop.runs.wait([each.id for each in runs], JobContext())[0].status

    assert run() in {Status.SUCCESSFUL, Status.COMPLETED_WITH_REJECTS}
    assert shop.suppression.numbers().entries == 0
    shop.unsubscribes.set_after_runs(on=True)
    assert run() in {Status.SUCCESSFUL, Status.COMPLETED_WITH_REJECTS}
    assert shop.suppression.numbers().entries == 1202
    assert shop.audit.page(AuditFilter(text="unsubscribes are read back")).entries[0].deed is Deed.SUPPRESSION_LIST
    assert shop.unsubscribes.after_runs()


def test_a_target_that_fails_then_does_not_spoil_the_run(shop: Services, vendor: MailchimpEmulator) -> None:
    shop.unsubscribes.set_after_runs(on=True)
    export = shop.exports.get("Mailing").export
    connection = next(each for each in shop.unsubscribes.readable() if each.name == "Mail")
    vendor.audiences.clear()
    assert shop.unsubscribes.after_run(export, connection, JobContext()) is None


def test_what_cannot_be_asked_says_so(shop: Services) -> None:
    with pytest.raises(FixSettings) as raised:
        shop.unsubscribes.read_back("Shared drive", JobContext())
    assert raised.value.code == "not_readable"
    shop.roles.set_role(Role.CONTRIBUTOR)
    with pytest.raises(NotAllowed):
        shop.unsubscribes.read_back("Mail", JobContext())
    with pytest.raises(NotAllowed):
        shop.unsubscribes.set_after_runs(on=True)
