from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.delivery.speed import MOST_POINTS, SpeedMeter

START = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@given(st.lists(st.tuples(st.floats(0, 900), st.integers(0, 10_000)), min_size=1, max_size=80))
def test_points_stay_few_ordered_and_add_up(steps: list[tuple[float, int]]) -> None:
    meter = SpeedMeter(START)
    now = 0.0
    for wait, amount in steps:
        now += wait
        meter.add(amount, at(now))
    points = meter.points(at(now + 100_000))
    assert len(points) <= MOST_POINTS
    assert [p.at for p in points] == sorted(p.at for p in points)
    bucket = (points[1].at - points[0].at).total_seconds() if len(points) > 1 else 1.0
    total = sum(p.per_second for p in points) * bucket
    assert abs(total - sum(a for _, a in steps)) <= 0.05 * bucket * len(points) + 1e-6


def test_a_wait_shows_as_zero() -> None:
    meter = SpeedMeter(START)
    meter.add(500, at(0.5))
    meter.add(500, at(4.5))
    assert [p.per_second for p in meter.points(at(5))] == [500, 0, 0, 0, 500]


def test_the_last_bucket_counts_only_its_own_time() -> None:
    meter = SpeedMeter(START)
    meter.add(100, at(0.1))
    meter.add(50, at(1.2))
    assert [p.per_second for p in meter.points(at(1.5))] == [100, 100]


def test_a_clock_that_goes_back_loses_nothing() -> None:
    meter = SpeedMeter(START)
    meter.add(10, at(3))
    meter.add(10, at(1))
    assert sum(p.per_second for p in meter.points(at(4))) == 20
