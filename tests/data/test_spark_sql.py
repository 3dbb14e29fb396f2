"""Segments on a real Spark cluster have the members that plain Python finds, as those on DuckDB and PostgreSQL have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from app.core.clocks import Clock
from app.core.tables import Catalog, ServerTable
from app.data.sql import SegmentSql
from app.jobs import CancelToken
from tests.data.messy import LINKS, NOW, SHAPES, Oracle, arrow, catalog, families, tables, with_unique_keys
from tests.servers.spark import SparkServer, spark

__all__ = ["spark"]
pytestmark = pytest.mark.slow


class Shop:
    """The messy tables on the cluster."""

    def __init__(self, server: SparkServer, schema: str) -> None:
        self.server, self.schema = server, schema
        self.engine = server.engine()
        for name in SHAPES:
            server.create(schema, name, arrow(name, []))
        self.catalog = Catalog(
            tuple(replace(table, server=ServerTable(schema, table.name)) for table in catalog.tables), LINKS
        )

    def ask(self, query: exp.Expr) -> list[Any]:
        with self.engine.cursor(CancelToken()) as cursor:
            cursor.execute(self.engine.sql(query))
            return [row[0] for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def shop(spark: SparkServer) -> Iterator[Shop]:
    with spark.schema() as schema:
        shop = Shop(spark, schema)
        yield shop
        shop.engine.close()


# Not made smaller when it fails: that would ask the cluster for hours.
@settings(max_examples=6, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(data=st.data(), unique=st.booleans())
def test_members_are_those_plain_python_finds(shop: Shop, data: st.DataObject, unique: bool) -> None:
    """Every example asks for many segments, because changing the rows takes as long as asking for several."""
    rows = data.draw(tables())
    if unique:
        rows = with_unique_keys(rows)
    segments = data.draw(families(5))
    oracle = Oracle(rows, segments)
    for name, found in rows.items():
        shop.server.fill(shop.schema, name, arrow(name, found))
    sql = SegmentSql(
        shop.catalog,
        segments,
        relation=shop.engine.relation,
        clock=Clock(NOW),
        key_list=lambda _name: shop.engine.keys([]),
        unique_key=lambda _table: unique,
    )
    for asked in segments.values():
        members = shop.ask(sql.members(asked))
        assert len(members) == len(set(members))
        assert set(members) == oracle.members(asked)
    # As the counts ask: is each row one of a member?
    alias = exp.alias_(sql.relation(sql.table(asked)), "x", table=True)
    rows_of = exp.select(exp.column("Id", table="x", quoted=True)).distinct().from_(alias)
    assert set(shop.ask(rows_of.where(sql.predicate(asked, "x")))) == oracle.members(asked)
