"""The compiler by example: times, issues, lists, queries, dialects and long lists of values."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from app.core.clocks import Clock
from app.core.errors import FixData
from app.core.segment_documents import parse
from app.core.segments import Segment, SegmentOf
from app.core.tables import Catalog, Link, TableRole
from app.data.engines.duckdb import DuckDBEngine
from app.data.segment_issues import issues
from app.data.sql import SegmentSql
from app.data.workspace_rows import KeyFacts, key_list, segment_sql
from app.jobs import CancelToken
from tests.data.messy import catalog
from tests.data.rows import add_table


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


def rules(*cards: dict[str, Any], of: str = "customers", name: str = "S") -> Segment:
    return parse({"name": name, "of": of, "rules": list(cards)}, segment_id=name)


def one(**condition: Any) -> Segment:
    return rules({"all": [condition]})


def members(engine: DuckDBEngine, tables: Catalog, segment: Segment, clock: Clock, *others: Segment) -> list[Any]:
    sql = segment_sql(engine, KeyFacts(engine), tables, others, clock, CancelToken())
    with engine.cursor(CancelToken()) as cursor:
        return sorted(row[0] for row in cursor.execute(sql.members(segment).sql("duckdb")).fetchall())


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"last": "1 days"}, ["in"]),
        ({"last": "2 days"}, ["edge", "in"]),
        ({"not_in_last": "1 days"}, ["edge", "future", "none"]),
        ({"is": "2025-03-09"}, ["in"]),
        ({"before": "2025-03-09"}, ["edge"]),
        ({"after": "2025-03-09"}, ["future"]),
        ({"at_most": "2025-03-09"}, ["edge", "in"]),
        ({"between": ["2025-03-08", "2025-03-09"]}, ["edge", "in"]),
        ({"is_one_of": ["2025-03-08", ""]}, ["edge", "none"]),
    ],
)
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_days_are_those_of_the_time_zone(
    engine: DuckDBEngine, question: dict[str, Any], found: list[str], zone: str | None
) -> None:
    """It is 20:00 on the 8th in New York for `edge`, written as local time or as a moment in UTC, which is the 9th there."""
    wall = ["2025-03-08T20:00:00", "2025-03-09T19:30:00", "2025-03-10T06:00:00", None]
    moments = ["2025-03-09T01:00:00", "2025-03-09T23:30:00", "2025-03-10T10:00:00", None]
    texts = wall if zone is None else moments
    seen = pa.array([t if t is None else datetime.fromisoformat(t) for t in texts], pa.timestamp("us", zone))
    rows = pa.table({"Id": ["edge", "in", "future", "none"], "Seen": seen})
    table = add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER)
    clock = Clock(datetime(2025, 3, 10, 0, 0, tzinfo=UTC), "America/New_York")  # 20:00 on the 9th, summer time began
    assert members(engine, Catalog((table,)), one(field="Customer.Seen", **question), clock) == found


NOW = Clock(datetime(2025, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        (one(field="Nothing.X", is_empty=True), "There is no table “Nothing”"),
        (one(field="Customer.Shoe", is_empty=True), "has no field “Shoe”"),
        (one(field="Customer.Country", at_least=5), "Customer.Country holds text, and at_least can't be asked of that"),
        (one(field="Customer.Country", is_one_of=["DE", False]), "put it in quotes"),
        (one(field="Customer.Points", at_least="many"), "holds whole numbers, but the value is “many”"),
        (one(field="Customer.OptIn", **{"is": "yes"}), "write true or false"),
        (one(field="Customer.Since", before="soon"), "holds dates, but the value is “soon”"),
        (one(field="Customer.Since", between=["2025-02-01", "2025-01-01"]), "the first is the greater one"),
        (one(field="Customer.Points", sum=True, at_least=1), "so there is no sum of it"),
        (one(field="Orders.Status", sum=True, at_least=1), "holds text, so there is no sum of it"),
        (one(field="Orders.Total", sum=True, is_empty=True), "never empty"),
        (one(field="Orders.Total", latest=True, is_empty=True), "no latest of it"),
        (
            one(field="Orders.Total", sum=True, at_least=1, within={"field": "Lines.Due", "last": "1 day"}),
            "must be a field of Orders",
        ),
        (
            one(field="Orders.Total", sum=True, at_least=1, within={"field": "Orders.Status", "last": "1 day"}),
            "within needs a date",
        ),
        (rules({"all": []}), "A group is empty"),
        (rules({"segment": "Gone"}), "no segment “Gone”"),
        (rules({"segment": "S"}), "in a circle: S → S"),
        (rules({"all": [{"field": "Account.Name", "is": "x"}]}, of="contacts"), "give one the role contact"),
    ],
)
def test_issues_are_sentences(segment: Segment, words: str) -> None:
    assert words in sentence(segment)
    assert sentence(segment).endswith(".")


def sentence(segment: Segment, *others: Segment, tables: Catalog = catalog) -> str:
    return " ".join(issues(segment, tables, {other.name: other for other in others}))


def test_circles_over_several_segments() -> None:
    a, b, c = (rules({"segment": to}, name=name) for name, to in (("A", "B"), ("B", "C"), ("C", "A")))
    assert sentence(a, b, c) == "The segments refer to each other in a circle: A → B → C → A."
    assert "has a problem: There is no segment" in sentence(rules({"segment": "B"}, name="A"), b)


def test_tables_that_are_not_linked_or_linked_twice() -> None:
    total = one(field="Orders.Total", more_than=1)
    assert "not linked to Customer" in sentence(total, tables=replace(catalog, links=()))
    twice = (*catalog.links, Link("Customer", "Country", "Orders", "Status"))
    assert "in 2 ways" in sentence(total, tables=replace(catalog, links=twice))
    gone = (Link("Customer", "Id", "Orders", "Buyer"),)
    assert "Orders.Buyer, which is gone" in sentence(total, tables=replace(catalog, links=gone))


def test_a_table_without_key() -> None:
    tables = tuple(replace(t, key=None) for t in catalog.tables)
    assert "has no key" in sentence(one(field="Customer.Country", **{"is": "x"}), tables=Catalog(tables))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT Id FROM Customer WHERE Points > 3", ""),
        ("WITH big AS (SELECT CustomerId FROM orders WHERE Total > 5) SELECT CustomerId FROM big", ""),
        ("SELECT Id FROM Customer UNION SELECT CustomerId FROM Orders", ""),
        ("SELECT c.Id FROM Customer c JOIN Orders o ON o.CustomerId = c.Id GROUP BY c.Id HAVING count(*) > 2", ""),
        ("SELECT Id FROM (", "check its spelling"),
        ("SELECT Id FROM Customer; DROP TABLE x", "exactly one"),
        ("DELETE FROM Customer", "only read"),
        ("CREATE TABLE x AS SELECT 1", "only read"),
        ("COPY Customer TO 'x'", "only read"),
        ("ATTACH 'x.db'", "only read"),
        ("SELECT Id FROM 'customers.csv'", "no table"),
        ("SELECT Id FROM read_csv('x')", "not files"),
        ("SELECT Id FROM read_parquet('x')", "not files"),
        ("SELECT content FROM read_text('/etc/passwd')", "not files"),
        ("SELECT getenv('HOME') FROM Customer", "getenv is not allowed"),
        ("SELECT Id FROM Customer WHERE Id IN (SELECT a FROM read_csv('x'))", "not files"),
        ("SELECT Id FROM query('SELECT 1')", "not files"),
        ("SELECT Id FROM information_schema.tables", "not a table of this workspace"),
        ("SELECT * FROM Customer", "exactly one column"),
        ("SELECT Id, Points FROM Customer", "exactly one column"),
        ("SELECT Id FROM Customer WHERE Id = ?", "does more than that"),
        ("WITH Customer AS (SELECT 1 AS Id) SELECT Id FROM Customer", "another name"),
    ],
)
def test_queries_only_read_tables_of_the_workspace(sql: str, words: str) -> None:
    found = sentence(Segment("q", "Q", SegmentOf.CUSTOMERS, sql=sql))
    assert words in found if words else not found


def test_queries_and_lists_give_keys_that_exist(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": pa.array([1, 2, 3], pa.int64()), "Points": [5, 1, 9]})
    tables = Catalog((add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER),))
    query = Segment(
        "q", "Q", SegmentOf.CUSTOMERS, sql='SELECT c.id FROM "customer" AS c WHERE points > 3 UNION SELECT 99'
    )
    assert members(engine, tables, query, NOW) == [1, 3]
    folder = engine.folder / "data" / "lists"
    folder.mkdir()
    pq.write_table(pa.table({"member": ["2", "3", "77"]}), folder / "l.parquet")
    listed = Segment("l", "L", SegmentOf.CUSTOMERS, list_file="l.parquet")
    assert members(engine, tables, listed, NOW) == [2, 3]
    both = rules({"segment": "q"}, {"intersect": {"segment": "L"}})
    assert members(engine, tables, both, NOW, query, listed) == [3]
    for name in ("none.parquet", "../customer/1/part-0.parquet"):
        with pytest.raises(FixData, match="list of a segment is gone"):
            key_list(engine, name)


def test_ten_thousand_values(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": [f"k{i}" for i in range(20_000)]})
    tables = Catalog((add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER),))
    many = one(field="Customer.Id", is_one_of=[f"k{i * 2}" for i in range(10_000)])
    start = time.process_time()
    assert len(members(engine, tables, many, NOW)) == 10_000
    assert time.process_time() - start < 5


@pytest.mark.parametrize("operator", ["is", "is_one_of", "contains", "starts_with", "ends_with"])
@pytest.mark.parametrize("asked", ["José", "Jose\u0301"])
def test_an_accent_is_the_same_in_one_sign_and_in_two(engine: DuckDBEngine, asked: str, operator: str) -> None:
    rows = pa.table({"Id": ["one", "two", "none"], "N": ["José", "Jose\u0301", "Jose"]})
    tables = Catalog((add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER),))
    value = [asked] if operator == "is_one_of" else asked
    assert members(engine, tables, one(field="Customer.N", **{operator: value}), NOW) == ["one", "two"]
    if operator.startswith("is"):
        opposite = operator.replace("is", "is_not", 1)
        assert members(engine, tables, one(field="Customer.N", **{opposite: value}), NOW) == ["none"]


def test_names_of_columns_are_only_ever_names(engine: DuckDBEngine) -> None:
    wild = 'a"b; DROP TABLE x; --'
    rows = pa.table({"Id": ["1", "2"], wild: ["x", "y"]})
    tables = Catalog((add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER),))
    assert members(engine, tables, one(field=f"Customer.{wild}", **{"is": "y"}), NOW) == ["2"]


def test_the_day_the_clock_is_put_back_has_25_hours(engine: DuckDBEngine) -> None:
    """In New York it is 1:30 twice on the second of November 2025; as moments the two are told apart."""
    moments = ["2025-11-02T03:59", "2025-11-02T04:00", "2025-11-02T05:30", "2025-11-02T06:30", "2025-11-03T05:00"]
    seen = pa.array([datetime.fromisoformat(m) for m in moments], pa.timestamp("us", "UTC"))
    rows = pa.table({"Id": ["before", "first", "once", "again", "after"], "Seen": seen})
    tables = Catalog((add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER),))
    clock = Clock(datetime(2025, 11, 2, 6, 0, tzinfo=UTC), "America/New_York")  # 1:00, for the second time
    on_the_day = one(field="Customer.Seen", **{"is": "2025-11-02"})
    assert members(engine, tables, on_the_day, clock) == ["again", "first", "once"]
    assert members(engine, tables, one(field="Customer.Seen", last="1 hours"), clock) == ["once"]


@pytest.mark.parametrize("text", ["'; DROP TABLE x; --", 'a"b', "100%", "a_b", "!", "\\", "ü'ß"])
@pytest.mark.parametrize("operator", ["is", "contains", "starts_with", "ends_with"])
def test_values_are_only_ever_values(engine: DuckDBEngine, text: str, operator: str) -> None:
    rows = pa.table({"Id": ["same", "upper", "other"], "N": [text, text.upper(), "x" * len(text)]})
    tables = Catalog((add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER),))
    found = members(engine, tables, one(field="Customer.N", **{operator: text}), NOW)
    same_case = operator == "is" and text != text.upper()
    assert found == (["same"] if same_case or "ß" in text else ["same", "upper"])


@pytest.mark.parametrize("dialect", ["postgres", "spark"])
def test_other_dialects_can_write_it(dialect: str) -> None:
    segment = rules(
        {"all": [{"field": "Customer.Ltv", "at_least": 5}, {"field": "Orders.Total", "sum": True, "at_most": 9}]},
        {
            "except": {
                "any": [{"field": "Customer.Country", "contains": "a%"}, {"field": "Customer.Seen", "last": "2 years"}]
            }
        },
    )
    sql = SegmentSql(
        catalog,
        {},
        relation=lambda table: exp.to_table(table.name, quoted=True),
        clock=NOW,
        key_list=lambda name: exp.to_table(name),
        dialect=dialect,
    )
    assert sql.members(segment).sql(dialect)
