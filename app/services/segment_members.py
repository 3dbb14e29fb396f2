"""The first members of a segment as people look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.segments import Segment
from app.core.tables import Column
from app.data.engines.duckdb import DuckDBEngine
from app.data.members import Members, segment_table
from app.data.personal import masked as mask
from app.data.workspace_rows import KeyFacts, Scope
from app.jobs import JobContext


@dataclass(frozen=True, slots=True)
class MemberPage:
    """The first members by key: names of columns, and rows of text; personal values are `masked` for who may not see them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    masked: bool


def member_page(
    engine: DuckDBEngine, scope: Scope, segment: Segment, limit: int, ctx: JobContext, *, masked: bool
) -> MemberPage:
    """The first members by key, the key first; FixData when the segment has issues."""
    table = segment_table(scope, segment)
    columns = sorted(table.columns, key=lambda column: column.name != table.key)
    found = Members(engine, KeyFacts(engine)).page(scope, segment, [c.name for c in columns], limit, ctx)
    rows = [_hidden(row, columns) for row in found] if masked else found
    return MemberPage(tuple(c.name for c in columns), tuple(rows), masked)


def _hidden(row: tuple[str | None, ...], columns: Sequence[Column]) -> tuple[str | None, ...]:
    return tuple(
        mask(value, column.meaning) if column.meaning.personal else value
        for value, column in zip(row, columns, strict=True)
    )
