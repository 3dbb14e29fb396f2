"""Receipts are checked against everything that knows their sums; runs that died get theirs when they can't go on any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import FixData, FixSettings
from app.core.receipts import Finding, HostUse, ReceiptPart, sealed
from app.core.runs import PhaseName, Run, Status
from app.delivery.files import RunFolder
from app.delivery.receipts import ReceiptBook
from app.destinations.contract import Exchange
from tests.services.history import History, history_in


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        made.emulator.audience.compliance.add("p2@example.com")
        yield made


def files(history: History, run: Run) -> RunFolder:
    return RunFolder(history.services.folder, run.id)


def test_everything_fits_until_somebody_changes_something(history: History) -> None:
    run, receipts = history.run(), history.services.receipts
    saved = history.folder / "receipt.json"
    receipts.save(run.id, saved)
    assert receipts.check(run.id, saved) == dict.fromkeys(ReceiptPart, Finding.FITS)
    assert receipts.get(run.id).whole
    folder = files(history, run)
    folder.configuration.write_bytes(folder.configuration.read_bytes() + b" ")
    folder.remove_members()
    saved.write_text(json.dumps({**json.loads(saved.read_text("utf-8")), "export": "Another"}), "utf-8")
    found = receipts.check(run.id, saved)
    assert found[ReceiptPart.CONFIGURATION] is Finding.DIFFERS
    assert found[ReceiptPart.REJECTS] is Finding.NOT_KEPT
    assert found[ReceiptPart.COPY] is Finding.DIFFERS
    assert found[ReceiptPart.ITSELF] is Finding.FITS


def test_who_makes_the_sum_again_is_found_out_by_the_audit_trail(history: History) -> None:
    run, receipts = history.run(), history.services.receipts
    file = files(history, run).receipt
    document = json.loads(file.read_text("utf-8"))
    document["totals"]["added"] += 1
    file.write_text(json.dumps(sealed(document)), "utf-8")
    found = receipts.check(run.id)
    assert (found[ReceiptPart.ITSELF], found[ReceiptPart.AUDIT_TRAIL]) == (Finding.FITS, Finding.DIFFERS)
    assert not receipts.get(run.id).whole


def test_what_is_no_receipt_is_no_copy(history: History) -> None:
    run = history.run()
    wrong = history.folder / "wrong.json"
    for content in ("[1]", "no json"):
        wrong.write_text(content, "utf-8")
        with pytest.raises(FixSettings):
            history.services.receipts.check(run.id, wrong)
    with pytest.raises(FixSettings):
        history.services.receipts.check(run.id, history.folder / "nowhere.json")


def test_a_receipt_that_did_not_fit_on_the_drive_is_written_when_it_is_asked_for(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    usual = history.run()
    with monkeypatch.context() as patched:
        patched.setattr("app.delivery.receipts.write_receipt", full)
        run = history.run()
    assert run.status is usual.status
    assert not files(history, run).receipt.exists()
    kept = history.services.receipts.get(run.id)
    assert kept.whole
    assert (kept.receipt.totals, kept.receipt.ended_at) == (run.totals, run.ended_at)
    assert [host.use for host in kept.receipt.hosts] == [
        host.use for host in history.services.receipts.get(usual.id).receipt.hosts
    ]
    assert files(history, run).receipt.exists()
    files(history, run).receipt.unlink()  # as versions left it that wrote none
    with pytest.raises(FixData, match="no receipt"):
        history.services.receipts.get(run.id)


def test_a_run_that_died_has_a_receipt_as_soon_as_it_can_not_be_resumed(history: History) -> None:
    history.run()
    latest = history.services.runs.list(limit=1)[0]
    dead = replace(latest, id="dead1", status=Status.INTERRUPTED, queued_at=history.now, interruptions=(history.now,))
    history.store.runs.add(dead)
    with ReceiptBook(files(history, dead), lambda: PhaseName.SEND, lambda: history.now) as book:
        book.contacted(Exchange("api.example.com", 100, 20))
    with pytest.raises(FixData, match="no receipt"):
        history.services.receipts.get(dead.id)
    history.run()
    receipt = history.services.receipts.get(dead.id).receipt
    assert (receipt.status, receipt.interruptions) == (Status.INTERRUPTED, dead.interruptions)
    assert [(each.host, each.use, each.sent) for each in receipt.hosts] == [("api.example.com", HostUse.MEMBERS, 100)]
