"""The columns of a table by name, and whether one of them can be its key."""

from __future__ import annotations

from app.core.errors import FixData
from app.core.names import did_you_mean, fold
from app.core.tables import Column, Table
from app.data.catalog import is_unique
from app.data.engines.duckdb import DuckDBEngine
from app.data.table_rows import asking
from app.jobs import CancelToken


def column_named(table: Table, name: str) -> Column:
    """The column of that name, whatever its case; raises FixData when there is none."""
    column = table.column(name) or next((c for c in table.columns if fold(c.name) == fold(name)), None)
    if column is None:
        raise FixData(
            f"{table.name} has no column {name}.",
            "It was removed in the source, or the name is spelled differently.",
            did_you_mean(name, (each.name for each in table.columns), "Look at the columns of the table."),
            code="no_column",
        )
    return column


def demand_key(engine: DuckDBEngine, table: Table, token: CancelToken, source: str | None = None) -> None:
    """Raise FixData when the key is gone, empty in some rows, or stands twice; `source` reads rows not in place yet."""
    if table.key is None:
        return
    if table.column(table.key) is None:
        raise FixData(
            f"{table.name} has no column {table.key} any more.",
            "It is the key that segments and links are built on; the old rows were kept.",
            "Bring the column back in the source, or choose another key first.",
            code="key_missing",
        )
    with asking(engine, table, token) as (cursor, source_in):
        unique = is_unique(cursor, source or source_in(table), table.key)
    if not unique:
        raise FixData(
            f"{table.name}.{table.key} can't be the key.",
            "Some rows have no value in it, or a value stands in more than one row.",
            "Correct the source, or choose another column as the key.",
            code="key_not_unique",
        )
