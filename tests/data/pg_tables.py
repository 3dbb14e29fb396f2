"""Tables on the test server, as they would be added to a workspace."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from app.core.tables import ServerTable, Table, TableRole
from app.data.engines.postgres import PostgresEngine
from app.jobs import CancelToken
from tests.data.rows import WHEN
from tests.servers.postgres import PostgresServer

KINDS = {
    pa.string(): "text",
    pa.float64(): "float8",
    pa.int64(): "int8",
    pa.decimal128(10, 2): "numeric(10,2)",
    pa.bool_(): "bool",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
}


def create(server: PostgresServer, schema: str, name: str, rows: pa.Table, *, key: str | None = None) -> None:
    """A table with these rows; `key` becomes its primary key."""
    primary = f', PRIMARY KEY ("{key}")' if key else ""
    columns = ", ".join(f'"{field.name}" {KINDS[field.type]}' for field in rows.schema)
    server.run(f'CREATE TABLE {schema}."{name}" ({columns}{primary})')
    fill(server, schema, name, rows)


def fill(server: PostgresServer, schema: str, name: str, rows: pa.Table) -> None:
    """Replace the rows."""
    insert = f'INSERT INTO {schema}."{name}" VALUES {values(rows)}'
    server.run(f'TRUNCATE {schema}."{name}"', *([insert] if rows.num_rows else []))


def values(rows: pa.Table) -> str:
    """The rows as SQL writes them."""
    return ", ".join("(" + ", ".join(_literal(v) for v in row.values()) + ")" for row in rows.to_pylist())


def described(
    engine: PostgresEngine,
    schema: str,
    name: str,
    *,
    key: str | None,
    role: TableRole = TableRole.OTHER,
    rows: int = 0,
    called: str | None = None,
) -> Table:
    place = ServerTable(schema, name)
    columns = engine.describe(place, CancelToken())
    title = called or name
    return Table(title.lower(), title, role, columns, key, rows, 1, "server", WHEN, server=place)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return "'" + str(value).replace("'", "''") + "'"
