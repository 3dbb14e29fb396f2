from __future__ import annotations

import threading

import pytest

from app.delivery.grace import grace
from app.jobs import Cancelled, JobContext


def test_what_is_in_flight_goes_on_for_a_while() -> None:
    ctx = JobContext()
    with grace(ctx, 60) as in_flight:
        ctx.token.cancel()
        in_flight.check()
    ctx = JobContext()
    with grace(ctx, 0.2) as in_flight:
        ctx.token.cancel()
        with pytest.raises(Cancelled):
            in_flight.token.sleep(60)


def test_nothing_is_left_running_when_it_ends_in_time() -> None:
    ctx, before = JobContext(), set(threading.enumerate())
    with grace(ctx, 60) as in_flight:
        ctx.token.cancel()
        (waiting,) = set(threading.enumerate()) - before
    waiting.join(30)
    assert not waiting.is_alive()
    assert not in_flight.token.cancelled


def test_without_a_cancel_nothing_happens() -> None:
    ctx = JobContext()
    with grace(ctx, 0.0) as in_flight:
        in_flight.check()
    ctx.token.cancel()
    in_flight.check()
