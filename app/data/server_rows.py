"""Rows of a question about tables on a server: the server finds the members, and what is needed of them comes here.

From there on all is as for tables of this computer: the same SQL normalises, tells members apart, minds consent and counts.
So the numbers are the same wherever the tables are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from sqlglot import exp

from app.core.clocks import Clock
from app.core.errors import FixSettings
from app.core.names import fold
from app.core.segments import FieldRef, Segment
from app.core.suppression import ContactKind, ListFacts
from app.core.tables import Column, ColumnType, Table
from app.data.engines.duckdb import Cursor, DuckDBEngine, quoted
from app.data.engines.protocol import Server
from app.data.engines.types import arrived
from app.data.identity import Identity, RowValues, as_text
from app.data.server_joins import SemiJoins
from app.data.sql import SegmentSql, key_column
from app.data.sql_values import Value, column_value
from app.data.suppression import listed_values
from app.data.workspace_rows import Scope, key_list
from app.jobs import CancelToken

_numbers = count()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question needs of its segments' members: fields, and who they are to the target.

    With `first` only so many members are looked at, the lowest keys; with `at_most` any so many rows; with `percent` about
    that part of the table, where the server can do that.
    """

    segments: Sequence[Segment]
    fields: Iterable[FieldRef] = ()
    identity: Identity = field(default_factory=Identity)
    first: int | None = None
    at_most: int | None = None
    percent: int | None = None


def server_of(engine: DuckDBEngine, table: Table | None) -> Server | None:
    """The server that keeps the table's rows, None when they are here; FixSettings when no server is set."""
    if table is None or table.server is None:
        return None
    if engine.server is None:
        raise FixSettings(
            f"{table.name} is on a server, but this workspace has none.",
            "Its address was taken out of the settings.",
            "Set the server in Settings.",
            code="no_server",
        )
    return engine.server()


def server_sql(engine: DuckDBEngine, server: Server, scope: Scope, clock: Clock, token: CancelToken) -> SegmentSql:
    """A compiler over the server's rows, for one job."""

    def listed(name: str) -> exp.Expr:
        with engine.cursor(token) as cursor:
            rows = cursor.execute(engine.sql(exp.select("member").from_(key_list(engine, name)))).fetchall()
        return server.keys([key for (key,) in rows])

    return SegmentSql(
        scope.catalog,
        {segment.name: segment for segment in scope.segments},
        relation=server.relation,
        clock=clock,
        key_list=listed,
        unique_key=lambda table: table.key is not None and server.unique(table, table.key, token),
        blank_key=has_text_key,
    )


@contextmanager
def brought(
    engine: DuckDBEngine, server: Server, scope: Scope, asked: Asked, clock: Clock, token: CancelToken
) -> Iterator[SegmentSql]:
    """A compiler over the rows of the question, which are here while the block runs and can be read by any cursor."""
    name = f"brought_{next(_numbers)}"
    try:
        with engine.cursor(token) as cursor:
            sql = bring(engine, server, scope, asked, clock, token, cursor, name=name, kind="TABLE")
        yield sql
    finally:
        with engine.cursor(CancelToken()) as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def bring(
    engine: DuckDBEngine,
    server: Server,
    scope: Scope,
    asked: Asked,
    clock: Clock,
    token: CancelToken,
    cursor: Cursor,
    *,
    name: str = "brought",
    kind: str = "TEMP TABLE",
) -> SegmentSql:
    """The rows of the question in a table of this cursor, and a compiler over them.

    There are the rows of all members, and of everybody whose refusal of consent counts; with a suppression list all rows,
    because who is on it only shows here. Raises what compiling and asking the server do.
    """
    there = server_sql(engine, server, scope, clock, token)
    for segment in asked.segments:
        there.check(segment)
    return _bring(
        engine,
        _Question(there, server, there.table(asked.segments[0]), asked, scope.suppression),
        token,
        cursor,
        name,
        kind,
    )


def bring_all(
    engine: DuckDBEngine,
    there: SegmentSql,
    server: Server,
    scope: Scope,
    table: Table,
    asked: Asked,
    token: CancelToken,
    cursor: Cursor,
    name: str,
) -> SegmentSql:
    """All rows with a key in a table of the engine, with the fields asked for and those of the identity; no segments."""
    return _bring(engine, _Question(there, server, table, asked, scope.suppression), token, cursor, name, "TABLE")


def _bring(
    engine: DuckDBEngine, question: _Question, token: CancelToken, cursor: Cursor, name: str, kind: str
) -> SegmentSql:
    server = question.server
    with server.reader(server.sql(question.query()), token) as batches:
        view = f"{name}_batches"
        cursor.register(view, batches)
        try:
            cursor.execute(f"CREATE OR REPLACE {kind} {name} AS SELECT {question.arrived()} FROM {view}")  # noqa: S608 - our own names
        finally:
            cursor.unregister(view)
    return question.here(engine.folder, name, cursor.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])  # noqa: S608 - as above


class _Question:
    """One query to the server, and how its answer is read."""

    def __init__(
        self, there: SegmentSql, server: Server, table: Table, asked: Asked, suppression: ListFacts | None
    ) -> None:
        self._there = there
        self.server = server
        self._table = table
        self._asked = asked
        self._row = RowValues(there, table, "b", asked.identity.country)
        fields = dict.fromkeys([*asked.fields, *asked.identity.fields])
        self._facts = suppression if asked.identity.contacts else None
        if self._facts is not None:  # who shares an identifier with somebody on the list is on it too, wherever
            fields |= dict.fromkeys(field for field, _ in asked.identity.contacts)
        own = {table.key or "", *(field.column for field in fields if self._is_own(field))}
        self._own = [column for column in table.columns if column.name in own]
        self._linked = {field: self._column(field) for field in fields if not self._is_own(field)}
        self._met = [f"_met{i}" for i in range(len(asked.segments))]

    def query(self) -> exp.Select:
        """Own columns, values of linked fields, and for each segment whether the row is one of a member."""
        travelling = self.server.travelling
        values = [
            exp.alias_(
                travelling(self._table, column, exp.column(column.name, table="b", quoted=True)), f"o{i}", quoted=True
            )
            for i, column in enumerate(self._own)
        ]
        for i, (ref, column) in enumerate(self._linked.items()):
            value = self._row.value(ref).expression
            far = self._there.catalog.table(ref.table)
            assert far is not None
            values.append(exp.alias_(travelling(far, column, value), f"l{i}"))
        joins = self._there.semi_join = SemiJoins("b")
        met = [
            exp.Coalesce(this=self._there.predicate(segment, "b"), expressions=[exp.false()])
            for segment in self._asked.segments
        ]
        others = self._others()
        if not met:
            return self._from(exp.select(*values), joins)
        if len(met) == 1 and others is None:
            query = self._from(exp.select(*values, exp.alias_(exp.true(), self._met[0])), joins).where(met[0])
        else:
            # The offset keeps the server from working each condition out twice.
            flags = [exp.alias_(flag, name) for flag, name in zip(met, self._met, strict=True)]
            flags.append(exp.alias_(others or exp.false(), "others"))
            names = [exp.column(value.alias, table="f", quoted=True) for value in values]
            rows = self._from(exp.select(*values, *flags), joins).offset(0).subquery("f")
            query = exp.select(*names, *self._met).from_(rows).where(exp.or_(*self._met, "others"))
        return query if self._asked.at_most is None else query.limit(self._asked.at_most)

    def _from(self, query: exp.Select, joins: SemiJoins) -> exp.Select:
        sampled = None if self._asked.percent is None else self.server.sampled(self._table, self._asked.percent)
        source = self._there.source(self._table, "b") if sampled is None else exp.alias_(sampled, "b", table=True)
        query = joins.apply(self._row.apply(query.from_(source)))
        if not self._unique or has_text_key(self._table):
            query = query.where(self._there.filled_key(self._table, "b"))
        if self._asked.first is not None:
            lowest = self._there.members(self._asked.segments[0]).subquery("m")
            keys = exp.select("member").from_(lowest).order_by(self.by_key("m")).limit(self._asked.first)
            query = query.where(exp.In(this=key_column(self._table, "b"), query=exp.Subquery(this=keys)))
        return query

    def by_key(self, alias: str) -> exp.Expr:
        """The order of members by key, texts by their bytes."""
        return by_member(self._table, alias)

    def _others(self) -> exp.Expr | None:
        """Who comes beside the members: everybody, or who refuses consent, be it in another row of a member; None for nobody.

        Who only looks at some members does without them.
        """
        if any((self._asked.first, self._asked.at_most, self._asked.percent)):
            return None
        if self._facts is not None:
            return exp.true()
        if self._asked.identity.consent is None:
            return None
        if self._unique:
            return self._row.refused(self._asked.identity)
        row = RowValues(self._there, self._table, "r", self._asked.identity.country, "jr")
        refused = row.refused(self._asked.identity)
        keys = row.apply(exp.select(key_column(self._table, "r")).from_(self._there.source(self._table, "r")))
        inside = exp.In(this=key_column(self._table, "b"), query=exp.Subquery(this=keys.where(refused)))
        return exp.Coalesce(this=inside, expressions=[exp.false()])

    def arrived(self) -> str:
        """What DuckDB selects from the batches: each value in its own type, under the name it is looked for."""
        own = [f"{arrived(column, f'o{i}')} AS {quoted(column.name)}" for i, column in enumerate(self._own)]
        linked = [f"{arrived(column, f'l{i}')} AS _linked{i}" for i, column in enumerate(self._linked.values())]
        return ", ".join([*own, *linked, *self._met])

    def here(self, folder: Path, name: str, rows: int) -> SegmentSql:
        """The compiler over the rows once they are here."""
        flags = tuple(Column(flag, ColumnType.BOOLEAN, native_type="BOOLEAN") for flag in self._met)
        table = replace(self._table, id=name, columns=self._table.columns + flags, rows=rows, server=None)
        tables = tuple(table if other.id == self._table.id else other for other in self._there.catalog.tables)
        unique = self._unique
        at_hand = {field: f"_linked{i}" for i, field in enumerate(self._linked)}

        def listed(owner: Table, column: Column, kind: ContactKind, country: str) -> exp.Select | None:
            if self._facts is None or kind not in self._facts.kinds:
                return None
            value = column_value(column, "t")
            if owner.id != table.id:
                known = at_hand[FieldRef(owner.name, column.name)]
                value = Value(exp.column(known, table="t"), column.type, column.native_type)
            rows = exp.select(exp.alias_(as_text(value), "value")).from_(
                exp.alias_(exp.to_table(name), "t", table=True)
            )
            return listed_values(folder, self._facts, rows, kind, country)

        return SegmentSql(
            replace(self._there.catalog, tables=tables),
            self._there.segments,
            relation=lambda _table: exp.to_table(name),
            clock=self._there.clock,
            key_list=self._there.key_list,
            unique_key=lambda _table: unique,
            answered={fold(s.name): flag for s, flag in zip(self._asked.segments, self._met, strict=True)},
            listed=listed,
            at_hand=at_hand,
        )

    @property
    def _unique(self) -> bool:
        return self._there.unique_key(self._table)

    def _is_own(self, field: FieldRef) -> bool:
        return fold(field.table) == fold(self._table.name)

    def _column(self, field: FieldRef) -> Column:
        table = self._there.catalog.table(field.table)
        column = None if table is None else table.column(field.column)
        return column or Column(field.column, ColumnType.TEXT)  # asking for its value says that it is gone


def has_text_key(table: Table) -> bool:
    """Whether the table's key is a text, which a server lets be blank."""
    key = table.column(table.key or "")
    return key is not None and key.type is ColumnType.TEXT


def by_member(table: Table, alias: str) -> exp.Expr:
    """How the column `member` of that alias puts members in order; texts by their bytes, as DuckDB does."""
    member: exp.Expr = exp.column("member", table=alias)
    if has_text_key(table):
        member = exp.Collate(this=member, expression=exp.to_identifier("C", quoted=True))
    return exp.Ordered(this=member, nulls_first=False)
