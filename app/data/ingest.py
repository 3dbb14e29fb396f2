"""The way into the workspace: files of any format become typed Parquet in a staging folder, all or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from app.core.errors import FixData
from app.data.engines.duckdb import DuckDBEngine
from app.data.readers import databases, delimited, excel, json_lines, parquet
from app.data.readers.incoming import Incoming, ReadJob, ReadOptions, refused
from app.data.readers.names import table_name
from app.jobs import JobContext

__all__ = ["Incoming", "ReadOptions", "read"]

_Rows = Callable[[ReadJob, str, Sequence[Path], str], Incoming]
_Book = Callable[[ReadJob, Path], Iterable[Incoming]]

# Formats where a file is a table or a part of one.
_ROWS: Final[Mapping[str, _Rows]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".psv"), delimited.read),
    **dict.fromkeys((".parquet", ".pq"), parquet.read),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), json_lines.read),
}
# Formats where a file holds several tables.
_BOOKS: Final[Mapping[str, _Book]] = {
    **dict.fromkeys((".xlsx", ".xlsm"), excel.read),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db", ".duckdb"), databases.read),
}
# What numbers a part: customers_0001.csv, part-00000-5f3a....snappy.parquet, Orders (2).csv
_PART: Final = re.compile(r"[-_. ]*(\(\d+\)|part[-_ ]?\d+.*|\d{1,6}([-_.][0-9a-z-]*)?)$", re.IGNORECASE)


def read(
    engine: DuckDBEngine,
    paths: Sequence[Path],
    staging: Path,
    ctx: JobContext,
    *,
    options: ReadOptions | None = None,
    name: str | None = None,
    taken: Iterable[str] = (),
) -> list[Incoming]:
    """Read files and folders of parts into `staging`, a folder on the drive the tables will live on.

    Tables are called `name` where given (several files are then parts of it), else after their file or folder, by a number
    where the name is `taken`. Raises FixData with file, row and reason when anything is not as it must be, TryAgain when the
    drive is full, `Cancelled`; the caller removes the staging folder then, nothing else was touched. Blocks; one thread.
    """
    for path in paths:
        if not path.exists():
            raise refused(str(path), "There is no such file or folder.", "Check the path.", "no_file")
    groups = _groups(paths, name)
    total = sum(file.stat().st_size for _wanted, files, _source in groups for file in files)
    job = ReadJob(engine, staging, ctx, options or ReadOptions(), total)
    used = list(taken)
    incoming: list[Incoming] = []
    for wanted, files, source in groups:
        for table in _read_group(job, wanted, files, source):
            unique = table_name(table.name, used)
            used.append(unique)
            incoming.append(_renamed(table, unique))
    if not incoming:
        raise FixData(
            "Nothing was added.", "There was no table in it.", "Choose a file or folder with tables.", code="no_table"
        )
    return incoming


def _read_group(job: ReadJob, wanted: str, files: Sequence[Path], source: str) -> list[Incoming]:
    ending = _ending(files[0])
    if ending in _BOOKS:
        return list(_BOOKS[ending](job, files[0]))
    return [_ROWS[ending](job, wanted, files, source)]


def _groups(paths: Sequence[Path], name: str | None) -> list[tuple[str, list[Path], str]]:
    """Tables to be: wanted name, files, and how a person calls the source."""
    if name is not None and len(paths) > 1 and all(path.is_file() for path in paths):
        for path in paths:
            _demand_known(path)
        return [(name, list(paths), f"{len(paths)} files")]
    groups: list[tuple[str, list[Path], str]] = []
    for path in paths:
        if path.is_dir():
            groups += _folder_groups(path)
        else:
            _demand_known(path)
            groups.append((_stem(path), [path], str(path)))
    if name is not None and len(groups) == 1:
        groups = [(name, groups[0][1], groups[0][2])]
    return groups


def _folder_groups(folder: Path) -> list[tuple[str, list[Path], str]]:
    """The tables of a folder: files whose names differ by their number only are parts of one."""
    parts: dict[tuple[str, str], list[Path]] = {}
    for file in sorted(folder.iterdir()):
        if file.is_file() and _ending(file) in {**_ROWS, **_BOOKS} and not file.name.startswith((".", "_")):
            parts.setdefault((_PART.sub("", _stem(file)).casefold(), _ending(file)), []).append(file)
    if not parts:
        raise refused(
            str(folder),
            "The folder holds no file that could be read.",
            "Sendoff reads CSV, Parquet, JSON lines, Excel, DuckDB and SQLite files.",
            "no_table",
        )
    if len(parts) == 1 and _ending(next(iter(parts.values()))[0]) in _ROWS:
        files = next(iter(parts.values()))
        return [(folder.resolve().name, files, str(folder))]
    groups = []
    for files in parts.values():
        if _ending(files[0]) in _BOOKS:
            groups += [(_stem(file), [file], str(file)) for file in files]
        else:
            groups.append((_PART.sub("", _stem(files[0])) or folder.resolve().name, files, str(folder)))
    return groups


def _demand_known(path: Path) -> None:
    if _ending(path) in {**_ROWS, **_BOOKS}:
        return
    fix = (
        "Save it as .xlsx or as CSV."
        if _ending(path) == ".xls"
        else "Save it as CSV, Parquet, JSON lines or Excel (.xlsx)."
    )
    raise refused(path.name, "Files of this kind can't be read.", fix, "unknown_format")


def _ending(path: Path) -> str:
    """The ending that tells the format, below .gz and in lower case."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _stem(path: Path) -> str:
    name = path.name
    for ending in (".gz", _ending(path), ".snappy", ".zstd"):
        if ending and name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name


def _renamed(table: Incoming, name: str) -> Incoming:
    return Incoming(name, table.columns, table.rows, table.folder, table.files, table.source, table.notes)
