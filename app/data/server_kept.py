"""Rows of a server's table that are kept here for counting, until something changes there, and for ten minutes at most.

Only a server that tells whether rows were changed is trusted so: PostgreSQL does for what it stores, not for views.

The columns that rules ask for, and who everybody is to a target, come here once and become a narrow table
(app/data/narrow.py); linked rows stay on the server and are asked about, and those answers are kept as well. So a count is as
quick as one of rows that are on this computer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from sqlglot import exp

from app.core.segments import FieldRef, Segment
from app.core.suppression import ContactKind
from app.core.tables import Table
from app.data.engines.duckdb import Cursor, DuckDBEngine, quoted
from app.data.engines.protocol import Server
from app.data.engines.types import arrived
from app.data.identity import Identity
from app.data.narrow import Narrow, NarrowTables, judged
from app.data.server_joins import distinct_values, is_text
from app.data.server_rows import Asked, bring_all
from app.data.sql import SegmentSql
from app.data.used_columns import only_rules, used_columns
from app.data.workspace_rows import Scope
from app.jobs import CancelToken

LASTS_SECONDS: Final = 600
"""As long as a count of rows on a server is taken for one of now (app/services/counts.py)."""
MOST_ROWS: Final = 20_000_000
"""Of a larger table nothing is kept: it is counted where it is."""


@dataclass(slots=True)
class _Shelf:
    """What is kept of one table, under a name of its own; `narrow` is None where it can't be: a key stands in several rows."""

    name: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    state: tuple[int, str | None, str] | None = None
    until: float = 0.0
    narrow: Narrow | None = None


class KeptRows:
    """Keeps them; thread safe: one thread brings rows, others that need the same ones wait."""

    def __init__(self, engine: DuckDBEngine, narrow: NarrowTables, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._narrow = narrow
        self._clock = clock
        self._lock = threading.Lock()
        self._shelves: dict[str, _Shelf] = {}
        self._numbers = count()

    def get(
        self,
        server: Server,
        scope: Scope,
        segments: Sequence[Segment],
        identity: Identity | None,
        there: SegmentSql,
        token: CancelToken,
        *,
        make: bool,
    ) -> tuple[SegmentSql, Narrow] | None:
        """A compiler for the narrow rows named `n`, and these; None when nothing can be kept, or is not and shall not be made.

        `there` compiles for the server. Raises what compiling and asking the server do.
        """
        table = self._keepable(scope, segments, there)
        told = None if table is None else server.state([t for t in scope.catalog.tables if t.server is not None], token)
        if table is None or told is None:
            return None
        columns = frozenset({table.key or ""}).union(*(used_columns(segment, scope) for segment in segments))
        shelf = self._shelf(table)
        while not shelf.lock.acquire(timeout=0.05):
            token.check()
        try:
            state = (table.generation, table.key, told)
            if shelf.state != state or self._clock() >= shelf.until:
                self._drop(shelf)
            narrow = shelf.narrow
            if shelf.state is None or (narrow is not None and not _holds(narrow, columns, identity, scope)):
                if not make:
                    return None
                narrow = self._bring(shelf, there, server, scope, table, columns, identity, token)
                shelf.narrow, shelf.state, shelf.until = narrow, state, self._clock() + LASTS_SECONDS
            return None if narrow is None else (self._compiler(there, server, table, narrow, token), narrow)
        finally:
            shelf.lock.release()

    @staticmethod
    def _keepable(scope: Scope, segments: Sequence[Segment], there: SegmentSql) -> Table | None:
        """The table of these segments, when rows of it can be kept to count them."""
        for segment in segments:
            there.check(segment)
        if not segments or not all(only_rules(segment, scope) for segment in segments):
            return None
        table = there.table(segments[0])
        return table if 0 < table.rows <= MOST_ROWS else None

    def forget(self, table: Table) -> None:
        """Drop what is kept of a removed table."""
        with self._lock:
            shelf = self._shelves.pop(table.id, None)
        if shelf is not None:
            with shelf.lock:
                self._drop(shelf)

    def _shelf(self, table: Table) -> _Shelf:
        with self._lock:
            if table.id not in self._shelves:
                self._shelves[table.id] = _Shelf(f"kept_{next(self._numbers)}")
            return self._shelves[table.id]

    def _drop(self, shelf: _Shelf) -> None:
        shelf.state = shelf.narrow = None
        self._narrow.forget(shelf.name)

    def _bring(
        self,
        shelf: _Shelf,
        there: SegmentSql,
        server: Server,
        scope: Scope,
        table: Table,
        columns: frozenset[str],
        identity: Identity | None,
        token: CancelToken,
    ) -> Narrow | None:
        """The narrow table with these columns and identity beside those it has; None where a key stands in several rows."""
        old = shelf.narrow
        identities = [one for one, _ in old.identities] if old is not None else []
        # What other segments ask for comes along, since they are mostly counted next.
        others = (other for other in scope.segments if there.usable(other) and there.table(other).id == table.id)
        wanted = columns.union(
            frozenset() if old is None else old.columns, *(used_columns(other, scope) for other in others)
        )
        identities += [] if identity is None else [identity]
        fields = [FieldRef(table.name, column) for column in sorted(wanted)]
        asked = Asked((), [*fields, *_fields(identities)], Identity(contacts=_contacts(identities)))
        name = shelf.name
        try:
            with self._engine.cursor(token) as cursor:
                here = bring_all(self._engine, there, server, scope, table, asked, token, cursor, name)
                local = here.catalog.table(table.name)
                assert local is not None
                if not there.unique_key(table):
                    key = quoted(table.key or "")
                    ((different,),) = cursor.execute(f"SELECT count(DISTINCT {key}) FROM {name}").fetchall()  # noqa: S608 - quoted
                    if different != local.rows:
                        return None
            here.unique_key = lambda _table: True
            return self._narrow.get(here, local, wanted, identity, scope.suppression, token)
        finally:
            with self._engine.cursor(CancelToken()) as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS {name}")

    def _compiler(
        self, there: SegmentSql, server: Server, table: Table, narrow: Narrow, token: CancelToken
    ) -> SegmentSql:
        """Own columns are asked here, linked rows on the server; no key is blank here."""
        unique = there.unique_key
        there.unique_key = lambda other: other.id == table.id or unique(other)
        there.blank_key = _never
        there.clean_aliases = frozenset({"n"})

        def linked(alias: str, column: str, query: exp.Select) -> exp.Expr | None:
            if alias != "n":
                return None
            name = self._narrow.answer(
                narrow, column, query, token, lambda cursor: _fetched(server, table, column, query, cursor, token)
            )
            rows = exp.select("_row").from_(name)
            return exp.In(this=exp.column("_row", table="n"), query=exp.Subquery(this=rows))

        there.semi_join = linked
        return there


def _holds(narrow: Narrow, columns: frozenset[str], identity: Identity | None, scope: Scope) -> bool:
    known = identity is None or judged(identity, scope.suppression) in narrow.identities
    return columns <= narrow.columns and known


def _never(_table: Table) -> bool:
    return False


def _fetched(
    server: Server, table: Table, column: str, query: exp.Select, cursor: Cursor, token: CancelToken
) -> exp.Select:
    """The values of a query that the server answers, in a table of the cursor."""
    known = table.column(column)
    assert known is not None
    value: exp.Expr = exp.column("value", table="v")
    if not is_text(query):
        value = server.travelling(table, known, value)
    asked = exp.select(exp.alias_(value, "value")).from_(distinct_values(query).subquery("v"))
    with server.reader(server.sql(asked), token) as batches:
        cursor.register("answer_batches", batches)
        try:
            arrives = "value" if is_text(query) else arrived(known, "value")
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE answered AS SELECT {arrives} AS value FROM answer_batches")  # noqa: S608 - our own names
        finally:
            cursor.unregister("answer_batches")
    return exp.select("value").from_("answered")


def _fields(identities: Iterable[Identity]) -> list[FieldRef]:
    return [field for identity in identities for field in identity.fields]


def _contacts(identities: Iterable[Identity]) -> tuple[tuple[FieldRef, ContactKind], ...]:
    return tuple(dict.fromkeys(contact for identity in identities for contact in identity.contacts))
