"""What became of each member a run set out to send, kept with the run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.core.exports import SyncMode
from app.core.runs import Status
from app.data.run_changes import changes_relation
from app.data.sent import Held
from app.jobs import CancelToken
from tests.rights import is_private
from tests.services.test_sent_runs import Bench, bench, some

__all__ = ["bench"]


def changes(bench: Bench) -> dict[str, tuple[str, str]]:
    """What was planned and what came of it, by our key."""
    relation = changes_relation(bench.engine.folder / "runs" / "r1")
    if relation is None:
        return {}
    with bench.engine.cursor(CancelToken()) as cursor:
        rows = cursor.execute(f"SELECT member, change, what FROM ({relation})").fetchall()
    return {member: (change, what) for member, change, what in rows}


def test_each_planned_member_is_there_with_what_came_of_it(bench: Bench) -> None:
    bench.people(some(1, 2, 3, 4))
    bench.run(SyncMode.MIRROR)
    assert changes(bench) == {f"C-{i}": ("added", "added") for i in (1, 2, 3, 4)}
    bench.people({**some(2, 3), **some(4, name="Eve"), **some(5, 6)})
    bench.target.refused = frozenset({"p5@example.com"})
    bench.run(SyncMode.MIRROR)
    assert changes(bench) == {
        "C-1": ("removed", "removed"),
        "C-4": ("changed", "updated"),
        "C-5": ("added", "rejected"),
        "C-6": ("added", "added"),
    }
    with bench.engine.cursor(CancelToken()) as cursor:
        relation = changes_relation(bench.engine.folder / "runs" / "r1")
        rows = cursor.execute(
            f'SELECT member, segment, identifier, "key email", before IS NOT NULL, payload IS NOT NULL FROM ({relation})'
        ).fetchall()
    assert sorted(rows) == [
        ("C-1", "Everybody", "email:p1@example.com", "p1@example.com", True, False),
        ("C-4", "Everybody", "email:p4@example.com", "p4@example.com", True, True),
        ("C-5", "Everybody", "email:p5@example.com", "p5@example.com", False, True),
        ("C-6", "Everybody", "email:p6@example.com", "p6@example.com", False, True),
    ]
    assert is_private(changes_file(bench))


@pytest.mark.parametrize("dies", [False, True])
def test_what_a_run_that_stopped_was_told_is_written_down(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, dies: bool
) -> None:
    """By itself; of one that died by the next one."""
    bench.people(some(*range(9)))
    bench.target.stops_at = 2
    if dies:
        monkeypatch.setattr(Held, "note", lambda _self, _token: None)
    assert bench.run().status is Status.FAILED
    if dies:
        assert changes(bench) == {}
        bench.target.stops_at = 1
        bench.run()
    whats = [what for _change, what in changes(bench).values()]
    assert (whats.count("added"), whats.count("sending"), whats.count("not_sent")) == (3, 3, 3)


def test_a_run_whose_folder_is_gone_leaves_no_changes(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.target.stops_at = 1
    bench.run()
    shutil.rmtree(bench.engine.folder / "runs" / "r1")
    bench.target.stops_at = 0
    run = bench.run()
    assert (run.totals.added, len(changes(bench))) == (2, 2)
    assert not list((bench.engine.folder / "sent").rglob("changes.*"))


def changes_file(bench: Bench) -> Path:
    (file,) = (bench.engine.folder / "runs" / "r1" / "changes").iterdir()
    return file
