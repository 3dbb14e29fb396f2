"""The rows on their way from the engine to the files: record batches, those of one folder of a partition together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from app.core.errors import FixData
from app.core.file_formats import FileType, Format, Grain, PartitionBy
from app.core.partitions import MOST_FOLDERS, folder_names
from app.core.tables import ColumnType
from app.data.engines.duckdb import Cursor
from app.data.formats import csv_lines, excel_rows, json_lines
from app.data.formats.values import call, column_text
from app.data.identifiers_sql import text
from app.data.sql_values import Value

_LINES_AT_ONCE = 20_480
_ROWS_AT_ONCE = 122_880
_KEY, _NUMBER = "sendoff:partition", "sendoff:number"
_PATTERNS = {Grain.YEAR: "%Y", Grain.MONTH: "%Y-%m", Grain.DAY: "%Y-%m-%d"}


class Feed:
    """What comes next: `waiting` is a batch, all of one folder, None at the end; used by one thread."""

    def __init__(self, reader: pa.RecordBatchReader, by: PartitionBy | None) -> None:
        self.schema: pa.Schema = reader.schema if by is None else reader.schema.remove(len(reader.schema) - 1)
        self.folders: tuple[str, ...] = ()
        self.waiting: pa.RecordBatch | None = None
        self._by = by
        self._seen = 0
        self._runs = iter(reader) if by is None else self._parted(reader, by)
        self._advance()

    def take(self, rows: int) -> pa.RecordBatch:
        """At most that many rows of what waits."""
        assert self.waiting is not None
        taken = self.waiting.slice(0, rows)
        if rows < self.waiting.num_rows:
            self.waiting = self.waiting.slice(rows)
        else:
            self._advance()
        return taken

    def _advance(self) -> None:
        self.waiting = next((batch for batch in self._runs if batch.num_rows), None)

    def _parted(self, reader: pa.RecordBatchReader, by: PartitionBy) -> Iterator[pa.RecordBatch]:
        for batch in reader:
            keys = batch.column(len(batch.schema) - 1)
            rows = pa.RecordBatch.from_arrays(batch.columns[:-1], schema=self.schema)
            runs = pc.run_end_encode(keys)
            begin = 0
            for end, key in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
                folders = folder_names(by, key)
                if folders != self.folders:
                    self._begin(folders, by)
                yield rows.slice(begin, end - begin)
                begin = end

    def _begin(self, folders: tuple[str, ...], by: PartitionBy) -> None:
        self._seen += 1
        if self._seen > MOST_FOLDERS:
            raise FixData(
                f"“{by.field}” has more than {MOST_FOLDERS:,} different values.",
                "Each of them would be a folder with a file of its own. Nothing was published.",
                "Part the rows by another field, or by the year or month of a date.",
                code="too_many_folders",
            )
        self.folders = folders


def open_feed(
    cursor: Cursor, query: exp.Select, names: Sequence[str], values: Sequence[Value], file_format: Format
) -> Feed:
    """The rows of the query as the file needs them; parted when the file has the field they are parted by."""
    rows = exp.select(*_wanted(names, values, file_format)).from_(query.subquery("q"))
    by = file_format.partition
    if by is not None and by.field in names:
        key = exp.alias_(partition_key(values[names.index(by.field)], by.grain), _KEY, quoted=True)
        number = exp.alias_(exp.Window(this=exp.RowNumber()), _NUMBER, quoted=True)
        shown = [exp.column(name, quoted=True) for name in rows.named_selects]
        order = [exp.column(name, quoted=True) for name in (_KEY, _NUMBER)]
        rows = exp.select(*shown, order[0].copy()).from_(rows.select(key, number).subquery("p")).order_by(*order)
    else:
        by = None
    at_once = _ROWS_AT_ONCE if file_format.type is FileType.PARQUET else _LINES_AT_ONCE
    return Feed(cursor.sql(rows.sql("duckdb")).to_arrow_reader(at_once), by)


def partition_key(value: Value, grain: Grain) -> exp.Expr:
    """What `folder_names` asks for; NULL for rows without a value."""
    if grain is Grain.VALUE:
        return exp.Nullif(this=column_text(value), expression=text(""))
    day = value.expression.copy() if value.type is ColumnType.DATE else exp.cast(value.expression.copy(), "timestamp")
    written = call("strftime", day, text(_PATTERNS[grain]))
    return exp.Case().when(call("isfinite", day.copy()), written, copy=False)


def _wanted(names: Sequence[str], values: Sequence[Value], file_format: Format) -> list[exp.Expr]:
    if file_format.type is FileType.PARQUET:
        return [exp.alias_(v.expression, n, quoted=True) for v, n in zip(values, names, strict=True)]
    if file_format.type is FileType.EXCEL:
        return [exp.alias_(excel_rows.row(values), "line"), exp.alias_(excel_rows.longest(values), "longest")]
    if file_format.type is FileType.JSON_LINES:
        return [exp.alias_(json_lines.line(values, names, file_format.dates), "line")]
    return [exp.alias_(csv_lines.line(values, file_format), "line")]
