"""Rows as files: CSV, JSON lines and Parquet, part after part, so that the drive holds one part and memory one batch.

The engine makes the finished lines (measured on 20 columns: 0.8 CPU s per million rows, DuckDB's own COPY 0.6); here they
are cut into parts, compressed, hashed and counted. Rows come in the order in which the table was read in, members by key.

In CSV, NULL is nothing between the delimiters and an empty text is a pair of quotes, so that they can be told apart; dates
and times are ISO 8601, binary data is base64, nested values are JSON, lines end with a line feed. In JSON lines NULL is null.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip
from sqlglot import exp

from app.core.errors import FixData
from app.core.exports import Compression, FileType, Format, Quotes
from app.core.segments import Segment
from app.core.tables import ColumnType, Table
from app.data.engines.duckdb import Cursor, DuckDBEngine
from app.data.identifiers_sql import text
from app.data.identity import as_text
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.sql_values import Value
from app.data.suppression import SuppressedRows
from app.data.table_rows import all_rows
from app.data.workspace_rows import Scope
from app.jobs import JobContext, Progress

_LINES_AT_ONCE = 20_480
_PARQUET_ROWS = 122_880
"""Rows of a Parquet row group, as DuckDB writes them."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A finished local file; `sha256` is that of its bytes on the drive."""

    path: Path
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows to write: a query of columns `c0`, `c1` ..., what they are called in the file, and how many rows there are."""

    query: exp.Select
    names: tuple[str, ...]
    values: tuple[Value, ...]
    rows: int


class RowSource(Protocol):
    """Where rows come from; asked once for each file set, with the cursor that will read them."""

    def select(self, cursor: Cursor, ctx: JobContext) -> AbstractContextManager[Selection]:
        """The rows, to be read once within the block; what the query needs beside the tables is made in the cursor."""
        ...


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of a table with some of its fields, in the order given; FixData when one is gone.

    Without a `suppression` list all of them, else those of which no e-mail address or phone number is on it.
    """

    engine: DuckDBEngine
    table: Table
    fields: tuple[str, ...]
    suppression: SuppressedRows | None = None

    @contextmanager
    def select(self, cursor: Cursor, ctx: JobContext) -> Iterator[Selection]:
        """See `RowSource`; raises what `all_rows` does."""
        columns = []
        for name in self.fields:
            column = self.table.column(name)
            if column is None:
                raise FixData(
                    f"The field {self.table.name}.{name} is gone.",
                    "It was removed from the table.",
                    "Choose the fields of the export again.",
                    code="no_field",
                )
            columns.append(column)
        chosen = [
            exp.alias_(exp.column(column.name, table="r", quoted=True), f"c{i}") for i, column in enumerate(columns)
        ]
        values = tuple(
            Value(exp.column(f"c{i}", table="q"), column.type, column.native_type) for i, column in enumerate(columns)
        )
        listed = None if self.suppression is None else self.suppression.condition(self.table, "r", ctx.token)
        asked = self.table.columns if listed is not None else columns
        with all_rows(self.engine, cursor, self.table, asked, ctx.token, twice=listed is not None) as source:
            query = exp.select(*chosen).from_(exp.alias_(source, "r", table=True))
            rows = self.table.rows
            if listed is not None:
                query = query.where(exp.not_(listed))
                counted = exp.select(exp.Count(this=exp.Star())).from_(query.subquery("q")).sql(self.engine.dialect)
                ((rows,),) = cursor.execute(counted).fetchall()
            yield Selection(query, self.fields, values, int(rows))


@dataclass(frozen=True, slots=True)
class MemberRows:
    """Everybody of a segment who is to be sent, with the matched fields as text, by key."""

    members: Members
    scope: Scope
    segment: Segment
    spec: MemberSpec

    @contextmanager
    def select(self, cursor: Cursor, ctx: JobContext) -> Iterator[Selection]:
        """See `RowSource`; raises what `Members.stream` does."""
        query, rows = self.members.prepare(cursor, self.scope, self.segment, self.spec, ctx)
        names = tuple(self.spec.fields)
        values = tuple(Value(exp.column(f"c{i}", table="q"), ColumnType.TEXT) for i in range(len(names)))
        yield Selection(query, names, values, rows)


def write(
    engine: DuckDBEngine,
    source: RowSource,
    file_format: Format,
    folder: Path,
    ctx: JobContext,
    *,
    name: str = "part",
) -> Iterator[WrittenFile]:
    """Write the rows part after part; the next part is begun when it is asked for, so each can be sent and removed first.

    No rows give one file (with the header, where there is one). Raises FixData (a value the encoding has no sign for, a
    field that is gone), TryAgain or OSError when the drive is full, Cancelled; a part that is not whole is removed.
    """
    at_most = file_format.rows_per_file
    ctx.report(Progress("Write files", unit="rows"))
    with engine.cursor(ctx.token) as cursor, source.select(cursor, ctx) as selection:
        batches = _Batches(_open_reader(cursor, selection, file_format), ctx, selection.rows)
        schema = batches.schema
        number = 0
        while number == 0 or not batches.empty:
            number += 1
            path = folder / f"{name}-{number:05}{_ENDINGS[file_format.type]}"
            try:
                written = _write_part(path, file_format, selection, schema, batches.take(at_most))
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            yield written


def column_text(value: Value) -> exp.Expr:
    """The value as text for CSV; only what is empty in the table is NULL, nested values are JSON, nothing is rounded."""
    if value.type is ColumnType.NESTED:
        return exp.cast(exp.Anonymous(this="to_json", expressions=[value.expression.copy()]), "text")
    if value.type is ColumnType.TIMESTAMP:
        written = exp.cast(exp.cast(value.expression.copy(), "timestamp"), "text")
        parted = exp.Anonymous(this="replace", expressions=[written, text(" "), text("T")])
        return exp.DPipe(this=parted, expression=text("Z"), safe=True) if value.zoned else parted
    return exp.cast(value.expression.copy(), "text") if value.type is ColumnType.NUMBER else as_text(value)


_ENDINGS = {FileType.CSV: ".csv", FileType.JSON_LINES: ".jsonl", FileType.PARQUET: ".parquet"}


class _Batches:
    """Record batches cut at the rows of a part; looks one batch ahead to know whether there is another part."""

    def __init__(self, reader: pa.RecordBatchReader, ctx: JobContext, total: int) -> None:
        self.schema: pa.Schema = reader.schema
        self._reader = iter(reader)
        self._ctx = ctx
        self._total = total
        self._done = 0
        self._waiting = self._next()

    @property
    def empty(self) -> bool:
        """Whether everything was taken."""
        return self._waiting is None

    def take(self, rows: int | None) -> Iterator[pa.RecordBatch]:
        """The next rows, at most that many."""
        left = rows
        while self._waiting is not None and (left is None or left > 0):
            self._ctx.check()
            batch = self._waiting
            if left is not None and batch.num_rows > left:
                self._waiting = batch.slice(left)
                batch = batch.slice(0, left)
            else:
                self._waiting = self._next()
            if left is not None:
                left -= batch.num_rows
            yield batch
            self._done += batch.num_rows
            self._ctx.report(Progress("Write files", self._done, self._total, "rows"))

    def _next(self) -> pa.RecordBatch | None:
        return next((batch for batch in self._reader if batch.num_rows), None)


def _open_reader(cursor: Cursor, selection: Selection, file_format: Format) -> pa.RecordBatchReader:
    rows = exp.select().from_(selection.query.subquery("q"))
    if file_format.type is FileType.PARQUET:
        named = [
            exp.alias_(v.expression, n, quoted=True) for v, n in zip(selection.values, selection.names, strict=True)
        ]
        return cursor.sql(rows.select(*named).sql("duckdb")).to_arrow_reader(_PARQUET_ROWS)
    line = _csv_line(selection, file_format) if file_format.type is FileType.CSV else _json_line(selection)
    return cursor.sql(rows.select(exp.alias_(line, "line")).sql("duckdb")).to_arrow_reader(_LINES_AT_ONCE)


def _csv_line(selection: Selection, file_format: Format) -> exp.Expr:
    parts: list[exp.Expr] = []
    for i, value in enumerate(selection.values):
        if i:
            parts.append(text(file_format.delimiter))
        parts.append(_csv_value(value, file_format))
    return exp.Anonymous(this="concat", expressions=[*parts, text("\n")])


def _csv_value(value: Value, file_format: Format) -> exp.Expr:
    """`concat` skips NULL, which is how nothing is written for it."""
    plain = column_text(value)
    doubled = exp.Anonymous(this="replace", expressions=[plain.copy(), text('"'), text('""')])
    quoted = exp.Anonymous(this="concat", expressions=[text('"'), doubled, text('"')])
    if file_format.quotes is Quotes.ALL:
        return _case(exp.not_(exp.Is(this=plain.copy(), expression=exp.Null())), quoted, exp.Null())
    free = {ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DECIMAL, ColumnType.NUMBER, ColumnType.DATE}
    if value.type in free and file_format.delimiter in {",", ";", "\t", "|"}:
        return plain
    special = [_contains(plain, mark) for mark in ('"', file_format.delimiter, "\n", "\r")]
    needed = exp.or_(exp.EQ(this=plain.copy(), expression=text("")), *special)
    return _case(needed, quoted, plain)


def _case(condition: exp.Expr, then: exp.Expr, otherwise: exp.Expr) -> exp.Case:
    return exp.Case().when(condition, then, copy=False).else_(otherwise, copy=False)


def _contains(value: exp.Expr, mark: str) -> exp.Expr:
    return exp.Anonymous(this="contains", expressions=[value.copy(), text(mark)])


def _json_line(selection: Selection) -> exp.Expr:
    """Dates and times as in CSV; numbers, booleans and nested values as JSON has them; NaN, which JSON has not, as null."""
    packed = []
    for value, name in zip(selection.values, selection.names, strict=True):
        packed.append(exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=_json_value(value)))
    json = exp.Anonymous(this="to_json", expressions=[exp.Struct(expressions=packed)])
    return exp.Anonymous(this="concat", expressions=[exp.cast(json, "text"), text("\n")])


def _json_value(value: Value) -> exp.Expr:
    if value.type is ColumnType.NUMBER:
        finite = exp.Anonymous(this="isfinite", expressions=[value.expression.copy()])
        return exp.Case().when(finite, value.expression.copy(), copy=False)
    plain = {ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DECIMAL, ColumnType.NESTED, ColumnType.TEXT}
    return value.expression.copy() if value.type in plain else column_text(value)


def _write_part(
    path: Path, file_format: Format, selection: Selection, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> WrittenFile:
    rows = 0
    with path.open("wb") as file:
        hashed = _HashedFile(file)
        with ExitStack() as stack:
            put = _opened(stack, hashed, file_format, selection.names, schema)
            for batch in batches:
                put(batch)
                rows += batch.num_rows
    return WrittenFile(path, rows, hashed.written, hashed.sha256.hexdigest())


def _opened(
    stack: ExitStack, file: _HashedFile, file_format: Format, names: Sequence[str], schema: pa.Schema
) -> Callable[[pa.RecordBatch], None]:
    if file_format.type is FileType.PARQUET:
        compression = None if file_format.compression is Compression.NONE else file_format.compression.value
        writer = stack.enter_context(pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, compression=compression))
        return lambda batch: writer.write_batch(batch, row_group_size=_PARQUET_ROWS)
    stream = _compressed(stack, file, file_format.compression)
    encode = _encoder(file_format)
    if file_format.type is FileType.CSV and file_format.header:
        stream.write(encode((_header(names, file_format) + "\n").encode()))
    return lambda batch: _write_lines(stream, batch, encode)


def _compressed(stack: ExitStack, file: _HashedFile, compression: Compression) -> Any:  # noqa: ANN401 - anything with write(bytes)
    if compression is Compression.GZIP:
        packed = igzip.IGzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0)  # type: ignore[no-untyped-call] # isal has no types
        return stack.enter_context(packed)
    if compression is Compression.ZSTD:
        return stack.enter_context(pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), "zstd"))
    if compression is Compression.NONE:
        return file
    raise FixData(
        f"{compression.value} compresses Parquet only.",
        "CSV and JSON lines can be plain, gzip or zstd.",
        "Choose another compression.",
        code="compression",
    )


def _header(names: Sequence[str], file_format: Format) -> str:
    marks = ('"', file_format.delimiter, "\n", "\r")
    all_quoted = file_format.quotes is Quotes.ALL
    return file_format.delimiter.join(
        '"' + name.replace('"', '""') + '"' if all_quoted or not name or any(m in name for m in marks) else name
        for name in names
    )


def _write_lines(stream: Any, batch: pa.RecordBatch, encode: Callable[[bytes | memoryview], Any]) -> None:  # noqa: ANN401 - as _compressed
    """All lines of a batch lie behind each other in one buffer of Arrow: no Python text is made of them."""
    lines = batch.column(0)
    if pa.types.is_large_string(lines.type):
        lines = lines.cast(pa.string())
    _, offsets, data = lines.buffers()
    if data is None:
        return
    positions = memoryview(offsets).cast("i")
    stream.write(encode(memoryview(data)[positions[lines.offset] : positions[lines.offset + len(lines)]]))


def _encoder(file_format: Format) -> Callable[[bytes | memoryview], Any]:
    try:
        name = codecs.lookup(file_format.encoding).name
        encoder = codecs.getincrementalencoder(name)()
    except LookupError:
        raise FixData(
            f"The encoding {file_format.encoding} is not known.", "", "Choose utf-8.", code="encoding"
        ) from None
    if name == "utf-8":
        return lambda lines: lines

    def encode(lines: bytes | memoryview) -> bytes:
        try:
            return encoder.encode(str(lines, "utf-8"))
        except UnicodeEncodeError as error:
            raise FixData(
                f"A value holds “{error.object[error.start]}”, which {file_format.encoding} can't write.",
                "The encoding has no sign for it.",
                "Choose utf-8 as encoding.",
                code="encoding",
            ) from None

    return encode


class _HashedFile:
    """A file that hashes and counts what is written; only what a stream needs."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.written = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write all of it; OSError when the drive is full."""
        size = memoryview(data).nbytes
        self._file.write(data)
        self.sha256.update(data)
        self.written += size
        return size

    def tell(self) -> int:
        """Bytes written so far."""
        return self.written

    def flush(self) -> None:
        """Hand over to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Left to who opened the file."""

    def readable(self) -> bool:
        """Never."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never: what is written is hashed at once."""
        return False
