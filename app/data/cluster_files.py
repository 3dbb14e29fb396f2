"""Whole tables that the cluster which keeps them writes to a storage by itself; what it wrote is checked here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from app.core.errors import TryAgain
from app.core.file_formats import ROW_GROUP, FileType, Format
from app.core.names import new_id
from app.core.tables import ColumnType
from app.data.server_rows import server_of
from app.data.table_files import TableRows
from app.jobs import JobContext, Progress

_ALIKE: Final = frozenset(ColumnType) - {ColumnType.NESTED, ColumnType.TIME}
"""Types that a cluster writes into Parquet as they are written here."""


def written_there(source: TableRows, file_format: Format, near: Path, ctx: JobContext) -> list[tuple[Path, int]] | None:
    """The files with their rows, below `near`; None when they are to be written here.

    That is so for other files than a cluster makes, with a suppression list, which is known here only, and where no cluster
    sees that folder. Raises TryAgain when the files do not hold what the cluster said, and what asking it does.
    """
    table, server = source.table, server_of(source.engine, source.table)
    columns = [column for name in source.fields if (column := table.column(name)) is not None]
    alike = len(columns) == len(source.fields) and all(column.type in _ALIKE for column in columns)
    if server is None or not _can_write(file_format) or source.suppression is not None or not alike:
        return None
    values = [
        exp.alias_(
            server.travelling(table, column, exp.column(column.name, table="r", quoted=True)), column.name, quoted=True
        )
        for column in columns
    ]
    query = exp.select(*values).from_(exp.alias_(server.relation(table), "r", table=True))
    ctx.report(Progress("Write files", unit="rows", note=table.name))
    folder = near / new_id()
    rows = server.write(server.sql(query), folder, file_format.compression.value, file_format.rows_per_file, ctx.token)
    if rows is None:
        return None
    found = [(path, _rows_of(path)) for path in sorted(folder.glob("*.parquet"))]
    if not found or sum(number for _, number in found) != rows:
        raise TryAgain(
            f"The cluster did not write {table.name} whole.",
            f"It counted {rows:,} rows, and {sum(number for _, number in found):,} are in its files. Nothing was replaced.",
            "Run the export again.",
            code="not_whole",
        )
    return found


def _can_write(file_format: Format) -> bool:
    """Whether a cluster makes such files: Parquet with its own row groups, in one folder, as many rows in each as asked."""
    plain = (file_format.row_group, file_format.bytes_per_file, file_format.partition, file_format.pgp_key)
    return file_format.type is FileType.PARQUET and plain == (ROW_GROUP, None, None, "")


def _rows_of(path: Path) -> int:
    """How many rows a Parquet file has; none that can be counted on when it is broken."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return -1
