"""The members of a segment with their matched fields.

Who is sent: members with a usable identifier, each identifier once (the member with the lowest key wins), nobody whose
identifier refuses consent in any row or is suppressed. Numbers agree with app/data/counting.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlglot import exp

from app.core.clocks import Clock
from app.core.errors import FixData
from app.core.exports import SyncMode
from app.core.identifiers import HASHES, RULES
from app.core.reasons import LEFT_OUT, NO_CONSENT, ON_THE_LIST, TWICE
from app.core.runs import Reject
from app.core.segments import FieldRef, Segment
from app.core.tables import ColumnType, Table
from app.data.engines.duckdb import Cursor, DuckDBEngine
from app.data.engines.protocol import Engine
from app.data.identifiers_sql import text, trimmed
from app.data.identity import Identity, MatchedField, RowValues
from app.data.reasons import Why
from app.data.resuming import Rest, rest_of
from app.data.run_changes import rejected_of
from app.data.sent import Difference, Found, Held, compare, take_back
from app.data.server_rows import Asked, bring, by_member, server_of, server_sql
from app.data.sql import SegmentSql, key_column
from app.data.suppression import ListedValues
from app.data.workspace_rows import KeyFacts, Scope, exact_sql
from app.jobs import JobContext, Progress

_READ_ROWS = 2_048
"""Rows turned into Python values at once: about 3 ms, so a window beside never waits."""
_COVERAGE_ROWS = 200_000
"""From more rows than this, coverage looks at a sample of about that many."""
_SAMPLED_ROWS = 10_000
"""Of tables on a server, sample members are looked for among so many."""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One member as it is and as it would be sent: per target field the raw and the normalised value."""

    key: str
    values: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """What is read of each member: target fields and who the member is to the target (see app/data/identity.py).

    `names` are what people call the target's fields.
    """

    fields: Mapping[str, MatchedField]
    identity: Identity = field(default_factory=Identity)
    names: Mapping[str, str] = field(default_factory=dict)


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
        run: str = "",
        there: Path | None = None,
        *,
        whole: bool = False,
        retries: str = "",
    ) -> Difference:
        """Write what is to be sent of everybody who may be sent, for the run of that id, if it is for one.

        `there` is a file of who is there by the place's own word (app/data/there.py). A `whole` plan, to be looked at, also
        has who is unchanged and who is left out. With `retries` only those are planned who were rejected in that earlier
        run. Raises FixData when the segment or a matched field has issues.
        """
        with self._engine.cursor(ctx.token) as cursor:
            ctx.report(Progress("Find members"))
            question = self._question(cursor, scope, segment, spec, ctx)
            total = self._pick(cursor, question)
            ctx.report(Progress("Compare members", 0, total))
            found = self._found(question, spec, total)
            why = Why(question.sql, segment, question.table, spec.identity, spec.names)
            kept = {"segment": segment.name, "run": run}
            only = rejected_of(self._engine.folder, retries) if retries else None
            left_out = self._sql(question.unsent(spec.names)) if whole else None
            return compare(cursor, found, held, mode, to, kept, why, there, left_out, only)

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
            return rest_of(cursor, held, self._found(question, spec, total))

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
            return take_back(
                cursor, self._found(question, spec, total), held, changes, to, {"segment": segment.name, "run": run}
            )

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

    def suppressed(self, scope: Scope, segment: Segment, spec: MemberSpec, ctx: JobContext) -> int:
        """How many would be sent if they were not on the suppression list."""
        with self._engine.cursor(ctx.token) as cursor:
            query = self._question(cursor, scope, segment, spec, ctx).held_back()
            if query is None:
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
        percent = _percent(segment_table(scope, segment))
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
    ) -> _Question:
        """The queries for this cursor. Of tables on a server the rows come here first: see `Asked` for how many of them."""
        sql = exact_sql(self._engine, self._facts, scope, ctx.token, self._listed)
        sql.check(segment)
        server = server_of(self._engine, sql.table(segment))
        if server is not None:
            fields = [matched.field for matched in spec.fields.values()]
            asked = Asked([segment], fields, spec.identity, first, at_most, percent)
            clock = Clock(scope.now, scope.time_zone)
            sql = bring(self._engine, server, scope, asked, clock, ctx.token, cursor)
        return _Question(sql, segment, sql.table(segment), spec)

    def _found(self, question: _Question, spec: MemberSpec, total: int) -> Found:
        keys = tuple(target for target, _matched in spec.identity.keys)
        return Found(self._sql(question.chosen(keys=True)), tuple(spec.fields), keys, total)

    def _pick(self, cursor: Cursor, question: _Question) -> int:
        """Keep the keys of those who are to be sent in a table of this cursor; what does not fit in memory spills."""
        cursor.execute(f"CREATE TEMP TABLE winners AS {self._sql(question.winners())}")
        ((total,),) = cursor.execute("SELECT count(*) FROM winners").fetchall()
        return int(total)

    def _sql(self, query: exp.Expr) -> str:
        return query.sql(self._engine.dialect)


@dataclass(frozen=True, slots=True)
class _Question:
    """The queries of one segment on its way to one target."""

    sql: SegmentSql
    segment: Segment
    table: Table
    spec: MemberSpec

    @property
    def _unique(self) -> bool:
        return self.sql.unique_key(self.table)

    def _row(self) -> RowValues:
        return RowValues(self.sql, self.table, "b", self.spec.identity.country)

    def _from(self, query: exp.Select, row: RowValues) -> exp.Select:
        query = row.apply(query.from_(self.sql.source(self.table, "b")))
        return query if self._unique else query.where(self.sql.filled_key(self.table, "b"))

    def _key(self) -> exp.Column:
        return key_column(self.table, "b")

    def _met(self) -> exp.Expr:
        return self.sql.predicate(self.segment, "b")

    def winners(self) -> exp.Select:
        """The key that stands for each identifier of the segment's members who may be sent."""
        column = exp.column("identifier", table="m")
        query = self._by_identifier()
        for unwanted in (self._refusing(), self._suppressed()):
            if unwanted is not None:
                query = query.where(exp.not_(exp.In(this=column.copy(), query=exp.Subquery(this=unwanted))))
        return query

    def held_back(self) -> exp.Select | None:
        """How many identifiers the suppression list keeps back of those that do not refuse; None when it keeps nobody."""
        suppressed = self._suppressed()
        if suppressed is None:
            return None
        column = exp.column("identifier", table="m")
        query = self._by_identifier().where(exp.In(this=column, query=exp.Subquery(this=suppressed)))
        refusing = self._refusing()
        if refusing is not None:
            query = query.where(exp.not_(exp.In(this=column.copy(), query=exp.Subquery(this=refusing))))
        return exp.select(exp.Count(this=exp.Star())).from_(query.subquery("k"))

    def _by_identifier(self) -> exp.Select:
        """The lowest key of each usable identifier `m.identifier` in the segment.

        The identifiers are materialised: DuckDB would otherwise work them out again in the filter and in the grouping.
        """
        row = self._row()
        identifier = row.identifier(self.spec.identity)
        known = self._identified(row, identifier, self._met())
        column = exp.column("identifier", table="m")
        query = exp.select(exp.alias_(exp.Min(this=exp.column("member", table="m")), "member")).from_(
            known.subquery("m")
        )
        # Not as a condition: engines would work the identifier out once to ask for it, and once more to group by it.
        usable = exp.GT(this=exp.Count(this=column.copy()), expression=exp.Literal.number(0))
        return query.group_by(column).having(usable)

    def _identified(self, row: RowValues, identifier: exp.Expr, condition: exp.Expr) -> exp.Select:
        """Key and identifier of each member of which a row meets the condition; the lowest one where it has several rows."""
        if self._unique:
            query = exp.select(exp.alias_(self._key(), "member"), exp.alias_(identifier, "identifier"))
            return self._from(query, row).where(condition)
        lowest = exp.alias_(exp.Min(this=identifier), "identifier")
        query = self._from(exp.select(exp.alias_(self._key(), "member"), lowest), row).group_by(self._key())
        return query.having(exp.LogicalOr(this=exp.Coalesce(this=condition, expressions=[exp.false()])))

    def _refusing(self) -> exp.Select | None:
        if self.spec.identity.consent is None:
            return None
        row = self._row()
        return self._unwanted(row, row.refused(self.spec.identity), "r")

    def _suppressed(self) -> exp.Select | None:
        row = self._row()
        suppressed = row.suppressed(self.spec.identity)
        return None if suppressed == exp.false() else self._unwanted(row, suppressed, "l")

    def _unwanted(self, row: RowValues, condition: exp.Expr, name: str) -> exp.Select:
        """The identifiers of which any row in the table meets the condition."""
        known = self._identified(row, row.identifier(self.spec.identity), condition)
        column = exp.column("identifier", table=name)
        filled = exp.not_(exp.Is(this=column.copy(), expression=exp.Null()))
        return exp.select(column).from_(name).where(filled).with_(name, as_=known, materialized=True)

    def chosen(self, *, keys: bool = False) -> exp.Select:
        """Key, fields, and for each field whether something unusable stands in it, for the keys in `winners`.

        With `keys` also the key fields, as they identify the member. The values are made in a query of their own, so that
        what is made of them does not have them made again.
        """
        row = self._row()
        fields = list(self.spec.fields.values())
        values = [row.normalised(matched) for matched in fields]
        raw = [row.value(matched.field) for matched in fields]
        known = [matched for _, matched in self.spec.identity.keys] if keys else []
        named = [exp.alias_(value, f"v{i}") for i, value in enumerate(values)]
        named += [exp.alias_(row.normalised(m), f"k{i}") for i, m in enumerate(known) if m not in fields]
        found = [exp.alias_(value.expression.copy(), f"r{i}") for i, value in enumerate(raw)]
        query = exp.select(exp.alias_(exp.cast(self._key(), "text"), "member"), *named, *found)
        if not self._unique:
            first = exp.Window(
                this=exp.RowNumber(),
                partition_by=[self._key()],
                order=exp.Order(
                    expressions=[exp.Ordered(this=e, nulls_first=False) for e in self._row_order(row, values)]
                ),
            )
            query = query.qualify(exp.EQ(this=first, expression=exp.Literal.number(1)))
        winners = exp.select("member").from_("winners")
        query = self._from(query, row).where(exp.In(this=self._key(), query=exp.Subquery(this=winners)))
        made = [exp.column(f"v{i}", table="c") for i in range(len(fields))]
        flags = [
            exp.alias_(_unusable(exp.column(f"r{i}", table="c"), value.type, made[i]), f"u{i}")
            for i, value in enumerate(raw)
        ]
        identifying = [
            exp.alias_(made[fields.index(m)].copy() if m in fields else exp.column(f"k{i}", table="c"), f"k{i}")
            for i, m in enumerate(known)
        ]
        return exp.select(exp.column("member", table="c"), *made, *flags, *identifying).from_(query.subquery("c"))

    def _row_order(self, row: RowValues, values: list[exp.Expr]) -> list[exp.Expr]:
        """Of several rows of a member the one with the lowest identifier speaks, then the one with the lowest values."""
        return [row.identifier(self.spec.identity), *(value.copy() for value in values)]

    def without_identifier(self) -> exp.Select:
        """Key and raw key fields of the members without a usable identifier, by key."""
        row = self._row()
        identifier = row.identifier(self.spec.identity)
        raw = [row.raw_text(matched.field) for _, matched in self.spec.identity.keys]
        key = exp.alias_(exp.cast(self._key(), "text"), "member")
        if self._unique:
            missing = exp.Is(this=identifier, expression=exp.Null())
            query = exp.select(key, *(exp.alias_(r, f"r{i}") for i, r in enumerate(raw)))
            return self._from(query, row).where(exp.and_(self._met(), missing)).order_by(self._key())
        query = exp.select(key, *(exp.alias_(exp.Max(this=r), f"r{i}") for i, r in enumerate(raw)))
        met = exp.LogicalOr(this=exp.Coalesce(this=self._met(), expressions=[exp.false()]))
        none = exp.Is(this=exp.Min(this=identifier), expression=exp.Null())
        return self._from(query, row).group_by(self._key()).having(exp.and_(met, none)).order_by(self._key())

    def unsent(self, names: Mapping[str, str]) -> exp.Select:
        """The segment's members who are not in `winners`, as rows of a plan: key, key fields, and why they are left out.

        Of several with one identifier the first by key is told what keeps it back, the others that they are there twice.
        """
        row = self._row()
        known = self._identified(row, row.identifier(self.spec.identity), self._met())
        member, identifier = exp.column("member", table="l"), exp.column("identifier", table="l")
        place = exp.Window(
            this=exp.RowNumber(), partition_by=[identifier.copy()], order=exp.Order(expressions=[member.copy()])
        )
        words = " or ".join(names.get(target, target) for target, _matched in self.spec.identity.keys) or "key"
        why = exp.Case().when(
            exp.Is(this=identifier.copy(), expression=exp.Null()), text(f"{LEFT_OUT}no usable {words}"), copy=False
        )
        why = why.when(exp.GT(this=place, expression=exp.Literal.number(1)), text(TWICE), copy=False)
        for unwanted, reason in ((self._refusing(), NO_CONSENT), (self._suppressed(), ON_THE_LIST)):
            if unwanted is not None:
                inside = exp.In(this=identifier.copy(), query=exp.Subquery(this=unwanted))
                why = why.when(inside, text(reason), copy=False)
        why = why.else_(text(TWICE), copy=False)
        keys = [target for target, _matched in self.spec.identity.keys]
        one = len(keys) == 1
        values = [
            identifier.copy()
            if one
            else exp.Case().when(_begins(identifier, f"{key}:"), _after(identifier, len(key) + 1))
            for key in keys
        ]
        query = exp.select(
            exp.alias_(text("left_out"), "change"),
            exp.alias_(exp.false(), "in_doubt"),
            exp.alias_(exp.cast(member.copy(), "text"), "member"),
            exp.alias_(why, "reason"),
            exp.alias_(
                exp.DPipe(this=text(f"{keys[0]}:"), expression=identifier.copy()) if one else identifier, "identifier"
            ),
            *(exp.alias_(value, f"key {key}", quoted=True) for key, value in zip(keys, values, strict=True)),
        ).from_(exp.alias_(known.subquery(), "l", table=True))
        winners = exp.select("member").from_("winners")
        return query.where(exp.not_(exp.In(this=member.copy(), query=exp.Subquery(this=winners))))

    def steps_of(self, key: str) -> exp.Select:
        """Raw, normalised and sent fields of one member; where a hash is sent, normalised is what is hashed."""
        row = self._row()
        fields = list(self.spec.fields.values())
        plain = [replace(each, normalise=HASHES.get(each.normalise, each.normalise)) for each in fields]
        values = [row.raw_text(each.field) for each in fields]
        sent = [row.normalised(each) for each in fields]
        values += [row.normalised(each) for each in plain] + sent
        query = self._from(exp.select(*(exp.alias_(v, f"s{i}") for i, v in enumerate(values))), row)
        query = query.where(exp.EQ(this=exp.cast(self._key(), "text"), expression=text(key)))
        return query.order_by(*self._row_order(row, sent)).limit(1)

    def sampled(self, n: int) -> exp.Select:
        """Key, raw fields and normalised fields of the first members that may be sent."""
        row = self._row()
        fields = list(self.spec.fields.values())
        raw = [exp.alias_(row.raw_text(matched.field), f"r{i}") for i, matched in enumerate(fields)]
        sent = [exp.alias_(row.normalised(matched), f"v{i}") for i, matched in enumerate(fields)]
        usable = exp.not_(exp.Is(this=row.identifier(self.spec.identity), expression=exp.Null()))
        unwanted = exp.or_(row.refused(self.spec.identity), row.suppressed(self.spec.identity))
        query = exp.select(exp.alias_(exp.cast(self._key(), "text"), "member"), *raw, *sent)
        return self._from(query, row).where(exp.and_(self._met(), usable, exp.not_(unwanted))).limit(n)

    def looked_at(self, n: int) -> exp.Select:
        """The fields as they are, of one row of each of the first members."""
        row = self._row()
        raw = [row.raw_text(matched.field) for matched in self.spec.fields.values()]
        query = self._from(exp.select(*(exp.alias_(r, f"r{i}") for i, r in enumerate(raw))), row).where(self._met())
        if not self._unique:
            first = exp.Window(this=exp.RowNumber(), partition_by=[self._key()])
            query = query.qualify(exp.EQ(this=first, expression=exp.Literal.number(1)))
        return query.order_by(self._key()).limit(n)

    def covered(self) -> exp.Select:
        """Members, and per field those with a usable value."""
        row = self._row()
        counts = [exp.Count(this=row.normalised(matched)) for matched in self.spec.fields.values()]
        query = self._from(exp.select(exp.Count(this=exp.Star()), *counts), row).where(self._met())
        part = _percent(self.table)
        if part is not None:
            percent = exp.Literal.number(part)
            sample = exp.TableSample(method="system", percent=percent, seed=exp.Literal.number(1))
            rows = exp.select("*").from_(exp.alias_(self.sql.relation(self.table), "s", table=True))
            rows.args["from_"].this.set("sample", sample)
            query.args["from_"].set("this", rows.subquery("b"))
        return query

    def reached(self) -> exp.Select:
        """Members that agree, then for each field the members with a usable value."""
        row = self._row()
        flags: list[exp.Expr] = [exp.not_(row.refused(self.spec.identity))]
        flags += [
            exp.not_(exp.Is(this=row.normalised(matched), expression=exp.Null()))
            for matched in self.spec.fields.values()
        ]
        if not self._unique:  # of a member in several rows every one must agree, and any may hold the value
            flags = [exp.LogicalAnd(this=flags[0]), *(exp.LogicalOr(this=flag) for flag in flags[1:])]
        query = exp.select(*(exp.alias_(flag, f"f{i}") for i, flag in enumerate(flags)))
        query = self._from(query, row).where(self._met())
        if not self._unique:
            query = query.group_by(self._key())
        counts = [
            exp.Count(this=exp.Case().when(exp.column(f"f{i}", table="r"), exp.Literal.number(1)))
            for i in range(len(flags))
        ]
        return exp.select(*counts).from_(query.subquery("r"))


def _begins(value: exp.Expr, start: str) -> exp.Expr:
    return exp.StartsWith(this=value.copy(), expression=text(start))


def _after(value: exp.Expr, length: int) -> exp.Expr:
    return exp.Substring(this=value.copy(), start=exp.Literal.number(length + 1))


def _percent(table: Table) -> int | None:
    """What part of a table coverage looks at; None means all."""
    return max(1, round(100 * _COVERAGE_ROWS / table.rows)) if table.rows > _COVERAGE_ROWS else None


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


def _unusable(raw: exp.Expr, kind: ColumnType, value: exp.Expr) -> exp.Expr:
    """1 where something stands of which no value was made, else 0; mostly one was, so that is asked first."""
    filled: exp.Expr = exp.not_(exp.Is(this=raw.copy(), expression=exp.Null()))
    if kind is ColumnType.TEXT:
        filled = exp.and_(filled, exp.NEQ(this=trimmed(raw), expression=text("")))
    missing = exp.Is(this=value.copy(), expression=exp.Null())
    return exp.cast(exp.Case().when(missing, filled, copy=False).else_(exp.false(), copy=False), "int")


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
