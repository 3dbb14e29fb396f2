"""What two generations of a table have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.core.table_changes import Offer, same_family
from app.core.tables import Column, Link
from app.data.catalog import share_found
from app.data.engines.duckdb import Cursor, quoted, rows_in


def rows_in_common(cursor: Cursor, old: Sequence[str], old_key: str, new: Sequence[str], new_key: str) -> int:
    """How many rows have a key that both generations have; the keys are unique."""
    query = (
        f"SELECT count(*) FROM (SELECT {quoted(old_key)}::VARCHAR AS value FROM read_parquet(?)) "  # noqa: S608 - quoted
        f"SEMI JOIN (SELECT {quoted(new_key)}::VARCHAR AS value FROM read_parquet(?)) USING (value)"
    )
    row = cursor.execute(query, [list(old), list(new)]).fetchone()
    return int(row[0]) if row else 0


def offers(
    cursor: Cursor, gone: Iterable[Column], added: Sequence[Column], old: Sequence[str], new: Sequence[str]
) -> list[Offer]:
    """For each column that is gone those of the same kind of type that came, by the share of its values found there."""
    came, went = rows_in(new), rows_in(old)
    return [
        Offer(column.name, other.name, share_found(cursor, Link("", other.name, "", column.name), came, went))
        for column in gone
        for other in added
        if same_family(column.type, other.type)
    ]
