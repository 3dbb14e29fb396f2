"""The queries behind a count, over the narrow rows of whoever is counted."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from app.core.counts import Narrowing
from app.core.segments import Segment, SetOperator
from app.core.tables import Table
from app.data.engines.duckdb import DuckDBEngine
from app.data.narrow import LISTED, PLAIN, REFUSED, SHARED, UNUSABLE, Judged, Narrow
from app.data.sql import SegmentSql, combined
from app.jobs import CancelToken

_ONCE = 10
"""Added to the kind of a shared identifier where it is counted once."""

_PARTS = 4
"""More parts than hands: a hand whose core is busy with something else leaves them to the other one."""
_WORTH_PARTS = 1_000_000
"""Rows from which on a count is asked in parts at once, where one question works in one thread."""

Numbers = Callable[[Sequence[Segment]], tuple[int, ...]]
"""Of the members of any of the segments: members, eligible, unique, unique without consent, unique and suppressed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many members there are: `members` give or take `error`, 19 times out of 20."""

    members: int
    error: int


def estimated(table: Table, seen: int, members: int) -> Estimate:
    """From how many of the rows seen are those of members."""
    if not seen:
        return Estimate(0, table.rows)
    share = members / seen
    spread = 2 * (max(share * (1 - share), 1 / seen) / seen) ** 0.5
    return Estimate(round(share * table.rows), max(1, round(spread * table.rows)))


def on_the_way(
    engine: DuckDBEngine, token: CancelToken, sql: SegmentSql, narrow: Narrow, who: Judged, segments: Sequence[Segment]
) -> tuple[int, ...]:
    """See `Numbers`; asked of the narrow rows, which are in this process whatever the engine."""
    anywhere = narrow.quick(exp.paren(exp.or_(*(sql.predicate(segment, "n") for segment in segments))))
    parts = _PARTS if engine.hands > 1 and narrow.rows >= _WORTH_PARTS else 1
    found: Tally[int] = Tally()
    for rows in engine.ask_together([engine.sql(query) for query in _kinds(narrow, who, anywhere, parts)], token):
        found.update(dict(rows))
    members = sum(number for kind, number in found.items() if kind < _ONCE)
    once = {kind: found[kind] + found[_ONCE + SHARED + kind] for kind in (PLAIN, REFUSED, LISTED)}
    return members, members - found[UNUSABLE], sum(once.values()), once[REFUSED], once[LISTED]


def narrowed(
    engine: DuckDBEngine,
    token: CancelToken,
    sql: SegmentSql,
    narrow: Narrow,
    parts: Sequence[Segment],
    operators: Sequence[SetOperator],
) -> Narrowing:
    """What each part, which is one rule, gives of the narrow rows, and what is left after it."""
    met = [exp.Coalesce(this=narrow.quick(sql.predicate(part, "n")), expressions=[exp.false()]) for part in parts]
    rows = exp.select(*(exp.alias_(answer, f"rule_{i}") for i, answer in enumerate(met))).from_(rows_of(narrow.name))
    with engine.cursor(token) as cursor:
        found = cursor.execute(engine.sql(counts_of_rules(rows, operators))).fetchone()
    return narrowing_of(found or (), len(parts))


def counts_of_rules(rows: exp.Select, operators: Sequence[SetOperator]) -> exp.Select:
    """Rows with a flag `rule_0`, `rule_1` ... for each rule: all of them, those of each rule, and those left after it."""
    flags = [exp.column(f"rule_{i}", table="m") for i in range(len(operators))]
    running = [combined(operators[: i + 1], [flag.copy() for flag in flags[: i + 1]]) for i in range(len(operators))]
    counts = [count_if(answer.copy()) for answer in (*flags, *running)]
    return exp.select(exp.Count(this=exp.Star()), *counts).from_(rows.subquery("m"))


def narrowing_of(found: Sequence[int | None], parts: int) -> Narrowing:
    """The answer to `counts_of_rules`."""
    everyone, *numbers = (int(number or 0) for number in found)
    return Narrowing(tuple(numbers[:parts]), tuple(numbers[parts:]), everyone)


def _kinds(narrow: Narrow, who: Judged, predicate: exp.Expr, parts: int) -> list[exp.Query]:
    """Kinds with their numbers of rows, and those that stand in several rows once more with how many they really are.

    Each of the queries counts another part of the rows. The few shared ones are made distinct apart from the rest:
    count(DISTINCT) beside the others takes 77 ms per million rows, this 4 ms.
    """
    kind = narrow.kind(who)
    rows = exp.select(exp.cast(kind, "int"), exp.Count(this=exp.Star())).from_(rows_of(narrow.name))
    rows = rows.where(predicate).group_by(kind)
    queries: list[exp.Query] = [rows.where(*_part(narrow, i, parts)) for i in range(parts)]
    apart = narrow.shared.get(who)
    if apart is None:
        return queries
    different = exp.Count(this=exp.Distinct(expressions=[narrow.hash(who)]))
    once = exp.Add(this=exp.cast(kind.copy(), "int"), expression=exp.Literal.number(_ONCE))
    shared = exp.GT(this=kind.copy(), expression=exp.Literal.number(SHARED))
    twice = exp.select(once, different).from_(rows_of(apart)).where(shared, predicate.copy()).group_by(kind.copy())
    return [exp.union(queries[0], twice, distinct=False), *queries[1:]]


def _part(narrow: Narrow, i: int, parts: int) -> list[exp.Expr]:
    """What the rows of the i-th of so many parts have in common: DuckDB passes over the others without reading them."""
    row = exp.column("rowid", table="n")
    first, end = (exp.Literal.number(narrow.rows * n // parts) for n in (i, i + 1))
    limits: list[exp.Expr] = [] if i == 0 else [exp.GTE(this=row, expression=first)]
    return limits if i == parts - 1 else [*limits, exp.LT(this=row.copy(), expression=end)]


def rows_of(table: str) -> exp.Expr:
    """A table of narrow rows under the name that predicates know."""
    return exp.alias_(exp.to_table(table), "n", table=True)


def count_if(condition: exp.Expr) -> exp.Expr:
    """DuckDB's own count_if gives NULL for no rows at all."""
    return exp.Count(this=exp.Case().when(condition, exp.Literal.number(1), copy=True))
