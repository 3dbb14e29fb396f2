"""CSV and its kin, through DuckDB's parallel reader wherever that one is strict, else through our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import duckdb

from app.core.errors import SendoffError
from app.data.engines.duckdb import Cursor, literal, quoted
from app.data.readers import strict
from app.data.readers.dialect import Dialect, cut, sniff
from app.data.readers.encoding import TextFile, examine, opened, transcoded
from app.data.readers.incoming import Incoming, ReadJob, ReadOptions, refused
from app.data.readers.kinds import Cast, decide
from app.data.readers.names import column_names
from app.data.readers.parquet import write_parquet

_SAMPLE: Final = 1 << 20
_LONGEST_LINE: Final = 8 << 20
# Faults that another reading of the same rows would meet again.
_NOT_THE_ROWS: Final = (duckdb.InterruptException, duckdb.IOException, duckdb.OutOfMemoryException)
# DuckDB 2.0.0 is mistaken about its own guess when the first record holds another line break in quotes, but told of \r\n it
# finds no row at all: that one is left to its guess.
_TOLD_LINE_ENDS: Final = {"\n": r"'\n'", "\r": r"'\r'"}
_LONGEST_DELIMITER: Final = 4  # bytes, DuckDB's bound


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of a table, ready for DuckDB: its dialect and the names its header gives (or as many empty ones)."""

    text: TextFile
    dialect: Dialect
    header: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    checked: bool = False
    """Whether our own strict reader wrote it, so that a fault DuckDB finds is not the rows'."""
    empty_texts: bool = False
    """Whether a pair of quotes is an empty text rather than nothing."""


Decide = Callable[[Cursor, str, Sequence[str], Sequence[Sequence[str | None]]], tuple[list[Cast], int]]
"""Says how each text column of a relation is written, and how many rows there are: `kinds.decide` or a model's types."""


def read(job: ReadJob, name: str, files: Sequence[Path], source: str) -> Incoming:
    """The files as one table called `name`; raises FixData naming file and row when one is not as it must be."""
    return read_each(job, name, [(file, job.options) for file in files], source)


def read_each(job: ReadJob, name: str, files: Sequence[tuple[Path, ReadOptions]], source: str) -> Incoming:
    """As `read`, each file with its own options."""
    parts = [_look(job, file, options) for file, options in files]
    _demand_same_columns(parts)
    names, notes = column_names(parts[0].header)
    notes = [*_decisions(parts), *(notes if parts[0].dialect.header else [])]
    return _take(job, name, parts, names, source, decide, notes)


def read_declared(
    job: ReadJob,
    name: str,
    files: Sequence[tuple[Path, ReadOptions]],
    columns: Sequence[str],
    decide_types: Decide,
    source: str,
) -> Incoming:
    """Files whose columns are known, each with its own options; a pair of quotes is an empty text.

    A header may name the columns in another order, else they stand as `columns` does. Raises FixData as `read` does.
    """
    parts = [_as_declared(_look(job, file, options), columns) for file, options in files]
    _demand_same_columns(parts)
    return _take(job, name, parts, parts[0].header, source, decide_types, [])


def _as_declared(part: _Part, columns: Sequence[str]) -> _Part:
    """The part with the declared names in the order of the file."""
    known = {column.casefold(): column for column in columns}
    header = [known.get(cell.strip().casefold(), "") for cell in part.header]
    if len(part.header) != len(columns):
        raise refused(
            part.text.path.name,
            f"It has {len(part.header):,} columns where the model names {len(columns):,}.",
            "Correct the model, or the delimiter it gives for the file.",
            "parts_differ",
        )
    named = tuple(header) if part.dialect.header and sorted(header) == sorted(columns) else tuple(columns)
    return replace(part, header=named, empty_texts=True)


def _take(
    job: ReadJob,
    name: str,
    parts: Sequence[_Part],
    names: Sequence[str],
    source: str,
    decide_types: Decide,
    notes: Sequence[str],
) -> Incoming:
    """Write the parts as one table; what DuckDB can't cut is found, or written again, by our own reader."""
    folder = job.folder()
    target = folder / "part-0000.parquet"
    with job.engine.cursor(job.ctx.token) as cursor:
        readable = [_readable(job, part) for part in parts]
        try:
            rows = _write(job, cursor, readable, names, target, source, decide_types)
        except duckdb.Error as error:
            if job.ctx.token.cancelled or isinstance(error, _NOT_THE_ROWS):
                raise
            # Find the row with our own reader; what it finds no fault with, it writes down again as plain CSV.
            readable = [
                now if now.checked else _rewritten(job, part) for part, now in zip(parts, readable, strict=True)
            ]
            try:
                rows = _write(job, cursor, readable, names, target, source, decide_types)
            except duckdb.Error as still:
                raise _unreadable(source, still) from still
    for part, read_part in zip(parts, readable, strict=True):
        job.finished(part.text.size)
        if read_part is not part:
            read_part.text.path.unlink()
    return Incoming(name, job.engine.describe([target]), rows, folder, (target,), source, tuple(notes))


def read_plain(job: ReadJob, name: str, file: Path, header: Sequence[str], source: str) -> Incoming:
    """A file that `strict.PLAIN` describes, whose header is known, as one table; it is not counted in the progress."""
    with file.open(encoding="utf-8", newline="") as lines:
        sample = cut(lines.read(_SAMPLE), strict.PLAIN.delimiter, strict.PLAIN.quote, whole=False)
    part = _Part(TextFile(file, "utf-8", 0), strict.PLAIN, tuple(header), tuple(tuple(row) for row in sample))
    names, notes = column_names(header)
    folder = job.folder()
    target = folder / "part-0000.parquet"
    with job.engine.cursor(job.ctx.token) as cursor:
        rows = _write(job, cursor, [part], names, target, source, decide)
    file.unlink()
    return Incoming(name, job.engine.describe([target]), rows, folder, (target,), source, tuple(notes))


def _look(job: ReadJob, file: Path, options: ReadOptions) -> _Part:
    text = examine(job, file, options.encoding)
    sample, whole = _sample(job, text)
    if not sample.strip("\ufeff \r\n\t"):
        raise refused(file.name, "The file holds only blanks.", "Check how it was written.", "empty_file")
    dialect, rows = sniff(sample, options, whole=whole)
    if not rows:
        # Nothing could be cut: our own reader says why.
        rows = cut(sample, dialect.delimiter, dialect.quote, whole=True)
    if not rows:
        raise refused(
            file.name, "No row could be told from the next.", "Say which delimiter and quotes it has.", "dialect"
        )
    header = tuple(rows[0]) if dialect.header else ("",) * len(rows[0])
    return _Part(text, dialect, header, tuple(tuple(row) for row in (rows[1:] if dialect.header else rows)))


def _sample(job: ReadJob, text: TextFile) -> tuple[str, bool]:
    if not text.plain:
        collected = ""
        for block in transcoded(job, text):
            collected += block
            if len(collected) > _SAMPLE:
                return collected[:_SAMPLE], False
        return collected, True
    with opened(text.path) as file:
        start = file.read(_SAMPLE)
        whole = not file.read(1)
    # A character may be cut in two at the end of the sample; the whole file was found to be UTF-8 before.
    return start.decode("utf-8-sig", errors="ignore"), whole


def _demand_same_columns(parts: Sequence[_Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        if part.header != first.header:
            raise refused(
                part.text.path.name,
                f"Its columns are not those of {first.text.path.name}, which lies in the same folder.",
                "Parts of one table need the same columns in the same order; add other tables one by one.",
                "parts_differ",
            )


def _decisions(parts: Sequence[_Part]) -> list[str]:
    notes = []
    encodings = sorted({part.text.encoding for part in parts if not part.text.plain})
    if encodings:
        notes.append(f"Read as {', '.join(encodings)}.")
    if not parts[0].dialect.header:
        notes.append("The first row was taken for data, so the columns are numbered.")
    return notes


def _readable(job: ReadJob, part: _Part) -> _Part:
    """The part as DuckDB can read it: itself, recoded as UTF-8, or written again where DuckDB can't cut such text."""
    if part.dialect.record_end is not None or len(part.dialect.delimiter.encode()) > _LONGEST_DELIMITER:
        return _rewritten(job, part)
    return part if part.text.plain else _recoded(job, part)


def _recoded(job: ReadJob, part: _Part) -> _Part:
    """The same text as UTF-8, so that DuckDB can read it."""
    target = job.folder("text") / (part.text.path.name + ".csv")
    with target.open("w", encoding="utf-8", newline="") as file:
        file.writelines(transcoded(job, part.text))
    return replace(part, text=TextFile(target, "utf-8", part.text.size))


def _rewritten(job: ReadJob, part: _Part) -> _Part:
    target = job.folder("text") / (part.text.path.name + ".csv")
    strict.rewrite(job, part.text, part.dialect, len(part.header), target)
    dialect = Dialect(strict.PLAIN.delimiter, strict.PLAIN.quote, None, part.dialect.header)
    return replace(part, text=TextFile(target, "utf-8", part.text.size), dialect=dialect, checked=True)


def _write(
    job: ReadJob,
    cursor: Cursor,
    parts: Sequence[_Part],
    names: Sequence[str],
    target: Path,
    source: str,
    decide_types: Decide,
) -> int:
    """Count what the columns hold, then write them typed; the number of rows."""
    relation = _relation(parts, names)
    size = sum(part.text.size for part in parts)
    with job.following(cursor, source, size, (0.1, 0.4)):
        casts, rows = decide_types(cursor, relation, names, parts[0].sample)
        if rows < sum(len(part.sample) for part in parts):
            raise duckdb.InvalidInputException("CSV Error: fewer rows were found than were seen at the start")
    with job.following(cursor, source, size, (0.4, 1.0)):
        copy(cursor, relation, casts, target)
    return rows


def copy(cursor: Cursor, relation: str, casts: Sequence[Cast], target: Path) -> None:
    """Write the relation's columns, each as its cast says, as one Parquet file."""
    columns = ", ".join(f"{cast.sql} AS {quoted(cast.column)}" for cast in casts)
    write_parquet(cursor, f"SELECT {columns} FROM {relation}", len(casts), target)  # noqa: S608 - names are quoted


def _relation(parts: Sequence[_Part], names: Sequence[str]) -> str:
    """`read_csv(...)` of all parts, grouped by how they are written, as text that may stand after FROM."""
    groups: dict[tuple[Dialect, bool, bool], list[Path]] = {}
    for part in parts:
        # Our own reader writes every cell in quotes, so they tell nothing there.
        key = (part.dialect, part.text.zipped, part.empty_texts and not part.checked)
        groups.setdefault(key, []).append(part.text.path)
    readings = [
        _reading(paths, names, dialect, zipped=zipped, empty_texts=empty)
        for (dialect, zipped, empty), paths in groups.items()
    ]
    if len(readings) == 1:
        return readings[0]
    return "(" + " UNION ALL ".join(f"FROM {reading}" for reading in readings) + ") AS parts"


def _reading(paths: Sequence[Path], names: Sequence[str], dialect: Dialect, *, zipped: bool, empty_texts: bool) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    options = {
        "auto_detect": "false",
        "columns": f"{{{columns}}}",
        "delim": literal(dialect.delimiter),
        "quote": literal(dialect.quote),
        "escape": literal(dialect.quote),
        "header": "true" if dialect.header else "false",
        "compression": "'gzip'" if zipped else "'none'",
        "nullstr": "''",
        "allow_quoted_nulls": "false" if empty_texts else "true",
        "strict_mode": "true",
        "max_line_size": str(_LONGEST_LINE),
    }
    if dialect.line_end in _TOLD_LINE_ENDS:
        options["new_line"] = _TOLD_LINE_ENDS[dialect.line_end]
    listed = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"read_csv([{', '.join(literal(path) for path in paths)}], {listed})"


def _unreadable(source: str, error: duckdb.Error) -> SendoffError:
    reason = str(error).splitlines()[0].split(": ", 1)[-1].rstrip(".")
    return refused(source, f"{reason}.", "Check delimiter, quotes and encoding, then add it again.", "unreadable")
