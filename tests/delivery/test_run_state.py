from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from app.core.runs import PhaseName, PhaseState, Run, RunError, SkippedSegment, Status, Totals, Trigger
from app.delivery import run_state
from app.delivery.run_state import RunState, outcome_status
from app.destinations.batches import OutcomeKind

START = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)


def queued() -> Run:
    return Run(
        id="r1",
        export_id="e1",
        export_name="Newsletter",
        destination="mailchimp",
        connection_id="c1",
        connection_name="Mailchimp EU",
        trigger=Trigger.PERSON,
        status=Status.QUEUED,
        queued_at=START,
        waits_for="Other",
    )


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def test_phases_follow_each_other_with_times() -> None:
    seen: list[Run] = []
    state = RunState(queued(), seen.append, Clock())
    for name in PhaseName:
        state.begin(name)
    done = state.finish(Status.SUCCESSFUL)
    assert seen[0].status is Status.RUNNING
    assert seen[0].waits_for == ""
    assert [p.name for p in done.phases] == list(PhaseName)
    assert all(p.state is PhaseState.DONE for p in done.phases)
    for before, after in zip(done.phases, done.phases[1:], strict=False):
        assert before.ended_at == after.started_at
    assert seen[-1] == done


def test_a_failed_run_names_the_phase_and_leaves_the_rest_waiting() -> None:
    state = RunState(queued(), lambda _run: None, Clock())
    state.begin(PhaseName.PREPARE)
    state.begin(PhaseName.COUNT)
    done = state.finish(Status.FAILED, RunError("a", "b", "c"))
    states = [p.state for p in done.phases]
    assert states == [PhaseState.DONE, PhaseState.FAILED, *[PhaseState.WAITING] * 4]
    assert done.error is not None


def test_a_slow_phase_stays_marked() -> None:
    state = RunState(queued(), lambda _run: None, Clock())
    state.begin(PhaseName.SEND)
    state.slowed()
    state.begin(PhaseName.CONFIRM)
    done = state.finish(Status.SUCCESSFUL)
    sending = done.phases[4]
    assert sending.state is PhaseState.SLOWED
    assert sending.started_at < sending.slowed_at < sending.ended_at


def test_progress_is_told_at_most_four_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(run_state.time, "monotonic", lambda: now[0])
    seen: list[Run] = []
    state = RunState(queued(), seen.append, Clock())
    state.begin(PhaseName.SEND)
    seen.clear()
    for _ in range(100):
        now[0] += 0.01
        state.settled([OutcomeKind.ADDED, OutcomeKind.REJECTED])
    assert 3 <= len(seen) <= 5
    assert state.run.done == 200
    done = state.finish(Status.COMPLETED_WITH_REJECTS)
    assert seen[-1] == done
    assert (done.totals.added, done.totals.rejected) == (100, 100)


def test_updates_from_several_threads_are_all_counted() -> None:
    state = RunState(queued(), lambda _run: None)
    state.begin(PhaseName.SEND)

    def work() -> None:
        for _ in range(500):
            state.settled([OutcomeKind.UPDATED])
            state.reached("api.example.com")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.run.totals.updated == 2000
    assert state.run.hosts == ("api.example.com",)


@pytest.mark.parametrize(
    ("rejected", "skipped", "expected"),
    [
        (0, None, Status.SUCCESSFUL),
        (1, None, Status.COMPLETED_WITH_REJECTS),
        (0, Status.SKIPPED_TOO_LARGE, Status.SKIPPED_TOO_LARGE),
        (0, Status.SKIPPED_TOO_SMALL, Status.SKIPPED_TOO_SMALL),
        (1, Status.SKIPPED_TOO_LARGE, Status.COMPLETED_WITH_REJECTS),
    ],
)
def test_one_word_never_hides_that_somebody_did_not_arrive(
    rejected: int, skipped: Status | None, expected: Status
) -> None:
    segments = (SkippedSegment("VIP", "Too large."),) if skipped else ()
    assert outcome_status(Totals(added=5, rejected=rejected), segments, skipped) is expected
