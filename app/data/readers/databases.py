"""DuckDB and SQLite files: every table, opened for reading only; views are left out."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from app.core.errors import TryAgain
from app.data.engines.duckdb import Cursor, literal, quoted
from app.data.readers.incoming import Incoming, ReadJob, refused
from app.data.readers.kinds import Cast, Kind, decide
from app.data.readers.parquet import copy_typed

PATIENCE: Final = 10.0
"""Seconds to wait for another program that writes into a SQLite file."""
_BATCH: Final = 20_000
_COLUMNS_A_QUERY: Final = 200  # SQLite gives at most 2,000 results a row
_STORAGE: Final = ("integer", "real", "text", "blob")


def read(job: ReadJob, file: Path) -> Iterator[Incoming]:
    """Each table of the file; raises FixData when it is no database, TryAgain when another program has it locked."""
    with file.open("rb") as opened:
        start = opened.read(16)
    if start == b"SQLite format 3\x00":
        yield from _sqlite(job, file)
    elif start[8:12] == b"DUCK":
        yield from _duckdb(job, file)
    elif not start:
        raise refused(file.name, "The file is empty.", "Check how it was written, then add it again.", "empty_file")
    else:
        raise refused(file.name, "It is neither a DuckDB nor a SQLite file.", "Check the file.", "database")
    job.finished(file.stat().st_size)


def _locked(file: Path) -> TryAgain:
    return TryAgain(
        f"{file.name} was not read.",
        "Another program has the database open for writing.",
        "Close it there, then try again.",
        code="locked",
    )


def _duckdb(job: ReadJob, file: Path) -> Iterator[Incoming]:
    with job.engine.cursor(job.ctx.token) as cursor:
        alias = job.folder("attached").name
        try:
            cursor.execute(f"ATTACH {literal(file)} AS {quoted(alias)} (READ_ONLY)")
        except duckdb.Error as error:
            if "lock" in str(error):
                raise _locked(file) from error
            raise refused(file.name, "The DuckDB file can't be opened.", "Check the file.", "database") from error
        try:
            tables = cursor.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND NOT internal ORDER BY ALL",
                [alias],
            ).fetchall()
            size = file.stat().st_size
            for place, (schema, table) in enumerate(tables):
                if job.only not in (None, table):
                    continue
                relation = f"{quoted(alias)}.{quoted(schema)}.{quoted(table)}"
                described = cursor.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - quoted
                columns = [(row[0], row[1]) for row in described]
                share = (place / len(tables), (place + 1) / len(tables))
                with job.following(cursor, file.name, size, share):
                    incoming = copy_typed(job, cursor, relation, columns, table, f"{file}, table {table}")
                yield incoming
        finally:
            cursor.execute(f"DETACH {quoted(alias)}")


@dataclass(frozen=True, slots=True)
class _Stored:
    """A SQLite column: its name, how it goes through Arrow, and whether its texts are looked at again."""

    name: str
    arrow: pa.DataType
    look: bool


def _sqlite(job: ReadJob, file: Path) -> Iterator[Incoming]:
    with closing(_connected(file)) as connection:
        try:
            # One moment for all tables, whatever others write meanwhile.
            connection.execute("BEGIN")
            names = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
            ).fetchall()
            for place, (table,) in enumerate(names):
                if job.only not in (None, table):
                    continue
                job.report(file.name, file.stat().st_size * place // len(names))
                yield _sqlite_table(job, connection, file, table)
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise _locked(file) from error
            raise _broken(file) from error
        except sqlite3.DatabaseError as error:
            raise _broken(file) from error


def _broken(file: Path) -> Exception:
    return refused(file.name, "The SQLite file is damaged or can't be opened.", "Check the file.", "database")


def _connected(file: Path) -> sqlite3.Connection:
    uri = file.resolve().as_uri()
    connection = sqlite3.connect(
        f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=PATIENCE
    )
    # Old programs wrote their own encodings; a byte that is no UTF-8 is taken as Windows wrote it.
    connection.text_factory = _decoded
    return connection


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _sqlite_table(job: ReadJob, connection: sqlite3.Connection, file: Path, table: str) -> Incoming:
    stored = _stored(connection, table)
    raw = job.folder("text") / "rows.parquet"
    schema = pa.schema([(column.name, column.arrow) for column in stored])
    columns = ", ".join(_name(column.name) for column in stored)
    rows = connection.execute(f"SELECT {columns} FROM {_name(table)}")  # noqa: S608 - names are quoted
    with pq.ParquetWriter(raw, schema) as writer:
        while batch := rows.fetchmany(_BATCH):
            job.ctx.check()
            writer.write_batch(_batch(batch, stored, schema))
    with job.engine.cursor(job.ctx.token) as cursor:
        incoming = _typed(job, cursor, raw, stored, table, f"{file}, table {table}")
    raw.unlink()
    return incoming


def _typed(job: ReadJob, cursor: Cursor, raw: Path, stored: Sequence[_Stored], table: str, source: str) -> Incoming:
    relation = f"read_parquet({literal(raw)})"
    look = [column.name for column in stored if column.look]
    casts = {}
    if look:
        names = ", ".join(quoted(column) for column in look)
        sample = cursor.execute(f"SELECT {names} FROM {relation} LIMIT 500").fetchall()  # noqa: S608 - quoted
        casts = {cast.column: cast for cast in decide(cursor, relation, look, sample)[0]}
    values = [casts.get(column.name, Cast(column.name, Kind.TEXT, quoted(column.name))) for column in stored]
    inner = ", ".join(f"{cast.sql} AS {quoted(cast.column)}" for cast in values)
    described = cursor.execute(f"DESCRIBE SELECT {inner} FROM {relation}").fetchall()  # noqa: S608 - quoted
    columns = [(row[0], row[1]) for row in described]
    again = f"(SELECT {inner} FROM {relation}) AS stored"  # noqa: S608 - names are quoted
    return copy_typed(job, cursor, again, columns, table, source)


def _name(name: str) -> str:
    """A name as SQLite quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _stored(connection: sqlite3.Connection, table: str) -> list[_Stored]:
    """How each column is kept: SQLite lets every cell have its own type, so all are looked at."""
    declared = [(row[1], str(row[2]).upper()) for row in connection.execute(f"PRAGMA table_info({_name(table)})")]
    stored = []
    for start in range(0, len(declared), _COLUMNS_A_QUERY):
        some = declared[start : start + _COLUMNS_A_QUERY]
        counts = ", ".join(
            f"count(*) FILTER (WHERE typeof({_name(name)}) = '{storage}')" for name, _ in some for storage in _STORAGE
        )
        row = connection.execute(f"SELECT {counts} FROM {_name(table)}").fetchone()  # noqa: S608 - names are quoted
        for place, (name, type_name) in enumerate(some):
            integers, reals, texts, blobs = row[place * 4 : place * 4 + 4]
            stored.append(_kept(name, type_name, integers, reals, texts, blobs))
    return stored


def _kept(name: str, declared: str, integers: int, reals: int, texts: int, blobs: int) -> _Stored:
    exact = re.search(r"DECIMAL|NUMERIC|MONEY", declared) is not None
    if blobs and not (integers or reals or texts):
        return _Stored(name, pa.binary(), look=False)
    if blobs or (texts and (integers or reals)):
        return _Stored(name, pa.string(), look=False)
    if reals:
        return _Stored(name, pa.string(), look=True) if exact else _Stored(name, pa.float64(), look=False)
    if integers:
        return _Stored(name, pa.int64(), look=False)
    moment = re.search(r"DATE|TIME|BOOL", declared) is not None
    return _Stored(name, pa.string(), look=moment)


def _batch(rows: Sequence[Sequence[Any]], stored: Sequence[_Stored], schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for column, cells in zip(stored, zip(*rows, strict=True), strict=True):
        values = [_text(cell) for cell in cells] if column.arrow == pa.string() else cells
        arrays.append(pa.array(values, type=column.arrow))
    return pa.record_batch(arrays, schema=schema)


def _text(cell: float | str | bytes | None) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return _decoded(cell) if isinstance(cell, bytes) else repr(cell)
