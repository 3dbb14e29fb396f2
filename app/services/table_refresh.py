"""What a new reading of a table means for those who use it, and the repair when columns went."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.core.errors import FixData, SendoffError
from app.core.names import fold
from app.core.segments import Condition, Group, Segment
from app.core.table_changes import (
    Broken,
    ColumnsChanged,
    Offer,
    Queried,
    Requeried,
    TableChange,
    Users,
    broken_by,
    broken_in,
    columns_changed,
    likely,
    replaced,
    same_family,
)
from app.core.tables import Catalog, Column, Table
from app.data.catalog import is_unique
from app.data.engines.duckdb import DuckDBEngine
from app.data.query_columns import columns_of_query, query_with
from app.data.row_changes import offers, rows_in_common
from app.data.segment_issues import issues
from app.data.segment_query import finds_its_columns
from app.data.table_rows import asking
from app.jobs import JobContext
from app.services.table_sources import Waiting
from app.store import Store

_WORDS = "duckdb"
"""The dialect that people write queries in."""


@dataclass(frozen=True, slots=True)
class HeldRefresh:
    """A reading that waits for a decision: the old rows stay until somebody maps what is gone or takes it as it is.

    `gone` are the columns that are missed, `columns` those the source has now, `chosen` the likely ones in their place.
    """

    at: datetime
    changed: ColumnsChanged
    broken: tuple[Broken, ...]
    gone: tuple[Column, ...]
    columns: tuple[Column, ...]
    offers: tuple[Offer, ...]

    @property
    def chosen(self) -> dict[str, str]:
        """For each missed column the one that most likely stands for it now, as far as there is one."""
        found = {column.name: likely(column, self.offers) for column in self.gone}
        return {name: offer.column for name, offer in found.items() if offer is not None}


@dataclass(frozen=True, slots=True)
class Missing:
    """Columns that a table does not have and something needs, and what that is."""

    columns: tuple[str, ...]
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The table after a refresh, and what changed; with `held` it is as before and nothing changed."""

    table: Table
    change: TableChange | None = None
    held: HeldRefresh | None = None


@dataclass(frozen=True, slots=True)
class RefreshedAll:
    """All tables after a refresh of each, and the errors of those that kept their old rows by name."""

    done: tuple[Refreshed, ...]
    failed: Mapping[str, SendoffError]

    @property
    def waiting(self) -> int:
        """How many of them wait for a decision."""
        return sum(one.held is not None for one in self.done)


@dataclass(frozen=True, slots=True)
class Move:
    """Everything that may use a table at one moment, and the same with other columns in place of some of the table's."""

    before: Users
    after: Users
    table: Table
    """The table, its columns, key and meanings under the new names."""


class TableUsers:
    """Who uses a table's columns: judges a new reading, and moves them to other columns. Thread safe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def needing(self, table: Table) -> list[str]:
        """Names of the segments, then of the exports, that need the table."""
        wanted = fold(table.name)
        segments = [segment for segment in self._store.segments.all() if _needs(segment, table)]
        names = {fold(segment.name) for segment in segments}
        exports = [
            export.name
            for export in self._store.exports.all()
            if any(fold(choice.name) == wanted for choice in export.tables)
            or any(fold(value.partition(".")[0]) == wanted for value in export.match.values() if "." in value)
            or any(fold(segment) in names for segment in export.segments)
        ]
        return [segment.name for segment in segments] + exports

    def move(self, table: Table, columns: Sequence[Column], renamed: Mapping[str, str]) -> Move:
        """Put columns of the source in place of the table's; FixData when one of them is not there."""
        names = {column.name for column in columns}
        before = Users(self._store.tables.catalog(), self._store.segments.all(), self._store.exports.all())
        known = {column.name for column in table.columns}
        known.update(column for one in broken_in(table, before, _queried(before, table)) for column in one.columns)
        for old, new in renamed.items():
            if old not in known:
                raise _no_column(table.name, old)
            if new not in names:
                raise _no_column(f"The source of {table.name}", new)
        if len(set(renamed.values())) < len(renamed):
            raise FixData(
                "Two columns can't become the same one.", "", "Choose a column for each of them.", code="same_column"
            )
        after = replaced(before, table, renamed)
        segments = (_requeried(segment, before.catalog, table, renamed, after.catalog) for segment in after.segments)
        after = replace(after, segments=tuple(segments))
        return Move(before, after, next(t for t in after.catalog.tables if t.id == table.id))

    def broken(self, move: Move, table: Table) -> tuple[Broken, ...]:
        """What works now and would not with `table` in the place of the one that is there."""
        there = next(other for other in move.before.catalog.tables if other.id == table.id)
        if not columns_changed(there.columns, table.columns):
            return ()
        tables = tuple(table if other.id == table.id else other for other in move.after.catalog.tables)
        then = Catalog(tables, move.after.catalog.links)
        before, after = _by_name(move.before.segments), _by_name(move.after.segments)

        def fails(segment: Segment) -> bool:
            was = before[segment.name]
            if issues(was, move.before.catalog, before):
                return False
            if (
                was.sql is not None
                and segment.sql is not None
                and finds_its_columns(was.sql, move.before.catalog, _WORDS)
            ):
                return not finds_its_columns(segment.sql, then, _WORDS)
            return bool(issues(segment, then, after))

        return broken_by(table, move.after, fails, _queried(move.after, move.table))

    def missing(self, table: Table) -> Missing | None:
        """What needs columns the table does not have, or None when nothing does."""
        move = self.move(table, table.columns, {})
        broken = broken_in(table, move.before, _queried(move.before, table))
        columns = sorted({column for one in broken for column in one.columns})
        return Missing(tuple(columns), broken) if broken else None

    def held(self, move: Move, waiting: Waiting) -> HeldRefresh:
        """What a reading that waits would break."""
        broken = self.broken(move, replace(move.table, columns=waiting.columns))
        changed = columns_changed(move.table.columns, waiting.columns)
        missed = {column for one in broken for column in one.columns} & set(changed.removed)
        gone = tuple(column for column in move.table.columns if column.name in missed)
        offered = waiting.offers or _offers_by_type(gone, waiting.columns, changed.added)
        return HeldRefresh(waiting.at, changed, broken, gone, waiting.columns, offered)

    def requeried(self, table: Table, renamed: Mapping[str, str]) -> tuple[Requeried, ...]:
        """The queries of segments that would be written otherwise with other columns in place of the table's."""
        before = Users(self._store.tables.catalog(), self._store.segments.all())
        after = replaced(before, table, renamed).catalog
        changed = ((old, _requeried(old, before.catalog, table, renamed, after)) for old in before.segments)
        return tuple(
            Requeried(old.name, old.sql, new.sql)
            for old, new in changed
            if old.sql is not None and new.sql is not None and old.sql != new.sql
        )

    def save(self, move: Move, table: Table) -> Table:
        """Save the table together with everything the move changes, all or nothing; raises as the store does."""
        segments = [new for old, new in zip(move.before.segments, move.after.segments, strict=True) if old != new]
        exports = [new for old, new in zip(move.before.exports, move.after.exports, strict=True) if old != new]
        links = zip(move.before.catalog.links, move.after.catalog.links, strict=True)
        moved = {old: new for old, new in links if old != new}
        return self._store.save_together(table, segments, exports, moved)


def _queried(users: Users, table: Table) -> Queried:
    """Looks for the table's columns in queries."""

    def queried(segment: Segment) -> frozenset[str]:
        return frozenset() if segment.sql is None else columns_of_query(segment.sql, users.catalog, table, _WORDS)

    return queried


def _requeried(segment: Segment, before: Catalog, table: Table, renamed: Mapping[str, str], after: Catalog) -> Segment:
    """The segment with other columns in its query; as it is where that would find its columns no better."""
    if segment.sql is None or not renamed:
        return segment
    sql = query_with(segment.sql, before, table, renamed, _WORDS)
    there = finds_its_columns(sql, after, _WORDS)
    return replace(segment, sql=sql) if there else segment


def demand_links(engine: DuckDBEngine, move: Move, table: Table, ctx: JobContext, source: str | None = None) -> None:
    """Raise FixData when a link that moves to another column of `table` would join what does not belong together.

    `source` reads rows that are not in place yet.
    """
    catalog = Catalog(tuple(table if t.id == table.id else t for t in move.after.catalog.tables))
    for old, new in zip(move.before.catalog.links, move.after.catalog.links, strict=True):
        one, many = catalog.table(new.one_table), catalog.table(new.many_table)
        if old == new or one is None or many is None:
            continue
        one_column, many_column = one.column(new.one_column), many.column(new.many_column)
        if one_column is None or many_column is None:
            continue
        words = f"The link {new.one_table}.{new.one_column} → {new.many_table}.{new.many_column} can't be kept."
        if one_column.type is not many_column.type:
            why = f"One holds {one_column.type}, the other {many_column.type}."
            raise FixData(words, why, "Choose another column, or remove the link first.", code="link_types")
        if one.id == table.id:
            with asking(engine, table, ctx.token) as (cursor, source_in):
                unique = is_unique(cursor, source or source_in(table), one_column.name)
            if not unique:
                why = f"A value of {one_column.name} stands in more than one row, or is missing in some."
                raise FixData(words, why, "Choose another column, or remove the link first.", code="key_not_unique")


def change_between(
    engine: DuckDBEngine, before: Table, after: Table, files: Sequence[Path], ctx: JobContext
) -> TableChange:
    """What the new generation's files change; rows are told apart by the key, where there is one."""
    columns = columns_changed(before.columns, after.columns)
    change = TableChange(after.refreshed_at, before.rows, after.rows, columns=columns)
    old = _files_left(engine, before)
    if before.key is None or after.key is None or not old:
        return change
    with engine.cursor(ctx.token) as cursor:
        common = rows_in_common(cursor, old, before.key, list(map(str, files)), after.key)
    return replace(change, rows_added=after.rows - common, rows_removed=before.rows - common)


def offers_for(
    engine: DuckDBEngine, table: Table, held: HeldRefresh, files: Sequence[Path], ctx: JobContext
) -> tuple[Offer, ...]:
    """Which of the columns that came may stand for those that are missed, by the values they share."""
    old = _files_left(engine, table)
    added = [column for column in held.columns if column.name in held.changed.added]
    if not old or not held.gone or not added:
        return ()
    with engine.cursor(ctx.token) as cursor:
        return tuple(offers(cursor, held.gone, added, old, list(map(str, files))))


def _offers_by_type(gone: Sequence[Column], columns: Sequence[Column], added: Sequence[str]) -> tuple[Offer, ...]:
    """What may stand for the columns that are gone when their values can't be compared."""
    new = [column for column in columns if column.name in added]
    return tuple(Offer(c.name, other.name, 0.0) for c in gone for other in new if same_family(c.type, other.type))


def _files_left(engine: DuckDBEngine, table: Table) -> list[str]:
    """The table's files; none when they are gone, which a refresh mends."""
    try:
        return engine.table_files(table)
    except FixData:
        return []


def _by_name(segments: Sequence[Segment]) -> dict[str, Segment]:
    return {segment.name: segment for segment in segments}


def _no_column(where: str, name: str) -> FixData:
    return FixData(f"{where} has no column {name}.", "", "Check the name of the column.", code="no_column")


def _needs(segment: Segment, table: Table) -> bool:
    """Whether the segment's members are rows of the table, or its own rules or SQL ask it."""
    if table.role is segment.of.role:
        return True
    if segment.sql is not None:
        return re.search(rf"(?<!\w){re.escape(table.name)}(?!\w)", segment.sql, re.IGNORECASE) is not None
    groups = (rule.body for rule in segment.rules if isinstance(rule.body, Group))
    return any(fold(table.name) in _tables_of_group(group) for group in groups)


def _tables_of_group(group: Group) -> set[str]:
    names: set[str] = set()
    for item in group.items:
        if isinstance(item, Condition):
            names.add(fold(item.field.table))
            if item.within is not None:
                names.add(fold(item.within.field.table))
        else:
            names |= _tables_of_group(item)
    return names
