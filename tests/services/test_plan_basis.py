"""What a plan is compared by: another mapping, format or engine is said before it counts members as changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from app.cli.plans import plan_document, plan_lines
from app.core.exports import Guard, SyncMode
from app.core.plans import Basis
from app.core.runs import Status
from app.data import planning
from app.delivery.files import RunFolder
from tests.services.test_sent_runs import Bench, addresses, bench_in, some


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as made:
        yield made


def test_a_snapshot_of_another_format_says_so_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.people(some(1, 2, 3))
    with monkeypatch.context() as patch:
        patch.setattr(planning, "FORMAT", planning.FORMAT - 1)
        bench.run()
    plan = bench.plan(SyncMode.MIRROR, guard=Guard(changed_percent=50))
    assert (plan.changes.changed, plan.segments[0].basis) == (3, Basis.FORMAT)
    assert {str(each.reason) for each in plan.members} == {"Changed: values are compared in another way"}
    assert "This version of Sendoff compares values in another way" in "\n".join(plan_lines(plan))
    assert plan_document(plan)["segments"][0]["basis"] == "format"
    assert plan.held is not None
    assert plan.held.cause is not None
    assert plan.held.cause.what == "values are compared in another way"
    run = bench.run(SyncMode.MIRROR)
    assert (run.status, run.totals.updated) == (Status.SUCCESSFUL, 3)
    assert "This version of Sendoff compares" in "\n".join(
        line.text for line in RunFolder(bench.engine.folder, run.id).log()
    )
    assert bench.plan(SyncMode.MIRROR).segments[0].basis is None


def test_another_version_of_duckdb_says_so_where_somebody_changed(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.run()
    (snapshot,) = (bench.engine.folder / "sent").rglob("0*.parquet")
    kept = pq.read_table(snapshot)
    names = [name.replace(f"part {duckdb.__version__}", "part 0.1") for name in kept.column_names]
    mapping = {b"mapping": pq.read_metadata(snapshot).metadata[b"mapping"]}
    pq.write_table(kept.rename_columns(names).replace_schema_metadata(mapping), snapshot)
    assert bench.plan().segments[0].basis is None, "nobody counts as changed for it"
    bench.people({**some(2), **some(1, name="Bo")})
    plan = bench.plan()
    assert (plan.changes.changed, plan.segments[0].basis) == (1, Basis.ENGINE)
    bench.run()
    bench.people(some(1, 2))
    assert bench.plan().segments[0].basis is None


def test_a_field_that_is_filled_from_another_column_says_so(bench: Bench) -> None:
    bench.people(some(1, 2))
    match = {"email": "Customer.Email", "first_name": "Customer.FirstName"}
    bench.run(match=match)
    assert bench.plan(match=match).segments[0].basis is None
    plan = bench.plan(match={**match, "first_name": "Customer.Id"})
    assert (plan.changes.changed, plan.segments[0].basis) == (2, Basis.SOURCE)
    assert "Fields are filled from other columns" in "\n".join(plan_lines(plan))


def test_a_mirror_leaves_who_was_there_before_and_was_never_changed(bench: Bench) -> None:
    bench.target.members = {"p1@example.com": "Theirs"}
    bench.people(some(1, 2, 3))
    assert (run := bench.run(SyncMode.ADD)).totals.added == 2
    assert run.totals.unchanged == 1
    bench.people(some(3))
    plan = bench.plan(SyncMode.MIRROR)
    assert (plan.changes.removed, plan.changes.unchanged) == (1, 1)
    assert bench.run(SyncMode.MIRROR).totals.removed == 1
    assert bench.target.members == {"p1@example.com": "Theirs", "p3@example.com": "Ann"}
    bench.people(some(3, 4))
    bench.run(SyncMode.REPLACE)
    assert set(bench.target.members) == addresses(3, 4), "to replace was chosen for that"


def test_who_was_on_the_way_and_is_found_there_is_ours_to_take_out(bench: Bench) -> None:
    """The answer was lost after the target acted, and the mode add finds them there: they are no strangers."""
    bench.people(some(0, 1))
    bench.target.stops_at, bench.target.after_effect = 1, True
    assert bench.run(SyncMode.ADD).status is Status.FAILED
    assert set(bench.target.members) == addresses(0, 1)
    bench.target.stops_at = 0
    assert bench.run(SyncMode.ADD).status is Status.SUCCESSFUL
    assert bench.plan(SyncMode.ADD).changes.added == 0
    bench.people(some(1))
    assert bench.run(SyncMode.MIRROR).totals.removed == 1
    assert set(bench.target.members) == addresses(1)
