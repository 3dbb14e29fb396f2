"""The queries behind the members of a segment: who is sent, with which values, and who is left out (app/data/members.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp

from app.core.identifiers import HASHES
from app.core.reasons import Reason, Says
from app.core.segments import Segment
from app.core.tables import ColumnType, Table
from app.data.identifiers_sql import text, trimmed
from app.data.identity import Identity, MatchedField, RowValues, filled
from app.data.sql import SegmentSql, key_column

_COVERAGE_ROWS = 200_000
"""From more rows than this, coverage looks at a sample of about that many."""


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """What is read of each member: target fields and who the member is to the target (see app/data/identity.py).

    `names` are what people call the target's fields.
    """

    fields: Mapping[str, MatchedField]
    identity: Identity = field(default_factory=Identity)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemberQuestion:
    """The queries of one segment on its way to one target."""

    sql: SegmentSql
    segment: Segment
    table: Table
    spec: MemberSpec

    @property
    def unique(self) -> bool:
        """Whether every member has one row."""
        return self.sql.unique_key(self.table)

    def _row(self) -> RowValues:
        return RowValues(self.sql, self.table, "b", self.spec.identity.country)

    def _from(self, query: exp.Select, row: RowValues) -> exp.Select:
        """The query, which is changed, over the rows and what is joined to them; so are all queries here put together."""
        query = row.apply(query.from_(self.sql.source(self.table, "b"), copy=False))
        return query if self.unique else query.where(self.sql.filled_key(self.table, "b"), copy=False)

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
                inside = exp.In(this=column.copy(), query=exp.Subquery(this=unwanted))
                query.where(exp.not_(inside, copy=False), copy=False)
        return query

    def held_back(self, there: str | None = None) -> exp.Select | None:
        """How many identifiers the suppression list keeps back of those that do not refuse; None when it keeps nobody.

        `there` is a query of `identifier` in DuckDB's SQL: only those in it are counted.
        """
        suppressed = self._suppressed()
        if suppressed is None:
            return None
        column = exp.column("identifier", table="m")
        inside = exp.In(this=column, query=exp.Subquery(this=suppressed))
        query = self._by_identifier().where(inside, copy=False)
        refusing = self._refusing()
        if refusing is not None:
            inside = exp.In(this=column.copy(), query=exp.Subquery(this=refusing))
            query.where(exp.not_(inside, copy=False), copy=False)
        if there is not None:
            known = sqlglot.parse_one(there, dialect="duckdb")
            query.where(exp.In(this=self._known_as(column.copy()), query=exp.Subquery(this=known)), copy=False)
        return exp.select(exp.Count(this=exp.Star())).from_(query.subquery("k", copy=False), copy=False)

    def known(self) -> exp.Select:
        """How many identifiers the segment's members have, whoever may not be sent included."""
        known = self._by_identifier().subquery("k", copy=False)
        return exp.select(exp.Count(this=exp.Star())).from_(known, copy=False)

    def _known_as(self, identifier: exp.Expr) -> exp.Expr:
        """An identifier as it is kept of who was sent, which always names the field."""
        if len(self.spec.identity.keys) != 1:
            return identifier
        return exp.DPipe(this=text(f"{self.spec.identity.keys[0][0]}:"), expression=identifier, safe=True)

    def _by_identifier(self) -> exp.Select:
        """The lowest key of each usable identifier `m.identifier` in the segment.

        The identifiers are materialised: DuckDB would otherwise work them out again in the filter and in the grouping.
        """
        row = self._row()
        identifier = row.identifier(self.spec.identity)
        known = self._identified(row, identifier, self._met())
        column = exp.column("identifier", table="m")
        query = exp.select(exp.alias_(exp.Min(this=exp.column("member", table="m")), "member")).from_(
            known.subquery("m", copy=False), copy=False
        )
        # Not as a condition: engines would work the identifier out once to ask for it, and once more to group by it.
        usable = exp.GT(this=exp.Count(this=column.copy()), expression=exp.Literal.number(0))
        return query.group_by(column, copy=False).having(usable, copy=False)

    def _identified(self, row: RowValues, identifier: exp.Expr, condition: exp.Expr) -> exp.Select:
        """Key and identifier of each member of which a row meets the condition; the lowest one where it has several rows."""
        if self.unique:
            query = _select(exp.alias_(self._key(), "member"), exp.alias_(identifier, "identifier", copy=False))
            return self._from(query, row).where(condition, copy=False)
        lowest = exp.alias_(exp.Min(this=identifier), "identifier", copy=False)
        query = self._from(_select(exp.alias_(self._key(), "member"), lowest), row).group_by(self._key(), copy=False)
        met = exp.LogicalOr(this=exp.Coalesce(this=condition, expressions=[exp.false()]))
        return query.having(met, copy=False)

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
        query = exp.select(column).from_(name).where(filled(column.copy()), copy=False)
        return query.with_(name, as_=known, materialized=True, copy=False)

    def chosen(self, *, keys: bool = False) -> exp.Select:
        """Key, fields, and for each field whether something unusable stands in it, for the keys in `winners`.

        With `keys` also the key fields, as they identify the member.
        """
        winners = exp.select("member").from_("winners")
        return self._chosen(exp.In(this=self._key(), query=exp.Subquery(this=winners)), keys=keys)

    def chosen_among(self, table: str) -> exp.Select:
        """As `chosen` with `keys`, of those who are to be sent and whose key as text is a `member` in a table of this cursor."""
        listed = exp.select("member").from_(table).where("member IS NOT NULL")
        return self._chosen(exp.In(this=exp.cast(self._key(), "text"), query=exp.Subquery(this=listed)), keys=True)

    def chosen_of_all(self, *, some_unknown: bool) -> exp.Select:
        """As `chosen` with `keys`, of everybody in the segment who has an identifier; only where each member has one row."""
        return self._chosen(self._met(), keys=True, known=some_unknown)

    def _chosen(self, condition: exp.Expr, *, keys: bool, known: bool = False) -> exp.Select:
        """The values are made in a query of their own, so that what is made of them does not have them made again."""
        row = self._row()
        if known:
            identifier = row.identifier(self.spec.identity)
            condition = exp.and_(condition, filled(identifier), copy=False)
        fields = list(self.spec.fields.values())
        values = [row.normalised(matched) for matched in fields]
        raw = [row.value(matched.field) for matched in fields]
        key_fields = [matched for _, matched in self.spec.identity.keys] if keys else []
        named = [exp.alias_(value, f"v{i}", copy=False) for i, value in enumerate(values)]
        named += [
            exp.alias_(row.normalised(m), f"k{i}", copy=False) for i, m in enumerate(key_fields) if m not in fields
        ]
        found = [exp.alias_(value.expression, f"r{i}") for i, value in enumerate(raw)]
        query = _select(exp.alias_(exp.cast(self._key(), "text"), "member"), *named, *found)
        if not self.unique:
            first = exp.Window(
                this=exp.RowNumber(),
                partition_by=[self._key()],
                order=exp.Order(
                    expressions=[exp.Ordered(this=e, nulls_first=False) for e in self._row_order(row, values)]
                ),
            )
            query.qualify(exp.EQ(this=first, expression=exp.Literal.number(1)), copy=False)
        query = self._from(query, row).where(condition, copy=False)
        made = [exp.column(f"v{i}", table="c") for i in range(len(fields))]
        flags = [
            exp.alias_(_unusable(exp.column(f"r{i}", table="c"), value.type, made[i]), f"u{i}", copy=False)
            for i, value in enumerate(raw)
        ]
        identifying = [
            exp.alias_(made[fields.index(m)].copy() if m in fields else exp.column(f"k{i}", table="c"), f"k{i}")
            for i, m in enumerate(key_fields)
        ]
        everything = _select(exp.column("member", table="c"), *made, *flags, *identifying)
        return everything.from_(query.subquery("c", copy=False), copy=False)

    def _row_order(self, row: RowValues, values: list[exp.Expr]) -> list[exp.Expr]:
        """Of several rows of a member the one with the lowest identifier speaks, then the one with the lowest values."""
        return [row.identifier(self.spec.identity), *(value.copy() for value in values)]

    def without_identifier(self) -> exp.Select:
        """Key and raw key fields of the members without a usable identifier, by key."""
        row = self._row()
        identifier = row.identifier(self.spec.identity)
        raw = [row.raw_text(matched.field) for _, matched in self.spec.identity.keys]
        key = exp.alias_(exp.cast(self._key(), "text"), "member")
        if self.unique:
            missing = exp.Is(this=identifier, expression=exp.Null())
            query = self._from(_select(key, *(exp.alias_(r, f"r{i}") for i, r in enumerate(raw))), row)
            query.where(exp.and_(self._met(), missing, copy=False), copy=False)
            return query.order_by(self._key(), copy=False)
        query = self._from(_select(key, *(exp.alias_(exp.Max(this=r), f"r{i}") for i, r in enumerate(raw))), row)
        met = exp.LogicalOr(this=exp.Coalesce(this=self._met(), expressions=[exp.false()]))
        none = exp.Is(this=exp.Min(this=identifier), expression=exp.Null())
        query.group_by(self._key(), copy=False).having(exp.and_(met, none, copy=False), copy=False)
        return query.order_by(self._key(), copy=False)

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
            exp.Is(this=identifier.copy(), expression=exp.Null()),
            text(Reason(Says.LEFT_OUT_NO_KEY, words).kept),
            copy=False,
        )
        twice = text(Reason(Says.LEFT_OUT_TWICE).kept)
        why = why.when(exp.GT(this=place, expression=exp.Literal.number(1)), twice, copy=False)
        kept_back = ((self._refusing(), Says.LEFT_OUT_NO_CONSENT), (self._suppressed(), Says.LEFT_OUT_SUPPRESSED))
        for unwanted, says in kept_back:
            if unwanted is not None:
                inside = exp.In(this=identifier.copy(), query=exp.Subquery(this=unwanted))
                why = why.when(inside, text(Reason(says).kept), copy=False)
        why = why.else_(twice.copy(), copy=False)
        keys = [target for target, _matched in self.spec.identity.keys]
        one = len(keys) == 1
        values = [
            identifier.copy()
            if one
            else exp.Case().when(_begins(identifier, f"{key}:"), _after(identifier, len(key) + 1))
            for key in keys
        ]
        query = _select(
            exp.alias_(text("left_out"), "change"),
            exp.alias_(exp.false(), "in_doubt"),
            exp.alias_(exp.cast(member.copy(), "text"), "member"),
            exp.alias_(why, "reason", copy=False),
            exp.alias_(
                exp.DPipe(this=text(f"{keys[0]}:"), expression=identifier.copy()) if one else identifier, "identifier"
            ),
            *(exp.alias_(value, f"key {key}", quoted=True) for key, value in zip(keys, values, strict=True)),
        ).from_(exp.alias_(known.subquery(copy=False), "l", table=True, copy=False), copy=False)
        winners = exp.select("member").from_("winners")
        inside = exp.In(this=member.copy(), query=exp.Subquery(this=winners))
        return query.where(exp.not_(inside, copy=False), copy=False)

    def steps_of(self, key: str) -> exp.Select:
        """Raw, normalised and sent fields of one member; where a hash is sent, normalised is what is hashed."""
        row = self._row()
        fields = list(self.spec.fields.values())
        plain = [replace(each, normalise=HASHES.get(each.normalise, each.normalise)) for each in fields]
        values = [row.raw_text(each.field) for each in fields]
        sent = [row.normalised(each) for each in fields]
        values += [row.normalised(each) for each in plain] + sent
        query = self._from(_select(*(exp.alias_(v, f"s{i}", copy=False) for i, v in enumerate(values))), row)
        query.where(exp.EQ(this=exp.cast(self._key(), "text"), expression=text(key)), copy=False)
        return query.order_by(*self._row_order(row, sent), copy=False).limit(1, copy=False)

    def sampled(self, n: int) -> exp.Select:
        """Key, raw fields and normalised fields of the first members that may be sent."""
        row = self._row()
        fields = list(self.spec.fields.values())
        raw = [exp.alias_(row.raw_text(matched.field), f"r{i}") for i, matched in enumerate(fields)]
        sent = [exp.alias_(row.normalised(matched), f"v{i}", copy=False) for i, matched in enumerate(fields)]
        usable = filled(row.identifier(self.spec.identity))
        unwanted = exp.or_(row.refused(self.spec.identity), row.suppressed(self.spec.identity), copy=False)
        query = self._from(_select(exp.alias_(exp.cast(self._key(), "text"), "member"), *raw, *sent), row)
        query.where(exp.and_(self._met(), usable, exp.not_(unwanted, copy=False), copy=False), copy=False)
        return query.limit(n, copy=False)

    def looked_at(self, n: int) -> exp.Select:
        """The fields as they are, of one row of each of the first members."""
        row = self._row()
        raw = [row.raw_text(matched.field) for matched in self.spec.fields.values()]
        query = self._from(exp.select(*(exp.alias_(r, f"r{i}") for i, r in enumerate(raw))), row).where(self._met())
        if not self.unique:
            first = exp.Window(this=exp.RowNumber(), partition_by=[self._key()])
            query = query.qualify(exp.EQ(this=first, expression=exp.Literal.number(1)))
        return query.order_by(self._key()).limit(n)

    def covered(self) -> exp.Select:
        """Members, and per field those with a usable value."""
        row = self._row()
        counts = [exp.Count(this=row.normalised(matched)) for matched in self.spec.fields.values()]
        query = self._from(_select(exp.Count(this=exp.Star()), *counts), row).where(self._met(), copy=False)
        part = coverage_percent(self.table)
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
        flags: list[exp.Expr] = [exp.not_(row.refused(self.spec.identity), copy=False)]
        flags += [filled(row.normalised(matched)) for matched in self.spec.fields.values()]
        if not self.unique:  # of a member in several rows every one must agree, and any may hold the value
            flags = [exp.LogicalAnd(this=flags[0]), *(exp.LogicalOr(this=flag) for flag in flags[1:])]
        query = _select(*(exp.alias_(flag, f"f{i}", copy=False) for i, flag in enumerate(flags)))
        query = self._from(query, row).where(self._met(), copy=False)
        if not self.unique:
            query.group_by(self._key(), copy=False)
        counts = [
            exp.Count(this=exp.Case().when(exp.column(f"f{i}", table="r"), exp.Literal.number(1)))
            for i in range(len(flags))
        ]
        return exp.select(*counts).from_(query.subquery("r", copy=False), copy=False)


def _select(*values: exp.Expr) -> exp.Select:
    """A query of values that were made for it, which become parts of it: a phone number's are thousands of nodes."""
    return exp.Select().select(*values, copy=False)


def _begins(value: exp.Expr, start: str) -> exp.Expr:
    return exp.StartsWith(this=value.copy(), expression=text(start))


def _after(value: exp.Expr, length: int) -> exp.Expr:
    return exp.Substring(this=value.copy(), start=exp.Literal.number(length + 1))


def coverage_percent(table: Table) -> int | None:
    """What part of a table coverage looks at; None means all."""
    return max(1, round(100 * _COVERAGE_ROWS / table.rows)) if table.rows > _COVERAGE_ROWS else None


def _unusable(raw: exp.Expr, kind: ColumnType, value: exp.Expr) -> exp.Expr:
    """1 where something stands of which no value was made, else 0; mostly one was, so that is asked first."""
    something = filled(raw.copy())
    if kind is ColumnType.TEXT:
        something = exp.and_(something, exp.NEQ(this=trimmed(raw), expression=text("")), copy=False)
    missing = exp.Is(this=value.copy(), expression=exp.Null())
    return exp.cast(exp.Case().when(missing, something, copy=False).else_(exp.false(), copy=False), "int", copy=False)
