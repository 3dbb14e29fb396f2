"""Which rows of a table changed since it was written to a place last, by its key and a hash of what is written of each row.

What a place holds is a Parquet file of `key`, in the table's own type, and `hash`. The next one is written beside it while a run
compares, and takes its place when the run is published: a run that fails leaves it as it was, and one that dies between
publishing and that sends its changes again with the next.

Rows that a server keeps are brought here once, so that those compared are those written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlglot import exp

from app.core.errors import FixData
from app.core.names import new_id
from app.core.row_deltas import RowChanges, Rows, Whole
from app.core.tables import Table
from app.data.engines.duckdb import Cursor, literal
from app.data.formats.values import column_text
from app.data.kept_files import known_of, write_parquet
from app.data.server_rows import server_of
from app.data.sql_values import Value
from app.data.table_files import RowSource, Selection, TableRows
from app.jobs import JobContext, Progress
from app.jobs.drive import make_folder, put_in_place

FORMAT: Final = 1
"""Raised when the hash is made in another way: then all rows are written once."""

_ABOUT: Final = "about"
_WHAT: Final = {
    Rows.CHANGES: (Rows.ADDED, Rows.CHANGED),
    Rows.ADDED: (Rows.ADDED,),
    Rows.CHANGED: (Rows.CHANGED,),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table compared with what its place holds. `rows` may be asked for until the folder of the run is gone."""

    source: TableRows
    base: Path
    next: Path
    brought: Path | None
    changes: RowChanges

    def rows(self, which: Rows) -> RowSource:
        """Those rows, to be written."""
        if which is Rows.REMOVED:
            return _RemovedRows(self)
        return _SomeRows(self, which)

    def settle(self) -> None:
        """The rows were published: they are what the place holds now."""
        put_in_place(self.next, self.base)


def compare(source: TableRows, base: Path, folder: Path, ctx: JobContext) -> Comparison:
    """Compare all rows with what the file `base` says of the place; none of them is written yet.

    What a server keeps is brought into the folder. Raises FixData when the key is missing or does not tell rows apart, and
    what reading them does.
    """
    table = source.table
    key = _key_of(source)
    about = _about(source)
    make_folder(base.parent)
    coming = base.with_suffix(".next")
    ctx.report(Progress("Compare rows", unit="rows", note=table.name))
    with source.engine.cursor(ctx.token) as cursor, source.select(cursor, ctx) as selection:
        brought = None
        query = selection.query
        if server_of(source.engine, table) is not None:
            brought = folder / f"{new_id()}.rows"
            write_parquet(cursor, query.sql("duckdb"), brought, {})
            query = _brought(brought, len(selection.names))
        whole = _why_whole(cursor, base, about)
        now = f"SELECT q.c{key} AS key, {_hash(selection.values)} AS hash FROM ({query.sql('duckdb')}) AS q"  # noqa: S608 - our own names
        if whole is None:
            compared = (
                "SELECT n.key, n.hash, CASE WHEN b.hash IS NULL THEN 'added' WHEN b.hash <> n.hash THEN 'changed' "  # noqa: S608 - as above
                f"ELSE 'same' END AS what FROM ({now}) AS n LEFT JOIN read_parquet({literal(base)}) AS b ON n.key = b.key"
            )
        else:
            compared = f"SELECT key, hash, 'added' AS what FROM ({now})"  # noqa: S608 - as above
        write_parquet(cursor, compared, coming, {_ABOUT: about})
        _demand_unique(cursor, coming, table)
        changes = _numbers(cursor, coming, None if whole is not None else base)
    return Comparison(source, base, coming, brought, replace(changes, whole=whole))


@dataclass(frozen=True, slots=True)
class _SomeRows:
    """A `RowSource` of the rows that are new or changed, or of all."""

    compared: Comparison
    which: Rows

    @contextmanager
    def select(self, cursor: Cursor, ctx: JobContext) -> Iterator[Selection]:
        """See `RowSource`; raises what `TableRows.select` does."""
        with self._all(cursor, ctx) as selection:
            query = selection.query
            if self.which is not Rows.ALL:
                wanted = (
                    exp.select("key")
                    .from_(_file(self.compared.next))
                    .where(exp.column("what").isin(*_WHAT[self.which]))
                )
                chosen = [exp.column(f"c{i}", table="a") for i in range(len(selection.names))]
                same = exp.column(f"c{_key_of(self.compared.source)}", table="a").eq(exp.column("key", table="w"))
                query = (
                    exp.select(*chosen).from_(query.subquery("a")).join(wanted.subquery("w"), on=same, join_type="semi")
                )
            yield replace(selection, query=query, rows=self.compared.changes.number(self.which))

    def _all(self, cursor: Cursor, ctx: JobContext) -> AbstractContextManager[Selection]:
        brought, source = self.compared.brought, self.compared.source
        return source.select(cursor, ctx) if brought is None else _selected(source, brought)


@dataclass(frozen=True, slots=True)
class _RemovedRows:
    """A `RowSource` of the keys that are not in the table any more."""

    compared: Comparison

    @contextmanager
    def select(self, cursor: Cursor, ctx: JobContext) -> Iterator[Selection]:  # noqa: ARG002 - as `RowSource` has it
        """See `RowSource`."""
        compared = self.compared
        table = compared.source.table
        (column,) = (each for each in table.columns if each.name == table.key)
        gone = f"SELECT b.key AS c0 FROM ({_gone(compared.base, compared.next)}) AS b"  # noqa: S608 - our own query
        query = exp.maybe_parse(gone, into=exp.Select, dialect="duckdb")
        value = Value(exp.column("c0", table="q"), column.type, column.native_type)
        yield Selection(query, (column.name,), (value,), compared.changes.removed)


@contextmanager
def _selected(source: TableRows, brought: Path) -> Iterator[Selection]:
    """The rows of a server as they were brought here."""
    columns = [column for name in source.fields if (column := source.table.column(name)) is not None]
    values = tuple(
        Value(exp.column(f"c{i}", table="q"), column.type, column.native_type) for i, column in enumerate(columns)
    )
    yield Selection(_brought(brought, len(columns)), source.fields, values, 0)


def _brought(file: Path, columns: int) -> exp.Select:
    return exp.select(*(f"c{i}" for i in range(columns))).from_(_file(file))


def _file(path: Path) -> exp.Table:
    return exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[exp.Literal.string(str(path))]))


def _key_of(source: TableRows) -> int:
    """Which of the fields is the key."""
    table = source.table
    if table.key is None:
        raise FixData(
            f"“{table.name}” has no key.",
            "Without one nobody can tell which of its rows changed.",
            "Say which column is its key, or write all rows.",
            code="no_key",
        )
    if table.key not in source.fields:
        raise FixData(
            f"The key “{table.key}” of “{table.name}” is not written.",
            "Without it nobody can tell which row a change belongs to.",
            "Choose it among the fields of the export, or write all rows.",
            code="no_key",
        )
    return source.fields.index(table.key)


def _about(source: TableRows) -> str:
    """What a hash is made of; with other fields, or others' types, no two hashes can be compared."""
    columns = [column for name in source.fields if (column := source.table.column(name)) is not None]
    return json.dumps([FORMAT, source.table.key, [[column.name, column.type] for column in columns]])


def _why_whole(cursor: Cursor, base: Path, about: str) -> Whole | None:
    if not base.exists():
        return Whole.FIRST
    return None if known_of(cursor, base, _ABOUT) == about else Whole.OTHER_FIELDS


def _hash(values: tuple[Value, ...]) -> str:
    """No two rows look alike to it; no value is not the same as an empty one. As in app/data/planning.py, MD5 stays."""
    texts = [column_text(value).sql("duckdb") for value in values]
    written = ", ".join(f"coalesce(length({text}) || ':' || {text}, '-')" for text in texts)
    return f"md5(concat({written}))::UUID"


def _demand_unique(cursor: Cursor, coming: Path, table: Table) -> None:
    query = f"SELECT count(*), count(key), count(DISTINCT key) FROM read_parquet({literal(coming)})"  # noqa: S608 - our own names
    ((rows, filled, different),) = cursor.execute(query).fetchall()
    if rows != different:
        empty = rows - filled
        why = f"{empty:,} rows have none." if empty else f"{rows - different:,} rows have one that another row has too."
        raise FixData(
            f"The key “{table.key}” of “{table.name}” does not tell its rows apart.",
            why,
            "Choose another key for the table, or write all rows.",
            code="key_not_unique",
        )


def _numbers(cursor: Cursor, coming: Path, base: Path | None) -> RowChanges:
    counted = f"SELECT what, count(*) FROM read_parquet({literal(coming)}) GROUP BY what"  # noqa: S608 - our own names
    numbers = dict(cursor.execute(counted).fetchall())
    removed = 0
    if base is not None:
        ((removed,),) = cursor.execute(f"SELECT count(*) FROM ({_gone(base, coming)})").fetchall()  # noqa: S608 - as above
    return RowChanges(numbers.get("added", 0), numbers.get("changed", 0), int(removed), numbers.get("same", 0))


def _gone(base: Path, coming: Path) -> str:
    before, now = (f"read_parquet({literal(each)})" for each in (base, coming))
    return f"SELECT b.key FROM {before} AS b ANTI JOIN {now} AS n ON b.key = n.key"  # noqa: S608 - our own names
