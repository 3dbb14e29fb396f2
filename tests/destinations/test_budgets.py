from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.destinations.budgets import MARGIN, PIECE, Account, Budget, Budgets, Line, steady
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
    def seconds() -> float:
        budget, done = Budget(8, 100), list[float]()

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
        assert len(done) == 80
        assert max(done) - began >= 0.79
        return max(done) - began

    # One after the other would always take 2.4; a computer that is busy may hold up a few, but not each time.
    assert any(seconds() < 2.4 for _attempt in range(5))


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


def test_whoever_waits_because_another_was_asked_to_is_told() -> None:
    clock, account, told = Clock(), Account(), list[float]()
    one, other, ctx = Budget(4, 10, clock, account), Budget(4, 10, clock, account), JobContext(Sleeping(clock))
    with other.turn(ctx, told.append):
        one.hold(30)
    with other.turn(ctx, told.append):
        pass
    with other.turn(ctx, told.append):
        one.hold(0.5)
    with other.turn(ctx, told.append):
        assert told == [30]


@pytest.mark.parametrize("pace", [None, 10])
def test_each_who_waits_is_told_also_behind_another_who_waits_for_the_same_moment(pace: float | None) -> None:
    clock, account, told = Clock(), Account(), list[float]()
    token = CancelToken()
    token.cancel()  # each has taken its moment when the wait ends
    for _each in ("one", "other"):
        budget = Budget(4, pace, clock, account)
        budget.hold(30)
        with pytest.raises(Cancelled), budget.turn(JobContext(token), told.append):
            pass
    assert told == [30, 30]


def test_who_waits_for_a_place_is_told_what_those_wait_for_who_have_it() -> None:
    budget, token, told = Budget(1, None), CancelToken(), list[float]()

    def tell(seconds: float) -> None:
        told.append(seconds)
        threading.Timer(0.1, token.cancel).start()

    with budget.turn(JobContext()):
        threading.Timer(0.1, budget.hold, [30]).start()
        with pytest.raises(Cancelled), budget.turn(JobContext(token), tell):
            pass
    assert [20 < seconds <= 30 for seconds in told] == [True]


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

    def held(*account: object) -> bool:
        clock = Clock()
        clock.now = steady()
        began, budget = clock.now, budgets.of(*account, 10, None)  # type: ignore[arg-type]  # as given
        budget._clock = clock
        with budget.turn(JobContext(Sleeping(clock))):
            return clock.now > began + 30

    budgets.of("api.shop.example", ["key", "id"], 10, None).hold(60)
    assert held("api.shop.example", ["id", "key"])
    assert not held("api.shop.example", ["key2", "id"])
    assert not held("eu.shop.example", ["id", "key"])
    budgets.of("a", ["secret-token"], 1, None)
    budgets.line("a", ["secret-token"], 1e6)
    assert "secret-token" not in repr(vars(budgets))


def test_of_several_paces_for_an_account_the_slowest_counts() -> None:
    clock, account = Clock(), Account()
    quick, slow = Budget(9, 100, clock, account), Budget(9, 2, clock, account)
    ctx = JobContext(Sleeping(clock))
    with slow.turn(ctx):
        began = clock.now
    for _number in range(20):
        with quick.turn(ctx):
            pass
    assert clock.now - began == pytest.approx(20 * 0.5 * (1 + MARGIN))
    clock.now += 120  # nobody keeps the slow one any more
    began = clock.now
    for _number in range(21):
        with quick.turn(ctx):
            pass
    assert clock.now - began == pytest.approx(20 * 0.01 * (1 + MARGIN))


def test_different_numbers_of_places_of_one_account() -> None:
    account = Account()
    few, many, ctx = Budget(1, None, account=account), Budget(2, None, account=account), JobContext()
    with many.turn(ctx):
        token = CancelToken()
        threading.Timer(0.1, token.cancel).start()
        with pytest.raises(Cancelled), few.turn(JobContext(token)):
            pass
        with many.turn(ctx):
            pass
    with few.turn(ctx):
        pass


OTHER_PROGRAM = """
import sys, time
from pathlib import Path
from app.destinations.budgets import Budgets
from app.jobs import JobContext
budget = Budgets(Path(sys.argv[1])).of("api.shop.example", ["key"], 2, None)
with budget.turn(JobContext()), budget.turn(JobContext()):
    {inside}
    print("there", flush=True)
    time.sleep(60)
"""


@contextmanager
def other_program(folder: Path, inside: str = "pass") -> Iterator[subprocess.Popen[str]]:
    """A process that has both places of the account, and does something more."""
    command = [sys.executable, "-c", OTHER_PROGRAM.format(inside=inside), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "there\n"
            yield program
        finally:
            program.kill()


def test_places_are_shared_with_other_programs_until_they_die(tmp_path: Path) -> None:
    budget = Budgets(tmp_path).of("api.shop.example", ["key"], 2, None)
    with other_program(tmp_path) as program:
        token = CancelToken()
        threading.Timer(0.3, token.cancel).start()
        with pytest.raises(Cancelled), budget.turn(JobContext(token)):
            pass
        program.kill()
        program.wait()
        began = time.monotonic()
        with budget.turn(JobContext()), budget.turn(JobContext()):
            assert time.monotonic() - began < 30


def test_a_program_that_stands_still_at_the_worst_moment_keeps_nobody_waiting(tmp_path: Path) -> None:
    """It was stopped, by sleep or by somebody, while it had the moments locked."""
    stuck = "assert budget._account._moments._file.lock()"
    budget = Budgets(tmp_path).of("api.shop.example", ["key"], 3, 100)
    with other_program(tmp_path, stuck):
        began = time.monotonic()
        with budget.turn(JobContext()):
            assert time.monotonic() - began < 30  # the other one keeps it for 60


def test_moments_of_before_a_restart_mean_nothing(tmp_path: Path) -> None:
    budgets = Budgets(tmp_path)
    late = Clock()
    late.now = steady() + 5_000
    before = budgets.of("api.shop.example", ["key"], 2, 10)
    before._clock = late
    before.hold(800)
    began = time.monotonic()
    with Budgets(tmp_path).of("api.shop.example", ["key"], 2, 10).turn(JobContext()):
        assert time.monotonic() - began < 60  # not 800


def test_where_nothing_can_be_written_the_budget_is_this_program_s_own(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    budget = Budgets(nowhere / "paces").of("api.shop.example", ["key"], 2, 10)
    with budget.turn(JobContext()), budget.turn(JobContext()):
        pass
    assert Budgets(nowhere).line("files.example", ["key"], 1e6).delay(1) == 0


@pytest.mark.parametrize("damage", [b"nonsense", b"", b"\xff" * 40, struct.pack("<5d", 1, 1e300, math.inf, 1, 1)])
def test_damaged_files_count_as_new_ones(tmp_path: Path, damage: bytes) -> None:
    Budgets(tmp_path).of("api.shop.example", ["key"], 2, 10).hold(600)
    (moments,) = tmp_path.rglob("moments")
    moments.write_bytes(damage)
    began = time.monotonic()
    with Budgets(tmp_path).of("api.shop.example", ["key"], 2, 10).turn(JobContext()):
        assert time.monotonic() - began < 60  # not 600


def test_what_lies_in_the_folder_tells_nothing_and_goes_when_it_is_old(tmp_path: Path) -> None:
    Budgets(tmp_path).of("api.shop.example", ["very-secret-key"], 2, 10).hold(1)
    (folder,) = [each for each in tmp_path.iterdir() if each.is_dir()]
    assert "shop" not in folder.name
    assert all(b"secret" not in each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert Budgets(tmp_path / "other").of("api.shop.example", ["very-secret-key"], 2, 10)
    assert folder.name not in {each.name for each in (tmp_path / "other").iterdir()}
    os.utime(folder, (time.time() - 31 * 86_400,) * 2)
    Budgets(tmp_path).of("else.example", ["key"], 2, 10)
    assert not folder.exists()


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
    assert one.delay(60_000_000) < 1
    assert one.delay(1) > 30


def test_a_cancel_ends_the_wait_for_a_line() -> None:
    token = CancelToken()
    line = Line(50_000)
    line.delay(1 << 30)
    threading.Timer(0.1, token.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        line.take(1, JobContext(token))
    assert time.monotonic() - began < 60  # not hours


def test_a_limit_of_bytes_holds_for_all_programs(tmp_path: Path) -> None:
    one, other = (Budgets(tmp_path).line("files.example", ["key"], 1e6) for _ in range(2))
    assert one.delay(60_000_000) == 0
    assert other.delay(1) > 30
