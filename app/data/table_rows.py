"""The rows of one table for whoever looks at them or writes them, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sqlglot import exp

from app.core.tables import Column, Table
from app.data.engines.duckdb import Cursor, DuckDBEngine, quoted, rows_in
from app.data.engines.protocol import Cursor as SomeCursor
from app.data.engines.protocol import Server
from app.data.engines.types import arrived
from app.data.server_rows import server_of
from app.jobs import CancelToken

LOOKED_AT = 100_000
"""Of a table on a server so many rows are looked at, to say what its columns hold."""
_BROUGHT = "looked_at"


def looked_at(
    engine: DuckDBEngine, cursor: Cursor, table: Table, at_most: int, token: CancelToken
) -> tuple[str, Table]:
    """What stands after FROM in this cursor to look at the table's rows, and the table with as many rows as are there.

    Of a table on a server only so many rows come here, picked from all of it where the server can do that. Raises as
    `Server`, and FixData when the rows are gone.
    """
    server = server_of(engine, table)
    if server is None:
        return rows_in(engine.table_files(table)), table
    with _streamed(server, cursor, table, table.columns, at_most, token) as source:
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_BROUGHT} AS SELECT * FROM {source} AS s")  # noqa: S608 - our own name
    rows = cursor.execute(f"SELECT count(*) FROM {_BROUGHT}").fetchall()[0][0]  # noqa: S608 - as above
    return _BROUGHT, replace(table, rows=rows)


@contextmanager
def asking(
    engine: DuckDBEngine, table: Table, token: CancelToken
) -> Iterator[tuple[SomeCursor, Callable[[Table], str]]]:
    """A cursor where the table is, and what stands after FROM in its SQL for that table and others in the same place."""
    server = server_of(engine, table)
    if server is None:
        with engine.cursor(token) as here:
            yield here, lambda other: rows_in(engine.table_files(other))
        return
    with server.cursor(token) as there:
        yield there, lambda other: server.sql(server.relation(other))


@contextmanager
def all_rows(
    engine: DuckDBEngine,
    cursor: Cursor,
    table: Table,
    columns: Sequence[Column],
    token: CancelToken,
    *,
    twice: bool = False,
) -> Iterator[exp.Expr]:
    """All rows with at least these columns, to stand after FROM in this cursor while the block runs.

    They may be read once, unless asked for `twice`: rows of a server pass by then no more but are kept for the block.
    """
    server = server_of(engine, table)
    if server is None:
        yield engine.relation(table)
        return
    with _streamed(server, cursor, table, columns, None, token) as source:
        if not twice:
            yield exp.Table(this=exp.var(source))
            return
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_BROUGHT} AS SELECT * FROM {source} AS s")  # noqa: S608 - our own name
    yield exp.to_table(_BROUGHT)


def row_count(engine: DuckDBEngine, table: Table, token: CancelToken) -> int:
    """How many rows the table has: those of its generation, or those on the server now."""
    server = server_of(engine, table)
    if server is None:
        return table.rows
    query = server.sql(
        exp.select(exp.Count(this=exp.Star())).from_(exp.alias_(server.relation(table), "r", table=True))
    )
    with server.cursor(token) as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


@contextmanager
def _streamed(
    server: Server, cursor: Cursor, table: Table, columns: Sequence[Column], at_most: int | None, token: CancelToken
) -> Iterator[str]:
    """The server's rows as they arrive, as a subquery of this cursor."""
    sampled = None
    if at_most is not None and table.rows > at_most:
        sampled = server.sampled(table, max(1, round(100 * at_most / table.rows)))
    source = exp.alias_(server.relation(table) if sampled is None else sampled, "r", table=True)
    values = [
        exp.alias_(server.travelling(table, column, exp.column(column.name, table="r", quoted=True)), f"c{i}")
        for i, column in enumerate(columns)
    ]
    query = exp.select(*values).from_(source)
    if at_most is not None:
        query = query.limit(at_most)
    selected = ", ".join(f"{arrived(column, f'c{i}')} AS {quoted(column.name)}" for i, column in enumerate(columns))
    # Rows of a whole table are read as slowly as their files go away.
    with server.reader(server.sql(query), token, time_limit=at_most is not None) as batches:
        view = f"{table.id}_batches"
        cursor.register(view, batches)
        try:
            yield f"(SELECT {selected} FROM {quoted(view)})"  # noqa: S608 - quoted names
        finally:
            cursor.unregister(view)
