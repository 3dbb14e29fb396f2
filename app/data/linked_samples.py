"""Some rows of a table with members and all rows linked to them, kept as files: estimates of linked conditions come at once.

A sample of one table says nothing of what is linked to it, so each table with members has one that is closed: some of its
rows, and of every table that its conditions reach, the rows linked to those. The files lie in the folder of the table's
generation and go with it; the names of those of other tables stand for their generations, so that none answers for rows
that are no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from sqlglot import exp

from app.core.segments import Segment
from app.core.tables import Catalog, Table, TableRole
from app.data.engines.duckdb import DuckDBEngine, generation_folder, literal, parquet
from app.data.links import Step, paths
from app.data.samples_of_rows import rows_at, sampled
from app.data.used_columns import linked_tables
from app.data.workspace_rows import Scope
from app.jobs import CancelToken
from app.jobs.drive import flush_file, put_in_place

MOST_ROWS: Final = 200_000
"""Of the largest table of a sample; where none has more, none is needed. Adding up so many takes 50 ms."""
_PLACES: Final = 64
_FOLDER: Final = "sample"


@dataclass(frozen=True, slots=True)
class _Part:
    """One table of a sample: so many `rows` of the table with the members, or those linked by the step to rows in `near`."""

    table: Table
    file: Path
    rows: int = 0
    step: Step | None = None
    near: Path | None = None


class LinkedSamples:
    """Makes and finds samples; thread safe, and safe beside other processes: a file is whole before it has its name."""

    def __init__(self, engine: DuckDBEngine) -> None:
        self._engine = engine

    def find(self, scope: Scope, segment: Segment) -> Mapping[str, Path] | None:
        """By table id the file to read instead of the table's own; None where there is no sample, or it can't answer.

        It answers for segments that look at linked rows by conditions of their own or of segments of the same table.
        """
        table, linked = scope.catalog.by_role(segment.of.role), linked_tables(segment, scope)
        if table is None or not linked:
            return None
        parts = self._parts(scope.catalog, table)
        if not linked <= {part.table.id for part in parts} or not all(part.file.is_file() for part in parts):
            return None
        return {part.table.id: part.file for part in parts}

    def make(self, catalog: Catalog, token: CancelToken) -> None:
        """Make what is missing, and drop what answers for rows that are no more; reads large linked tables once.

        Raises Cancelled, TryAgain (full drive), FixData (rows gone).
        """
        for table in catalog.tables:
            if table.role is TableRole.OTHER or table.server is not None:
                continue
            parts = self._parts(catalog, table)
            for part in parts:
                if not part.file.is_file():
                    self._write(part.file, self._rows(part), token)
            self._drop_others(table, {part.file for part in parts})

    def _parts(self, catalog: Catalog, table: Table) -> list[_Part]:
        """The files of the table's sample, nearer tables first; none where rows are few or on a server."""
        reached = [] if table.server is not None else _reached(catalog, table)
        largest = max([table.rows, *(other.rows for other, _ in reached)])
        if not reached or largest <= MOST_ROWS:
            return []
        folder = generation_folder(self._engine.folder, table) / _FOLDER
        members = max(1, table.rows * MOST_ROWS // largest)
        files = {table.id: folder / _name(members)}
        parts = [_Part(table, files[table.id], members)]
        for other, step in reached:
            from_table = catalog.table(step.from_table)
            near = None if from_table is None else files.get(from_table.id)
            if near is None:
                continue
            files[other.id] = folder / _name(near.name, step, other.id, other.generation)
            parts.append(_Part(other, files[other.id], step=step, near=near))
        return parts

    def _rows(self, part: _Part) -> exp.Select:
        rows = self._engine.relation(part.table)
        if part.step is None or part.near is None:
            files = self._engine.table_files(part.table)
            return rows_at(files, part.table, part.rows, _PLACES) or sampled(rows, part.rows)
        here = exp.cast(exp.column(part.step.to_column, table="t", quoted=True), "text")
        there = exp.cast(exp.column(part.step.from_column, table="n", quoted=True), "text")
        linked = exp.select(there).from_(exp.alias_(parquet([part.near]), "n", table=True))
        every = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier("t")))
        return every.from_(exp.alias_(rows, "t", table=True)).where(exp.In(this=here, query=exp.Subquery(this=linked)))

    def _write(self, file: Path, rows: exp.Select, token: CancelToken) -> None:
        file.parent.mkdir(exist_ok=True)
        partial = file.with_suffix(f".{uuid4().hex}")
        try:
            with self._engine.cursor(token) as cursor:
                cursor.execute(f"COPY ({self._engine.sql(rows)}) TO {literal(partial)} (FORMAT parquet)")
            flush_file(partial)  # or a loss of power leaves an empty file of that name
            put_in_place(partial, file)
        finally:
            partial.unlink(missing_ok=True)

    def _drop_others(self, table: Table, wanted: Collection[Path]) -> None:
        for file in (generation_folder(self._engine.folder, table) / _FOLDER).glob("*.parquet"):
            if file not in wanted:
                with suppress(OSError):  # somebody reads it still: the next time
                    file.unlink()


def _reached(catalog: Catalog, table: Table) -> list[tuple[Table, Step]]:
    """The tables to which there is just one shortest way, each with the last step to it, nearer ones first."""
    ways = [(other, paths(catalog, table.name, other.name)) for other in catalog.tables if other.id != table.id]
    only = [(other, found[0]) for other, found in ways if len(found) == 1 and other.server is None]
    return [(other, way[-1]) for other, way in sorted(only, key=lambda one: len(one[1]))]


def _name(*what: object) -> str:
    return f"{hashlib.sha256(repr(what).encode()).hexdigest()[:16]}.parquet"
