"""Counts of segments whose tables are on a server: from rows that are kept here for a while, else it counts members.

Who members are to a target is counted here in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlglot import exp

from app.core.clocks import Clock
from app.core.counts import Narrowing
from app.core.errors import TryAgain
from app.core.segments import Segment, SetOperator
from app.data.count_query import (
    Estimate,
    Numbers,
    count_if,
    counts_of_rules,
    estimated,
    narrowed,
    narrowing_of,
    on_the_way,
)
from app.data.engines.duckdb import DuckDBEngine
from app.data.engines.protocol import Server
from app.data.identity import Identity
from app.data.narrow import Narrow, NarrowTables, judged
from app.data.server_joins import SemiJoins
from app.data.server_kept import KeptRows
from app.data.server_rows import Asked, brought, server_sql
from app.data.sql import SegmentSql, key_column
from app.data.workspace_rows import Scope
from app.jobs import JobContext


@dataclass(frozen=True, slots=True)
class ServerCounter:
    """Answers for one job."""

    engine: DuckDBEngine
    server: Server
    narrow: NarrowTables
    kept: KeptRows
    scope: Scope
    clock: Clock
    ctx: JobContext

    @contextmanager
    def asking(self, segments: Sequence[Segment], identity: Identity) -> Iterator[Numbers]:
        """What answers for any of these segments, which are of one table; the server is asked once for all of them."""
        suppression = self.scope.suppression
        if self.keep(segments, identity):
            yield lambda some: self._kept_numbers(segments, identity, some)
            return
        if not identity.fields and (suppression is None or not identity.contacts):
            sql = self._sql()
            yield lambda some: _only_members(self._members(sql, some))
            return
        asked = Asked(segments, identity=identity)
        with brought(self.engine, self.server, self.scope, asked, self.clock, self.ctx.token) as sql:
            table = sql.table(segments[0])
            columns = {*sql.answered.values(), table.key or ""}
            narrow = self.narrow.get(sql, table, columns, identity, suppression, self.ctx.token)
            who = judged(identity, suppression)
            try:
                yield lambda some: on_the_way(self.engine, self.ctx.token, sql, narrow, who, some)
            finally:
                self.narrow.forget(table.id)

    def keep(self, segments: Sequence[Segment], identity: Identity) -> bool:
        """See to it that these segments can be counted from rows kept here; False when they can't."""
        return self._held(segments, identity, make=True) is not None

    def _held(
        self, segments: Sequence[Segment], identity: Identity | None, *, make: bool
    ) -> tuple[SegmentSql, Narrow] | None:
        return self.kept.get(self.server, self.scope, segments, identity, self._sql(), self.ctx.token, make=make)

    def _kept_numbers(
        self, segments: Sequence[Segment], identity: Identity, some: Sequence[Segment]
    ) -> tuple[int, ...]:
        found = self._held(segments, identity, make=True)
        if found is None:  # it changed meanwhile to what can't be kept
            raise TryAgain(
                "The table changed while it was counted.", "Its rows are on a server.", "Count again.", code="changed"
            )
        sql, narrow = found
        return on_the_way(self.engine, self.ctx.token, sql, narrow, judged(identity, self.scope.suppression), some)

    def narrowing(self, parts: Sequence[Segment], operators: Sequence[SetOperator]) -> Narrowing:
        """See `Counter.narrowing`: each part is one rule."""
        held = self._held(parts, None, make=False)
        if held is not None:
            return narrowed(self.engine, self.ctx.token, *held, parts, operators)
        sql = self._sql()
        for part in parts:
            sql.check(part)
        table = sql.table(parts[0])
        joins = sql.semi_join = SemiJoins("n")
        met = [exp.Coalesce(this=sql.predicate(part, "n"), expressions=[exp.false()]) for part in parts]
        flagged = [exp.alias_(answer, f"rule_{i}") for i, answer in enumerate(met)]
        rows = exp.select(exp.alias_(key_column(table, "n"), "member"), *flagged).from_(sql.source(table, "n"))
        if not sql.unique_key(table) or sql.blank_key(table):
            rows = rows.where(sql.filled_key(table, "n"))
        if not sql.unique_key(table):
            rows = rows.distinct()
        rows = joins.apply(rows)
        # The offset keeps the server from working each rule out for every count.
        return narrowing_of(self._ask(counts_of_rules(rows.offset(0), operators)), len(parts))

    def estimate(self, segment: Segment) -> Estimate:
        """From a sample the server takes; views have none and are counted."""
        sql = self._sql()
        sql.check(segment)
        table = sql.table(segment)
        sampled = self.server.sampled(table, 1)
        if sampled is None:
            return Estimate(self._members(sql, [segment]), 0)
        sql.unique_key = lambda _table: True
        met = exp.Coalesce(this=sql.predicate(segment, "n"), expressions=[exp.false()])
        source = exp.alias_(sampled, "n", table=True)
        seen, members = self._ask(exp.select(exp.Count(this=exp.Star()), count_if(met)).from_(source))
        return estimated(table, seen, members)

    def _members(self, sql: SegmentSql, segments: Sequence[Segment]) -> int:
        """How many members the segments have together, counted by the server."""
        queries: list[exp.Query] = [sql.members(segment) for segment in segments]
        members = exp.union(*queries) if len(queries) > 1 else queries[0]
        rows = exp.alias_(members.subquery(), "m", table=True)
        return self._ask(exp.select(exp.Count(this=exp.Star())).from_(rows))[0]

    def _sql(self) -> SegmentSql:
        return server_sql(self.engine, self.server, self.scope, self.clock, self.ctx.token)

    def _ask(self, query: exp.Select) -> tuple[int, ...]:
        words = self.server.sql(query)
        with self.server.cursor(self.ctx.token) as cursor:
            cursor.execute(words)
            return tuple(int(number or 0) for number in cursor.fetchone())


def _only_members(members: int) -> tuple[int, ...]:
    return members, members, members, 0, 0
