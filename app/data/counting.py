"""Live counts: how many members a segment has, and how many of them a target would get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count as count_up
from typing import TypeVar

import duckdb
from sqlglot import exp

from app.core.clocks import Clock
from app.core.counts import Count, Limits, Narrowing, Total, within
from app.core.errors import FixData
from app.core.segments import Segment, SetOperator
from app.core.tables import Table
from app.data.count_query import Estimate, Numbers, count_if, estimated, narrowed, on_the_way
from app.data.engines.duckdb import DuckDBEngine, parquet
from app.data.identity import Identity
from app.data.linked_samples import LinkedSamples
from app.data.narrow import Narrow, NarrowTables, judged
from app.data.samples_of_rows import sampled, slices
from app.data.segment_issues import issues
from app.data.server_counting import ServerCounter
from app.data.server_kept import KeptRows
from app.data.server_rows import server_of
from app.data.sql import SegmentSql
from app.data.suppression import ListedValues
from app.data.used_columns import only_rules, used_columns
from app.data.workspace_rows import KeyFacts, Scope, segment_sql
from app.jobs import JobContext, Progress

T = TypeVar("T")

_TRIES = 5


@dataclass(frozen=True, slots=True)
class CountSpec:
    """On the way to what is counted: who members are to the target, and its limits."""

    identity: Identity = field(default_factory=Identity)
    limits: Limits = field(default_factory=Limits)


class Counter:
    """Counts segments from narrow tables in memory; thread safe, each call works in the calling thread.

    Counts see now cut to the minute, so that answers about linked rows can be kept.
    """

    def __init__(self, engine: DuckDBEngine, facts: KeyFacts | None = None, listed: ListedValues | None = None) -> None:
        self._engine = engine
        self._facts = facts or KeyFacts(engine)
        self._listed = listed or ListedValues(engine)
        self._narrow = NarrowTables(engine)
        self._kept = KeptRows(engine, self._narrow)
        self._samples = LinkedSamples(engine)

    def count(self, scope: Scope, segment: Segment, spec: CountSpec, ctx: JobContext) -> Count:
        """Count exactly; FixData when the segment has issues, Cancelled when the job is."""
        with self._asking(scope, [segment], spec, ctx) as numbers:
            return _count_of(segment, spec, numbers)

    def totals(self, scope: Scope, segments: Sequence[Segment], spec: CountSpec, ctx: JobContext) -> Total:
        """Several segments together, each member once; segments of different tables are told apart."""
        counts: list[Count] = []
        unique = refused = suppressed = 0
        for of in dict.fromkeys(segment.of for segment in segments):
            same = [segment for segment in segments if segment.of is of]
            with self._asking(scope, same, spec, ctx) as numbers:
                counts += [_count_of(segment, spec, numbers) for segment in same]
                _, _, found, no, listed = numbers(same)
            unique, refused, suppressed = unique + found, refused + no, suppressed + listed
        return Total(
            segments=len(segments),
            members=sum(c.members for c in counts),
            not_eligible=sum(c.members - c.eligible for c in counts),
            duplicates=sum(c.duplicates for c in counts),
            in_several=sum(c.eligible - c.duplicates for c in counts) - unique,
            no_consent=refused,
            suppressed=suppressed,
            to_send=unique - refused - suppressed,
        )

    def narrowing(self, scope: Scope, segment: Segment, ctx: JobContext) -> Narrowing:
        """What each rule gives and what is left after it, in one pass; raises as `count`."""
        parts = [replace(segment, rules=(replace(r, operator=SetOperator.UNION),)) for r in segment.rules] or [segment]
        operators = [rule.operator for rule in segment.rules] or [SetOperator.UNION]
        server = self._server_counter(scope, segment, ctx)
        if server is not None:
            return self._trying(parts, lambda: server.narrowing(parts, operators))
        return self._trying(parts, lambda: self._narrowing(scope, parts, operators, ctx))

    def estimate(self, scope: Scope, segment: Segment, ctx: JobContext) -> Estimate:
        """About how many members, from a part of the rows; raises as `count`.

        Linked conditions are asked of the sample made for them (app/data/linked_samples.py), others of a hundredth of the
        narrow rows once they are there, else of some rows of the table.
        """
        server = self._server_counter(scope, segment, ctx)
        if server is not None:
            return server.estimate(segment)
        sql = self._compiler(scope, ctx)
        sql.check(segment)
        table = sql.table(segment)
        rows = self._some_rows(scope, segment, sql, ctx)
        # Of keys found in several rows one is enough for an estimate, hence unique.
        sql.unique_key = lambda _table: True
        met = exp.Coalesce(this=sql.predicate(segment, "n"), expressions=[exp.false()])
        query = exp.select(exp.Count(this=exp.Star()), count_if(met)).from_(rows.subquery("n"))
        seen, members = self._ask(query, ctx)
        return estimated(table, seen, members)

    def _some_rows(self, scope: Scope, segment: Segment, sql: SegmentSql, ctx: JobContext) -> exp.Select:
        table = sql.table(segment)
        sample = self._samples.find(scope, segment)
        if sample is not None:
            sql.relation = lambda other: (
                parquet([sample[other.id]]) if other.id in sample else self._engine.relation(other)
            )
            return exp.select("*").from_(sql.source(table, "s"))
        columns = used_columns(segment, scope)
        if self._narrow.ready(table, columns, None) and sql.unique_key(table):
            narrow = self._narrow.get(sql, table, columns, None, scope.suppression, ctx.token)
            return sampled(exp.to_table(narrow.name), narrow.rows)
        return slices(self._engine.table_files(table), table) or sampled(self._engine.relation(table), table.rows)

    def warm(self, scope: Scope, segments: Sequence[Segment], spec: CountSpec, ctx: JobContext) -> None:
        """Make the narrow tables that counting these segments needs, so that the first count is as quick as the next."""
        for of in dict.fromkeys(segment.of for segment in segments):
            ctx.report(Progress("Prepare counts", unit="rows", note=str(of)))
            same = [segment for segment in segments if segment.of is of]
            server = self._server_counter(scope, same[0], ctx)
            if server is None:
                self._ready(scope, same, spec.identity, ctx)
            else:
                server.keep([segment for segment in same if only_rules(segment, scope)], spec.identity)

    def issues(self, scope: Scope, segment: Segment) -> list[str]:
        """What keeps the segment from being counted, in sentences."""
        by_name = {other.name: other for other in scope.segments}
        return issues(segment, scope.catalog, by_name, dialect=self._engine.dialect)

    def forget(self, table: Table) -> None:
        """Drop what is kept of a table that was removed."""
        self._narrow.forget(table.id)
        self._kept.forget(table)

    def _numbers(self, scope: Scope, segments: Sequence[Segment], spec: CountSpec, ctx: JobContext) -> tuple[int, ...]:
        def numbers() -> tuple[int, ...]:
            sql, narrow = self._ready(scope, segments, spec.identity, ctx)
            who = judged(spec.identity, scope.suppression)
            return on_the_way(self._engine, ctx.token, sql, narrow, who, segments)

        return self._trying(segments, numbers)

    @contextmanager
    def _asking(self, scope: Scope, segments: Sequence[Segment], spec: CountSpec, ctx: JobContext) -> Iterator[Numbers]:
        """What answers for any of these segments, which are of one table."""
        server = self._server_counter(scope, segments[0], ctx)
        if server is None:
            yield lambda some: self._numbers(scope, some, spec, ctx)
            return
        with server.asking(segments, spec.identity) as numbers:
            yield lambda some: self._trying(some, lambda: numbers(some))

    def _server_counter(self, scope: Scope, segment: Segment, ctx: JobContext) -> ServerCounter | None:
        server = server_of(self._engine, scope.catalog.by_role(segment.of.role))
        if server is None:
            return None
        return ServerCounter(self._engine, server, self._narrow, self._kept, scope, _to_the_minute(scope), ctx)

    def _narrowing(
        self, scope: Scope, parts: Sequence[Segment], operators: Sequence[SetOperator], ctx: JobContext
    ) -> Narrowing:
        sql, narrow = self._ready(scope, parts, None, ctx)
        return narrowed(self._engine, ctx.token, sql, narrow, parts, operators)

    @staticmethod
    def _trying(segments: Sequence[Segment], work: Callable[[], T]) -> T:
        for attempt in count_up(1):
            try:
                return work()
            except duckdb.Error as error:
                # Another thread may have just replaced the narrow table by one with more columns.
                if isinstance(error, duckdb.CatalogException) and attempt < _TRIES:
                    continue
                query = next((segment for segment in segments if segment.sql is not None), None)
                if query is None:
                    raise
                raise _failed(query, error) from error
        raise AssertionError

    def _compiler(self, scope: Scope, ctx: JobContext) -> SegmentSql:
        clock = _to_the_minute(scope)
        listed = self._listed.asked(scope.suppression, ctx.token)
        return segment_sql(self._engine, self._facts, scope.catalog, scope.segments, clock, ctx.token, listed)

    def _ready(
        self, scope: Scope, segments: Sequence[Segment], identity: Identity | None, ctx: JobContext
    ) -> tuple[SegmentSql, Narrow]:
        """A compiler and the narrow table `n` it asks; without an identity only members can be counted."""
        sql = self._compiler(scope, ctx)
        for segment in segments:
            sql.check(segment)
        table = sql.table(segments[0])
        columns = frozenset().union(*(used_columns(segment, scope) for segment in segments))
        if not sql.unique_key(table):
            columns |= {table.key or ""}
        narrow = self._narrow.get(sql, table, columns, identity, scope.suppression, ctx.token)
        sql.clean_aliases = frozenset({"n"})
        sql.semi_join = lambda alias, column, query: self._kept_answer(narrow, alias, column, query, ctx)
        return sql, narrow

    def _kept_answer(
        self, narrow: Narrow, alias: str, column: str, query: exp.Select, ctx: JobContext
    ) -> exp.Expr | None:
        if alias != "n":
            return None
        rows = exp.select("_row").from_(self._narrow.answer(narrow, column, query, ctx.token))
        return exp.In(this=exp.column("_row", table="n"), query=exp.Subquery(this=rows))

    def _ask(self, query: exp.Select, ctx: JobContext) -> tuple[int, ...]:
        with self._engine.cursor(ctx.token) as cursor:
            row = cursor.execute(query.sql(self._engine.dialect)).fetchone()
        return tuple(int(number or 0) for number in row or ())


def _count_of(segment: Segment, spec: CountSpec, numbers: Numbers) -> Count:
    members, eligible, unique, refused, suppressed = numbers([segment])
    to_send = unique - refused - suppressed
    counted = Count(
        segment=segment.name,
        members=members,
        eligible=eligible,
        duplicates=eligible - unique,
        no_consent=refused,
        suppressed=suppressed,
        to_send=to_send,
        counted_at=datetime.now(UTC),
    )
    return within(counted, spec.limits)


def _to_the_minute(scope: Scope) -> Clock:
    return Clock(scope.now.replace(second=0, microsecond=0), scope.time_zone)


def _failed(segment: Segment, error: duckdb.Error) -> FixData:
    """What the engine says about a person's own query, without its drawing of the place."""
    reason = str(error).splitlines()[0].partition(": ")[2] or "The engine refuses it"
    return FixData(
        f"The query of {segment.name} can't be run.",
        f"{reason.rstrip('.')}.",
        "Correct the query.",
        code="segment_query",
    )
