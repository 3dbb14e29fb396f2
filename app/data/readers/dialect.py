"""How a delimited text file is written: delimiter, quotes, record end, header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.data.readers.incoming import ReadOptions

_DELIMITERS: Final = (",", ";", "\t", "|", "\x1f", "\x01", "^", "~", "¦")
_LONG_DELIMITERS: Final = ("+|", "||", "~|~", "|~|", "::", "##", "@@")
# SQL Server's bulk copy files, as Microsoft's sample databases are written.
_RECORD_ENDS: Final = ("&|\r\n", "&|\n")
LINE: Final = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+\Z")
"""A line with its end: line feed, return or both, never the other characters Unicode breaks lines at.

The last line may have none; it is matched too, or looking for its end would begin anew at each of its characters.
"""
_FIELD_LIMIT: Final = 16 << 20
_ROWS: Final = 500

_DATA_LIKE: Final = re.compile(
    r"[-+(]?[\d.,]*\d[\d.,)%]*"  # numbers
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?"  # dates
    r"|[^@\s]+@[^@\s]+\.[^@\s]+"  # e-mail
    r"|[-+()\d\s./]{6,}"  # telephone numbers
    r"|\{?[0-9a-fA-F]{8}-[0-9a-fA-F-]{22,27}\}?"  # GUIDs
    r"|https?://.*|true|false",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to cut text into records and fields; an empty `quote` means quotes are ordinary characters.

    `line_end` is how the first record ends; `record_end` is set only where records end in more than a line break.
    """

    delimiter: str
    quote: str
    record_end: str | None
    header: bool
    line_end: str = "\n"


def allow_long_fields() -> None:
    """Let the csv module take fields of up to 16 MB; its limit is one for the whole process."""
    if csv.field_size_limit() < _FIELD_LIMIT:
        csv.field_size_limit(_FIELD_LIMIT)


def sniff(sample: str, options: ReadOptions, *, whole: bool) -> tuple[Dialect, list[list[str]]]:
    """The dialect of the sample and its rows; `whole` when the sample is all of the file."""
    record_end = options.record_end or next((end for end in _RECORD_ENDS if end in sample), None)
    if record_end is not None:
        delimiter = options.delimiter or _best_long(sample, record_end)
        rows = [record.split(delimiter) for record in _records(sample, record_end, whole=whole)]
        header = is_header(rows) if options.header is None else options.header
        return Dialect(delimiter, "", record_end, header), rows
    delimiter, quote, rows = _best(sample, options, whole=whole)
    header = is_header(rows) if options.header is None else options.header
    return Dialect(delimiter, quote, None, header, _line_end(sample, delimiter, quote)), rows


def _line_end(sample: str, delimiter: str, quote: str) -> str:
    """How the first record ends; line breaks within quotes are none."""
    lines = LINE.findall(sample)
    used = 0
    if len(delimiter) == 1:
        rows = csv.reader(lines, delimiter=delimiter, quotechar=quote or None, quoting=0 if quote else csv.QUOTE_NONE)
        with suppress(csv.Error, StopIteration):
            next(rows)
            used = rows.line_num - 1
    last = lines[used] if used < len(lines) else "\n"
    return last[len(last.rstrip("\r\n")) :] or "\n"


def _records(sample: str, record_end: str, *, whole: bool) -> list[str]:
    records = sample.split(record_end)
    last = records.pop()
    if whole and last:
        records.append(last)
    return records[:_ROWS]


def _best_long(sample: str, record_end: str) -> str:
    first = sample.split(record_end, 1)[0]
    return max((*_LONG_DELIMITERS, *_DELIMITERS), key=lambda mark: (first.count(mark) * len(mark), len(mark)))


def _best(sample: str, options: ReadOptions, *, whole: bool) -> tuple[str, str, list[list[str]]]:
    delimiters = (options.delimiter,) if options.delimiter else (*_LONG_DELIMITERS, *_DELIMITERS)
    quotes = (options.quote,) if options.quote is not None else ('"', "'")
    best: tuple[tuple[float, ...], str, str, list[list[str]]] | None = None
    for delimiter in delimiters:
        if options.delimiter is None and delimiter not in sample:
            continue
        for quote in quotes:
            if quote == "'" and options.quote is None and f"'{delimiter}'" not in sample:
                continue
            rows = cut(sample, delimiter, quote, whole=whole)
            if rows:
                scored = (_score(rows, delimiter), delimiter, quote, rows)
                if best is None or scored[0] > best[0]:
                    best = scored
    if best is not None and (options.delimiter is not None or best[0][0] > 0):
        return best[1], best[2], best[3]
    delimiter = options.delimiter or ","
    quote = options.quote if options.quote is not None else '"'
    return delimiter, quote, cut(sample, delimiter, quote, whole=whole)


def _score(rows: Sequence[Sequence[str]], delimiter: str) -> tuple[float, ...]:
    """Higher is likelier: first that all rows have the same number of fields (and more than one), then how many."""
    widths = Counter(len(row) for row in rows)
    width, often = widths.most_common(1)[0]
    if width < 2 or len(rows[0]) < 2:
        return (0.0,)
    steadiness = often / len(rows)
    known = delimiter in ",;\t|" or len(delimiter) > 1
    return (
        1.0 if steadiness > 0.9 else steadiness * steadiness,
        float(len(rows[0]) == width),
        float(known),
        len(delimiter),
        width,
    )


def cut(sample: str, delimiter: str, quote: str, *, whole: bool) -> list[list[str]]:
    """The first rows of the sample; what the csv module refuses ends them. A last row that may be cut off is dropped."""
    allow_long_fields()
    if len(delimiter) > 1:
        lines = sample.splitlines()
        rows = [line.split(delimiter) for line in lines[: _ROWS + 1]]
        return rows if whole else rows[:-1]
    rows = []
    try:
        for row in reader(io.StringIO(sample, newline=""), delimiter, quote):
            if row:
                rows.append(row)
            if len(rows) > _ROWS:
                break
    except csv.Error:
        return rows
    if len(rows) > _ROWS or not whole:
        rows = rows[:-1] or rows
    return rows


def reader(lines: Iterable[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    """Python's strict reader for a one-character delimiter."""
    if not quote:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(lines, delimiter=delimiter, quotechar=quote, doublequote=True, strict=True)


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns.

    It does when nothing in it looks like data, or when a text stands above a column of numbers, dates and the like.
    """
    if not rows:
        return True
    first, rest = rows[0], rows[1:]
    if not any(_data_like(cell) for cell in first):
        return True
    return any(
        cell.strip() and not _data_like(cell) and _mostly_data([row[place] for row in rest if place < len(row)])
        for place, cell in enumerate(first)
    )


def _data_like(cell: str) -> bool:
    return _DATA_LIKE.fullmatch(cell.strip()) is not None


def _mostly_data(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return len(filled) > 0 and sum(map(_data_like, filled)) >= 0.8 * len(filled)
