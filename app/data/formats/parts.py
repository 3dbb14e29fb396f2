"""One file of a table in the making: batches of finished rows go in, a file comes out.

A part says how many rows of the next batch it may still take. Text and sheets never grow larger than asked, unless one row
alone is larger; what a row group of Parquet takes is known only when it is written, so Parquet is met within a few percent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.core.errors import FixData
from app.core.file_formats import Compression, FileType, Format
from app.data.formats import csv_lines, excel_rows
from app.data.formats.outputs import HELD_BACK, Encode, HashedFile, Sink, compressed, encoder, zip_file, zip_member

_END = 4_096
"""Bytes kept free for what stands at the end of a file: the directory of a zip file, the seal of an encrypted one."""

_ON_A_COLUMN = 160
"""Bytes of Parquet's own on one column of a row group, measured; and as many once in the file."""


_SURE = 0.9
"""Of the room left in a file of Parquet so much is used, because no row group shrinks quite like the one before."""


class Part(Protocol):
    """A file being written; it is whole when the block it was opened for ends."""

    def fits(self, batch: pa.RecordBatch, limit: int) -> int:
        """How many of these rows may go in so that the file stays within that many bytes."""
        ...

    def put(self, batch: pa.RecordBatch) -> None:
        """Write the rows; FixData for a value this kind of file can't hold."""
        ...


@contextmanager
def open_part(
    file: HashedFile,
    format: Format,  # noqa: A002 - the field's word
    names: Sequence[str],
    schema: pa.Schema,
    inside: str,
) -> Iterator[Part]:
    """A new file for rows of that schema; `inside` is its name where it lies in another one."""
    with ExitStack() as stack:
        if format.type is FileType.PARQUET:
            part = _Parquet(stack, file, format, schema)
            yield part
            part.finish()
        elif format.type is FileType.EXCEL:
            yield _sheet(stack, file, format, names, Path(inside).stem)
        else:
            stream = compressed(stack, file, format.compression, inside)
            lines = _Lines(file, stream, encoder(format), format)
            if format.type is FileType.CSV and format.header:
                lines.write(csv_lines.header(names, format).encode())
            yield lines


def _sheet(
    stack: ExitStack,
    file: HashedFile,
    format: Format,  # noqa: A002 - the field's word
    names: Sequence[str],
    title: str,
) -> Part:
    archive = stack.enter_context(zip_file(file))
    for name, text in (*excel_rows.AROUND.items(), excel_rows.workbook(title)):
        with zip_member(archive, name) as member:
            member.write(text.encode())
    member = stack.enter_context(zip_member(archive, excel_rows.SHEET))
    stack.callback(member.write, excel_rows.SHEET_ENDS.encode())
    sheet = _Sheet(file, member, encoder(format), format)
    sheet.write(excel_rows.SHEET_BEGINS.encode())
    if format.header:
        sheet.write(excel_rows.header(names).encode())
    return sheet


class _Lines:
    """Text, line by line; the first column of a batch holds the lines."""

    def __init__(self, file: HashedFile, stream: Sink, encode: Encode, format: Format) -> None:  # noqa: A002 - the field's word
        self._file = file
        self._stream = stream
        self._encode = encode
        self._packed = stream is not file
        self._spare = self._packed or bool(format.pgp_key)
        self._widest = 2 if format.encoding.startswith("utf-16") else 1
        self._raw = 0

    def write(self, data: bytes | memoryview) -> None:
        """Write whole lines."""
        encoded = self._encode(data)
        self._raw += len(encoded)
        self._stream.write(encoded)

    def fits(self, batch: pa.RecordBatch, limit: int) -> int:
        """See `Part.fits`; what a compressor holds back counts as if it could not be compressed."""
        taken = min(self._raw, self._file.written + HELD_BACK) if self._packed else self._file.written
        left = (limit - taken - (_END if self._spare else 0)) // self._widest
        if self._spare:
            left -= left // 1_000  # what can't be compressed, and what is encrypted, grows by less
        offsets, _ = _buffers(batch)
        return max(0, bisect_right(offsets, offsets[0] + left) - 1)

    def put(self, batch: pa.RecordBatch) -> None:
        """See `Part.put`; all lines lie behind each other in one buffer of Arrow: no Python text is made of them."""
        offsets, data = _buffers(batch)
        if data:
            self.write(data[offsets[0] : offsets[-1]])


class _Sheet(_Lines):
    """Rows of a sheet; the second column of a batch says how long the longest text is."""

    def put(self, batch: pa.RecordBatch) -> None:
        """See `Part.put`."""
        longest = pc.max(batch.column(1)).as_py()
        if longest is not None and longest > excel_rows.MOST_SIGNS:
            raise FixData(
                f"A text has {longest:,} signs; a cell of Excel holds {excel_rows.MOST_SIGNS:,}.",
                "Excel would cut it off. Nothing was published.",
                "Leave the field out, or choose CSV, JSON lines or Parquet.",
                code="excel_text",
            )
        super().put(batch)


class _Parquet:
    """Row groups of one size, but for the last of a file."""

    def __init__(self, stack: ExitStack, file: HashedFile, format: Format, schema: pa.Schema) -> None:  # noqa: A002 - the field's word
        compression = None if format.compression is Compression.NONE else format.compression.value
        self._file = file
        self._group = format.row_group
        self._writer = stack.enter_context(
            pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, compression=compression)
        )
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._raw_written = 0
        self._own = 2 * _ON_A_COLUMN * max(len(schema), 1)

    def fits(self, batch: pa.RecordBatch, limit: int) -> int:
        """See `Part.fits`; rows that wait are taken to shrink like those before them."""
        share = self._file.written / self._raw_written if self._raw_written else 1.0
        waiting = sum(each.nbytes for each in self._waiting)
        left = _SURE * (limit - self._file.written - self._own - share * waiting)
        a_row = max(share * batch.nbytes / batch.num_rows, 0.001)
        return max(0, min(int(batch.num_rows), int(left / a_row)))

    def put(self, batch: pa.RecordBatch) -> None:
        """See `Part.put`."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        while self._rows >= self._group:
            self._write(self._group)

    def finish(self) -> None:
        """Write what is left."""
        if self._rows:
            self._write(self._rows)

    def _write(self, rows: int) -> None:
        waiting = pa.Table.from_batches(self._waiting)
        group, rest = waiting.slice(0, rows), waiting.slice(rows)
        self._writer.write_table(group, row_group_size=rows)
        self._raw_written += group.nbytes
        self._waiting = rest.to_batches()
        self._rows -= rows
        self._own += _ON_A_COLUMN * len(waiting.schema)


def _buffers(batch: pa.RecordBatch) -> tuple[Sequence[int], memoryview]:
    """Where each line of a batch begins and the last one ends, and the bytes of all."""
    lines = batch.column(0)
    if pa.types.is_large_string(lines.type):
        lines = lines.cast(pa.string())
    _, offsets, data = lines.buffers()
    if data is None:
        return (0,), memoryview(b"")
    return memoryview(offsets).cast("i")[lines.offset : lines.offset + len(lines) + 1], memoryview(data)
