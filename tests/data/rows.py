"""Workspace folders with rows, as ingest leaves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.core.tables import Meaning, Table, TableRole
from app.data.engines.duckdb import DuckDBEngine

WHEN = datetime(2025, 6, 1, tzinfo=UTC)


def add_table(
    engine: DuckDBEngine,
    name: str,
    rows: pa.Table,
    *,
    key: str | None,
    role: TableRole = TableRole.OTHER,
    generation: int = 1,
    meanings: dict[str, Meaning] | None = None,
) -> Table:
    """Write the rows as one generation of a table and describe it."""
    folder: Path = engine.folder / "data" / name.lower() / str(generation)
    folder.mkdir(parents=True)
    pq.write_table(rows, folder / "part-0.parquet", compression="zstd")
    columns = engine.describe([folder / "part-0.parquet"])
    named = tuple(replace(c, meaning=(meanings or {}).get(c.name, Meaning.NONE)) for c in columns)
    return Table(name.lower(), name, role, named, key, rows.num_rows, generation, "test", WHEN)
