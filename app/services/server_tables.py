"""Tables that stay on the workspace's server: offered, added and described anew, without copying their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.core.errors import FixData, FixSettings
from app.core.names import checked_name, fold, name_taken, new_id
from app.core.roles import Action, CurrentRole, demand
from app.core.tables import Column, Link, ServerTable, Table, TableRole
from app.data.catalog import find_links, understand
from app.data.engines.duckdb import DuckDBEngine
from app.data.engines.protocol import Server
from app.data.readers.names import table_name as free_name
from app.data.table_rows import asking, row_count
from app.jobs import JobContext, Progress
from app.services.trail import Trail
from app.store import Store


@dataclass(frozen=True, slots=True)
class OfferedTable:
    """A table that may be read on the server, with about how many rows; `added` is its name in the workspace, if it is."""

    place: ServerTable
    rows: int
    added: str | None


class ServerTables:
    """Adds tables of the server. Thread safe; everything takes its time and raises what `Server` does."""

    def __init__(self, store: Store, engine: DuckDBEngine, roles: CurrentRole, trail: Trail) -> None:
        self._store = store
        self._engine = engine
        self._roles = roles
        self._trail = trail

    def offered(self, ctx: JobContext) -> list[OfferedTable]:
        """What may be read on the server, by schema and name."""
        added = {table.server: table.name for table in self._store.tables.all()}
        return [OfferedTable(place, rows, added.get(place)) for place, rows in self._server().tables(ctx.token)]

    def add(self, places: Sequence[ServerTable], name: str | None, ctx: JobContext) -> list[Table]:
        """Add tables, all of them or none; rows stay on the server. `name` is that of a single one, else it is the server's.

        Raises FixSettings when the name is taken, FixData when one may not be read.
        """
        demand(self._roles.role(), Action.CHANGE_TABLES)
        taken = [table.name for table in self._store.tables.all()]
        if name is not None:
            name = table_name(name)
            if fold(name) in set(map(fold, taken)):
                raise name_taken(name, "table")
        saved: list[Table] = []
        try:
            for done, place in enumerate(places):
                ctx.report(Progress(f"Look at {place.name}", done, len(places), "tables"))
                called = name or free_name(place.name, taken)
                taken.append(called)
                saved.append(self._store.tables.save(self._new(place, called, ctx)))
            self._link(saved, ctx)
        except BaseException:
            for table in saved:
                self._store.tables.remove(table.id)
                self._store.tables.purge(table.id)
            raise
        for table in saved:
            self._trail.table_added(table)
        return saved

    def chosen(self, schema: str | None, table: str | None, ctx: JobContext) -> list[ServerTable]:
        """The tables an address names: one, those of a schema, or all that are not in the workspace yet; FixData for none."""
        if schema is not None and table is not None:
            return [ServerTable(schema, table)]
        found = [o.place for o in self.offered(ctx) if o.added is None and schema in (None, o.place.schema)]
        if not found:
            raise FixData(
                "Nothing was added.",
                "The server has no further table there that may be read.",
                "Check the schema, and what the role may read.",
                code="no_table",
            )
        return found

    def described(self, table: Table, ctx: JobContext) -> tuple[tuple[Column, ...], int]:
        """The columns of a table as they are now, and how many rows it has; FixData when it is gone."""
        assert table.server is not None
        columns = self._server().describe(table.server, ctx.token)
        return columns, row_count(self._engine, replace(table, columns=columns), ctx.token)

    def _new(self, place: ServerTable, name: str, ctx: JobContext) -> Table:
        server = self._server()
        columns = server.describe(place, ctx.token)
        source = f"{server.address}/{place.schema}/{place.name}"
        table = Table(new_id(), name, TableRole.OTHER, columns, None, 0, 1, source, datetime.now(UTC), server=place)
        table = replace(table, rows=row_count(self._engine, table, ctx.token))
        unique = next((c.name for c in columns if server.unique(table, c.name, ctx.token)), None)
        with asking(self._engine, table, ctx.token) as (cursor, source_of):
            guessed = understand(
                cursor,
                name,
                columns,
                source_of(table),
                table.rows,
                self._store.tables.catalog(),
                declared_key=unique,
            )
        return replace(table, columns=guessed.columns, key=guessed.key, role=guessed.role)

    def _link(self, tables: Sequence[Table], ctx: JobContext) -> None:
        """The server's own references first, then what names and values tell."""
        there = [table for table in self._store.tables.all() if table.server is not None]
        names = {table.name for table in tables}
        known = self._server().links(there, ctx.token)
        save_links(self._store, (link for link in known if {link.one_table, link.many_table} & names))
        for table in tables:
            with asking(self._engine, table, ctx.token) as (cursor, source_of):
                save_links(self._store, find_links(cursor, table, self._store.tables.catalog(), source_of))

    def _server(self) -> Server:
        server = None if self._engine.server is None else self._engine.server()
        if server is None:
            raise FixSettings("This workspace has no server.", "", "Set the server in Settings.", code="no_server")
        return server


def save_links(store: Store, links: Iterable[Link]) -> None:
    """Keep the links between tables that are not linked yet, of columns that hold the same kind of values."""
    catalog = store.tables.catalog()
    known = {frozenset((link.one_table, link.many_table)) for link in catalog.links}
    for link in links:
        pair = frozenset((link.one_table, link.many_table))
        sides = [(link.one_table, link.one_column), (link.many_table, link.many_column)]
        types = {column.type for t, c in sides if (table := catalog.table(t)) and (column := table.column(c))}
        if pair not in known and len(types) == 1:
            store.tables.save_link(link)
            known.add(pair)


def table_name(name: str) -> str:
    """The name checked; raises FixData when it holds a dot, and what `checked_name` does."""
    checked = checked_name(name, "table")
    if "." in checked:
        raise FixData(
            "The name of a table can't hold a dot.",
            "A dot parts table and column, as in Customer.Email.",
            "Choose a name without a dot.",
            code="name_dot",
        )
    return checked


def kept_meanings(old: Table, columns: Sequence[Column]) -> tuple[Column, ...]:
    """New columns with the meanings the table had before; a column that is new has none until somebody says so."""
    kept = []
    for column in columns:
        before = old.column(column.name)
        kept.append(
            column
            if before is None
            else replace(column, meaning=before.meaning, confirmed=before.confirmed, means=before.means)
        )
    return tuple(kept)
