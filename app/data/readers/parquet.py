"""Parquet files, copied through the engine so that a damaged page is found before anything is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from app.data.engines.duckdb import Cursor, literal, quoted
from app.data.readers.incoming import Incoming, ReadJob, refused
from app.data.readers.names import column_names

_CELLS_A_GROUP: Final = 8_000_000


def read(job: ReadJob, name: str, files: Sequence[Path], source: str) -> Incoming:
    """The files as one table; raises FixData when one is no Parquet file, damaged, or has other columns than the first."""
    size = sum(file.stat().st_size for file in files)
    for file in files:
        if file.stat().st_size == 0:
            raise refused(file.name, "The file is empty.", "Check how it was written, then add it again.", "empty_file")
    with job.engine.cursor(job.ctx.token) as cursor:
        at_hand = files[0]
        try:
            first = _columns(cursor, files[0])
            for at_hand in files[1:]:
                if _columns(cursor, at_hand) != first:
                    raise refused(
                        at_hand.name,
                        f"Its columns are not those of {files[0].name}, which lies in the same folder.",
                        "Parts of one table need the same columns in the same order; add other tables one by one.",
                        "parts_differ",
                    )
        except duckdb.Error as error:
            raise _damaged(at_hand.name) from error
        relation = f"read_parquet([{', '.join(literal(file) for file in files)}])"
        try:
            with job.following(cursor, source, size, (0.0, 1.0)):
                incoming = copy_typed(job, cursor, relation, first, name, source)
        except (duckdb.InvalidInputException, duckdb.SerializationException, duckdb.IOException) as error:
            if isinstance(error, duckdb.IOException) and "space" in str(error):
                raise
            raise _damaged(source) from error
    job.finished(size)
    return incoming


def copy_typed(
    job: ReadJob, cursor: Cursor, relation: str, columns: Sequence[tuple[str, str]], name: str, source: str
) -> Incoming:
    """Write a relation whose columns are typed already; what engines do not share becomes text."""
    names, notes = column_names([column for column, _native in columns])
    values = ", ".join(
        f"{_value(column, native)} AS {quoted(new)}" for (column, native), new in zip(columns, names, strict=True)
    )
    folder = job.folder()
    target = folder / "part-0000.parquet"
    rows = write_parquet(cursor, f"SELECT {values} FROM {relation}", len(columns), target)  # noqa: S608 - names are quoted
    return Incoming(name, job.engine.describe([target]), rows, folder, (target,), source, tuple(notes))


def write_parquet(cursor: Cursor, query: str, width: int, target: Path) -> int:
    """Write what the query gives; the number of rows. Wide tables get short row groups, which are held in memory."""
    group = max(2048, min(122_880, _CELLS_A_GROUP // max(1, width)))
    done = cursor.execute(
        f"COPY ({query}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group})"
    ).fetchone()
    return int(done[0]) if done else 0


def _columns(cursor: Cursor, file: Path) -> list[tuple[str, str]]:
    described = cursor.execute("DESCRIBE SELECT * FROM read_parquet(?)", [[str(file)]]).fetchall()
    return [(row[0], row[1]) for row in described]


def _value(column: str, native: str) -> str:
    name = quoted(column)
    if native == "UUID" or native.startswith("ENUM"):
        return f"CAST({name} AS VARCHAR)"
    return name


def _damaged(source: str) -> Exception:
    return refused(source, "It is no Parquet file, or it is damaged or cut off.", "Get the file again.", "damaged")
