from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app.core.segment_documents import parse
from app.core.segments import Segment
from app.core.tables import Catalog, Link, Table, TableRole
from app.data import linked_samples
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine, generation_folder
from app.data.identity import Identity
from app.data.linked_samples import LinkedSamples
from app.data.workspace_rows import Scope
from app.jobs import Cancelled, CancelToken, JobContext
from tests.data.rows import WHEN, add_table

CUSTOMERS, ORDERS, ITEMS = 20_000, 100_000, 200_000
LINKS = (Link("Customer", "Id", "Orders", "CustomerId"), Link("Orders", "OrderId", "Items", "OrderId"))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckDBEngine]:
    monkeypatch.setattr(linked_samples, "MOST_ROWS", 50_000)
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


@pytest.fixture
def scope(engine: DuckDBEngine) -> Scope:
    """Customers with orders, which have items; the numbers of orders are texts in one table and integers in the other."""
    random.seed(7)
    owners = [f"C{random.randrange(CUSTOMERS)}" for _ in range(ORDERS)]
    tables = (
        add_table(
            engine,
            "Customer",
            pa.table(
                {
                    "Id": [f"C{i}" for i in range(CUSTOMERS)],
                    "Country": [random.choice(("DE", "FR", "AT")) for _ in range(CUSTOMERS)],
                }
            ),
            key="Id",
            role=TableRole.CUSTOMER,
        ),
        add_table(
            engine,
            "Orders",
            pa.table(
                {
                    "OrderId": pa.array(range(ORDERS), pa.int64()),
                    "CustomerId": owners,
                    "Total": [random.randrange(200) for _ in range(ORDERS)],
                }
            ),
            key="OrderId",
        ),
        add_table(
            engine,
            "Items",
            pa.table(
                {
                    "OrderId": [str(i // 2) for i in range(ITEMS)],
                    "Article": [random.choice(("book", "lamp", "cup", "pen")) for _ in range(ITEMS)],
                }
            ),
            key=None,
        ),
    )
    return Scope(Catalog(tables, LINKS), (), WHEN)


def segment(*conditions: dict[str, Any], name: str = "s") -> Segment:
    return parse({"name": name, "rules": [{"all": list(conditions)}]}, segment_id=name)


ORDERED = segment({"field": "Orders.Total", "more_than": 150})
SPENT = segment({"field": "Orders.Total", "sum": True, "at_least": 500}, {"field": "Customer.Country", "is": "DE"})
LAMPS = segment({"field": "Items.Article", "is": "lamp"})
NO_ORDERS = segment({"field": "Orders.OrderId", "count": True, "at_most": 2})
TWICE = segment({"field": "Orders.Total", "more_than": 150}, {"field": "Orders.Total", "sum": True, "at_least": 300})
PLAIN = segment({"field": "Customer.Country", "is": "DE"})


def files(engine: DuckDBEngine, table: Table) -> set[Path]:
    return set((generation_folder(engine.folder, table) / "sample").glob("*"))


@pytest.mark.parametrize("asked", [ORDERED, SPENT, LAMPS, NO_ORDERS, TWICE])
def test_estimates_of_linked_conditions_come_from_the_sample_and_are_near(
    engine: DuckDBEngine, scope: Scope, asked: Segment
) -> None:
    LinkedSamples(engine).make(scope.catalog, CancelToken())
    customers, orders, items = scope.catalog.tables
    counter = Counter(engine)
    exact = counter.count(scope, asked, CountSpec(Identity()), JobContext()).members
    for table in (orders, items):  # nothing but the sample can answer now
        for file in engine.table_files(table):
            Path(file).unlink()
    found = Counter(engine).estimate(scope, asked, JobContext())
    assert 0 < found.error < CUSTOMERS / 20
    assert abs(found.members - exact) <= 2 * found.error
    assert len(files(engine, customers)) == 3


def test_a_sample_is_made_once_and_renewed_with_the_rows(engine: DuckDBEngine, scope: Scope) -> None:
    samples, (customers, orders, items) = LinkedSamples(engine), scope.catalog.tables
    samples.make(scope.catalog, CancelToken())
    made = {file: file.stat().st_mtime_ns for file in files(engine, customers)}
    samples.make(scope.catalog, CancelToken())
    assert {file: file.stat().st_mtime_ns for file in files(engine, customers)} == made
    newer = replace(orders, generation=orders.generation + 1)
    generation_folder(engine.folder, orders).rename(generation_folder(engine.folder, newer))
    fresh = replace(scope, catalog=Catalog((customers, newer, items), LINKS))
    assert samples.find(fresh, ORDERED) is None
    samples.make(fresh.catalog, CancelToken())
    assert samples.find(fresh, ORDERED) is not None
    now = files(engine, customers)
    assert len(now) == 3
    assert len(now & set(made)) == 1  # that of the customers themselves


def test_nothing_is_made_where_rows_are_few(
    engine: DuckDBEngine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked_samples, "MOST_ROWS", ITEMS)
    LinkedSamples(engine).make(scope.catalog, CancelToken())
    assert not files(engine, scope.catalog.tables[0])


def test_it_answers_only_for_what_it_can(engine: DuckDBEngine, scope: Scope) -> None:
    samples = LinkedSamples(engine)
    samples.make(scope.catalog, CancelToken())
    query = parse({"name": "q", "sql": "SELECT Id FROM Customer"}, segment_id="q")
    both = parse(
        {
            "name": "both",
            "rules": [{"all": [{"field": "Orders.Total", "more_than": 3}]}, {"intersect": {"segment": "q"}}],
        },
        segment_id="both",
    )
    named = replace(scope, segments=(query, both))
    assert samples.find(named, ORDERED) is not None
    assert samples.find(named, PLAIN) is None
    assert samples.find(named, query) is None
    assert samples.find(named, both) is None
    assert samples.find(replace(scope, catalog=Catalog(scope.catalog.tables, LINKS[:1])), LAMPS) is None


def test_it_can_be_cancelled_and_leaves_nothing_half_done(engine: DuckDBEngine, scope: Scope) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        LinkedSamples(engine).make(scope.catalog, token)
    assert not files(engine, scope.catalog.tables[0])
