"""Why the members of a plan are in it, asked only of those: the trees of app/core/reasons.py as SQL, and which values changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from app.core import reasons
from app.core.names import fold, new_id
from app.core.reasons import Node, When, parts_of, why_joined, why_left
from app.core.segments import Condition, Group, Mode, Place, Segment
from app.core.tables import Table
from app.data.engines.duckdb import Cursor, literal, quoted
from app.data.identifiers_sql import text
from app.data.identity import Identity, RowValues
from app.data.run_changes import RELEASED
from app.data.sql import SegmentSql, combined, key_column
from app.data.there import STRANGER
from app.data.value_hashes import PART, hashed

_SEPARATOR = "chr(31)"


@dataclass(frozen=True, slots=True)
class Why:
    """Asks for reasons with the cursor that can read the rows of `sql`; `names` are those of the target's fields."""

    sql: SegmentSql
    segment: Segment
    table: Table
    identity: Identity
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def key_words(self) -> str:
        """What identifies a member at the target, as people call it."""
        return " or ".join(self.names.get(target, target) for target, _matched in self.identity.keys) or "key"

    def joined(self) -> Node:
        """Why a member is in the segment."""
        tree = why_joined(self.segment, self.table.name)
        return self._elsewhere(reasons.JOINED + "in “{segment}”", tree)

    def left(self) -> Node:
        """Why a member is not in the segment."""
        return self._elsewhere(reasons.NO_LONGER_IN, why_left(self.segment, self.table.name))

    def gone(self) -> str:
        """Why a member is not found at all; of a table on a server only the members came here."""
        return self._words(reasons.NO_LONGER_IN) if self._answered else reasons.GONE

    def members_that_left(self, members: str) -> str:
        """A query of `member`, `reason` for those of a table with `member` and `identifier` that are in the tables still."""
        no_key = exp.Is(this=exp.column("identifier", table="s"), expression=exp.Null())
        another = exp.NEQ(this=exp.column("identifier", table="s"), expression=exp.column("identifier", table="g"))
        branches = [
            (exp.not_(exp.column("met", table="s")), _case(self.left(), self.segment)),
            (no_key, self._literal(reasons.NO_KEY)),
            (exp.column("refused", table="s"), text(reasons.REFUSES)),
            (exp.column("suppressed", table="s"), text(reasons.SUPPRESSED)),
            (another, self._literal(reasons.WAS_OTHER_KEY)),
        ]
        case = exp.Case()
        for condition, reason in branches:
            case = case.when(condition, reason, copy=False)
        case = case.else_(self._literal(reasons.ANOTHER_ROW), copy=False)
        query = exp.select(exp.column("member", table="g"), exp.alias_(case, "reason")).from_(
            exp.alias_(exp.to_table(members), "g", table=True)
        )
        same = exp.EQ(this=exp.column("member", table="s"), expression=exp.column("member", table="g"))
        return query.join(self._states(members).subquery("s"), on=same).sql("duckdb")

    def members_that_joined(self, members: str) -> str:
        """A query of `member`, `reason` for the members of a table; only where `joined` depends on the member."""
        reason = exp.alias_(_case(self.joined(), self.segment), "reason")
        return (
            exp.select(exp.column("member", table="s"), reason).from_(self._states(members).subquery("s")).sql("duckdb")
        )

    def _elsewhere(self, words: str, tree: Node) -> Node:
        return self._words(words) if self._answered else tree

    @property
    def _answered(self) -> bool:
        return fold(self.segment.name) in self.sql.answered

    def _words(self, template: str) -> str:
        return template.format(key=self.key_words, segment=self.segment.name)

    def _literal(self, template: str) -> exp.Expr:
        return text(self._words(template))

    def _states(self, members: str) -> exp.Select:
        """Of these members: what they are known by now, whether they refuse, are suppressed, are met, and each part of the rules.

        Of a member in several rows anything holds that holds for one of them.
        """
        row = RowValues(self.sql, self.table, "b", self.identity.country)
        key = exp.cast(key_column(self.table, "b"), "text")
        parts = {} if self._answered else dict(parts_of(self.segment))
        asked = [place for place, part in parts.items() if not isinstance(part, Group)]
        keys = [(target, row.normalised(matched)) for target, matched in self.identity.keys]
        known = [exp.DPipe(this=text(f"{target}:"), expression=value, safe=True) for target, value in keys]
        identifier: exp.Expr = exp.Coalesce(this=known[0], expressions=known[1:]) if known else key.copy()
        columns = {
            "identifier": identifier,
            "refused": row.refused(self.identity),
            "suppressed": row.suppressed(self.identity),
            **{_name(place): _no_null(self.sql.part(parts[place], self.segment, "b")) for place in asked},
        }
        if not parts:
            columns["met"] = _no_null(self.sql.predicate(self.segment, "b"))
        query = exp.select(exp.alias_(key.copy(), "member"), *(exp.alias_(v, n) for n, v in columns.items()))
        query = row.apply(query.from_(self.sql.source(self.table, "b")))
        query = query.where(exp.In(this=key, query=exp.Subquery(this=exp.select("member").from_(members))))
        groups = {place: _joined(place, part, "r") for place, part in parts.items() if isinstance(part, Group)}
        query = exp.select("*", *(exp.alias_(v, _name(p)) for p, v in groups.items())).from_(query.subquery("r"))
        if not self.sql.unique_key(self.table):
            flags = ["refused", "suppressed", *map(_name, parts), *(() if parts else ("met",))]
            lowest = exp.alias_(exp.Min(this=exp.column("identifier", table="a")), "identifier")
            any_row = [exp.alias_(exp.LogicalOr(this=exp.column(flag, table="a")), flag) for flag in flags]
            query = exp.select("member", lowest, *any_row).from_(query.subquery("a")).group_by("member")
        if not parts:
            return query
        met = exp.alias_(_running(self.segment, len(self.segment.rules) - 1, "w"), "met")
        return exp.select("*", met).from_(query.subquery("w"))


def explained(
    cursor: Cursor, rows: str, held: str | None, fields: Sequence[str], why: Why, *, other_match: bool = False
) -> str:
    """A query of the rows of a plan with `reason` and `fields`, those that changed when that is known.

    `rows` is a query of what differs, with `file_row_number` where something is `held` (a query of everybody there).
    """
    if held is None:
        first = literal(reasons.FIRST_TIME)
        return f"SELECT *, {first} AS reason, NULL::VARCHAR[] AS fields FROM ({rows})"  # noqa: S608 - our own query
    name = f"why_{new_id()}"
    cursor.execute(f"CREATE TEMP TABLE {name} (row BIGINT, reason VARCHAR, fields VARCHAR[])")
    _ask_replaced(cursor, rows, name)
    _ask_left(cursor, rows, why, name)
    if not other_match:
        _ask_changed(cursor, rows, held, fields, why, name)
    joined = why.joined()
    if isinstance(joined, When):
        _ask_joined(cursor, rows, why, name)
    usual = (
        f"CASE WHEN change = 'added' AND in_doubt THEN {literal(reasons.NOT_CONFIRMED)} "
        f"WHEN change = 'added' THEN {literal(joined if isinstance(joined, str) else reasons.IN_SEGMENT)} "
        f"WHEN change = 'changed' THEN {literal(reasons.OTHER_FIELDS if other_match else reasons.OTHER_VALUE)} ELSE '' END"
    )
    return (
        f"SELECT p.* EXCLUDE (file_row_number), coalesce(w.reason, {usual}) AS reason, w.fields "  # noqa: S608 - as above
        f"FROM ({rows}) p LEFT JOIN {name} w ON p.file_row_number = w.row"
    )


def _ask_replaced(cursor: Cursor, rows: str, to: str) -> None:
    """Who is there or not by the place's own word, against what we know; only replace asks for that."""
    cursor.execute(
        f"INSERT INTO {to} SELECT file_row_number, "  # noqa: S608 - our own query
        f"CASE change WHEN 'removed' THEN {literal(reasons.NEVER_SENT)} ELSE {literal(reasons.NOT_THERE)} END, NULL FROM ({rows}) "
        f"WHERE (change = 'removed' AND member = {literal(STRANGER)}) "
        "OR (change = 'added' AND NOT in_doubt AND before IS NOT NULL)"
    )


def _ask_left(cursor: Cursor, rows: str, why: Why, to: str) -> None:
    """Who left; and whoever is known by another key now leaves under the old one and joins under the new one."""
    gone = f"gone_{new_id()}"
    cursor.execute(
        f"CREATE TEMP TABLE {gone} AS SELECT file_row_number AS row, member, identifier FROM ({rows}) "  # noqa: S608 - as above
        f"WHERE change IN ('removed', {literal(RELEASED)}) AND member <> {literal(STRANGER)}"
    )
    ((number,),) = cursor.execute(f"SELECT count(*) FROM {gone}").fetchall()  # noqa: S608 - our own name
    if not number:
        return
    cursor.execute(
        f"INSERT INTO {to} SELECT g.row, coalesce(s.reason, {literal(why.gone())}), NULL FROM {gone} g "  # noqa: S608 - as above
        f"LEFT JOIN ({why.members_that_left(gone)}) s ON g.member = s.member"
    )
    other_key = literal(reasons.OTHER_KEY.format(key=why.key_words))
    cursor.execute(
        f"INSERT INTO {to} SELECT file_row_number, {other_key}, NULL FROM ({rows}) "  # noqa: S608 - as above
        f"WHERE change = 'added' AND NOT in_doubt AND member IN (SELECT member FROM {gone})"
    )


def _ask_changed(cursor: Cursor, rows: str, held: str, fields: Sequence[str], why: Why, to: str) -> None:
    """Which values of those who changed are other ones than those that were sent."""
    there = {row[0] for row in cursor.execute(f"DESCRIBE {held}").fetchall()}
    kept = [name for name in fields if PART + name in there]
    if not kept:
        return
    known = f"h.{quoted(PART + kept[0])} IS NOT NULL"
    other = [f"CASE WHEN {hashed(name, 'p.')} IS DISTINCT FROM h.{quoted(PART + name)} THEN " for name in kept]
    ids = _listed(other, [literal(name) for name in kept], _SEPARATOR)
    names = _listed(other, [literal(why.names.get(name, name)) for name in kept], "', '")
    reason = (
        f"CASE WHEN h.payload IS NULL THEN {literal(reasons.VALUE_UNKNOWN)} "
        f"WHEN {known} AND {names} <> '' THEN {literal(reasons.CHANGED)} || {names} ELSE {literal(reasons.OTHER_VALUE)} END"
    )
    changed = f"CASE WHEN {known} AND {ids} <> '' THEN string_split({ids}, {_SEPARATOR}) END"
    cursor.execute(
        f"INSERT INTO {to} SELECT p.file_row_number, {reason}, {changed} FROM ({rows}) p "  # noqa: S608 - our own query
        f"JOIN ({held}) h ON p.identifier = h.identifier WHERE p.change = 'changed'"
    )


def _ask_joined(cursor: Cursor, rows: str, why: Why, to: str) -> None:
    """Which rule brought whom in, but for those of whom something better is known."""
    new = f"new_{new_id()}"
    cursor.execute(
        f"CREATE TEMP TABLE {new} AS SELECT file_row_number AS row, member FROM ({rows}) "  # noqa: S608 - our own query
        f"WHERE change = 'added' AND NOT in_doubt AND file_row_number NOT IN (SELECT row FROM {to})"
    )
    cursor.execute(
        f"INSERT INTO {to} SELECT n.row, s.reason, NULL FROM {new} n "  # noqa: S608 - our own name
        f"JOIN ({why.members_that_joined(new)}) s ON n.member = s.member"
    )


def _listed(conditions: Iterable[str], values: Iterable[str], separator: str) -> str:
    each = [f"{condition}{value} END" for condition, value in zip(conditions, values, strict=True)]
    return f"concat_ws({separator}, {', '.join(each)})"


def _name(place: Place) -> str:
    return "_".join(["part", *map(str, place)])


def _no_null(condition: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=condition, expressions=[exp.false()])


def _joined(place: Place, group: Group, alias: str) -> exp.Expr:
    """Whether a group is met, of whether its conditions are."""
    if not group.items:
        return exp.true() if group.mode is Mode.ALL else exp.false()
    answers = [
        exp.column(_name((*place, number)), table=alias)
        if isinstance(item, Condition)
        else _joined((*place, number), item, alias)
        for number, item in enumerate(group.items)
    ]
    return exp.paren(exp.and_(*answers) if group.mode is Mode.ALL else exp.or_(*answers))


def _running(segment: Segment, last: int, alias: str) -> exp.Expr:
    rules = segment.rules[: last + 1]
    answers = [exp.column(_name((number,)), table=alias) for number in range(len(rules))]
    return combined([rule.operator for rule in rules], answers)


def _case(node: Node, segment: Segment) -> exp.Expr:
    """A tree as an expression over the states of a member, named `s`."""
    if isinstance(node, str):
        return text(node)
    asked = node.asked
    question = _running(segment, asked, "s") if isinstance(asked, int) else exp.column(_name(asked), table="s")
    return (
        exp.Case()
        .when(question, _case(node.met, segment), copy=False)
        .else_(_case(node.otherwise, segment), copy=False)
    )
