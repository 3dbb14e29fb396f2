"""The first lines of a file as it would be written, by the code that writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlglot import exp

from app.core.exports import Compression, FileType, Format
from app.data.engines.duckdb import Cursor, DuckDBEngine
from app.data.table_files import RowSource, Selection, column_text, write
from app.jobs import JobContext


@dataclass(frozen=True, slots=True)
class FirstRows:
    """At most so many rows of another source."""

    source: RowSource
    most: int

    @contextmanager
    def select(self, cursor: Cursor, ctx: JobContext) -> Iterator[Selection]:
        """See `RowSource`."""
        with self.source.select(cursor, ctx) as selection:
            yield replace(selection, query=selection.query.limit(self.most), rows=min(selection.rows, self.most))


def first_lines(engine: DuckDBEngine, source: RowSource, format: Format, rows: int, ctx: JobContext) -> tuple[str, ...]:  # noqa: A002 - the field's word
    """The header, where there is one, and the lines of the first rows, uncompressed; Parquet's rows as JSON lines.

    Raises what `write` does. A value with a line break takes several lines, as in the file.
    """
    kind = FileType.JSON_LINES if format.type is FileType.PARQUET else format.type
    plain = replace(format, type=kind, compression=Compression.NONE, rows_per_file=None)
    with TemporaryDirectory(dir=engine.folder / "tmp") as folder:
        [written] = write(engine, FirstRows(source, rows), plain, Path(folder), ctx)
        return tuple(written.path.read_text(format.encoding).splitlines())


def first_values(engine: DuckDBEngine, source: RowSource, rows: int, ctx: JobContext) -> list[tuple[str | None, ...]]:
    """The values of the rows that `first_lines` shows, as CSV spells them; raises what `write` does."""
    with engine.cursor(ctx.token) as cursor, FirstRows(source, rows).select(cursor, ctx) as selection:
        texts = [exp.alias_(column_text(value), f"t{i}") for i, value in enumerate(selection.values)]
        query = exp.select(*texts).from_(selection.query.subquery("q"))
        return cursor.execute(query.sql(engine.dialect)).fetchall()
