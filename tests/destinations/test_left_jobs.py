"""What a vendor still works on outlives the run that asked for it, and the next run waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import TryAgain
from app.core.exports import SyncMode
from app.destinations import left_jobs
from app.destinations.batches import OutcomeKind
from app.destinations.brevo import session as brevo
from app.destinations.google_ads import session as google
from app.destinations.jobs import Patience
from app.destinations.klaviyo import session as klaviyo
from app.destinations.left_jobs import LeftJobs
from app.destinations.marketo import session as marketo
from app.destinations.sendgrid import session as sendgrid
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench
from tests.destinations.test_brevo import Bench as BrevoBench
from tests.destinations.test_google_ads import Bench as GoogleBench
from tests.destinations.test_klaviyo import Bench as KlaviyoBench
from tests.destinations.test_marketo import Bench as MarketoBench
from tests.destinations.test_sendgrid import Bench as SendGridBench
from tests.vendors.brevo import BrevoEmulator
from tests.vendors.emulator import Reply
from tests.vendors.google_ads import GoogleAdsEmulator
from tests.vendors.klaviyo import KlaviyoEmulator
from tests.vendors.marketo import MarketoEmulator
from tests.vendors.sendgrid import SendGridEmulator

SESSIONS = (brevo, google, klaviyo, marketo, sendgrid)
CASES: list[Any] = [
    pytest.param(BrevoEmulator, BrevoBench, "/processes/", "/contacts/remove", id="brevo"),
    pytest.param(GoogleAdsEmulator, GoogleBench, "requestStatus", "audienceMembers:remove", id="google"),
    pytest.param(KlaviyoEmulator, KlaviyoBench, "-import-jobs/", "/relationships/profiles", id="klaviyo"),
    pytest.param(MarketoEmulator, MarketoBench, "/leads/batch/", "/leads.json", id="marketo"),
    pytest.param(SendGridEmulator, SendGridBench, "/contacts/imports/", "/contacts", id="sendgrid"),
]

pytestmark = pytest.mark.usefixtures("unpaced")


def patience(monkeypatch: pytest.MonkeyPatch, altogether: float) -> None:
    for session in SESSIONS:
        monkeypatch.setattr(session, "PATIENCE", Patience(0.001, 0.001, altogether))


def cut_short(there: AudienceBench, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends while the vendor still works on its batch."""
    patience(monkeypatch, 0.0)
    destination = there.destination(left_jobs=LeftJobs(folder))
    with destination.session(there.target, "VIP", SyncMode.MIRROR) as session, pytest.raises(TryAgain) as raised:
        session.send([there.member(1)], JobContext())
    assert raised.value.code == "job_not_done"
    patience(monkeypatch, 30.0)


@pytest.mark.parametrize(("emulator", "bench", "asks", "removes"), CASES)
def test_the_next_run_takes_nobody_off_before_that_has_ended(
    emulator: Callable[[], Any],
    bench: Callable[[Any], AudienceBench],
    asks: str,
    removes: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with emulator() as vendor:
        there = bench(vendor)
        vendor.working = 7
        cut_short(there, tmp_path, monkeypatch)
        vendor.requests.clear()
        destination = there.destination(left_jobs=LeftJobs(tmp_path))  # of another process
        with destination.session(there.target, "VIP", SyncMode.MIRROR) as session:
            outcomes = session.remove([there.member(1)], JobContext())
        assert [each.kind for each in outcomes] == [OutcomeKind.REMOVED]
        paths = [each.path for each in vendor.requests]
        taken_off = next(at for at, each in enumerate(vendor.requests) if each.method != "GET" and removes in each.path)
        assert sum(asks in path for path in paths[:taken_off]) >= 6  # asked until it had ended
        assert not any(path.read_bytes() for path in tmp_path.iterdir())  # nothing is left to wait for
        vendor.requests.clear()
        with there.destination(left_jobs=LeftJobs(tmp_path)).session(there.target, "VIP", SyncMode.MIRROR) as session:
            vendor.working = 0
            session.send([there.member(2)], JobContext())
        assert sum(asks in each.path for each in vendor.requests) == 1  # that of its own batch
        assert not any(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(("emulator", "bench", "asks", "removes"), CASES)
def test_what_the_vendor_does_not_know_any_more_holds_nobody_up(
    emulator: Callable[[], Any],
    bench: Callable[[Any], AudienceBench],
    asks: str,
    removes: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del removes
    with emulator() as vendor:
        there = bench(vendor)
        vendor.working = 7
        cut_short(there, tmp_path, monkeypatch)
        vendor.fail("reply", path=asks, times=1, reply=Reply(404, {"message": "not found"}))
        vendor.working = 0
        with there.destination(left_jobs=LeftJobs(tmp_path)).session(there.target, "VIP", SyncMode.MIRROR) as session:
            outcomes = session.send([there.member(2)], JobContext())
        assert not any(each.kind.refused for each in outcomes)
        assert not any(path.read_bytes() for path in tmp_path.iterdir())


class TestNotes:
    def test_they_are_kept_for_other_processes_until_they_end(self, tmp_path: Path) -> None:
        one, two = LeftJobs(tmp_path / "c"), LeftJobs(tmp_path / "c")
        assert one.left("list") == []
        assert list(tmp_path.iterdir()) == []  # who only looks leaves nothing behind
        one.begun("list", "J 1")
        two.begun("list", "J2")
        one.begun("other", "J3")
        assert two.left("list") == ["J 1", "J2"]
        two.ended("list", "J 1")
        assert one.left("list") == ["J2"]
        assert LeftJobs(tmp_path / "c").left("other") == ["J3"]
        assert not any("list" in path.name for path in (tmp_path / "c").iterdir())

    def test_without_a_folder_they_are_this_objects_own(self) -> None:
        here = LeftJobs()
        here.begun("list", "J1")
        assert here.left("list") == ["J1"]
        here.ended("list", "J1")
        assert here.left("list") == []

    def test_what_began_long_ago_is_forgotten(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        LeftJobs(tmp_path).begun("list", "J1")
        monkeypatch.setattr(left_jobs, "FORGOTTEN_SECONDS", -60.0)
        assert LeftJobs(tmp_path).left("list") == []

    def test_where_nothing_can_be_kept_the_run_goes_on(self, tmp_path: Path) -> None:
        nowhere = tmp_path / "file"
        nowhere.write_text("in the way")
        here = LeftJobs(nowhere)
        here.begun("list", "J1")
        here.ended("list", "J1")
        assert here.left("list") == []

    @given(some.binary(max_size=200))
    def test_spoiled_files_tell_nothing(self, spoiled: bytes) -> None:
        now = f"\n{time.time():.0f} J1\n".encode()
        assert "J1" in left_jobs._read(spoiled + now)
