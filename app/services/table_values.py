"""What values of a table mean: listed with what is understood of them, and mapped by people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from app.core.roles import Action, CurrentRole, demand
from app.core.tables import Column, Table
from app.core.value_mapping import MappedValue, mappable, mapped, with_means
from app.data.engines.duckdb import DuckDBEngine
from app.data.looking import frequent_values
from app.data.table_rows import LOOKED_AT, looked_at
from app.jobs import JobContext
from app.services.table_keys import column_named
from app.services.trail import Trail
from app.store import Store

MOST: Final = 500
"""Different values that are looked at; a column with more is no list of countries, languages or answers."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A column whose values are not all understood: how many different ones are not, of how many, and the rows they stand in."""

    column: str
    values: int
    of: int
    rows: int


class TableValues:
    """Thread safe; what has a `ctx` looks at rows."""

    def __init__(
        self, store: Store, engine: DuckDBEngine, roles: CurrentRole, trail: Trail, get: Callable[[str], Table]
    ) -> None:
        self._store = store
        self._engine = engine
        self._roles = roles
        self._trail = trail
        self._get = get

    def values(self, name: str, column: str, ctx: JobContext) -> tuple[MappedValue, ...]:
        """The most frequent values of a column that can be mapped, the unknown ones first; FixData for another column."""
        table = self._get(name)
        found = column_named(table, column)
        with_means(found, {})  # raises for a column that has no mapping
        return self._values(table, found, ctx)

    def unknown(self, name: str, ctx: JobContext) -> tuple[Unknown, ...]:
        """The columns of a table with values that nobody understands yet."""
        table = self._get(name)
        told = []
        for column in table.columns:
            if mappable(column):
                values = self._values(table, column, ctx)
                open_ = [value for value in values if value.means is None]
                if open_:
                    told.append(Unknown(column.name, len(open_), len(values), sum(value.rows for value in open_)))
        return tuple(told)

    def map(self, name: str, column: str, said: Mapping[str, str]) -> Table:
        """Say what values mean, an empty text to forget it; raises FixData as `with_means`, NotAllowed."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        table = self._get(name)
        changed = table.with_column(with_means(column_named(table, column), said))
        saved = self._store.tables.save(changed)
        self._trail.table_changed(table, saved)
        return saved

    def _values(self, table: Table, column: Column, ctx: JobContext) -> tuple[MappedValue, ...]:
        with self._engine.cursor(ctx.token) as cursor:
            source, _looked = looked_at(self._engine, cursor, table, LOOKED_AT, ctx.token)
            counted = frequent_values(cursor, column, source, MOST)
        values = [mapped(column, value, rows) for value, rows in counted if value.strip()]
        return tuple(sorted(values, key=lambda value: value.means is not None))
