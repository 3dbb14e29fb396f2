"""How many rows each folder of a partition will hold, for looking at before a run."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from sqlglot import exp

from app.core.file_formats import PartitionBy
from app.core.partitions import MOST_FOLDERS, folder_names
from app.core.tables import Table
from app.data.engines.duckdb import DuckDBEngine
from app.data.formats.feed import partition_key
from app.data.sql_values import Value
from app.data.table_rows import looked_at
from app.jobs import CancelToken

_LOOKED_AT: Final = 5_000_000
"""Of larger tables, and of those on a server, a part stands for the whole."""

Folder = tuple[tuple[str, ...], int]
"""The folders of a partition, and how many rows lie there."""


class PartitionCounts:
    """Remembers the folders of each generation of a table; thread safe."""

    def __init__(self, engine: DuckDBEngine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, int, PartitionBy], tuple[Folder, ...]] = {}
        self._lock = threading.Lock()

    def folders(self, table: Table, by: PartitionBy, token: CancelToken) -> tuple[Folder, ...]:
        """The folders in the order they are written; one without a name when the table has no such field.

        Of a table of which only a part was looked at the numbers are scaled up. Raises what `looked_at` does.
        """
        if table.column(by.field) is None or not table.rows:
            return (((), table.rows),)
        asked = (table.id, table.generation, by)
        with self._lock:
            known = self._known.get(asked)
        if known is None:
            known = self._count(table, by, token)
            with self._lock:
                self._known[asked] = known
        return known

    def _count(self, table: Table, by: PartitionBy, token: CancelToken) -> tuple[Folder, ...]:
        column = table.column(by.field)
        assert column is not None
        value = Value(exp.column(column.name, table="r", quoted=True), column.type, column.native_type)
        with self._engine.cursor(token) as cursor:
            source, seen = looked_at(self._engine, cursor, table, _LOOKED_AT, token)
            key = self._engine.sql(exp.select(exp.alias_(partition_key(value, by.grain), "k")))
            query = f"{key} FROM (SELECT * FROM {source} LIMIT {_LOOKED_AT}) AS r"  # noqa: S608 - quoted names
            found = cursor.execute(
                f"SELECT k, count(*) FROM ({query}) GROUP BY k ORDER BY k LIMIT {MOST_FOLDERS}"  # noqa: S608 - as above
            ).fetchall()
        counted: Counter[tuple[str, ...]] = Counter()
        for text, rows in found:
            counted[folder_names(by, text)] += rows
        scale = table.rows / max(1, min(seen.rows, _LOOKED_AT))
        return tuple((folders, round(rows * scale)) for folders, rows in counted.items())
