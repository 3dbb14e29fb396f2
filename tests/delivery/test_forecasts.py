"""A run whose requests the account may not make any more is stopped before anything leaves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.core.counts import Limits
from app.core.errors import SendoffError, TryAgain
from app.core.forecasts import Calls, Forecast, Quota
from app.core.runs import Run, Status
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder
from app.delivery.planner import make_plan
from app.destinations.description import Description, Pace
from app.jobs import JobContext
from tests.delivery.fakes import FakeMembers, FakeTarget, deps, description, export, opened
from tests.delivery.test_run_state import queued

CALLS = Calls(beginning=1, opening=2, sending=(0,), closing=1)
NEEDED = 1 + 2 * (2 + 1) + 4 + 2  # two segments, batches of ten


@dataclass
class MeteredTarget(FakeTarget):
    left: Quota | SendoffError | None = None
    asked: int = field(default=0)

    def quota(self, ctx: JobContext) -> Quota | None:
        self.asked += 1
        if isinstance(self.left, SendoffError):
            raise self.left
        return self.left


class Bench:
    def __init__(self, folder: Path, left: Quota | SendoffError | None) -> None:
        self.folder = folder
        self.of: Description = description(calls=CALLS, pace=Pace(requests_per_second=2))
        self.target = MeteredTarget(left=left)
        self.members = FakeMembers({"VIP": 35, "New": 12}, Limits())

    def run(self) -> Run:
        target = opened(self.target, self.of)
        given = deps(self.folder, self.members)
        return deliver(queued(), export("VIP", "New"), target, given, JobContext(), lambda _run: None)

    def forecast(self) -> Forecast | None:
        given = deps(self.folder, self.members)
        return make_plan(export("VIP", "New"), opened(self.target, self.of), given, JobContext()).forecast


def test_a_plan_tells_requests_time_and_what_is_left(tmp_path: Path) -> None:
    quota = Quota(NEEDED, 50)
    forecast = Bench(tmp_path, quota).forecast()
    assert forecast is not None
    assert (forecast.calls, forecast.quota, forecast.obstacle) == (NEEDED, quota, ())
    assert forecast.seconds == pytest.approx(NEEDED / 2, rel=0.02)


def test_a_run_is_sent_when_just_enough_are_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Quota(NEEDED, 50))
    assert bench.run().status is Status.SUCCESSFUL
    assert (bench.target.requests, bench.target.asked) == (6, 1)
    said = f"To send this takes about {NEEDED} requests. {NEEDED} of 50 are left today."
    assert said in [line.text for line in RunFolder(tmp_path, "r1").log()]


@pytest.mark.parametrize(("limit", "action"), [(50, "try_again"), (NEEDED - 1, "fix_settings")])
def test_a_run_that_needs_one_more_stops_before_it_sends(tmp_path: Path, limit: int, action: str) -> None:
    bench = Bench(tmp_path, Quota(NEEDED - 1, limit))
    forecast = bench.forecast()
    assert forecast is not None
    run = bench.run()
    assert (run.status, bench.target.requests, run.done) == (Status.FAILED, 0, 0)
    assert run.error is not None
    assert run.error.action == action
    assert forecast.obstacle == (run.error.what, run.error.why, run.error.fix)


@pytest.mark.parametrize("left", [None, TryAgain("It does not answer.", code="timeout")])
def test_a_target_that_does_not_tell_stops_nothing(tmp_path: Path, left: SendoffError | None) -> None:
    bench = Bench(tmp_path, left)
    forecast = bench.forecast()
    assert forecast is not None
    assert forecast.quota is None
    assert bench.run().status is Status.SUCCESSFUL


def test_nothing_is_asked_where_nothing_is_declared(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Quota(0, 50))
    bench.of = replace(bench.of, calls=None)
    assert bench.forecast() is None
    assert bench.run().status is Status.SUCCESSFUL
    assert bench.target.asked == 0
