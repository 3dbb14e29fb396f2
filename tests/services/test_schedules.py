from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from app.core.connections import Access
from app.core.errors import FixData, FixSettings, NotAllowed, TryAgain
from app.core.exports import Export
from app.core.roles import Role
from app.core.runs import Run, Status, Trigger
from app.core.schedules import Every, Schedule
from app.destinations.batches import Member
from app.services import schedules
from app.services.schedules import ScheduleService
from tests.services.auditing import trail_of
from tests.services.run_bench import Bench, connection, until

DAILY = Schedule(Every.DAY, time(5, 30), "UTC")
HOURLY = Schedule(Every.HOUR, time(0, 15), "Asia/Kolkata")
START = datetime(2026, 5, 1, 5, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Scheduled(Bench):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, members=5)
        self.clock = Clock()
        self.schedules = ScheduleService(self.store, self.role, self.runs, trail_of(self.store), self.clock)

    def tick(self, **later: int) -> list[Run]:
        self.clock.now += timedelta(**later)
        return self.wait(self.schedules.tick())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Scheduled]:
    bench = Scheduled(tmp_path)
    yield bench
    bench.schedules.stop()
    bench.close()


def test_what_is_due_is_started_once(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.schedules.set(["A"], DAILY)
    assert bench.tick() == []
    assert bench.tick(minutes=29) == []
    (run,) = bench.tick(minutes=1)
    assert (run.status, run.trigger) == (Status.SUCCESSFUL, Trigger.SCHEDULE)
    assert bench.tick() == []
    assert bench.tick(seconds=15) == []
    assert bench.tick(hours=23) == []
    assert len(bench.tick(hours=1)) == 1


def test_after_a_long_sleep_it_runs_once(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.schedules.set(["A"], HOURLY)
    assert len(bench.tick(days=3)) == 1
    assert bench.tick(seconds=15) == []
    assert len(bench.tick(hours=1)) == 1


def test_a_new_schedule_finds_nothing_in_its_past(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.schedules.set(["A"], DAILY)
    bench.tick(hours=2)
    bench.clock.now += timedelta(hours=12)
    bench.schedules.set(["A"], replace(DAILY, at=time(9, 0)))
    assert bench.tick() == []
    # One that was put into the export by other means begins with the first look.
    export = bench.add("B", "Mail", schedule=DAILY)
    assert bench.tick() == []
    assert bench.schedules.next_due(export) == datetime(2026, 5, 2, 5, 30, tzinfo=UTC)


def test_a_clock_put_back_a_little_runs_nothing_twice(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.schedules.set(["A"], DAILY)
    assert len(bench.tick(minutes=31)) == 1
    assert bench.tick(hours=-1) == []
    for _ in range(8):
        assert bench.tick(minutes=10) == []
    assert len(bench.tick(days=1)) == 1


def test_a_clock_that_was_years_ahead_does_not_silence_the_schedule(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.schedules.set(["A"], DAILY)
    assert len(bench.tick(days=1500)) == 1
    assert bench.tick(days=-1500) == []
    assert len(bench.tick(minutes=31)) == 1


def test_two_processes_start_a_due_time_once(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.schedules.set(["A"], DAILY)
    bench.clock.now += timedelta(minutes=30)
    others = [
        ScheduleService(bench.store, bench.role, bench.runs, trail_of(bench.store), bench.clock) for _ in range(4)
    ]
    started: list[Run] = []
    barrier = threading.Barrier(len(others))

    def tick(service: ScheduleService) -> None:
        barrier.wait()
        started.extend(service.tick())

    threads = [threading.Thread(target=tick, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    bench.wait(started)


def test_a_paused_export_does_not_run_and_does_not_catch_up(bench: Scheduled) -> None:
    export = bench.add("A", None, schedule=DAILY)
    bench.tick()
    assert bench.tick(days=1) == []
    assert bench.schedules.next_due(export) is None
    bench.store.connections.save(connection("Mail"))
    bench.store.exports.save(replace(export, connection="c-Mail"))
    assert bench.tick(minutes=1) == []
    assert len(bench.tick(days=1)) == 1


def test_the_shortest_goes_first(bench: Scheduled) -> None:
    for name in ("Long", "Short"):
        bench.add(name, "Mail")
        bench.members.sizes = {"VIP": 50 if name == "Long" else 3}
        bench.run(name)
    bench.schedules.set(["Long", "Short"], DAILY)
    assert [r.export_name for r in bench.tick(hours=1)] == ["Short", "Long"]


def test_set_gives_back_what_was_and_undo_restores_it(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.add("B", "Mail", schedule=HOURLY)
    before = bench.schedules.set(["A", "b"], DAILY)
    assert before == {"A": None, "B": HOURLY}
    assert schedule_of(bench, "A") == schedule_of(bench, "B") == DAILY
    bench.schedules.put_back(before)
    assert (schedule_of(bench, "A"), schedule_of(bench, "B")) == (None, HOURLY)
    assert bench.schedules.set(["B"], None) == {"B": HOURLY}
    assert schedule_of(bench, "B") is None


def schedule_of(bench: Scheduled, name: str) -> Schedule | None:
    export = bench.store.exports.get(name)
    assert export is not None
    return export.schedule


def test_set_changes_all_or_none(bench: Scheduled, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add("A", "Mail")
    bench.store.connections.save(connection("Secret", Access.ADMINS))
    bench.add("B", "Secret")
    with pytest.raises(FixData):
        bench.schedules.set(["A", "Nope"], DAILY)
    with pytest.raises(FixSettings):
        bench.schedules.set(["A"], replace(DAILY, time_zone="Mars/Olympus"))
    save = bench.store.exports.save

    def refuse_b(export: Export) -> Export:
        if export.name == "B":
            raise TryAgain("changed", code="changed_elsewhere")
        return save(export)

    with monkeypatch.context() as patch:
        patch.setattr(bench.store.exports, "save", refuse_b)
        with pytest.raises(TryAgain):
            bench.schedules.set(["A", "B"], DAILY)
    bench.role.now = Role.CONTRIBUTOR
    with pytest.raises(NotAllowed):
        bench.schedules.set(["A", "B"], DAILY)
    assert schedule_of(bench, "A") is None


def test_a_schedule_that_cannot_be_read_does_not_stop_the_others(
    bench: Scheduled, caplog: pytest.LogCaptureFixture
) -> None:
    bench.add("A", "Mail", schedule=replace(DAILY, time_zone="Mars/Olympus"))
    bench.add("B", "Mail", schedule=DAILY)
    bench.tick()
    assert [r.export_name for r in bench.tick(hours=1)] == ["B"]
    assert "Mars/Olympus" in caplog.text


def test_an_export_whose_run_still_waits_is_not_queued_again(bench: Scheduled) -> None:
    bench.add("A", "Mail")
    bench.add("B", "Mail")
    bench.schedules.set(["B"], HOURLY)
    held = threading.Event()

    def hold(_number: int, _members: Sequence[Member]) -> None:
        assert held.wait(60)

    bench.target("Mail").on_send = hold
    a, b = bench.runs.start(["A", "B"], Trigger.PERSON)
    until(lambda: bench.target("Mail").requests)
    bench.clock.now += timedelta(hours=2)
    assert bench.schedules.tick() == []
    held.set()
    bench.wait([a, b])


def test_the_local_zone_is_one_that_can_be_used(bench: Scheduled) -> None:
    zone = bench.schedules.local_zone()
    bench.add("A", "Mail")
    bench.schedules.set(["A"], replace(DAILY, time_zone=zone))


def test_it_ticks_by_itself_until_stopped(bench: Scheduled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "TICK_SECONDS", 0.05)
    bench.add("A", "Mail")
    bench.schedules.set(["A"], DAILY)
    bench.schedules.start_ticking()
    bench.schedules.start_ticking()
    bench.clock.now += timedelta(minutes=30)
    until(lambda: bench.runs.list("A"))
    bench.wait(bench.runs.list("A"))
    bench.schedules.stop()
    bench.schedules.stop()
    bench.clock.now += timedelta(days=1)
    assert len(bench.runs.list("A")) == 1
