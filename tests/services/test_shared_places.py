"""Several segments of one export in one place: who moves between them stays, who is in none of them leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from app.core.batches import BatchKind
from app.core.exports import SyncMode
from app.core.plans import Plan
from app.core.runs import Run, Status
from app.core.segments import Segment
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder
from app.delivery.journal import read_journal
from app.jobs import JobContext
from tests.data.test_counting import segment
from tests.delivery.fakes import export, opened
from tests.delivery.test_run_state import queued
from tests.services.test_sent_runs import OF, Bench, addresses, bench, some

__all__ = ["bench"]

Members = Mapping[str, tuple[int, ...]]


def segments_of(members: Members) -> list[Segment]:
    return [
        replace(
            segment(name, {"field": "Customer.Id", "is_one_of": [f"C-{i}" for i in numbers] or ["nobody"]}), id=name
        )
        for name, numbers in members.items()
    ]


def run(bench: Bench, mode: SyncMode = SyncMode.MIRROR, **members: tuple[int, ...]) -> Run:
    return bench.run(mode, segments=tuple(members), others=segments_of(members))


def plan(bench: Bench, mode: SyncMode = SyncMode.MIRROR, **members: tuple[int, ...]) -> Plan:
    return bench.plan(mode, segments=tuple(members), others=segments_of(members))


@pytest.mark.parametrize("order", ["AB", "BA"])
def test_who_leaves_every_segment_at_once_leaves_the_place(bench: Bench, order: str) -> None:
    bench.people(some(1, 2, 3))
    run(bench, **dict.fromkeys(order, (1, 2, 3)))
    planned = plan(bench, **dict.fromkeys(order, (1, 2)))
    done = run(bench, **dict.fromkeys(order, (1, 2)))
    assert set(bench.target.members) == addresses(1, 2)
    assert (planned.changes.removed, done.totals.removed) == (1, 1)


@pytest.mark.parametrize("order", ["AB", "BA"])
def test_who_moves_to_another_segment_stays(bench: Bench, order: str) -> None:
    bench.people(some(1, 2, 3))
    first = {"A": (1, 2), "B": (3,)}
    then = {"A": (1,), "B": (2, 3)}
    run(bench, **{name: first[name] for name in order})
    planned = plan(bench, **{name: then[name] for name in order})
    done = run(bench, **{name: then[name] for name in order})
    assert set(bench.target.members) == addresses(1, 2, 3)
    assert (planned.changes.removed, done.totals.removed) == (0, 0)
    run(bench, **{name: then[name] for name in order})
    assert set(bench.target.members) == addresses(1, 2, 3)
    run(bench, A=(1,), B=(3,))
    assert set(bench.target.members) == addresses(1, 3)


def test_who_leaves_after_a_segment_was_taken_out_of_the_export(bench: Bench) -> None:
    bench.people(some(1, 2, 3))
    run(bench, A=(1, 2), B=(2, 3))
    run(bench, A=(1, 2))
    assert set(bench.target.members) == addresses(1, 2)
    run(bench, A=(1,))
    assert set(bench.target.members) == addresses(1)
    run(bench, A=(1,), B=(2, 3))
    assert set(bench.target.members) == addresses(1, 2, 3)


def test_a_segment_that_is_renamed_is_not_sent_again_and_loses_who_leaves(bench: Bench) -> None:
    bench.people(some(1, 2, 3))
    run(bench, A=(1, 2, 3))
    done = run(bench, Another=(1, 2, 3))
    assert done.status is Status.SUCCESSFUL
    assert (done.totals.added, done.totals.unchanged) == (0, 3)
    run(bench, Another=(1, 2))
    assert set(bench.target.members) == addresses(1, 2)


def test_who_was_only_found_there_leaves_when_whoever_sent_them_has_given_them_up_too(bench: Bench) -> None:
    bench.people(some(1, 2))
    assert run(bench, SyncMode.ADD, A=(1, 2), B=(1, 2)).totals.unchanged == 2  # as B finds them
    run(bench, A=(2,), B=(1, 2))
    assert set(bench.target.members) == addresses(1, 2)
    run(bench, A=(2,), B=(2,))
    assert set(bench.target.members) == addresses(2)


def test_another_export_keeps_whom_it_found_there_without_taking_them_over(bench: Bench) -> None:
    bench.people(some(1, 2))
    run(bench, A=(1, 2))
    bench.run(SyncMode.ADD, id="e2")
    assert run(bench, A=(2,)).totals.removed == 0
    bench.people(some(2))
    assert bench.run(SyncMode.MIRROR, id="e2").totals.removed == 0  # it was there before that export
    assert run(bench, A=(2,)).totals.removed == 1


def test_taking_over_who_was_left_behind_goes_on_where_it_was_broken_off(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.people(some(1, 2, 3))
    run(bench, A=(1, 2), B=(2, 3))

    def refuse(*_args: object) -> None:
        raise PermissionError("somebody reads it")

    with monkeypatch.context() as patch:
        patch.setattr("app.data.sent.shutil.rmtree", refuse)
        assert run(bench, A=(1, 2)).status is Status.FAILED
    assert set(bench.target.members) == addresses(1, 2, 3)
    assert run(bench, A=(1, 2)).totals.removed == 1
    assert set(bench.target.members) == addresses(1, 2)


def test_undoing_leaves_who_is_there_by_a_segment_that_was_taken_out(bench: Bench) -> None:
    bench.people(some(1, 2))
    run(bench, SyncMode.UPDATE, A=(1,), B=(2,))
    run(bench, SyncMode.UPDATE, A=(1, 2))
    segments = segments_of({"A": (1, 2)})
    undone = replace(queued(), id="r2", undoes=queued().id)
    given = export("A", sync=SyncMode.UPDATE, target=bench.export.target)
    done = deliver(undone, given, opened(bench.target, OF), bench._deps(segments), JobContext(), lambda _run: None)
    assert (done.status, set(bench.target.members)) == (Status.SUCCESSFUL, addresses(1, 2))


@pytest.mark.parametrize("mode", [SyncMode.UPDATE, SyncMode.MIRROR, SyncMode.ADD])
def test_who_is_in_several_segments_is_sent_once(bench: Bench, mode: SyncMode) -> None:
    bench.people(some(1, 2, 3))
    done = run(bench, mode, A=(1, 2), B=(2, 3))
    assert sorted(bench.target.sent) == sorted(addresses(1, 2, 3))
    assert (done.totals.added, done.totals.updated + done.totals.unchanged, done.done, done.total) == (3, 1, 4, 4)
    batches = read_journal(RunFolder(bench.engine.folder, done.id), ended=True)
    assert [batch.kind for batch in batches] == [BatchKind.SEND, BatchKind.ASK, BatchKind.SEND]
    bench.people(some(1, 2, 3, name="Eve"))
    done = run(bench, mode, A=(1, 2), B=(2, 3))
    assert sorted(bench.target.sent) == ([] if mode is SyncMode.ADD else sorted(addresses(1, 2, 3)))
    assert run(bench, mode, A=(1, 2), B=(1, 2, 3), C=(2,)).totals.delivered == (2 if mode is not SyncMode.ADD else 0)
    assert bench.target.sent == []
