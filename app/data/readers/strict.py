"""A slow, strict reading of delimited text: says which row is wrong and why, or writes the text as plain CSV.

It is used for what DuckDB's reader does not take (other encodings, own record ends, mixed line breaks) and, when that
reader stops, to find the row in words a person understands.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from app.data.readers.dialect import LINE, Dialect, allow_long_fields, reader
from app.data.readers.encoding import TextFile, transcoded
from app.data.readers.incoming import ReadJob, refused

_LONGEST_LINE: Final = 64 << 20

PLAIN: Final = Dialect(",", '"', None, header=False)
"""How `rewrite` writes."""


def rewrite(job: ReadJob, text: TextFile, dialect: Dialect, width: int, target: Path) -> None:
    """Write the file as comma-separated UTF-8 with every row `width` fields wide; raises FixData naming the bad row."""
    allow_long_fields()
    with target.open("w", encoding="utf-8", newline="") as file:
        # All quoted: Python would leave a lone return without quotes.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for number, row in _numbered(job, text, dialect):
            if len(row) != width:
                raise refused(
                    text.path.name,
                    f"Row {number:,} has {_fields(len(row))} where the first row has {width:,}.",
                    "Correct the row, or say which delimiter and quotes the file has.",
                    "ragged",
                )
            writer.writerow(row)


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count:,} fields"


def _numbered(job: ReadJob, text: TextFile, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Rows with their number from 1; empty lines are no rows, unless the file has one column."""
    blocks = transcoded(job, text)
    if dialect.record_end is not None:
        records = _split(blocks, dialect.record_end)
        for number, record in enumerate(records, start=1):
            yield number, record.split(dialect.delimiter)
        return
    if len(dialect.delimiter) > 1:
        for number, line in enumerate(_lines(blocks), start=1):
            if stripped := line.rstrip("\r\n"):
                yield number, stripped.split(dialect.delimiter)
        return
    rows = reader(_lines(blocks), dialect.delimiter, dialect.quote)
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            if row:
                yield number, row
    except csv.Error as error:
        raise refused(
            text.path.name,
            f"Row {number + 1:,} can't be read: {_reason(error, dialect)}.",
            "Correct the quotes in that row, or say which quote character the file has.",
            "quotes",
        ) from error


def _reason(error: csv.Error, dialect: Dialect) -> str:
    message = str(error)
    if "unexpected end" in message or "larger than field limit" in message:
        return "a quote is opened and never closed"
    if "expected after" in message:
        return f"text follows a closing quote {dialect.quote} within a field"
    return message


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    """Lines with their ends: line feed, return or both, never the other characters Unicode breaks lines at."""
    rest = ""
    for block in blocks:
        text = _bounded(rest) + block
        end = 0
        for line in LINE.finditer(text):
            if line.end() == len(text) and not text.endswith("\n"):
                break  # the line goes on in the next block, or its return is half of \r\n
            end = line.end()
            yield line[0]
        rest = text[end:]
    if rest:
        yield rest


def _split(blocks: Iterable[str], record_end: str) -> Iterator[str]:
    rest = ""
    for block in blocks:
        records = (_bounded(rest) + block).split(record_end)
        rest = records.pop()
        yield from records
    if rest.strip("\r\n\x1a"):
        yield rest


def _bounded(rest: str) -> str:
    """The unfinished line; refuses one so long that the file can't be rows of fields."""
    if len(rest) > _LONGEST_LINE:
        raise refused(
            "The file",
            f"A line is longer than {_LONGEST_LINE >> 20} million characters.",
            "Check that it is a text file with one row a line.",
            "long_line",
        )
    return rest
