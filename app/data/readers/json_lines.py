"""JSON lines (and arrays of objects): one object a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import orjson

from app.data.engines.duckdb import Cursor, listed, literal, quoted
from app.data.readers.encoding import examine, opened
from app.data.readers.incoming import Incoming, ReadJob, refused
from app.data.readers.kinds import Cast, Kind, decide
from app.data.readers.parquet import copy_typed

# Read as text and looked at again: DuckDB would round numbers beyond 64 bit, and keep mixed values as JSON with quotes.
_LOOK_AGAIN = frozenset({"DOUBLE", "JSON"})


def read(job: ReadJob, name: str, files: Sequence[Path], source: str) -> Incoming:
    """The files as one table; raises FixData naming the line that is no JSON object."""
    size = sum(file.stat().st_size for file in files)
    for file in files:
        text = examine(job, file)
        if not text.plain:
            raise refused(file.name, "JSON has to be UTF-8.", "Save the file as UTF-8.", "encoding")
    with job.engine.cursor(job.ctx.token) as cursor:
        try:
            with job.following(cursor, source, size, (0.1, 0.5)):
                described = _describe(cursor, files)
                texts = {column for column, native in described if native in _LOOK_AGAIN}
                typed = [(column, "VARCHAR" if column in texts else native) for column, native in described]
                relation = _reading(files, typed)
                casts = _looked_at(cursor, relation, sorted(texts))
            with job.following(cursor, source, size, (0.5, 1.0)):
                incoming = _write(job, cursor, relation, typed, casts, name, source)
        except duckdb.Error as error:
            if job.ctx.token.cancelled or isinstance(
                error, duckdb.InterruptException | duckdb.IOException | duckdb.OutOfMemoryException
            ):
                raise
            for file in files:
                _demand_objects(job, file)
            reason = str(error).splitlines()[0].split(": ", 1)[-1].rstrip(".")
            raise refused(source, f"{reason}.", "Check the lines, then add the file again.", "json") from error
    job.finished(size)
    return incoming


def _describe(cursor: Cursor, files: Sequence[Path]) -> list[tuple[str, str]]:
    relation = f"read_json([{listed(files)}], records=true, sample_size=-1, map_inference_threshold=-1)"
    rows = cursor.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - paths are quoted
    return [(row[0], row[1]) for row in rows]


def _reading(files: Sequence[Path], columns: Sequence[tuple[str, str]]) -> str:
    types = ", ".join(f"{literal(column)}: {literal(native)}" for column, native in columns)
    return f"read_json([{listed(files)}], records=true, columns={{{types}}})"


def _looked_at(cursor: Cursor, relation: str, texts: Sequence[str]) -> dict[str, Cast]:
    if not texts:
        return {}
    names = ", ".join(quoted(column) for column in texts)
    sample = cursor.execute(f"SELECT {names} FROM {relation} LIMIT 500").fetchall()  # noqa: S608 - names are quoted
    casts, _rows = decide(cursor, relation, texts, sample)
    return {cast.column: cast for cast in casts}


def _write(
    job: ReadJob,
    cursor: Cursor,
    relation: str,
    typed: Sequence[tuple[str, str]],
    casts: dict[str, Cast],
    name: str,
    source: str,
) -> Incoming:
    values = [casts.get(column, Cast(column, Kind.TEXT, quoted(column))) for column, _native in typed]
    inner = ", ".join(f"{cast.sql} AS {quoted(cast.column)}" for cast in values)
    described = cursor.execute(f"DESCRIBE SELECT {inner} FROM {relation}").fetchall()  # noqa: S608 - names are quoted
    columns = [(row[0], row[1]) for row in described]
    again = f"(SELECT {inner} FROM {relation}) AS looked_at"  # noqa: S608 - names are quoted
    return copy_typed(job, cursor, again, columns, name, source)


def _demand_objects(job: ReadJob, file: Path) -> None:
    """Raise FixData for the first line that is no object; an array of objects is not looked into."""
    with opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            job.ctx.check()
            stripped = line.strip().removeprefix(b"\xef\xbb\xbf")
            if number == 1 and stripped.startswith(b"["):
                return
            if not stripped:
                continue
            try:
                value = orjson.loads(stripped)
            except orjson.JSONDecodeError as error:
                raise _bad(file, number, f"is no JSON: {error.msg} at character {error.colno}") from error
            if not isinstance(value, dict):
                raise _bad(file, number, "is no object with named values")


def _bad(file: Path, number: int, reason: str) -> Exception:
    return refused(file.name, f"Line {number:,} {reason}.", "Correct the line, then add the file again.", "json")
