"""Fixed lists of members: keys read from a file into the workspace's own Parquet, so that the segment never changes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp

from app.core.errors import FixData
from app.core.identifiers import BLANKS
from app.core.names import new_id
from app.data.engines.duckdb import Cursor, DuckDBEngine, columns_of, literal, quoted
from app.data.workspace_rows import LISTS, key_list
from app.jobs import JobContext
from app.jobs.drive import flush_file, make_folder, put_in_place


def known(engine: DuckDBEngine, name: str) -> bool:
    """Whether this is the name of a list in the workspace already."""
    path = engine.folder / "data" / LISTS / name
    return path.name == name and path.is_file()


def take_in(engine: DuckDBEngine, source: Path, key: str, ctx: JobContext) -> str:
    """Read the keys of a CSV, text or Parquet file and return the name of the new list.

    The keys stand in the column named as `key`; a file of one column needs no name. Blank ones are dropped, and each key
    is kept once. Raises FixData when the file is missing, empty or has no such column, Cancelled.
    """
    if not source.is_file():
        raise FixData(
            f"The list {source.name} is not there.",
            f"The segment looks for it in {source.parent}.",
            "Put the file there, or correct its name.",
            code="list_missing",
        )
    folder = engine.folder / "data" / LISTS
    make_folder(folder)
    name = f"{new_id()}.parquet"
    half_done = folder / f"{name}.part"
    try:
        with engine.cursor(ctx.token) as cursor:
            rows = _rows(cursor, source, key)
            cursor.execute(f"COPY ({rows}) TO {literal(half_done)} (FORMAT parquet, COMPRESSION zstd)")
            counted = cursor.execute(f"SELECT count(*) FROM read_parquet({literal(half_done)})").fetchall()  # noqa: S608 - our own names
        if counted[0][0] == 0:
            raise FixData(
                f"The list {source.name} is empty.", "It holds no key.", "Choose another file.", code="list_empty"
            )
        flush_file(half_done)
        put_in_place(half_done, folder / name)
    except duckdb.Error as error:
        raise FixData(
            f"The list {source.name} can't be read.",
            str(error).splitlines()[0],
            "Save it as CSV with one key per line.",
            code="list_unreadable",
        ) from error
    finally:
        half_done.unlink(missing_ok=True)
    return name


def keep(engine: DuckDBEngine, keys: Sequence[str], ctx: JobContext) -> str:
    """Make a list of keys typed or pasted, as `take_in` does of a file; FixData when there is none."""
    rows = pa.table({"member": pa.array(sorted({key.strip(BLANKS) for key in keys} - {""}), pa.string())})
    if not rows.num_rows:
        raise FixData("The list is empty.", "It holds no key.", "Paste one key per line.", code="list_empty")
    folder = engine.folder / "data" / LISTS
    make_folder(folder)
    name = f"{new_id()}.parquet"
    half_done = folder / f"{name}.part"
    try:
        with engine.cursor(ctx.token) as cursor:
            cursor.register("pasted", rows)
            cursor.execute(f"COPY pasted TO {literal(half_done)} (FORMAT parquet, COMPRESSION zstd)")
        flush_file(half_done)
        put_in_place(half_done, folder / name)
    finally:
        half_done.unlink(missing_ok=True)
    return name


def keys_in(engine: DuckDBEngine, name: str, ctx: JobContext) -> int:
    """How many keys a list holds; FixData when it is gone."""
    query = exp.select(exp.Count(this=exp.Star())).from_(key_list(engine, name))
    with engine.cursor(ctx.token) as cursor:
        ((found,),) = cursor.execute(query.sql(engine.dialect)).fetchall()
    return int(found)


def clear_away(folder: Path, needed: frozenset[str], before: datetime) -> None:
    """Delete the lists in a workspace folder that nothing needs any more and that are older than that moment."""
    for file in (folder / "data" / LISTS).glob("*.parquet*"):
        if file.name not in needed and file.stat().st_mtime < before.timestamp():
            file.unlink(missing_ok=True)


def _rows(cursor: Cursor, source: Path, key: str) -> str:
    parquet = source.suffix.lower() == ".parquet"
    reading = (
        f"read_parquet({literal(source)})"
        if parquet
        else f"read_csv({literal(source)}, header = false, all_varchar = true, null_padding = true)"
    )
    names = columns_of(cursor, f"FROM {reading}")
    first = names if parquet else list((cursor.execute(f"SELECT * FROM {reading} LIMIT 1").fetchall() or [()])[0])  # noqa: S608 - our own names
    found = next((i for i, name in enumerate(first) if _same(name, key)), None)
    if found is None and len(names) != 1:
        shown = ", ".join(str(name) for name in first[:8])
        raise FixData(
            f"The list {source.name} has no column {key}.",
            f"Its columns are {shown}.",
            f"Name the column with the keys {key}.",
            code="list_column",
        )
    column = quoted(names[found or 0])
    cut = exp.Trim(
        this=exp.cast(exp.column(names[found or 0], quoted=True), "text"), expression=exp.Literal.string(BLANKS)
    ).sql("duckdb")
    header = found is not None and not parquet
    rows = f"(SELECT {column} FROM {reading} OFFSET {int(header)})"  # noqa: S608 - quoted names, escaped literals
    return f"SELECT DISTINCT {cut} AS member FROM {rows} WHERE {cut} <> '' ORDER BY member"  # noqa: S608 - our own names


def _same(name: object, key: str) -> bool:
    return isinstance(name, str) and name.strip(BLANKS).casefold() == key.casefold()
