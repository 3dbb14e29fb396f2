from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import pytest

from app.core.errors import SignInAgain
from app.delivery import lanes as lanes_module
from app.delivery.lanes import MOST_LANES, Lanes, lanes_for
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind
from app.destinations.contract import Confirmation, SegmentSession
from app.destinations.description import Pace
from app.jobs import Cancelled, JobContext


@dataclass
class Session:
    """Remembers the threads it was touched by."""

    slow: bool = True
    threads: set[int] = field(default_factory=set)
    left: bool = False

    def __enter__(self) -> Self:
        self.threads.add(threading.get_ident())
        return self

    def __exit__(self, *_: object) -> None:
        self.threads.add(threading.get_ident())
        self.left = True

    def send(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        self.threads.add(threading.get_ident())
        if self.slow:
            time.sleep(0.4)
        return [Outcome(m.key, OutcomeKind.ADDED) for m in members]

    def confirm(self, ctx: JobContext) -> Confirmation:
        self.threads.add(threading.get_ident())
        return Confirmation("Holds everybody.", 8)


class Bench:
    def __init__(self, most: int) -> None:
        self.sessions: list[Session] = []
        self.lanes = Lanes(self.open, most)
        self.sent: list[int] = []
        self.going = 0
        self.most_going = 0
        self.lock = threading.Lock()
        self.ctx = JobContext()
        self.slow = True
        self.fail_at = 0
        self.cancel_at = 0

    def open(self) -> SegmentSession:
        self.sessions.append(Session(self.slow))
        return self.sessions[-1]

    def deliver(self, session: SegmentSession, number: int, batch: Batch) -> None:
        with self.lock:
            self.going += 1
            self.most_going = max(self.most_going, self.going)
        try:
            session.send(batch, self.ctx)
            if number == self.fail_at:
                raise SignInAgain("expired")
            if number == self.cancel_at:
                self.ctx.token.cancel()
            self.sent.append(number)
        finally:
            with self.lock:
                self.going -= 1


def batches(number: int) -> Iterator[Batch]:
    for i in range(number):
        yield Batch([f"C-{i}"], {}, [i])


def test_batches_go_beside_each_other_each_session_on_its_own_thread() -> None:
    bench = Bench(3)
    with bench.lanes as lanes:
        lanes.send(batches(8), bench.deliver, bench.ctx)
        assert lanes.once(lambda session: session.confirm(bench.ctx)) == Confirmation("Holds everybody.", 8)
    assert sorted(bench.sent) == list(range(1, 9))
    assert bench.most_going == len(bench.sessions) == 3
    assert all(len(s.threads) == 1 and s.left for s in bench.sessions)
    assert len({t for s in bench.sessions for t in s.threads}) == 3


def test_a_quick_target_keeps_one_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "PATIENCE_SECONDS", 60.0)  # so that quick is quick on a busy computer too
    bench = Bench(8)
    bench.slow = False
    with bench.lanes as lanes:
        lanes.send(batches(50), bench.deliver, bench.ctx)
    assert len(bench.sessions) == 1


def test_one_batch_opens_one_session() -> None:
    bench = Bench(4)
    with bench.lanes as lanes:
        lanes.send(batches(1), bench.deliver, bench.ctx)
    assert len(bench.sessions) == 1


def test_after_an_error_those_in_flight_end_and_no_other_begins() -> None:
    bench = Bench(3)
    bench.fail_at = 5
    with pytest.raises(SignInAgain), bench.lanes as lanes:
        lanes.send(batches(1000), bench.deliver, bench.ctx)
    assert {1, 2, 3, 4} <= set(bench.sent)
    assert 5 not in bench.sent
    assert len(bench.sent) < 20
    assert bench.going == 0
    assert all(s.left for s in bench.sessions)


def test_after_a_cancel_those_in_flight_end() -> None:
    bench = Bench(2)
    bench.cancel_at = 4
    with pytest.raises(Cancelled), bench.lanes as lanes:
        lanes.send(batches(1000), bench.deliver, bench.ctx)
    assert 4 <= len(bench.sent) < 10
    assert bench.going == 0


@pytest.mark.parametrize("number", [1, 2])
def test_a_session_that_cannot_be_opened_is_told_and_the_others_are_left(number: int) -> None:
    bench = Bench(3)

    def open_session() -> SegmentSession:
        if len(bench.sessions) == number - 1:
            bench.sessions.append(Session())
            raise SignInAgain("expired")
        return bench.open()

    lanes = Lanes(open_session, 3)
    with pytest.raises(SignInAgain), lanes:
        lanes.send(batches(20), bench.deliver, bench.ctx)
    assert all(s.left for s in bench.sessions if s.threads)


def test_a_source_that_fails_waits_for_those_in_flight() -> None:
    bench = Bench(2)

    def broken() -> Iterator[list[Member]]:
        yield from batches(3)
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="gone"), bench.lanes as lanes:
        lanes.send(broken(), bench.deliver, bench.ctx)
    assert sorted(bench.sent) == [1, 2, 3]
    assert all(s.left for s in bench.sessions)


def test_one_place_at_the_target_stays_free() -> None:
    assert lanes_for(Pace(requests_per_second=10, simultaneous=5)) == 4
    assert lanes_for(Pace(requests_per_second=0.5, simultaneous=5)) == 1
    assert lanes_for(Pace(simultaneous=10)) == 9
    assert lanes_for(Pace(simultaneous=50)) == MOST_LANES
    assert lanes_for(Pace()) == 1
