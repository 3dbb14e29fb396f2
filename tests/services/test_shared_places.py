"""Several segments of one export in one place: who moves between them stays, who is in none of them leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from app.core.exports import SyncMode
from app.core.plans import Plan
from app.core.runs import Run, Status
from app.core.segments import Segment
from tests.data.test_counting import segment
from tests.services.test_sent_runs import Bench, addresses, bench, some

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
