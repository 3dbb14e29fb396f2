"""Counts of rows on a real PostgreSQL server that are kept here: as those of the server, and gone when something changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.core.segments import Rule, Segment, SegmentOf, SegmentRef, SetOperator
from app.core.tables import Catalog, Table, TableRole
from app.data import server_kept
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity
from app.data.workspace_rows import Scope
from app.jobs import Cancelled, JobContext
from tests.data import pg_tables
from tests.data.rows import WHEN, add_list
from tests.data.test_counting import segment
from tests.data.test_server_rows import CONSENT, CONTACTS, EMAIL, LAST, LINKS, customers, orders
from tests.servers.postgres import PostgresServer

SPEC = CountSpec(Identity((("email", EMAIL),), CONSENT, country="DE"))
GERMANS = segment("Germans", {"field": "Customer.Country", "is": "DE"})
BUYERS = segment("Buyers", {"field": "Orders.Total", "sum": True, "at_least": 5})
BOTH = Segment(
    "b",
    "Both",
    SegmentOf.CUSTOMERS,
    rules=(Rule(SetOperator.UNION, SegmentRef("Germans")), Rule(SetOperator.INTERSECT, SegmentRef("Buyers"))),
)
AGREED = segment("Agreed", {"field": "Customer.OptIn", "is": True})
CIRCLE = Segment("c", "Circle", SegmentOf.CUSTOMERS, rules=(Rule(SetOperator.UNION, SegmentRef("Circle")),))
PEOPLE = [(str(i), f"u{i % 30}@x.de", None, ["DE", "FR"][i % 2], [True, True, False][i % 3], 1.0) for i in range(40)]
BOUGHT = [(i, str(i), "x", 5) for i in range(10)]


@dataclass
class Desk:
    """A workspace whose customers and orders are on the server; `asked` are the queries whose rows came here."""

    server: PostgresServer
    schema: str
    engine: DuckDBEngine
    counter: Counter
    scope: Scope
    asked: list[str] = field(default_factory=list)

    def count(self, asked: Segment, spec: CountSpec = SPEC, **changes: Any) -> tuple[int, ...]:
        found = self.counter.count(replace(self.scope, **changes), asked, spec, JobContext())
        return found.members, found.eligible, found.duplicates, found.no_consent, found.suppressed, found.to_send

    def afresh(self, asked: Segment, spec: CountSpec = SPEC, **changes: Any) -> tuple[int, ...]:
        """The same by a counter that keeps nothing."""
        engine = DuckDBEngine(self.engine.folder, threads=1, server=self.engine.server)
        with closing(engine), pytest.MonkeyPatch.context() as context:
            context.setattr(server_kept, "MOST_ROWS", 0)
            return replace(self, counter=Counter(engine)).count(asked, spec, **changes)

    def table(self, name: str) -> Table:
        found = self.scope.catalog.table(name)
        assert found is not None
        return found


@pytest.fixture(params=["Id", None], ids=["keyed", "free"])
def desk(postgres: PostgresServer, tmp_path: Any, request: pytest.FixtureRequest) -> Iterator[Desk]:
    server = postgres.engine()
    asked: list[str] = []
    reading = server.reader
    server.reader = lambda query, token, **more: asked.append(query) or reading(query, token, **more)
    engine = DuckDBEngine(tmp_path, threads=1, server=lambda: server)
    with postgres.schema() as schema:
        pg_tables.create(postgres, schema, "Customer", customers(*PEOPLE), key=request.param)
        pg_tables.create(postgres, schema, "Orders", orders(*BOUGHT), key="OrderId")
        tables = (
            pg_tables.described(server, schema, "Customer", key="Id", role=TableRole.CUSTOMER, rows=40),
            pg_tables.described(server, schema, "Orders", key="OrderId", rows=10),
        )
        scope = Scope(Catalog(tables, LINKS), (GERMANS, BUYERS, BOTH, AGREED, CIRCLE), WHEN)
        yield Desk(postgres, schema, engine, Counter(engine), scope, asked)
    server.close()
    engine.close()


@pytest.mark.parametrize("asked", [GERMANS, BUYERS, BOTH], ids=lambda one: one.name)
def test_kept_rows_give_the_same_numbers(desk: Desk, asked: Segment) -> None:
    linked = CountSpec(Identity((("item", LAST),), CONSENT, empty_refuses=True))
    facts = add_list(desk.engine, ["u2@x.de"])
    listed = CountSpec(replace(SPEC.identity, contacts=CONTACTS))
    for spec, changes in ((SPEC, {}), (linked, {}), (listed, {"suppression": facts}), (CountSpec(), {}), (SPEC, {})):
        assert desk.count(asked, spec, **changes) == desk.afresh(asked, spec, **changes)


def test_the_second_count_brings_nothing(desk: Desk) -> None:
    first = desk.count(BOTH)
    desk.asked.clear()
    assert desk.count(BOTH) == first
    desk.counter.narrowing(desk.scope, BUYERS, JobContext())
    assert desk.asked == []
    assert desk.count(AGREED) == desk.afresh(AGREED)
    assert (
        len(desk.asked) == 1
    )  # of the counter that keeps nothing: its column came along, as other segments ask for it
    other = segment("Others", {"field": "Customer.Points", "at_least": 1})
    assert desk.count(other) == desk.afresh(other)


@pytest.mark.parametrize(
    "change",
    [
        """UPDATE {}."Customer" SET "Country" = 'DE' WHERE "Id" = '1'""",
        """DELETE FROM {}."Customer" WHERE "Id" = '0'""",
        """INSERT INTO {}."Orders" VALUES (99, '20', 'x', 5)""",
        """TRUNCATE {}."Orders\"""",
    ],
)
def test_a_change_on_the_server_is_noticed(desk: Desk, change: str) -> None:
    before = desk.count(BOTH)
    desk.server.run(change.format(desk.schema), "SELECT pg_stat_force_next_flush()")
    changed = desk.afresh(BOTH)
    assert changed != before or "Customer" in change
    _until(lambda: desk.count(BOTH) == changed and desk.count(GERMANS) == desk.afresh(GERMANS))


def _until(met: Any) -> None:
    """The server counts changes a moment later."""
    for _ in range(100):
        if met():
            return
    pytest.fail("the change was not noticed")


def test_rows_that_are_kept_too_long_are_brought_anew(desk: Desk) -> None:
    now = 0.0
    desk.counter._kept._clock = lambda: now
    desk.count(GERMANS)
    desk.asked.clear()
    now = server_kept.LASTS_SECONDS - 1.0
    desk.count(GERMANS)
    assert desk.asked == []
    now += 1.0
    desk.count(GERMANS)
    assert len(desk.asked) == 1


def test_nothing_is_kept_where_a_key_stands_in_several_rows(desk: Desk) -> None:
    free = replace(desk.table("Customer"), key="Country")
    catalog = Catalog((free, desk.table("Orders")))
    assert desk.count(AGREED, catalog=catalog) == desk.afresh(AGREED, catalog=catalog)
    desk.asked.clear()
    desk.count(AGREED, catalog=catalog)
    assert len(desk.asked) == 1


def test_nothing_is_kept_of_views_and_for_queries(desk: Desk) -> None:
    desk.server.run(f'CREATE VIEW {desk.schema}.seen AS SELECT * FROM {desk.schema}."Customer"')
    server = desk.engine.server
    assert server is not None
    view = pg_tables.described(
        server(), desk.schema, "seen", key="Id", role=TableRole.CUSTOMER, rows=40, called="Customer"
    )
    orders_there = desk.table("Orders")
    for scope, asked in (
        (replace(desk.scope, catalog=Catalog((view, orders_there), LINKS)), GERMANS),
        (desk.scope, Segment("q", "Q", SegmentOf.CUSTOMERS, sql='SELECT "Id" FROM "Customer"')),
    ):
        for _ in range(2):
            desk.asked.clear()
            desk.counter.count(scope, asked, SPEC, JobContext())
            assert len(desk.asked) == 1


def test_a_cancel_while_rows_come(desk: Desk) -> None:
    ctx = JobContext()
    ctx.token.cancel()
    with pytest.raises(Cancelled):
        desk.counter.count(desk.scope, GERMANS, SPEC, ctx)
    assert desk.count(GERMANS) == desk.afresh(GERMANS)
