"""Tables that lost rows: the held run says which, and goes when their number is typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from app.bootstrap import Services
from app.core.roles import Role
from app.core.runs import Run, Status, Trigger
from app.jobs import JobContext
from app.services.table_sources import source_of
from app.ui.dialogs.held import HeldDialog
from app.ui.dialogs.lost_rows import LostRows
from app.ui.pages.runs import RunsPage
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    tables = ["Customer", "Orders"]
    small_services.exports.apply(
        {
            "name": "Lake",
            "kind": "data-out",
            "connection": "Shared drive",
            "tables": tables,
            "consent": {"agreed": True},
        }
    )
    with page_bench(small_services, theme, runner) as made:
        yield made


def run(bench: PageBench) -> Run:
    runs = bench.services.runs
    (ended,) = runs.wait([each.id for each in runs.start(["Lake"], Trigger.PERSON)], JobContext())
    bench.wait(lambda: not runs.active())
    return ended


def shrink(bench: PageBench, table: str, rows: int) -> None:
    services = bench.services
    source = source_of(services._store, services.tables.get(table))
    assert source is not None
    path = Path(source.paths[0])
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS FROM '{path}' LIMIT {rows}")
        connection.execute(f"COPY t TO '{path}'")
    services.tables.refresh(table, JobContext())


def dialog(bench: PageBench, run_id: str) -> HeldDialog:
    page = bench.show(RunsPage(bench.context))
    page.activate(run_id)
    bench.settle()
    page._details._note.primary.click()
    bench.settle()
    found = bench.dialog()
    assert isinstance(found, HeldDialog)
    return found


def test_the_tables_that_lost_rows_are_listed_and_written_when_their_number_is_typed(bench: PageBench) -> None:
    assert run(bench).status is Status.SUCCESSFUL
    customers, orders = (bench.services.tables.get(name).rows for name in ("Customer", "Orders"))
    shrink(bench, "Customer", 2)
    shrink(bench, "Orders", 100)
    held = run(bench)
    assert held.status is Status.HELD
    shown = dialog(bench, held.id)
    lost = shown.findChild(LostRows).accessibleName()
    assert lost == (
        f"Customer {customers} rows at the last run 2 now 99.0% gone. "
        f"Orders {orders} rows at the last run 100 now {100 - 10_000 / orders:.1f}% gone"
    )
    assert shown.sentence.words().startswith("Held: “Customer” lost 198 of the 200 rows that the last run wrote")
    assert nameless(shown) == []
    assert not shown.review.isVisible(), "files have no plan of members"
    shown.number.setText(str(orders))
    assert not shown.send.isEnabled()
    shown.number.setText(f"{customers - 2 + orders - 100:,}")
    shown.send.click()
    bench.settle()
    (newest,) = bench.services.runs.list("Lake", 1)
    (ended,) = bench.services.runs.wait([newest.id], JobContext())
    assert (ended.status, ended.totals.rows) == (Status.SUCCESSFUL, 102)
    assert bench.services.runs.get(held.id).held.answer == "sent"


def test_another_table_than_was_agreed_to_is_held_again_and_viewers_only_look(bench: PageBench) -> None:
    run(bench)
    shrink(bench, "Orders", 100)
    held = run(bench)
    shrink(bench, "Customer", 2)
    again = bench.services.held_runs.send_anyway(held.id, str(held.held.number))
    (ended,) = bench.services.runs.wait([again.id], JobContext())
    assert ended.status is Status.HELD
    assert [each.name for each in ended.held.fewer] == ["Customer", "Orders"]
    bench.services.roles.set_role(Role.VIEWER)
    shown = dialog(bench, ended.id)
    assert not shown.number.isVisible()
    assert not shown.send.isVisible()
