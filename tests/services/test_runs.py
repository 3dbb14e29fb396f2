from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.connections import Access
from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TryAgain
from app.core.retention import Retention
from app.core.roles import Role
from app.core.runs import Run, Status, Totals, Trigger
from app.delivery.files import RunFolder
from app.destinations.batches import Member, Outcome, OutcomeKind
from app.jobs import Cancelled, JobContext
from app.store.owners import this_process
from tests.services.run_bench import Bench, connection, until


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


class Gate:
    """Holds a target's batches until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, _number: int, _members: Sequence[Member]) -> None:
        self.reached.set()
        assert self.open.wait(60)


def test_a_run_is_queued_executed_told_and_kept(bench: Bench) -> None:
    bench.add("Newsletter", "Mail")
    (run,) = bench.run("Newsletter")
    assert run.status is Status.SUCCESSFUL
    assert run.totals.added == 30
    assert bench.store.runs.by_id(run.id) == run
    statuses = [seen.status for seen in bench.seen]
    assert statuses[0] is Status.QUEUED
    assert statuses[-1] is Status.SUCCESSFUL
    assert bench.runs.list("newsletter") == [run]
    assert bench.runs.active() == []
    assert any("delivered" in line.text for line in bench.runs.log(run.id))


def test_runs_on_one_connection_follow_each_other_and_others_go_beside(bench: Bench) -> None:
    for name, where in (("A", "Mail"), ("B", "Mail"), ("C", "Other")):
        bench.add(name, where)
    gate = Gate()
    bench.target("Mail").on_send = gate
    a, b, c = bench.runs.start(["A", "B", "C"], Trigger.PERSON)
    assert gate.reached.wait(60)
    assert bench.wait([c])[0].status is Status.SUCCESSFUL
    until(lambda: bench.runs.get(b.id).waits_for == "A")
    assert bench.runs.get(b.id).status is Status.QUEUED
    assert bench.store.runs.by_id(b.id).waits_for == "A"
    assert {r.id for r in bench.runs.active()} == {a.id, b.id}
    gate.open.set()
    first, second = bench.wait([a, b])
    assert first.ended_at is not None
    assert second.started_at is not None
    assert second.started_at >= first.ended_at
    assert second.waits_for == ""


def test_not_more_than_so_many_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, at_once=2)
    for i in range(4):
        bench.add(f"E{i}", f"C{i}")
    gate = Gate()
    for i in range(4):
        bench.target(f"C{i}").on_send = gate
    runs = bench.runs.start([f"E{i}" for i in range(4)], Trigger.PERSON)
    until(lambda: sum(t.open_sessions for t in bench.targets.values()) == 2)
    assert sum(r.status is Status.RUNNING for r in bench.runs.active()) == 2
    gate.open.set()
    assert {r.status for r in bench.wait(runs)} == {Status.SUCCESSFUL}
    bench.close()


def test_cancel_lets_the_batch_in_flight_end(bench: Bench) -> None:
    bench.add("A", "Mail")
    gate = Gate()
    bench.target("Mail").on_send = gate
    (run,) = bench.runs.start(["A"], Trigger.PERSON)
    assert gate.reached.wait(60)
    bench.runs.cancel(run.id)
    gate.open.set()
    (run,) = bench.wait([run])
    assert run.status is Status.CANCELLED
    assert run.totals.added == len(bench.target("Mail").holds["VIP"]) == 10


def test_a_queued_run_is_cancelled_without_beginning(bench: Bench) -> None:
    bench.add("A", "Mail")
    bench.add("B", "Mail")
    gate = Gate()
    bench.target("Mail").on_send = gate
    a, b = bench.runs.start(["A", "B"], Trigger.PERSON)
    assert gate.reached.wait(60)
    bench.runs.cancel(b.id)
    (b,) = bench.wait([b])
    assert (b.status, b.started_at) == (Status.CANCELLED, None)
    gate.open.set()
    assert bench.wait([a])[0].status is Status.SUCCESSFUL
    # The connection is free again.
    assert bench.run("B")[0].status is Status.SUCCESSFUL


def test_a_cancel_asked_for_by_another_process_is_heeded(bench: Bench) -> None:
    bench.add("A", "Mail")
    gate = Gate()
    bench.target("Mail").on_send = gate
    (run,) = bench.runs.start(["A"], Trigger.PERSON)
    assert gate.reached.wait(60)
    bench.store.runs.request_cancel(run.id)
    until(lambda: bench.runs._queue._active[run.id].token.cancelled)
    gate.open.set()
    assert bench.wait([run])[0].status is Status.CANCELLED


def test_an_export_that_waits_keeps_its_place(bench: Bench) -> None:
    bench.add("A", "Mail")
    bench.add("B", "Mail")
    gate = Gate()
    bench.target("Mail").on_send = gate
    a, b = bench.runs.start(["A", "B"], Trigger.PERSON)
    assert gate.reached.wait(60)
    (again,) = bench.runs.start(["b"], Trigger.PERSON)
    assert again.id == b.id
    gate.open.set()
    bench.wait([a, b])


def test_a_detached_export_is_recorded_as_without_connection(bench: Bench) -> None:
    bench.add("A", None)
    (run,) = bench.run("A")
    assert run.status is Status.NO_CONNECTION
    assert run.error is not None
    assert run.error.action == "fix_settings"
    assert bench.store.runs.by_id(run.id) == run


def test_an_export_detached_while_it_waited_is_not_sent(bench: Bench) -> None:
    bench.add("A", "Mail")
    b = bench.add("B", "Mail")
    gate = Gate()
    bench.target("Mail").on_send = gate
    runs = bench.runs.start(["A", "B"], Trigger.PERSON)
    assert gate.reached.wait(60)
    bench.store.exports.save(replace(b, connection=None))
    gate.open.set()
    a, waited = bench.wait(runs)
    assert a.status is Status.SUCCESSFUL
    assert waited.status is Status.FAILED
    assert waited.error is not None
    assert "changed while it waited" in waited.error.what


def test_run_all_takes_the_exports_with_a_connection(bench: Bench) -> None:
    bench.add("A", "Mail")
    bench.add("B", None)
    bench.store.connections.save(connection("Secret", Access.ADMINS))
    bench.add("C", "Secret")
    assert [r.export_name for r in bench.wait(bench.runs.run_all(Trigger.PERSON))] == ["A", "C"]
    bench.role.now = Role.CONTRIBUTOR
    assert [r.export_name for r in bench.wait(bench.runs.run_all(Trigger.PERSON))] == ["A"]


def test_roles_are_asked_before_anything_is_started(bench: Bench) -> None:
    bench.store.connections.save(connection("Secret", Access.ADMINS))
    bench.add("A", "Mail")
    bench.add("B", "Secret")
    bench.role.now = Role.CONTRIBUTOR
    with pytest.raises(NotAllowed):
        bench.runs.start(["A", "B"], Trigger.PERSON)
    assert bench.runs.list() == []
    bench.role.now = Role.VIEWER
    with pytest.raises(NotAllowed):
        bench.runs.start(["A"], Trigger.COMMAND_LINE)
    with pytest.raises(NotAllowed):
        bench.runs.run_all(Trigger.PERSON)
    # A schedule acts with the rights of the workspace.
    (run,) = bench.run("B", trigger=Trigger.SCHEDULE)
    assert run.status is Status.SUCCESSFUL
    with pytest.raises(NotAllowed):
        bench.runs.cancel(run.id)
    with pytest.raises(NotAllowed):
        bench.runs.save_rejects(run.id, bench.folder / "out.csv")


def test_unknown_names_are_said_before_anything_is_started(bench: Bench) -> None:
    bench.add("A", "Mail")
    with pytest.raises(FixData):
        bench.runs.start(["A", "Nope"], Trigger.PERSON)
    with pytest.raises(FixData):
        bench.runs.get("nope")
    assert bench.runs.list() == []


def test_rejects_are_read_and_saved(bench: Bench) -> None:
    bench.add("A", "Mail")

    def reject(_number: int, members: Sequence[Member]) -> list[Outcome]:
        return [Outcome(m.key, OutcomeKind.REJECTED, "email", "Opted out.", "None needed.") for m in members]

    bench.target("Mail").on_send = reject
    (run,) = bench.run("A")
    assert run.status is Status.COMPLETED_WITH_REJECTS
    page = bench.runs.rejects(run.id, offset=25)
    assert (page.total, len(page.rejects), dict(page.by_field)) == (30, 5, {"Email": 30})
    assert page.rejects[0].value == "V•••@e•••.com"
    assert bench.runs.rejects(run.id, masked=False).rejects[0].value == "VIP0@example.com"
    assert bench.runs.save_rejects(run.id, bench.folder / "out.csv") == 30
    bench.role.now = Role.VIEWER
    with pytest.raises(NotAllowed):
        bench.runs.rejects(run.id, masked=False)
    bench.role.now = Role.ADMIN
    with pytest.raises(FixSettings):
        bench.runs.save_rejects(run.id, bench.folder / "missing" / "out.csv")


def test_waiting_can_be_given_up_without_stopping_the_run(bench: Bench) -> None:
    bench.add("A", "Mail")
    gate = Gate()
    bench.target("Mail").on_send = gate
    (run,) = bench.runs.start(["A"], Trigger.PERSON)
    ctx = JobContext()
    threading.Timer(0.2, ctx.token.cancel).start()
    with pytest.raises(Cancelled):
        bench.runs.wait([run.id], ctx)
    gate.open.set()
    assert bench.wait([run])[0].status is Status.SUCCESSFUL


def test_a_listener_that_fails_stops_neither_the_run_nor_the_others(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.add("A", "Mail")
    later: list[Run] = []
    told = threading.Event()

    def broken(_run: Run) -> None:
        raise RuntimeError("a window that is gone")

    stop = bench.runs.subscribe(broken)
    bench.runs.subscribe(lambda run: (later.append(run), told.set() if run.status.ended else None))
    assert bench.run("A")[0].status is Status.SUCCESSFUL
    assert told.wait(60)  # after the store, from which `run` knows it
    assert later[-1].status is Status.SUCCESSFUL
    stop()
    assert "listener" in caplog.text


def test_a_database_that_is_busy_does_not_stop_members_on_their_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add("A", "Mail")
    save = bench.store.runs.save
    failures = iter([True] * 4)

    def busy(run: Run) -> None:
        if next(failures, False):
            raise TryAgain("The database is busy.")
        save(run)

    monkeypatch.setattr(bench.store.runs, "save", busy)
    (run,) = bench.run("A")
    assert run.status is Status.SUCCESSFUL
    assert bench.store.runs.by_id(run.id) == run


def test_an_unknown_destination_fails_the_run_in_a_sentence(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add("A", "Mail")

    def refuse() -> None:
        raise SignInAgain("The secret for Mail isn't on this computer.", "", "Add it.")

    bench.target("Mail").on_open = refuse
    (run,) = bench.run("A")
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.action == "sign_in"


def test_close_cancels_waits_and_names_what_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    for name, where in (("A", "Mail"), ("B", "Mail"), ("C", "Stuck")):
        bench.add(name, where)
    gate, stuck = Gate(), Gate()
    bench.target("Mail").on_send = gate
    bench.target("Stuck").on_send = stuck
    a, b, c = bench.runs.start(["A", "B", "C"], Trigger.PERSON)
    assert gate.reached.wait(60)
    assert stuck.reached.wait(60)
    queue, wait_for = bench.runs._queue, bench.runs._queue._changed.wait_for

    def as_long_as_it_takes(true: Callable[[], bool], seconds: float) -> bool:
        """The time is over as soon as nobody but the stuck one goes on, however busy this computer is."""
        if seconds != 1.0:
            return wait_for(true, seconds)
        gate.open.set()
        assert wait_for(lambda: set(queue._active) == {c.id}, 60)
        return true()

    monkeypatch.setattr(queue._changed, "wait_for", as_long_as_it_takes)
    bench.runs.close(timeout=1.0)
    ends = [bench.store.runs.by_id(r.id) for r in (a, b, c)]
    assert [r.status for r in ends if r] == [Status.CANCELLED, Status.CANCELLED, Status.INTERRUPTED]
    # What the stuck one does afterwards changes nothing any more.
    stuck.open.set()
    bench.pools.close()
    assert bench.store.runs.by_id(c.id) == ends[2]
    with pytest.raises(TryAgain):
        bench.runs.start(["A"], Trigger.PERSON)
    assert len(bench.runs.list()) == 3
    bench.store.close()


def test_old_runs_and_rejects_go(bench: Bench) -> None:
    bench.add("A", "Mail")
    bench.target("Mail").on_send = lambda _n, members: [Outcome(m.key, OutcomeKind.REJECTED) for m in members]
    (fresh,), (month_old,), (old,) = bench.run("A"), bench.run("A"), bench.run("A")
    now = datetime.now(UTC)
    bench.store.runs.save(replace(month_old, queued_at=now - timedelta(days=31)))
    bench.store.runs.save(replace(old, queued_at=now - timedelta(days=91)))
    assert bench.runs.tidy(Retention()) == 1
    assert {r.id for r in bench.runs.list()} == {fresh.id, month_old.id}
    assert not (bench.folder / "runs" / old.id).exists()
    assert bench.runs.rejects(month_old.id).total == 0
    assert bench.runs.log(month_old.id)
    assert bench.runs.rejects(fresh.id).total == 30


def test_what_an_earlier_look_could_not_remove_goes_at_the_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program has a file open on Windows, or Sendoff was killed between the record and the files."""
    bench.add("A", "Mail")
    (old,), (fresh,) = bench.run("A"), bench.run("A")
    bench.store.runs.save(replace(old, queued_at=datetime.now(UTC) - timedelta(days=91)))
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "remove", lambda _folder, *, keep_receipt=False: None)
        assert bench.runs.tidy(Retention()) == 1
    folder = bench.folder / "runs" / old.id
    assert bench.runs.tidy(Retention()) == 0
    assert folder.exists()  # it may be one of a database that was put back: it is kept as long as runs are
    for each in (*folder.iterdir(), *(bench.folder / "runs" / fresh.id).iterdir()):
        os.utime(each, (time.time() - 91 * 86_400,) * 2)
    assert bench.runs.tidy(Retention()) == 0
    assert not folder.exists()
    assert (bench.folder / "runs" / fresh.id / "log.jsonl").exists()


def test_a_receipt_may_outlive_its_run(tmp_path: Path) -> None:
    clock = [datetime.now(UTC)]
    bench = Bench(tmp_path, clock=lambda: clock[0])
    bench.add("A", "Mail")
    (run,) = bench.run("A")
    folder = bench.folder / "runs" / run.id
    clock[0] += timedelta(days=100)
    longer = Retention(receipts=365)
    assert bench.runs.tidy(longer) == 1
    assert [each.name for each in folder.iterdir()] == ["receipt.json"]
    clock[0] += timedelta(days=300)
    assert bench.runs.tidy(longer) == 0
    assert not folder.exists()
    bench.close()


def test_who_was_changed_goes_when_it_is_too_old(tmp_path: Path) -> None:
    clock = [datetime.now(UTC)]
    bench = Bench(tmp_path, clock=lambda: clock[0])
    bench.add("A", "Mail")
    (run,) = bench.run("A")
    changes = bench.folder / "runs" / run.id / "changes"
    changes.mkdir(exist_ok=True)
    bench.runs.tidy(Retention(changes=10))
    assert changes.exists()
    clock[0] += timedelta(days=11)
    bench.runs.tidy(Retention(changes=10))
    assert not changes.exists()
    assert bench.runs.log(run.id)
    bench.close()


def process(bench: Bench, export_name: str, awaits: str = "kill", at: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.services.run_bench", str(bench.folder), export_name, str(at), awaits]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_a_run_that_the_next_one_calls_interrupted(bench: Bench) -> None:
    bench.add("A", "Mail")
    with process(bench, "A", at=2) as other:
        assert other.stdout is not None
        assert [other.stdout.readline().strip() for _ in range(2)] == ["batch 1", "batch 2"]
        (run,) = bench.runs.active()
        assert run.status is Status.RUNNING
        assert (bench.folder / "runs" / run.id / "log.jsonl").stat().st_size > 0
        other.kill()
    # The next process on this workspace; here one that wants the same connection.
    (again,) = bench.run("A")
    assert again.status is Status.SUCCESSFUL
    left = bench.runs.get(run.id)
    assert left.status is Status.INTERRUPTED
    assert left.error is not None
    assert left.error.what.startswith("Interrupted")


def test_whoever_looks_after_a_kill_sees_it_at_once(bench: Bench) -> None:
    """Whichever way the runs are asked for, and though this process was open all the time."""
    ways = (
        lambda id_: bench.runs.get(id_),
        lambda _id: bench.runs.list()[0],
        lambda _id: bench.runs.list("A")[0],
        lambda _id: bench.runs.latest_per_export()["e-A"],
    )
    bench.add("A", "Mail")
    for way in ways:
        with process(bench, "A") as other:
            assert other.stdout is not None
            assert other.stdout.readline().strip() == "batch 1"
            (run,) = bench.runs.active()
            other.kill()
        assert (way(run.id).id, way(run.id).status) == (run.id, Status.INTERRUPTED)
        assert bench.runs.active() == []


def test_waiting_for_a_run_of_a_process_that_is_killed_ends(bench: Bench) -> None:
    bench.add("A", "Mail")
    with process(bench, "A") as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "batch 1"
        (run,) = bench.runs.active()
        threading.Timer(0.3, other.kill).start()
        (ended,) = bench.runs.wait([run.id], JobContext())
    assert ended.status is Status.INTERRUPTED


def test_a_run_killed_after_its_receipt_was_written_had_ended(bench: Bench) -> None:
    bench.add("A", "Mail")
    (run,) = bench.run("A")
    gone = replace(run, owner=f"{this_process()}0", ended_at=None)
    # What the database was told last, up to a second before the end.
    bench.store.runs.save(replace(gone, status=Status.RUNNING, totals=Totals(added=10), done=10, audience=None))
    found = bench.runs.get(run.id)
    assert (found.status, found.totals, found.done, found.audience, found.ended_at) == (
        Status.SUCCESSFUL,
        run.totals,
        30,
        run.audience,
        run.ended_at,
    )
    bench.store.runs.save(replace(gone, status=Status.RUNNING))
    (bench.folder / "runs" / run.id / "receipt.json").write_text("{")  # not ours: ours are whole or not there
    assert bench.runs.get(run.id).status is Status.INTERRUPTED


def test_two_processes_take_turns_on_one_connection(bench: Bench) -> None:
    bench.add("A", "Mail")
    bench.add("B", "Mail")
    with process(bench, "A", "line") as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "batch 1"
        (b,) = bench.runs.start(["B"], Trigger.PERSON)
        until(lambda: bench.runs.get(b.id).waits_for == "A")
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
        (b,) = bench.wait([b])
        assert other.stdout.read().split()[-1] == "successful"
    (a,) = bench.runs.list("A")
    assert b.status is Status.SUCCESSFUL
    assert a.ended_at is not None
    assert b.started_at is not None
    assert b.started_at >= a.ended_at


def test_a_run_of_another_process_can_be_cancelled_and_waited_for(bench: Bench) -> None:
    bench.add("A", "Mail")
    with process(bench, "A", "cancel") as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "batch 1"
        (run,) = bench.runs.active()
        bench.runs.cancel(run.id)
        (run,) = bench.wait([run])
        assert run.status is Status.CANCELLED
        assert other.stdout.read().split()[-1] == "cancelled"
