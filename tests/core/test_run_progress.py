from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.run_progress import bytes_per_second, seconds_left
from app.core.runs import Phase, PhaseName, PhaseState, Run, SpeedPoint, Status, Trigger

BEGAN = datetime(2026, 3, 9, 6, 5, tzinfo=UTC)
NOW = BEGAN + timedelta(seconds=30)
RUN = Run(
    "r",
    "e",
    "Lake",
    "sftp",
    "c",
    "Far",
    Trigger.PERSON,
    Status.RUNNING,
    BEGAN,
    started_at=BEGAN,
    phases=(
        Phase(PhaseName.COUNT, PhaseState.DONE, BEGAN, BEGAN + timedelta(seconds=10)),
        Phase(PhaseName.SEND, PhaseState.RUNNING, BEGAN + timedelta(seconds=10)),
    ),
    done=300,
    total=900,
    unit="rows",
    bytes_sent=40_000_000,
)


def points(*rates: float) -> tuple[SpeedPoint, ...]:
    return tuple(SpeedPoint(BEGAN + timedelta(seconds=n), rate) for n, rate in enumerate(rates))


def test_time_left_is_that_of_the_speed_so_far():
    assert seconds_left(RUN, NOW) == pytest.approx(60)
    assert seconds_left(replace(RUN, speed=points(20, 10, 0)), NOW) == pytest.approx(60)


def test_a_resumed_run_counts_only_what_it_did_itself():
    resumed = replace(RUN, done=600, speed=points(10, 10))
    assert seconds_left(resumed, NOW) == pytest.approx(30)


@pytest.mark.parametrize("changes", [{"done": 0}, {"total": None}, {"started_at": None}, {"speed": points(0, 0)}])
def test_nobody_can_know(changes):
    assert seconds_left(replace(RUN, **changes), NOW) is None


def test_the_rate_counts_from_when_sending_began_until_it_ended():
    assert bytes_per_second(RUN, NOW) == pytest.approx(2_000_000)
    sent = replace(RUN.phases[1], ended_at=BEGAN + timedelta(seconds=20))
    assert bytes_per_second(replace(RUN, phases=(RUN.phases[0], sent)), NOW) == pytest.approx(4_000_000)
    assert bytes_per_second(replace(RUN, bytes_sent=0), NOW) is None
    assert bytes_per_second(replace(RUN, phases=()), NOW) is None
