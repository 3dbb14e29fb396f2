"""The first lines of a file as it would be written, by the code that writes it, and the values in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from sqlglot import exp

from app.core.file_formats import ENCODINGS, Compression, FileType, Format, PartitionBy
from app.data.engines.duckdb import Cursor, DuckDBEngine
from app.data.formats.feed import partition_key
from app.data.formats.values import column_text
from app.data.table_files import RowSource, Selection, write
from app.jobs import CancelToken, JobContext

_SHOWN_AS = MappingProxyType({FileType.PARQUET: FileType.JSON_LINES, FileType.EXCEL: FileType.CSV})
_LOOKED_AT = 2_000
"""Among so many rows of a table that is parted those of the folder are shown that has most of them."""

_numbers = count()


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The header, where there is one, and the lines of the first rows; with the values of those rows as CSV spells them.

    `folders` are those of their partition.
    """

    lines: tuple[str, ...]
    values: tuple[tuple[str | None, ...], ...]
    folders: tuple[str, ...] = ()


def first_rows(engine: DuckDBEngine, source: RowSource, format: Format, rows: int, ctx: JobContext) -> FirstRows:  # noqa: A002 - the field's word
    """The first rows, read once, so that lines and values are of the same rows; uncompressed, Parquet's as JSON lines and Excel's as CSV.

    Of a table that is parted they are those of one folder. Raises what `write` does. A value with a line break takes several
    lines, as in the file.
    """
    kind = _SHOWN_AS.get(format.type, format.type)
    plain = replace(format, type=kind, compression=Compression.NONE, rows_per_file=None, bytes_per_file=None)
    if format.type is not FileType.CSV:
        plain = replace(plain, encoding="utf-8", delimiter=",")
    with _held(engine, source, rows, format.partition, ctx) as held:
        with TemporaryDirectory(dir=engine.folder / "tmp") as folder:
            [written] = write(engine, held, plain, Path(folder), ctx)
            lines = tuple(written.path.read_text(ENCODINGS[plain.encoding][0]).splitlines())
        texts = [exp.alias_(column_text(value, format.dates), f"t{i}") for i, value in enumerate(held.selection.values)]
        query = exp.select(*texts).from_(held.selection.query.subquery("q"))
        with engine.cursor(ctx.token) as cursor:
            return FirstRows(lines, tuple(cursor.execute(engine.sql(query)).fetchall()), written.folders)


@dataclass(frozen=True, slots=True)
class _Held:
    """A `RowSource` of rows that were read already."""

    selection: Selection

    @contextmanager
    def select(self, _cursor: Cursor, _ctx: JobContext) -> Iterator[Selection]:
        """See `RowSource`."""
        yield self.selection


@contextmanager
def _held(
    engine: DuckDBEngine, source: RowSource, most: int, by: PartitionBy | None, ctx: JobContext
) -> Iterator[_Held]:
    """At most so many rows of the source in a table of any cursor, for the block; with a partition, those of one folder."""
    name = f"first_rows_{next(_numbers)}"
    try:
        with engine.cursor(ctx.token) as cursor, source.select(cursor, ctx) as selection:
            if by is not None and by.field in selection.names:
                value = selection.values[selection.names.index(by.field)]
                key = exp.alias_(partition_key(value, by.grain), "k")
                looked_at = selection.query.limit(_LOOKED_AT)
                some = exp.select("q.*", key, "row_number() OVER () AS n").from_(looked_at.subquery("q")).subquery("s")
                first = exp.select("s.*", "mode(k) OVER () AS m").from_(some).subquery("f")
                same = exp.NullSafeEQ(this=exp.column("k"), expression=exp.column("m"))
                query = exp.select("* EXCLUDE (k, m, n)").from_(first).where(same).order_by("n").limit(most)
            else:
                query = selection.query.limit(most)
            ((number,),) = cursor.execute(f"CREATE TABLE {name} AS {engine.sql(query)}").fetchall()
        yield _Held(replace(selection, query=exp.select("*").from_(name), rows=number))
    finally:
        with engine.cursor(CancelToken()) as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
