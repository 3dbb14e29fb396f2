"""The way into the workspace: files of any format become typed Parquet in a staging folder, all or nothing."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from app.core.errors import FixData, as_sendoff_error
from app.data.engines.duckdb import DuckDBEngine
from app.data.readers import cdm, databases, delimited, excel, json_lines, parquet
from app.data.readers.incoming import Incoming, ReadJob, ReadOptions, refused
from app.data.readers.names import table_name
from app.jobs import JobContext, Progress

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


@dataclass(frozen=True, slots=True)
class _Group:
    """A table to be, or a book of tables: wanted name, files, the source in words, and what reads it again."""

    name: str
    files: tuple[Path, ...]
    source: str
    paths: tuple[Path, ...]
    within: str | None = None
    named: bool = False

    @property
    def is_book(self) -> bool:
        """Whether its one file holds, or describes, tables rather than rows."""
        return _book(self.files[0]) is not None

    @property
    def bytes(self) -> int:
        """What is read for it."""
        if cdm.is_model(self.files[0]):
            return cdm.size(self.files[0])
        return sum(file.stat().st_size for file in self.files)


def read(
    engine: DuckDBEngine,
    paths: Sequence[Path],
    staging: Path,
    ctx: JobContext,
    *,
    options: ReadOptions | None = None,
    name: str | None = None,
    within: str | None = None,
    taken: Iterable[str] = (),
) -> list[Incoming]:
    """Read files and folders of parts into `staging`, a folder on the drive the tables will live on.

    Tables are called `name` where given (several files are then parts of it), else after their file or folder, by a number
    where the name is `taken`. With `within` only that table of a book or folder is read. Raises FixData with file, row and
    reason when anything is not as it must be, TryAgain when the drive is full, `Cancelled`; the caller removes the staging
    folder then, nothing else was touched. Blocks; one thread.
    """
    for path in paths:
        if not path.exists():
            raise refused(str(path), "There is no such file or folder.", "Check the path.", "no_file")
    groups = [g for g in _groups(paths, name) if within is None or g.is_book or g.within == within]
    total = sum(group.bytes for group in groups)
    job = ReadJob(engine, staging, ctx, options or ReadOptions(), total, within)
    used = list(taken)
    incoming: list[Incoming] = []
    try:
        for group in groups:
            for table in _read_group(job, group):
                unique = table_name(table.name, used)
                used.append(unique)
                incoming.append(replace(table, name=unique))
    except OSError as error:
        raise _as_ours(error) from error
    if not incoming:
        raise FixData(
            "Nothing was added.", "There was no table in it.", "Choose a file or folder with tables.", code="no_table"
        )
    ctx.report(Progress(f"Read {incoming[-1].name}", total, total, "bytes"), final=True)
    return incoming


def _as_ours(error: OSError) -> Exception:
    if error.errno == errno.ENOSPC:
        return as_sendoff_error(error)
    name = Path(str(error.filename)).name if error.filename else "The file"
    return refused(
        name, f"{error.strerror or 'It could not be read'}.", "Check that it is there and may be read.", "file"
    )


def _read_group(job: ReadJob, group: _Group) -> Iterator[Incoming]:
    book = _book(group.files[0])
    if book is not None:
        tables = list(book(job, group.files[0]))
        for table in tables:
            # A name given for a book with one table is that table's.
            named = group.name if len(tables) == 1 and group.named else table.name
            yield replace(table, name=named, paths=group.paths, within=table.within or table.name)
        return
    table = _ROWS[_ending(group.files[0])](job, group.name, group.files, group.source)
    yield replace(table, paths=group.paths, within=group.within)


def _groups(paths: Sequence[Path], name: str | None) -> list[_Group]:
    if name is not None and len(paths) > 1 and all(path.is_file() for path in paths):
        for path in paths:
            _demand_known(path)
        return [_Group(name, tuple(paths), f"{len(paths)} files", tuple(paths))]
    groups: list[_Group] = []
    for path in paths:
        if path.is_dir():
            groups += _folder_groups(path)
        else:
            _demand_known(path)
            groups.append(_Group(_stem(path), (path,), str(path), (path,)))
    if name is not None and len(groups) == 1:
        groups = [replace(groups[0], name=name, named=True)]
    return groups


def _folder_groups(folder: Path) -> list[_Group]:
    """The tables of a folder: what its model says, else files whose names differ by their number only are parts of one."""
    model = cdm.model_file(folder)
    if model is not None:
        return [_Group(folder.resolve().name, (model,), str(folder), (folder,))]
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
    name = folder.resolve().name
    groups: list[_Group] = []
    for (_stem_key, ending), files in parts.items():
        if ending in _BOOKS:
            groups += [_Group(_stem(file), (file,), str(file), (file,)) for file in files]
        elif len(parts) == 1:
            groups.append(_Group(name, tuple(files), str(folder), (folder,)))
        else:
            stem = _PART.sub("", _stem(files[0])) or name
            groups.append(_Group(stem, tuple(files), str(folder), (folder,), within=stem))
    return groups


def _book(file: Path) -> _Book | None:
    """What reads the tables that the file holds or describes; None when it holds rows."""
    return cdm.read if cdm.is_model(file) else _BOOKS.get(_ending(file))


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
