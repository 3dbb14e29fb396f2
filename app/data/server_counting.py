"""Counts of segments whose tables are on a server: it counts members; who they are to a target is counted here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlglot import exp

from app.core.clocks import Clock
from app.core.counts import Narrowing
from app.core.segments import Segment, SetOperator
from app.data.count_query import Estimate, Numbers, count_if, estimated, on_the_way
from app.data.engines.duckdb import DuckDBEngine
from app.data.engines.protocol import Server
from app.data.identity import Identity
from app.data.narrow import NarrowTables, judged
from app.data.server_rows import Asked, brought, server_sql
from app.data.sql import SegmentSql, combined, key_column
from app.data.workspace_rows import Scope
from app.jobs import JobContext


@dataclass(frozen=True, slots=True)
class ServerCounter:
    """Answers for one job; nothing is kept, because rows change on a server whenever they like."""

    engine: DuckDBEngine
    server: Server
    narrow: NarrowTables
    scope: Scope
    clock: Clock
    ctx: JobContext

    @contextmanager
    def asking(self, segments: Sequence[Segment], identity: Identity) -> Iterator[Numbers]:
        """What answers for any of these segments, which are of one table; the server is asked once for all of them."""
        suppression = self.scope.suppression
        if not identity.keys and identity.consent is None and (suppression is None or not identity.contacts):
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

    def narrowing(self, parts: Sequence[Segment], operators: Sequence[SetOperator]) -> Narrowing:
        """See `Counter.narrowing`: each part is one rule."""
        sql = self._sql()
        for part in parts:
            sql.check(part)
        table = sql.table(parts[0])
        met = [exp.Coalesce(this=sql.predicate(part, "n"), expressions=[exp.false()]) for part in parts]
        flagged = [exp.alias_(answer, f"rule_{i}") for i, answer in enumerate(met)]
        rows = exp.select(exp.alias_(key_column(table, "n"), "member"), *flagged).from_(sql.source(table, "n"))
        if not sql.unique_key(table) or sql.blank_key(table):
            rows = rows.where(sql.filled_key(table, "n"))
        if not sql.unique_key(table):
            rows = rows.distinct()
        flags = [exp.column(f"rule_{i}", table="m") for i in range(len(parts))]
        running = [
            combined(operators[: i + 1], [flag.copy() for flag in flags[: i + 1]]) for i in range(len(parts))
        ]
        counts = [count_if(answer.copy()) for answer in (*flags, *running)]
        # The offset keeps the server from working each rule out for every count.
        found = self._ask(exp.select(exp.Count(this=exp.Star()), *counts).from_(rows.offset(0).subquery("m")))
        return Narrowing(found[1 : 1 + len(parts)], found[1 + len(parts) :], found[0])

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
