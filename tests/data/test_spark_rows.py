"""What members are sent, and how many, is the same whether their tables are here or on a real Spark cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from app.core.errors import TryAgain
from app.core.file_formats import Compression, FileType, Format
from app.core.segments import Segment
from app.core.tables import Catalog, TableRole
from app.data.catalog import find_links, is_unique
from app.data.cluster_files import written_there
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.suppression import ListedValues, SuppressedRows
from app.data.table_files import MemberRows, TableRows
from app.data.table_rows import asking, looked_at, row_count
from app.data.workspace_rows import Scope
from app.jobs import CancelToken, JobContext
from tests.data.rows import WHEN, add_list
from tests.data.test_counting import segment
from tests.data.test_server_rows import (
    EMAILS,
    FIELDS,
    IDENTITIES,
    LINKS,
    PHONES,
    SEGMENTS,
    Twins,
    check_changed_rows,
    check_the_same,
    customers,
    files,
    orders,
)
from tests.servers.spark import SparkServer, described, spark

__all__ = ["spark"]
pytestmark = pytest.mark.slow

POINTS = [0.0, 1.5, float("nan"), float("inf"), None]
KEYS = [str(i) if i % 11 else ["", " ", None][i % 3] for i in range(45)]
COUNTRIES, CONSENTS = ["DE", "ΑΣ", "ας", None], [True, False, None]
PEOPLE = [
    (key, EMAILS[i % 9], PHONES[i % 6], COUNTRIES[i % 4], CONSENTS[i % 3], POINTS[i % 5]) for i, key in enumerate(KEYS)
]
BOUGHT = [
    (i, str(i % 7), ["b", "B", "ä", " ", None][i % 5], [None, Decimal("0.10"), Decimal("5.00")][i % 3])
    for i in range(30)
]


class SparkTwins(Twins):
    def fill(self, name: str, rows: pa.Table) -> None:
        self.server.fill(self.schema, name, rows)


@pytest.fixture(scope="module")
def twins(spark: SparkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    server = spark.engine()
    engine = DuckDBEngine(tmp_path_factory.mktemp("twins"), threads=1, server=lambda: server)
    with spark.schema() as schema:
        for name, empty in (("Customer", customers()), ("Orders", orders())):
            spark.create(schema, name, empty)
        yield SparkTwins(engine, spark, schema, Counter(engine))
    server.close()
    engine.close()


@pytest.mark.parametrize(("asked", "identity"), [(SEGMENTS[2], IDENTITIES[2]), (SEGMENTS[4], IDENTITIES[1])])
def test_the_same_numbers_and_members(twins: Twins, asked: Segment, identity: Identity) -> None:
    scopes = twins.scopes(customers(*PEOPLE), orders(*BOUGHT), *SEGMENTS)
    facts = add_list(twins.engine, ["b@x.de"])
    check_the_same(
        twins, (replace(scopes[0], suppression=facts), replace(scopes[1], suppression=facts)), asked, identity
    )


def test_files_hold_the_same_lines(twins: Twins, tmp_path: Path) -> None:
    here, there = twins.scopes(customers(*PEOPLE), orders(*BOUGHT), *SEGMENTS)
    plain = Format(type=FileType.CSV, compression=Compression.NONE)
    names = tuple(column.name for column in here.catalog.tables[0].columns)
    found = []
    for place, scope in (("here", here), ("there", there)):
        table = TableRows(twins.engine, scope.catalog.tables[0], names)
        members = MemberRows(Members(twins.engine), scope, SEGMENTS[1], MemberSpec(FIELDS, IDENTITIES[0]))
        lines = files(twins.engine, table, plain, tmp_path / f"rows_{place}")
        found.append(lines + files(twins.engine, members, plain, tmp_path / f"members_{place}"))
    assert found[1] == found[0]
    assert len(found[0]) > len(PEOPLE)


def test_changed_rows_of_a_cluster_are_brought_once_and_are_those_of_here(twins: Twins, tmp_path: Path) -> None:
    check_changed_rows(twins, tmp_path)


def test_a_table_is_looked_at_where_it_is(twins: Twins) -> None:
    _, scope = twins.scopes(customers(*PEOPLE), orders(*BOUGHT), *SEGMENTS)
    customer, order = scope.catalog.tables
    with asking(twins.engine, customer, CancelToken()) as (cursor, source_of):
        assert not is_unique(cursor, source_of(customer), "Id")
        assert is_unique(cursor, source_of(order), "OrderId")
        assert find_links(cursor, order, scope.catalog, source_of) == list(LINKS)
    assert row_count(twins.engine, customer, CancelToken()) == len(PEOPLE)
    with twins.engine.cursor(CancelToken()) as cursor:
        _, looked = looked_at(twins.engine, cursor, replace(customer, rows=100), 50, CancelToken())
        assert 0 < looked.rows <= 50


def test_the_cluster_writes_a_table_itself_where_it_sees_the_folder(twins: Twins, tmp_path: Path) -> None:
    here, there = twins.scopes(customers(*PEOPLE), orders(*BOUGHT), *SEGMENTS)
    fields = ("OrderId", "CustomerId", "Item", "Total")
    wanted = here.catalog.tables[1]
    source = TableRows(twins.engine, there.catalog.tables[1], fields)
    for rows_per_file, files_at_least in ((None, 1), (8, 4)):
        parquet = Format(type=FileType.PARQUET, compression=Compression.ZSTD, rows_per_file=rows_per_file)
        near = tmp_path / f"near-{rows_per_file}"
        found = written_there(source, parquet, near, JobContext())
        assert found is not None
        assert len(found) >= files_at_least
        assert all(near in path.parents for path, _ in found)
        assert max(rows for _, rows in found) <= (rows_per_file or len(BOUGHT))
        with twins.engine.cursor(CancelToken()) as cursor:
            names = [str(path) for path, _ in found]
            written = cursor.execute("DESCRIBE SELECT * FROM read_parquet(?)", [names]).fetchall()
            assert [(row[0], row[1]) for row in written] == [(c.name, c.native_type) for c in wanted.columns]
            written = cursor.execute("FROM read_parquet(?) ORDER BY 1", [names]).fetchall()
            assert (
                written == cursor.execute(f"FROM {twins.engine.relation(wanted).sql('duckdb')} ORDER BY 1").fetchall()
            )
    empty = replace(twins.scopes(customers(), orders(), *SEGMENTS)[1].catalog.tables[1])
    found = written_there(TableRows(twins.engine, empty, fields), parquet, tmp_path / "empty", JobContext())
    assert [rows for _, rows in found or ()] == [0]


def test_what_the_cluster_may_not_or_cannot_write_is_written_here(
    twins: Twins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, there = twins.scopes(customers(*PEOPLE), orders(*BOUGHT), *SEGMENTS)
    parquet, fields = Format(type=FileType.PARQUET), ("OrderId", "Total")
    source = TableRows(twins.engine, there.catalog.tables[1], fields)
    listed = SuppressedRows(ListedValues(twins.engine), add_list(twins.engine, ["b@x.de"]), "DE")
    for other, file_format in ((source, Format()), (replace(source, suppression=listed), parquet)):
        assert written_there(other, file_format, tmp_path / "near", JobContext()) is None
    assert not (tmp_path / "near").exists()
    monkeypatch.setattr(Path, "as_uri", lambda _self: "file:///not/the/same/folder")
    assert written_there(source, parquet, tmp_path / "near", JobContext()) is None
    assert list((tmp_path / "near").iterdir()) == []


def test_files_that_do_not_hold_what_the_cluster_said_are_not_taken(
    twins: Twins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, there = twins.scopes(customers(*PEOPLE), orders(*BOUGHT), *SEGMENTS)
    assert twins.engine.server is not None
    server = twins.engine.server()
    writing = server.write

    def broken(query: str, folder: Path, compression: str, rows: int | None, token: CancelToken) -> int | None:
        said = writing(query, folder, compression, rows, token)
        next(folder.glob("*.parquet")).write_bytes(b"PAR1")
        return said

    monkeypatch.setattr(server, "write", broken)
    source = TableRows(twins.engine, there.catalog.tables[1], ("OrderId", "Total"))
    with pytest.raises(TryAgain) as caught:
        written_there(source, Format(type=FileType.PARQUET), tmp_path, JobContext())
    assert caught.value.code == "not_whole"


TYPES = {
    "small": ("SMALLINT", "7S", "7"),
    "big": ("BIGINT", "9007199254740993", "9007199254740993"),
    "money": ("DECIMAL(38,10)", "12.5", "12.5000000000"),
    "real": ("FLOAT", "0.1F", "0.1"),
    "infinite": ("DOUBLE", "DOUBLE('-Infinity')", "-inf"),
    "yes": ("BOOLEAN", "true", "true"),
    "day": ("DATE", "DATE'2024-02-29'", "2024-02-29"),
    "moment": ("TIMESTAMP_NTZ", "TIMESTAMP_NTZ'2024-02-29 12:00:00'", "2024-02-29T12:00:00"),
    "zoned": ("TIMESTAMP", "TIMESTAMP'2024-02-29 12:00:00+05:00'", "2024-02-29T07:00:00Z"),
    "bytes": ("BINARY", "X'dead'", "3q0="),
    "fixed": ("VARCHAR(5)", "'ab'", "ab"),
    "cased": ("STRING COLLATE UTF8_LCASE", "'Aa'", "Aa"),
    "list": ("ARRAY<INT>", "ARRAY(1, 2)", '"[1,2]"'),
    "nested": ("STRUCT<a: INT>", "NAMED_STRUCT('a', 1)", '"{""a"":1}"'),
}


def test_every_type_comes_as_what_it_is(twins: Twins, tmp_path: Path) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in TYPES.items())
    values = ", ".join(value for _, value, _ in TYPES.values())
    twins.server.run(
        f"CREATE TABLE {twins.schema}.types (id INT, {columns}) USING parquet",
        f"INSERT INTO {twins.schema}.types VALUES (1, {values}), (2{', NULL' * len(TYPES)})",
    )
    engine = twins.server.engine()
    table = described(engine, twins.schema, "types", key="id", role=TableRole.CUSTOMER, called="Customer")
    engine.close()
    source = TableRows(twins.engine, table, ("id", *TYPES))
    lines = files(twins.engine, source, Format(type=FileType.CSV, compression=Compression.NONE), tmp_path / "out")
    assert lines[:2] == ["1," + ",".join(written for _, _, written in TYPES.values()), "2" + "," * len(TYPES)]
    scope = Scope(Catalog((table,)), (), WHEN)
    for rule, members in (
        ({"field": "Customer.cased", "is": "aa"}, 0),
        ({"field": "Customer.cased", "contains": "AA"}, 1),
        ({"field": "Customer.infinite", "is_empty": True}, 2),
        ({"field": "Customer.zoned", "is": "2024-02-29T07:00:00Z"}, 1),
        ({"field": "Customer.moment", "at_least": "2024-02-29"}, 1),
        ({"field": "Customer.fixed", "is_not": "a\0b\\'"}, 2),
        ({"field": "Customer.list", "is_empty": True}, 1),
    ):
        found = twins.counter.count(scope, segment("S", rule), CountSpec(), JobContext())
        assert found.members == members, rule
