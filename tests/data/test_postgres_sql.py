"""Segments on a real PostgreSQL server have the members that plain Python finds, as those on DuckDB have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from app.core.clocks import Clock
from app.core.segments import Segment
from app.core.tables import Catalog, ServerTable
from app.data.server_rows import has_text_key
from app.data.sql import SegmentSql
from app.jobs import CancelToken
from tests.data import pg_tables
from tests.data.messy import LINKS, NOW, SHAPES, Oracle, arrow, as_many, catalog, families, tables, with_unique_keys
from tests.servers.postgres import PostgresServer


class Shop:
    """The messy tables on the server."""

    def __init__(self, server: PostgresServer, schema: str) -> None:
        self.server, self.schema = server, schema
        self.engine = server.engine()
        self.writer = server.connection()
        for name in SHAPES:
            pg_tables.create(server, schema, name, arrow(name, []))
        self.catalog = Catalog(
            tuple(replace(table, server=ServerTable(schema, table.name)) for table in catalog.tables), LINKS
        )

    def fill(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        """Replace the rows of all tables."""
        statements = [f'DELETE FROM {self.schema}."{name}"' for name in rows]
        statements += [
            f'INSERT INTO {self.schema}."{name}" VALUES {pg_tables.values(arrow(name, found))}'
            for name, found in rows.items()
            if found
        ]
        with self.writer.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def compiler(self, segments: dict[str, Segment], *, unique: bool) -> SegmentSql:
        return SegmentSql(
            self.catalog,
            segments,
            relation=self.engine.relation,
            clock=Clock(NOW),
            key_list=lambda _name: self.engine.keys([]),
            unique_key=lambda _table: unique,
            blank_key=has_text_key,
        )

    def ask(self, query: exp.Expr) -> list[Any]:
        words = self.engine.sql(query)
        with self.engine.cursor(CancelToken()) as cursor:
            cursor.execute(words)
            return [row[0] for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer) -> Iterator[Shop]:
    with postgres.schema() as schema:
        shop = Shop(postgres, schema)
        yield shop
        shop.engine.close()
        shop.writer.close()


def check_same(shop: Shop, data: st.DataObject, *, unique: bool) -> None:
    rows = data.draw(tables())
    if unique:
        blank = [{**row, "Id": " "} for row in rows["Customer"][:1]]
        rows = with_unique_keys(rows)
        rows["Customer"] += blank  # a server lets one key be blank
    segments = data.draw(families())
    oracle = Oracle(rows, segments)
    shop.fill(rows)
    for asked in segments.values():
        sql = shop.compiler(segments, unique=unique)
        members = shop.ask(sql.members(asked))
        assert len(members) == len(set(members))
        assert set(members) == oracle.members(asked)
        alias = exp.alias_(sql.relation(sql.table(asked)), "x", table=True)
        rows_of = exp.select(exp.column("Id", table="x", quoted=True)).distinct().from_(alias)
        assert set(shop.ask(rows_of.where(sql.predicate(asked, "x"), copy=False))) == oracle.members(asked)


@as_many(10)
@given(data=st.data())
def test_members_are_those_plain_python_finds(shop: Shop, data: st.DataObject) -> None:
    check_same(shop, data, unique=False)


@as_many(10)
@given(data=st.data())
def test_members_with_unique_keys(shop: Shop, data: st.DataObject) -> None:
    check_same(shop, data, unique=True)


@pytest.mark.slow
@pytest.mark.parametrize("unique", [False, True])
@as_many(110)
@given(data=st.data())
def test_thousands_of_segments(shop: Shop, unique: bool, data: st.DataObject) -> None:
    """1,760 segments beside those above, each asked for in both ways; SENDOFF_CASES=10 for ten times as many."""
    check_same(shop, data, unique=unique)
