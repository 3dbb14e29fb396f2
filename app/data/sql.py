"""Segments as SQL trees (sqlglot), written in each engine's dialect; values are never pasted into text.

What a segment means, where tables are messy:
- A member is a key of the segment's table (customer, contact or account) that is not empty. Rules work on sets of keys:
  when a key stands in several rows, it belongs to a rule when any of its rows does.
- A condition on a linked table without an aggregate is met when any linked row meets it; each condition looks on its own.
- Links are followed over one step or two, as long as there is exactly one shortest way.
- How empty values count is said in app/data/sql_values.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from sqlglot import exp

from app.core.clocks import Clock
from app.core.errors import FixData
from app.core.names import fold
from app.core.segments import Condition, FieldRef, Group, Mode, Operator, Rule, Segment, SegmentRef, SetOperator
from app.core.suppression import ContactKind
from app.core.tables import Catalog, Column, ColumnType, Table
from app.data.links import Path, paths
from app.data.segment_issues import issues
from app.data.segment_query import query_of
from app.data.sql_values import aggregated, ask, column_value, empty, matches_nothing

Relation = Callable[[Table], exp.Expr]

Listed = Callable[[Table, Column, ContactKind, str], exp.Select | None]
"""Given a table, its column, what stands in it and a country: a query of the texts on the suppression list, None for none."""

SemiJoin = Callable[[str, str, exp.Select], exp.Expr | None]
"""Given a row's alias, its column and a query of one column: another way to say `column IN (query)`, or None."""


def _never(_table: Table) -> bool:
    return False


def nobody(_table: Table, _column: Column, _kind: ContactKind, _country: str) -> None:
    """What an empty suppression list answers."""


def _no_other_way(_alias: str, _column: str, _query: exp.Select) -> exp.Expr | None:
    return None


@dataclass(slots=True)
class SegmentSql:
    """Compiles segments against one catalog, at one moment; not shared between threads.

    `segments` are all segments by name. `relation` gives what stands after FROM for a table, `key_list` the same for the
    fixed list of a segment (one text column named `member`). `unique_key` tells that a table's key is known to be filled in
    every row and to stand in one row only, which makes the SQL quicker; when it is not known the answer is the same. A unique
    key that may be blank in a row all the same is told by `blank_key`.
    `semi_join` may answer questions about linked rows from what it has kept; rows named by `clean_aliases` have NULL for
    all empty values. `listed` tells which values of a column are on the suppression list. Where rows came from a server,
    `answered` names the column that tells whether the row belongs to the segment of that (folded) name, and `at_hand` the
    one that holds the value of a linked field.
    """

    catalog: Catalog
    segments: Mapping[str, Segment]
    relation: Relation
    clock: Clock
    key_list: Callable[[str], exp.Expr]
    unique_key: Callable[[Table], bool] = _never
    blank_key: Callable[[Table], bool] = _never
    semi_join: SemiJoin = _no_other_way
    clean_aliases: frozenset[str] = frozenset()
    listed: Listed = nobody
    answered: Mapping[str, str] = field(default_factory=dict)
    at_hand: Mapping[FieldRef, str] = field(default_factory=dict)
    dialect: str = "duckdb"
    _aliases: count[int] = field(default_factory=count)

    def check(self, segment: Segment) -> None:
        """Raise FixData with the first problem of the segment."""
        found = issues(segment, self.catalog, self.segments, dialect=self.dialect)
        if found:
            raise FixData(
                f"The segment {segment.name} can't be counted.", found[0], "Correct the segment.", code="segment_issue"
            )

    def usable(self, segment: Segment) -> bool:
        """Whether the segment has no problem."""
        return not issues(segment, self.catalog, self.segments, dialect=self.dialect)

    def table(self, segment: Segment) -> Table:
        """The table whose keys are the members; the segment must have been checked."""
        table = self.catalog.by_role(segment.of.role)
        assert table is not None
        return table

    def members(self, segment: Segment) -> exp.Select:
        """A query for the distinct keys, as one column `member` of the key's own type; FixData when it has issues."""
        self.check(segment)
        return self._members(segment)

    def predicate(self, segment: Segment, alias: str) -> exp.Expr:
        """Whether the row of the segment's table named `alias` is one of a member; NULL counts as no. FixData as `members`.

        A table whose key is not unique holds several rows of a member, and the predicate is true for all of them.
        """
        self.check(segment)
        known = self.answered.get(fold(segment.name))
        return self._predicate(segment, alias) if known is None else exp.column(known, table=alias)

    def part(self, part: Condition | Group | SegmentRef, segment: Segment, alias: str) -> exp.Expr:
        """Whether the row named `alias` meets a part of a checked segment's rules; NULL counts as no."""
        if isinstance(part, Condition):
            return self._condition(part, self.table(segment), alias)
        return self._rule(Rule(SetOperator.UNION, part), segment, alias)

    def source(self, table: Table, alias: str) -> exp.Expr:
        """The table's rows under an alias, to stand after FROM."""
        return exp.alias_(self.relation(table), alias, table=True, copy=False)

    def filled_key(self, table: Table, alias: str) -> exp.Expr:
        """Whether the row has a key at all."""
        return exp.not_(empty(column_value(self._column(table.name, table.key or ""), alias)), copy=False)

    def _members(self, segment: Segment) -> exp.Select:
        table = self.table(segment)
        alias = self._alias()
        if len(segment.rules) > 1 and not self.unique_key(table):
            return self._members_by_key(segment, table, alias)
        query = _select(exp.alias_(key_column(table, alias), "member"), source=self.source(table, alias))
        query.where(self._row_predicate(segment, alias), copy=False)
        if not self.unique_key(table):
            return query.where(self.filled_key(table, alias), copy=False).distinct(copy=False)
        return query.where(self.filled_key(table, alias), copy=False) if self.blank_key(table) else query

    def _members_by_key(self, segment: Segment, table: Table, alias: str) -> exp.Select:
        """Rules as sets of keys where one key may stand in several rows: first each rule by key, then the set operators."""
        flags: list[exp.Expr] = []
        for i, rule in enumerate(segment.rules):
            met = exp.Coalesce(this=self._rule(rule, segment, alias), expressions=[exp.false()])
            flags.append(exp.alias_(exp.LogicalOr(this=met), f"rule_{i}", copy=False))
        by_key = _select(exp.alias_(key_column(table, alias), "member"), *flags, source=self.source(table, alias))
        by_key.where(self.filled_key(table, alias), copy=False).group_by(key_column(table, alias), copy=False)
        outer = self._alias()
        answers = [exp.column(f"rule_{i}", table=outer) for i in range(len(segment.rules))]
        query = _select(exp.column("member", table=outer), source=by_key.subquery(outer, copy=False))
        return query.where(combined([rule.operator for rule in segment.rules], answers), copy=False)

    def _predicate(self, segment: Segment, alias: str) -> exp.Expr:
        table = self.table(segment)
        if self.unique_key(table):
            met = self._row_predicate(segment, alias)
            return exp.and_(self.filled_key(table, alias), met, copy=False) if self.blank_key(table) else met
        if not segment.rules:
            return exp.and_(self.filled_key(table, alias), self._row_predicate(segment, alias), copy=False)
        members = self._members(segment)
        other_way = self.semi_join(alias, table.key or "", members)
        return (
            exp.In(this=key_column(table, alias), query=exp.Subquery(this=members)) if other_way is None else other_way
        )

    def _row_predicate(self, segment: Segment, alias: str) -> exp.Expr:
        if segment.list_file is not None:
            return self._text_key_in(segment, alias, exp.select("member").from_(self.key_list(segment.list_file)))
        if segment.sql is not None:
            inner = self._alias()
            query = query_of(segment.sql, self.catalog, self.relation, self.dialect).subquery()
            query.set("alias", exp.TableAlias(this=exp.to_identifier(inner), columns=[exp.to_identifier("member")]))
            member = exp.cast(exp.column("member", table=inner), "text")
            return self._text_key_in(segment, alias, exp.select(member).from_(query))
        operators = [rule.operator for rule in segment.rules]
        return combined(operators, [self._rule(rule, segment, alias) for rule in segment.rules])

    def _text_key_in(self, segment: Segment, alias: str, query: exp.Select) -> exp.Expr:
        key = exp.cast(key_column(self.table(segment), alias), "text")
        return exp.In(this=key, query=exp.Subquery(this=query))

    def _rule(self, rule: Rule, segment: Segment, alias: str) -> exp.Expr:
        table = self.table(segment)
        if isinstance(rule.body, Group):
            return self._group(rule.body, table, alias)
        other = self._named(rule.body)
        other_table = self.table(other)
        if other_table.id == table.id:
            return self._predicate(other, alias)
        way = only_path(self.catalog, table, other_table)
        return self._any_linked(way, alias, lambda there: self._predicate(other, there))

    def _named(self, reference: SegmentRef) -> Segment:
        return next(s for s in self.segments.values() if fold(s.name) == fold(reference.name))

    def _group(self, group: Group, table: Table, alias: str) -> exp.Expr:
        parts = [
            self._group(item, table, alias) if isinstance(item, Group) else self._condition(item, table, alias)
            for item in group.items
        ]
        joined = exp.and_(*parts, copy=False) if group.mode is Mode.ALL else exp.or_(*parts, copy=False)
        return exp.paren(joined, copy=False)

    def _condition(self, condition: Condition, table: Table, alias: str) -> exp.Expr:
        target = self._table(condition.field.table)
        column = self._column(target.name, condition.field.column)
        if target.id == table.id:
            value = column_value(column, alias, clean=alias in self.clean_aliases)
            return ask(value, condition.operator, condition.value, self.clock)
        way = only_path(self.catalog, table, target)
        if condition.aggregate is not None:
            return self._aggregate(condition, column, way, alias)
        return self._any_linked(
            way, alias, lambda there: ask(column_value(column, there), condition.operator, condition.value, self.clock)
        )

    def _any_linked(self, way: Path, alias: str, predicate: Callable[[str], exp.Expr]) -> exp.Expr:
        query, there, linked = self._linked_rows(way)
        return self._is_in(way, alias, query.select(linked, copy=False).where(predicate(there), copy=False))

    def _aggregate(self, condition: Condition, column: Column, way: Path, alias: str) -> exp.Expr:
        assert condition.aggregate is not None
        query, there, linked = self._linked_rows(way)
        if condition.within is not None:
            moment = self._column(condition.within.field.table, condition.within.field.column)
            query.where(ask(column_value(moment, there), Operator.LAST, condition.within.last, self.clock), copy=False)
        query.select(linked, copy=False).group_by(linked.copy(), copy=False)
        value = aggregated(condition.aggregate, column_value(column, there))
        answer = ask(value, condition.operator, condition.value, self.clock)
        # Members without a linked row are in no group: when they belong, those who do not are looked for instead.
        if matches_nothing(condition.aggregate, condition.operator, condition.value):
            others = query.having(_no(answer), copy=False)
            return _no(self._is_in(way, alias, others))
        return self._is_in(way, alias, query.having(answer, copy=False))

    def linked_values(self, start: Table, field: FieldRef) -> tuple[str, exp.Select]:
        """Our column, and a query of (`linked`, `value`) that gives one value for each of its values.

        Of several linked rows, the first one by the key of their table that has a value is taken.
        """
        target = self._table(field.table)
        way = only_path(self.catalog, start, target)
        query, there, linked = self._linked_rows(way)
        value = column_value(self._column(target.name, field.column), there)
        by = value if target.key is None else column_value(self._column(target.name, target.key), there)
        # The cast of what is a text already tells other engines to compare by bytes.
        order = exp.cast(by.expression, "text") if by.type is ColumnType.TEXT else by.expression.copy()
        first = exp.ArgMin(this=value.expression.copy(), expression=order)
        query = query.where(exp.not_(empty(value))).group_by(linked)
        return way[0].from_column, query.select(exp.alias_(linked, "linked"), exp.alias_(first, "value"))

    def _linked_rows(self, way: Path) -> tuple[exp.Select, str, exp.Column]:
        """FROM the linked rows, the alias of the far table, and the column that equals ours."""
        near = self._alias()
        linked = exp.column(way[0].to_column, table=near, quoted=True)
        query = _select(source=self.source(self._table(way[0].to_table), near))
        query.where(exp.not_(exp.Is(this=linked.copy(), expression=exp.Null()), copy=False), copy=False)
        if len(way) == 1:
            return query, near, linked
        far = self._alias()
        step = way[1]
        left: exp.Expr = exp.column(step.from_column, table=near, quoted=True)
        right: exp.Expr = exp.column(step.to_column, table=far, quoted=True)
        if not self._same_type((step.from_table, step.from_column), (step.to_table, step.to_column)):
            left, right = exp.cast(left, "text"), exp.cast(right, "text")
        source = self.source(self._table(step.to_table), far)
        return query.join(source, on=exp.EQ(this=left, expression=right), copy=False), far, linked

    def _is_in(self, way: Path, alias: str, query: exp.Select) -> exp.Expr:
        step = way[0]
        this: exp.Expr = exp.column(step.from_column, table=alias, quoted=True)
        if not self._same_type((step.from_table, step.from_column), (step.to_table, step.to_column)):
            this = exp.cast(this, "text")
            query = query.select(exp.cast(query.selects[0].copy(), "text"), append=False)
        other_way = self.semi_join(alias, step.from_column, query)
        return exp.In(this=this, query=exp.Subquery(this=query)) if other_way is None else other_way

    def _same_type(self, one: tuple[str, str], two: tuple[str, str]) -> bool:
        return self._column(*one).type is self._column(*two).type

    def _table(self, name: str) -> Table:
        table = self.catalog.table(name)
        assert table is not None
        return table

    def _column(self, table: str, name: str) -> Column:
        column = self._table(table).column(name)
        assert column is not None
        return column

    def _alias(self) -> str:
        return f"t{next(self._aliases)}"


def key_column(table: Table, alias: str) -> exp.Column:
    """The key of the row named `alias`."""
    return exp.column(table.key or "", table=alias, quoted=True)


def only_path(catalog: Catalog, start: Table, target: Table) -> Path:
    """The one way between two tables, as `issues` made sure of."""
    found = paths(catalog, start.name, target.name)
    assert len(found) == 1
    return found[0]


def _select(*columns: exp.Expr, source: exp.Expr) -> exp.Select:
    """A query that takes the expressions themselves: copies of copies are most of the work of compiling nested segments."""
    return exp.Select().select(*columns, copy=False).from_(source, copy=False)


def _no(answer: exp.Expr) -> exp.Expr:
    """Whether the answer is no, or none."""
    return exp.not_(exp.Coalesce(this=answer, expressions=[exp.false()]), copy=False)


def combined(operators: Sequence[SetOperator], answers: Sequence[exp.Expr]) -> exp.Expr:
    """Rules from top to bottom, whose answers go into the result: each changes what the ones above it gave."""
    result = answers[0]
    for operator, answer in zip(operators[1:], answers[1:], strict=True):
        if operator is SetOperator.UNION:
            result = exp.paren(exp.or_(result, answer, copy=False), copy=False)
        elif operator is SetOperator.INTERSECT:
            result = exp.paren(exp.and_(result, answer, copy=False), copy=False)
        else:
            result = exp.paren(exp.and_(result, _no(answer), copy=False), copy=False)
    return result
