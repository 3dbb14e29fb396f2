from __future__ import annotations

import time

import pytest

from app.delivery.grace import grace
from app.jobs import Cancelled, JobContext


def test_what_is_in_flight_goes_on_for_a_while() -> None:
    ctx = JobContext()
    with grace(ctx, 0.2) as in_flight:
        ctx.token.cancel()
        in_flight.check()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            in_flight.token.sleep(10)
        assert 0.1 < time.monotonic() - began < 5


def test_nothing_is_left_running_when_it_ends_in_time() -> None:
    ctx = JobContext()
    with grace(ctx, 0.05) as in_flight:
        ctx.token.cancel()
    time.sleep(0.15)
    assert not in_flight.token.cancelled


def test_without_a_cancel_nothing_happens() -> None:
    ctx = JobContext()
    with grace(ctx, 0.0) as in_flight:
        in_flight.check()
    ctx.token.cancel()
    in_flight.check()
