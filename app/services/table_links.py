"""Links: which rows of two tables belong together, and how many find their partner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.core.errors import FixData
from app.core.names import fold
from app.core.roles import Action, CurrentRole, demand
from app.core.segments import FieldRef
from app.core.tables import Catalog, Link, Table
from app.data.catalog import rows_found
from app.data.engines.duckdb import DuckDBEngine
from app.data.engines.protocol import Cursor
from app.data.table_rows import asking
from app.jobs import CancelToken, JobContext
from app.services.table_keys import column_named, demand_key
from app.services.trail import Trail
from app.store import Store


@dataclass(frozen=True, slots=True)
class LinkFound:
    """A link, and the part (0 to 1) of the many side's filled rows that find their partner; None when none is filled.

    `gone`: one of its columns is not there any more, so nothing can be found.
    """

    link: Link
    found: float | None
    gone: bool = False


class TableLinks:
    """Thread safe; what has a `ctx` looks at rows. `changed` is called after a link was added."""

    def __init__(
        self,
        store: Store,
        engine: DuckDBEngine,
        roles: CurrentRole,
        trail: Trail,
        get: Callable[[str], Table],
        changed: Callable[[CancelToken], None],
    ) -> None:
        self._store = store
        self._engine = engine
        self._roles = roles
        self._trail = trail
        self._get = get
        self._changed = changed

    def all(self) -> list[Link]:
        """All links between tables that are there."""
        return list(self._store.tables.links())

    def add(self, one: FieldRef, many: FieldRef) -> Link:
        """Say that each row of `one` may have many of `many`; raises FixData when the one side is not unique."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        one_table, many_table = self._get(one.table), self._get(many.table)
        one_column, many_column = column_named(one_table, one.column), column_named(many_table, many.column)
        if one_column.type is not many_column.type:
            raise FixData(
                f"{one} and {many} can't be linked.",
                f"One holds {one_column.type}, the other {many_column.type}.",
                "Choose columns that hold the same values.",
                code="link_types",
            )
        if one_table.id == many_table.id:
            raise FixData("A table can't be linked to itself.", "", "Choose another table.", code="link_self")
        if (one_table.server is None) is not (many_table.server is None):
            raise FixData(
                f"{one} and {many} can't be linked.",
                "One of the tables is on this computer, the other on the server.",
                "Link tables of one place.",
                code="two_places",
            )
        demand_key(self._engine, replace(one_table, key=one_column.name), CancelToken())
        link = Link(one_table.name, one_column.name, many_table.name, many_column.name)
        self._store.tables.save_link(link)
        self._trail.linked(link, there=True)
        self._changed(CancelToken())
        return link

    def remove(self, one: FieldRef, many: FieldRef) -> Link:
        """Remove the link between two columns, which may be gone by now; raises FixData when there is none."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        wanted = tuple(map(fold, (one.table, one.column, many.table, many.column)))
        for link in self._store.tables.links():
            if tuple(map(fold, (link.one_table, link.one_column, link.many_table, link.many_column))) == wanted:
                self._store.tables.remove_link(link)
                self._trail.linked(link, there=False)
                return link
        raise FixData(f"{one} and {many} are not linked.", "", "Check the names in the table's links.", code="no_link")

    def of(self, name: str, ctx: JobContext) -> tuple[LinkFound, ...]:
        """The links of a table, each with the part of the many side's rows that find their partner."""
        table = self._get(name)
        catalog = self._store.tables.catalog()
        mine = [link for link in catalog.links if table.name in {link.one_table, link.many_table}]
        with asking(self._engine, table, ctx.token) as (cursor, source):
            return tuple(self._found(cursor, link, catalog, source) for link in mine)

    def _found(self, cursor: Cursor, link: Link, catalog: Catalog, source: Callable[[Table], str]) -> LinkFound:
        one, many = catalog.table(link.one_table), catalog.table(link.many_table)
        if one is None or many is None or one.column(link.one_column) is None or many.column(link.many_column) is None:
            return LinkFound(link, None, gone=True)
        return LinkFound(link, rows_found(cursor, link, source(one), source(many)))
