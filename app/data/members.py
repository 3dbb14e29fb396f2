"""The members of a segment with their matched fields.

Who is sent: members with a usable identifier, each identifier once (the member with the lowest key wins), nobody whose
identifier refuses consent in any row or is suppressed. Numbers agree with app/data/counting.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlglot import exp

from app.core.clocks import Clock
from app.core.counts import Count
from app.core.errors import FixData
from app.core.exports import SyncMode
from app.core.identifiers import RULES
from app.core.runs import Reject
from app.core.segments import FieldRef, Group, Segment
from app.core.tables import Table
from app.data.engines.duckdb import Cursor, DuckDBEngine
from app.data.engines.protocol import Engine
from app.data.identity import Identity, MatchedField
from app.data.last_seen import read_seen, rows_then, seen_now, written
from app.data.member_query import MemberQuestion, MemberSpec, coverage_percent
from app.data.planning import Difference, Found, compare, take_back
from app.data.reasons import Before, Why
from app.data.resuming import Rest, rest_of
from app.data.run_changes import rejected_of
from app.data.sent import Held
from app.data.server_rows import Asked, bring, by_member, server_of, server_sql
from app.data.sql import SegmentSql
from app.data.suppression import ListedValues
from app.data.workspace_rows import KeyFacts, Scope, exact_sql
from app.jobs import JobContext, Progress

_READ_ROWS = 2_048
"""Rows turned into Python values at once: about 3 ms, so a window beside never waits."""
_SAMPLED_ROWS = 10_000
"""Of tables on a server, sample members are looked for among so many."""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One member as it is and as it would be sent: per target field the raw and the normalised value."""

    key: str
    values: Mapping[str, tuple[str | None, str | None]]


class Members:
    """Reads members of segments from the full rows; thread safe, each call works in the calling thread."""

    def __init__(self, engine: DuckDBEngine, facts: KeyFacts | None = None, listed: ListedValues | None = None) -> None:
        self._engine = engine
        self._facts = facts or KeyFacts(engine)
        self._listed = listed or ListedValues(engine)

    def plan(
        self,
        scope: Scope,
        segment: Segment,
        spec: MemberSpec,
        held: Held | None,
        mode: SyncMode,
        to: Path,
        ctx: JobContext,
        *,
        run: str = "",
        there: Path | None = None,
        count: Count | None = None,
        whole: bool = False,
        retries: str = "",
    ) -> Difference:
        """Write what is to be sent of everybody who may be sent, for the run of that id, if it is for one.

        `there` is a file of who is there by the place's own word (app/data/there.py). `count` is what was counted in this very
        scope, if anything was: when all who can be known are to be sent, nobody has to be picked. A `whole` plan, to be looked
        at, also has who is unchanged and who is left out. With `retries` only those are planned who were rejected in that
        earlier run. Raises FixData when the segment or a matched field has issues.
        """
        with self._engine.cursor(ctx.token) as cursor:
            ctx.report(Progress("Find members"))
            question = self._question(cursor, scope, segment, spec, ctx)
            if not whole and count is not None and count.to_send == count.eligible and self._stays(question):
                total, chosen = count.to_send, question.chosen_of_all(some_unknown=count.eligible < count.members)
            else:
                total, chosen = self._pick(cursor, question), question.chosen(keys=True)
            ctx.report(Progress("Compare members", 0, total))
            found = self._found(question, chosen, total)
            before = self._before(scope, question, held, ctx)
            why = Why(question.sql, segment, question.table, spec.identity, spec.names, before)
            kept = {"segment": segment.name, "run": run}
            if run and not retries:
                kept["seen"] = written(seen_now(scope, segment, spec.identity, total))
            only = rejected_of(self._engine.folder, retries) if retries else None
            left_out = self._sql(question.unsent(spec.names)) if whole else None
            return compare(cursor, found, held, mode, to, kept=kept, why=why, there=there, left_out=left_out, only=only)

    def one(
        self, scope: Scope, segment: Segment, spec: MemberSpec, key: str, ctx: JobContext
    ) -> dict[str, tuple[str | None, str | None, str | None]]:
        """Of one member by field the value as it stands, normalised, and as it is sent, which may be a hash; empty when gone."""
        with self._engine.cursor(ctx.token) as cursor:
            question = self._question(cursor, scope, segment, spec, ctx)
            found = cursor.execute(self._sql(question.steps_of(key))).fetchone()
        if found is None:
            return {}
        width = len(spec.fields)
        parts = zip(found[:width], found[width : 2 * width], found[2 * width :], strict=True)
        return dict(zip(spec.fields, parts, strict=True))

    def rest(self, scope: Scope, segment: Segment, spec: MemberSpec, held: Held, ctx: JobContext) -> Rest:
        """What is left to do of the plan that waits there; raises as `plan`."""
        with self._engine.cursor(ctx.token) as cursor:
            question = self._question(cursor, scope, segment, spec, ctx)
            total = self._pick(cursor, question)
            return rest_of(cursor, held, self._found(question, question.chosen(keys=True), total))

    def undo(
        self,
        scope: Scope,
        segment: Segment,
        spec: MemberSpec,
        held: Held,
        changes: Path,
        to: Path,
        ctx: JobContext,
        run: str = "",
    ) -> Difference:
        """Write what undoes those changes to the segment, for the run of that id, if it is for one; raises as `plan`."""
        table = scope.catalog.by_role(segment.of.role)
        if table is None or table.key is None:
            raise FixData(
                f"There is no table of {segment.of} any more.",
                "Members are put back with their values of now.",
                "Give a table that role and a key.",
                code="no_table",
            )
        rows = exp.Table(this=exp.to_identifier(table.name, quoted=True))
        query = exp.select(exp.column(table.key, quoted=True)).from_(rows)
        everybody = replace(segment, rules=(), list_file=None, sql=query.sql("duckdb"))
        with self._engine.cursor(ctx.token) as cursor:
            ctx.report(Progress("Find members"))
            question = self._question(cursor, scope, everybody, spec, ctx)
            total = self._pick(cursor, question)
            found = self._found(question, question.chosen(keys=True), total)
            return take_back(cursor, found, held, changes, to, {"segment": segment.name, "run": run})

    def prepare(
        self, cursor: Cursor, scope: Scope, segment: Segment, spec: MemberSpec, ctx: JobContext
    ) -> tuple[exp.Select, int]:
        """For files: a query of the fields as `c0`, `c1` ..., by key, to be read with this cursor, and its rows.

        Raises as `plan`.
        """
        question = self._question(cursor, scope, segment, spec, ctx)
        total = self._pick(cursor, question)
        fields = [exp.alias_(exp.column(f"v{i}", table="m"), f"c{i}") for i in range(len(spec.fields))]
        chosen = question.chosen().subquery("m")
        return exp.select(*fields).from_(chosen).order_by(exp.column("member", table="m")), total

    def left_out(self, scope: Scope, segment: Segment, spec: MemberSpec, ctx: JobContext) -> Iterator[Reject]:
        """The members without a usable identifier, by key: the field, what stands in it, and why it can't be used."""
        if not spec.identity.keys:
            return
        with self._engine.cursor(ctx.token) as cursor:
            question = self._question(cursor, scope, segment, spec, ctx)
            reader = cursor.sql(self._sql(question.without_identifier())).to_arrow_reader(_READ_ROWS)
            for batch in reader:
                for key, *values in zip(*(batch.column(i).to_pylist() for i in range(batch.num_columns)), strict=True):
                    yield _reject(key, values, segment.name, spec.identity)

    def known(self, scope: Scope, segment: Segment, spec: MemberSpec, ctx: JobContext) -> int:
        """How many the target can know, each identifier once, who refuses or is on the suppression list too."""
        with self._engine.cursor(ctx.token) as cursor:
            query = self._question(cursor, scope, segment, spec, ctx).known()
            ((number,),) = cursor.execute(self._sql(query)).fetchall()
        return int(number)

    def suppressed(
        self, scope: Scope, segment: Segment, spec: MemberSpec, ctx: JobContext, held: Held | None = None
    ) -> int:
        """How many would be sent if they were not on the suppression list; with `held`, those of them who are there."""
        with self._engine.cursor(ctx.token) as cursor:
            there = None if held is None else held.identifiers(cursor)
            query = self._question(cursor, scope, segment, spec, ctx).held_back(there)
            if query is None or (held is not None and there is None):
                return 0
            ((number,),) = cursor.execute(self._sql(query)).fetchall()
        return int(number)

    def sample(self, scope: Scope, segment: Segment, spec: MemberSpec, n: int, ctx: JobContext) -> list[SampleRow]:
        """The first `n` members in the order of the table who have an identifier, do not refuse and are not suppressed."""
        with self._engine.cursor(ctx.token) as cursor:
            question = self._question(cursor, scope, segment, spec, ctx, at_most=_SAMPLED_ROWS)
            found = cursor.execute(self._sql(question.sampled(n))).fetchall()
        width = len(spec.fields)
        return [
            SampleRow(
                row[0], dict(zip(spec.fields, zip(row[1 : 1 + width], row[1 + width :], strict=True), strict=True))
            )
            for row in found
        ]

    def coverage(self, scope: Scope, segment: Segment, spec: MemberSpec, ctx: JobContext) -> dict[str, float]:
        """For each target field the share of members, from 0 to 1, that have a usable value; of a sample in big tables."""
        percent = coverage_percent(segment_table(scope, segment))
        with self._engine.cursor(ctx.token) as cursor:
            question = self._question(cursor, scope, segment, spec, ctx, percent=percent)
            ((members, *usable),) = cursor.execute(self._sql(question.covered())).fetchall()
        return {name: (count / members if members else 0.0) for name, count in zip(spec.fields, usable, strict=True)}

    def reach(
        self, scope: Scope, segment: Segment, fields: Mapping[str, MatchedField], identity: Identity, ctx: JobContext
    ) -> tuple[dict[str, int], int]:
        """For each field how many members have a usable value, and how many agree (give the identity's consent)."""
        with self._engine.cursor(ctx.token) as cursor:
            question = self._question(cursor, scope, segment, MemberSpec(fields, identity), ctx)
            ((agreed, *usable),) = cursor.execute(self._sql(question.reached())).fetchall()
        return dict(zip(fields, usable, strict=True)), agreed

    def page(
        self, scope: Scope, segment: Segment, columns: Sequence[str], limit: int, ctx: JobContext
    ) -> list[tuple[str | None, ...]]:
        """The first members by key, with these columns of their own table as text."""
        fields = {name: MatchedField(FieldRef(segment_table(scope, segment).name, name)) for name in columns}
        with self._engine.cursor(ctx.token) as cursor:
            question = self._question(cursor, scope, segment, MemberSpec(fields), ctx, first=limit)
            found = cursor.execute(self._sql(question.looked_at(limit))).fetchall()
        return [tuple(row) for row in found]

    def number(self, scope: Scope, segment: Segment, ctx: JobContext) -> int:
        """How many members the segment has."""
        engine, sql = self._where_it_is(scope, segment, ctx)
        query = exp.select(exp.Count(this=exp.Star())).from_(sql.members(segment).subquery("m"))
        words = engine.sql(query)
        with engine.cursor(ctx.token) as cursor:
            cursor.execute(words)
            return int(cursor.fetchone()[0])

    def keys(self, scope: Scope, segment: Segment, limit: int, ctx: JobContext) -> list[str]:
        """The first keys of the segment's members, in order."""
        engine, sql = self._where_it_is(scope, segment, ctx)
        members = sql.members(segment).subquery("m")
        order = (
            by_member(segment_table(scope, segment), "m") if engine is not self._engine else exp.column("member", "m")
        )
        query = exp.select(exp.cast(exp.column("member", table="m"), "text")).from_(members)
        words = engine.sql(query.order_by(order).limit(limit))
        with engine.cursor(ctx.token) as cursor:
            cursor.execute(words)
            return [key for (key,) in cursor.fetchall()]

    def _where_it_is(self, scope: Scope, segment: Segment, ctx: JobContext) -> tuple[Engine, SegmentSql]:
        """The engine that holds the segment's table, and a compiler over the rows there."""
        server = server_of(self._engine, segment_table(scope, segment))
        if server is None:
            return self._engine, exact_sql(self._engine, self._facts, scope, ctx.token, self._listed)
        clock = Clock(scope.now, scope.time_zone)
        return server, server_sql(self._engine, server, scope, clock, ctx.token)

    def _question(
        self,
        cursor: Cursor,
        scope: Scope,
        segment: Segment,
        spec: MemberSpec,
        ctx: JobContext,
        *,
        first: int | None = None,
        at_most: int | None = None,
        percent: int | None = None,
    ) -> MemberQuestion:
        """The queries for this cursor. Of tables on a server the rows come here first: see `Asked` for how many of them."""
        sql = exact_sql(self._engine, self._facts, scope, ctx.token, self._listed)
        sql.check(segment)
        server = server_of(self._engine, sql.table(segment))
        if server is not None:
            fields = [matched.field for matched in spec.fields.values()]
            asked = Asked([segment], fields, spec.identity, first, at_most, percent)
            clock = Clock(scope.now, scope.time_zone)
            sql = bring(self._engine, server, scope, asked, clock, ctx.token, cursor)
        return MemberQuestion(sql, segment, sql.table(segment), spec)

    def _found(self, question: MemberQuestion, chosen: exp.Select, total: int) -> Found:
        keys = tuple(target for target, _matched in question.spec.identity.keys)
        fields = tuple(question.spec.fields)
        return Found(self._sql(chosen), fields, keys, total, lambda table: self._sql(question.chosen_among(table)))

    def _before(self, scope: Scope, question: MemberQuestion, held: Held | None, ctx: JobContext) -> Before:
        """The last finished run, to tell who joined and left since what for; nothing of it where members are on a server."""
        last = None if held is None else read_seen(held.was)
        if last is None or question.table.server is not None:
            return Before()
        now = seen_now(scope, question.segment, question.spec.identity, 0)
        same = (last.consent, last.keys) == (now.consent, now.keys)
        then = rows_then(self._engine, scope, last) if same else None
        if then is None:
            return Before(now.ruled_otherwise(last))
        sql = exact_sql(self._engine, self._facts, then, ctx.token, self._listed)
        return Before(now.ruled_otherwise(last), sql, sql.table(question.segment))

    def _stays(self, question: MemberQuestion) -> bool:
        """Whether asking again gives the same members: not on a server, and not by a query somebody wrote."""
        plain = bool(question.segment.rules) and all(isinstance(rule.body, Group) for rule in question.segment.rules)
        return plain and question.unique and server_of(self._engine, question.table) is None

    def _pick(self, cursor: Cursor, question: MemberQuestion) -> int:
        """Keep the keys of those who are to be sent in a table of this cursor; what does not fit in memory spills."""
        cursor.execute(f"CREATE TEMP TABLE winners AS {self._sql(question.winners())}")
        ((total,),) = cursor.execute("SELECT count(*) FROM winners").fetchall()
        return int(total)

    def _sql(self, query: exp.Expr) -> str:
        """The query in the engine's words; it was made for this, and is used up."""
        return query.sql(self._engine.dialect, copy=False)


def segment_table(scope: Scope, segment: Segment) -> Table:
    """The table whose rows are the segment's members; FixData when there is none."""
    table = scope.catalog.by_role(segment.of.role)
    if table is None:
        raise FixData(
            f"There is nothing to show of {segment.name}.",
            f"No table of this workspace holds {segment.of}.",
            f"Give a table the role {segment.of.role}.",
            code="no_members_table",
        )
    return table


def _reject(key: str, values: list[str | None], segment: str, identity: Identity) -> Reject:
    """Names the first key field something stands in, else the preferred one."""
    filled = next((i for i, value in enumerate(values) if value is not None and value.strip()), None)
    target, matched = identity.keys[filled or 0]
    if filled is None:
        return Reject(key, segment, target, "", "It is empty.", f"Fill {matched.field}.", by_target=False)
    rule = RULES[matched.normalise]
    reason, fix = rule.reason, rule.fix
    value = values[filled] or ""
    if matched.longest is not None and len(value.strip()) > matched.longest:
        reason, fix = f"It is longer than {matched.longest} characters.", f"Shorten it in {matched.field}."
    return Reject(key, segment, target, value, reason, fix, by_target=False)
