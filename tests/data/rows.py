"""Workspace folders with rows, as ingest leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from app.core.exports import SyncMode
from app.core.names import new_id
from app.core.segments import Segment
from app.core.suppression import ContactKind, ListFacts, digest_of, entry_of
from app.core.tables import Meaning, Table, TableRole
from app.data.engines.duckdb import DuckDBEngine
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.plan_rows import read_plan
from app.data.suppression import write_list
from app.data.workspace_rows import Scope
from app.jobs import JobContext

WHEN = datetime(2025, 6, 1, tzinfo=UTC)


def add_table(
    engine: DuckDBEngine,
    name: str,
    rows: pa.Table,
    *,
    key: str | None,
    role: TableRole = TableRole.OTHER,
    generation: int = 1,
    meanings: dict[str, Meaning] | None = None,
) -> Table:
    """Write the rows as one generation of a table and describe it."""
    folder: Path = engine.folder / "data" / name.lower() / str(generation)
    folder.mkdir(parents=True)
    pq.write_table(rows, folder / "part-0.parquet", compression="zstd")
    columns = engine.describe([folder / "part-0.parquet"])
    named = tuple(replace(c, meaning=(meanings or {}).get(c.name, Meaning.NONE)) for c in columns)
    return Table(name.lower(), name, role, named, key, rows.num_rows, generation, "test", WHEN)


SALT = bytes(range(16))


def add_list(
    engine: DuckDBEngine, emails: Iterable[str] = (), phones: Iterable[str] = (), country: str = "US"
) -> ListFacts:
    """Write a suppression list with these plain values (or SHA-256 of them) as a new generation."""
    values = {ContactKind.EMAIL: list(emails), ContactKind.PHONE: list(phones)}
    digests = [digest_of(value, kind, country) for kind, found in values.items() for value in found]
    generation = new_id()
    write_list(engine.folder, generation, [sorted({entry_of(SALT, d) for d in digests if d is not None})])
    return ListFacts(generation, SALT, frozenset(kind for kind, found in values.items() if found))


class Row(NamedTuple):
    """A member as it is sent."""

    key: str
    values: Mapping[str, str | None]


class Stream:
    """The members of a segment as they are sent to a place that holds nobody, in lists of `size`."""

    def __init__(
        self, engine: DuckDBEngine, scope: Scope, segment: Segment, spec: MemberSpec, size: int, ctx: JobContext
    ) -> None:
        plan = engine.folder / "tmp" / f"{new_id()}.parquet"
        self.sent_empty = Members(engine).plan(scope, segment, spec, None, SyncMode.UPDATE, plan, ctx).sent_empty
        self._parts = read_plan(engine, plan, ctx)
        self._size = size
        self._waiting: list[Row] = []

    def __iter__(self) -> Iterator[list[Row]]:
        return self

    def __next__(self) -> list[Row]:
        while len(self._waiting) < self._size and (part := next(self._parts, None)) is not None:
            each = (dict(zip(part.values, values, strict=True)) for values in zip(*part.values.values(), strict=True))
            self._waiting += map(Row, part.members, each if part.values else ({} for _member in part.members))
        if not self._waiting:
            raise StopIteration
        batch = self._waiting[: self._size]
        del self._waiting[: self._size]
        return batch

    def close(self) -> None:
        self._parts.close()
        self._waiting.clear()
