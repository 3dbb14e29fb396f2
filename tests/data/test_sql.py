from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from app.core.clocks import Clock
from app.core.segments import Segment
from app.core.tables import Column, ColumnType
from app.data.segment_issues import issues
from app.data.sql import SegmentSql
from app.data.sql_values import column_value
from tests.data.messy import NOW, Oracle, arrow, as_many, catalog, families, tables, with_unique_keys
from tests.data.pandas_oracle import PandasOracle


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def compiler(segments: dict[str, Segment], *, unique: bool = False) -> SegmentSql:
    return SegmentSql(
        catalog,
        segments,
        relation=lambda table: exp.to_table(table.name, quoted=True),
        clock=Clock(NOW),
        key_list=lambda name: exp.to_table(name),
        unique_key=lambda table: unique,
    )


def fill(connection: duckdb.DuckDBPyConnection, folder: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Real Parquet files: DuckDB answers some questions from their statistics."""
    for name, found in rows.items():
        pq.write_table(arrow(name, found), folder / f"{name}.parquet")
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS FROM read_parquet('{folder}/{name}.parquet')")


def run(connection: duckdb.DuckDBPyConnection, query: exp.Expr) -> list[Any]:
    """The rows of a query that nobody needs any more: copies are a third of the work of writing it."""
    return [row[0] for row in connection.execute(query.sql("duckdb", copy=False)).fetchall()]


def check_same(connection: duckdb.DuckDBPyConnection, folder: Path, data: st.DataObject, *, unique: bool) -> None:
    rows = data.draw(tables())
    if unique:
        rows = with_unique_keys(rows)
    segments = data.draw(families())
    oracle = Oracle(rows, segments)
    fill(connection, folder, rows)
    for asked in segments.values():
        assert issues(asked, catalog, segments) == []
        sql = compiler(segments, unique=unique)
        members = run(connection, sql.members(asked))
        assert len(members) == len(set(members))
        assert set(members) == oracle.members(asked)
        alias = exp.alias_(sql.relation(sql.table(asked)), "x", table=True)
        rows_of = (
            exp.select(exp.column("Id", table="x")).distinct().from_(alias).where(sql.predicate(asked, "x"), copy=False)
        )
        assert set(run(connection, rows_of)) == oracle.members(asked)


@as_many(15)
@given(data=st.data())
def test_members_are_those_plain_python_finds(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, data: st.DataObject
) -> None:
    check_same(connection, tmp_path, data, unique=False)


@as_many(15)
@given(data=st.data())
def test_members_with_unique_keys(connection: duckdb.DuckDBPyConnection, tmp_path: Path, data: st.DataObject) -> None:
    check_same(connection, tmp_path, data, unique=True)


@as_many(25)
@given(data=st.data())
def test_members_are_those_pandas_finds(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, data: st.DataObject
) -> None:
    """A second way to know, so that nobody's mistake is shared: 200 segments."""
    rows = data.draw(tables())
    segments = data.draw(families())
    pandas, plain = PandasOracle(rows, segments), Oracle(rows, segments)
    fill(connection, tmp_path, rows)
    for asked in segments.values():
        found = set(run(connection, compiler(segments).members(asked)))
        assert pandas.members(asked) == found
        assert plain.members(asked) == found


@pytest.mark.slow
@pytest.mark.parametrize("unique", [False, True])
@as_many(110)
@given(data=st.data())
def test_thousands_of_segments(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, unique: bool, data: st.DataObject
) -> None:
    """1,760 segments beside those above, each asked for in both ways; SENDOFF_CASES=10 for ten times as many."""
    check_same(connection, tmp_path, data, unique=unique)


def test_a_number_that_is_none_is_nothing_whoever_wrote_the_file(tmp_path: Path) -> None:
    """Statistics of files that DuckDB did not write leave NaN out, and it would answer from them that there is none."""
    path = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"n": pa.array([1.5, math.nan, 2.5, math.inf, -math.inf, None])}), path)
    value = column_value(Column("n", ColumnType.NUMBER), "t").expression.sql("duckdb")
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT CAST({value} AS TEXT) FROM read_parquet('{path}') t").fetchall()
    assert [row[0] for row in rows] == ["1.5", None, "2.5", None, None, None]
