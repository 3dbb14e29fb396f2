from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.destinations.budgets import MARGIN, PIECE, Budget, Budgets, Line
from app.jobs import Cancelled, CancelToken, JobContext


class Clock:
    """A clock that goes on when somebody sleeps; in its hands a wait costs no time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sleeping(CancelToken):
    """Sleeps on that clock, and a little too long."""

    def __init__(self, clock: Clock, late: float = 0.0) -> None:
        super().__init__()
        self._clock = clock
        self._late = late

    def sleep(self, seconds: float) -> None:
        self._clock.now += seconds + (self._late if seconds else 0.0)


@given(st.lists(st.floats(0, 0.3), max_size=40), st.integers(1, 50))
def test_no_second_has_more_requests_than_allowed(pauses: list[float], rate: int) -> None:
    clock = Clock()
    budget, ctx = Budget(1, rate, clock), JobContext(Sleeping(clock))
    moments = []
    for pause in pauses:
        clock.now += pause
        with budget.turn(ctx):
            moments.append(clock.now)
    for first, last in zip(moments, moments[rate:], strict=False):
        assert last - first >= 1.0


def test_waking_up_late_costs_nothing() -> None:
    clock = Clock()
    budget, ctx = Budget(1, 10, clock), JobContext(Sleeping(clock, late=0.02))
    for _ in range(101):
        with budget.turn(ctx):
            pass
    assert clock.now - 1000 <= 10 * (1 + MARGIN) + 0.03


def test_many_threads_use_all_of_the_pace() -> None:
    budget = Budget(8, 100)
    done: list[float] = []

    def ask() -> None:
        for _ in range(10):
            with budget.turn(JobContext()):
                time.sleep(0.03)  # as long as three turns: one thread alone would use a third
                done.append(time.monotonic())

    began = time.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = max(done) - began
    assert seconds >= 0.79
    assert len(done) == 80
    assert seconds <= 2.4  # one after the other


def test_a_wish_to_slow_down_holds_all() -> None:
    clock = Clock()
    budget, ctx = Budget(4, None, clock), JobContext(Sleeping(clock))
    with budget.turn(ctx):
        budget.hold(30)
        budget.hold(5)
    with budget.turn(ctx):
        assert clock.now == 1030
    with budget.turn(ctx):
        assert clock.now == 1030


def test_a_wait_is_cancelled() -> None:
    budget, token = Budget(1, 0.01), CancelToken()
    with budget.turn(JobContext(token)):
        pass
    threading.Timer(0.1, token.cancel).start()
    with pytest.raises(Cancelled), budget.turn(JobContext(token)):
        pass
    with pytest.raises(Cancelled), budget.turn(JobContext(token)):
        pass
    budget.hold(0)


def test_one_account_has_one_budget() -> None:
    budgets = Budgets()
    one = budgets.of("api.shop.example", ["key", "id"], 10, None)
    assert budgets.of("api.shop.example", ["id", "key"], 10, None) is one
    assert budgets.of("api.shop.example", ["key2", "id"], 10, None) is not one
    assert budgets.of("eu.shop.example", ["id", "key"], 10, None) is not one
    assert "secret-token" not in repr((budgets.of("a", ["secret-token"], 1, None), vars(budgets)))


@given(st.lists(st.integers(0, 1 << 20), min_size=1, max_size=30), st.floats(50_000, 1e8))
def test_a_line_lets_no_more_bytes_leave_than_allowed(sizes: list[int], rate: float) -> None:
    clock = Clock()
    line, ctx = Line(rate, clock), JobContext(Sleeping(clock))
    for size in sizes:
        line.take(size, ctx)
    assert clock.now - 1000.0 >= sum(sizes[:-1]) / rate - 1e-6
    assert clock.now - 1000.0 <= sum(sizes) / rate + 1e-6


def test_bytes_that_have_left_are_waited_for_afterwards() -> None:
    clock = Clock()
    line, ctx = Line(1_000_000, clock), JobContext(Sleeping(clock))
    for size in (500_000, 0, 250_000):
        line.spent(size, ctx)
    assert clock.now == pytest.approx(1000.75)


def test_a_line_without_a_limit_waits_for_nobody() -> None:
    line = Line(None)
    assert (line.limited, line.delay(1 << 40), line.delay(1 << 40), line.piece) == (False, 0.0, 0.0, PIECE)


def test_runs_of_one_account_share_its_line() -> None:
    budgets = Budgets()
    one = budgets.line("files.example", ["key"], 1e6)
    assert budgets.line("files.example", ["key"], 1e6) is one
    assert budgets.line("files.example", ["other"], 1e6) is not one
    assert budgets.line("other.example", ["key"], 1e6) is not one
    assert one.delay(1_000_000) == 0
    assert one.delay(1) > 0.9


def test_a_cancel_ends_the_wait_for_a_line() -> None:
    token = CancelToken()
    line = Line(50_000)
    line.delay(1 << 30)
    threading.Timer(0.1, token.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        line.take(1, JobContext(token))
    assert time.monotonic() - began < 2
