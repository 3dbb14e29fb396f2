"""Why the members of a plan are in it, asked only of those: the trees of app/core/reasons.py as SQL, and which values changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
from sqlglot import exp

from app.core.errors import FixData
from app.core.names import fold, new_id
from app.core.plans import Basis
from app.core.reasons import MARK, NO_RULE, Node, Reason, Says, When, parts_of, why_joined, why_left, why_newly
from app.core.segments import Condition, Group, Mode, Place, Segment
from app.core.tables import Table
from app.data.engines.duckdb import Cursor, columns_of, literal, quoted
from app.data.identifiers_sql import text
from app.data.identity import Identity, RowValues
from app.data.run_changes import INVALID, NOT_SENT, REFUSED, RELEASED
from app.data.sql import SegmentSql, combined, key_column
from app.data.there import STRANGER
from app.data.value_hashes import PART, hashed

_SEPARATOR = "chr(31)"


@dataclass(frozen=True, slots=True)
class Before:
    """The last finished run: whether the rules were other ones, and its rows where they are kept (`sql` and `table`).

    The suppression list it had is asked of `sql` only where it was another one than that of now.
    """

    other_rules: bool = False
    sql: SegmentSql | None = None
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """Asks for reasons with the cursor that can read the rows of `sql`; `names` are those of the target's fields."""

    sql: SegmentSql
    segment: Segment
    table: Table
    identity: Identity
    names: Mapping[str, str] = field(default_factory=dict)
    before: Before = field(default_factory=Before)

    @property
    def key_words(self) -> str:
        """What identifies a member at the target, as people call it."""
        return " or ".join(self.names.get(target, target) for target, _matched in self.identity.keys) or "key"

    def joined(self) -> Node:
        """Why a member is in the segment."""
        return self._elsewhere(Says.JOINED_SEGMENT, why_joined(self.segment, self.table.name))

    def left(self) -> Node:
        """Why a member is not in the segment."""
        return self._elsewhere(Says.LEFT_SEGMENT, why_left(self.segment, self.table.name))

    def gone(self) -> Reason:
        """Why a member is not found at all; of a table on a server only the members came here."""
        return Reason(Says.LEFT_SEGMENT, self.segment.name) if self._answered else Reason(Says.GONE)

    @property
    def asks_joined(self) -> bool:
        """Whether the reasons of who joined are to be asked member by member."""
        return isinstance(self.joined(), When) or self.before.sql is not None

    def members_that_left(self, members: str) -> str:
        """A query of `member`, `reason` for those of a table with `member` and `identifier` that are in the tables still."""
        no_key = exp.Is(this=exp.column("identifier", table="s"), expression=exp.Null())
        another = exp.NEQ(this=exp.column("identifier", table="s"), expression=exp.column("identifier", table="g"))
        branches = [
            (exp.not_(exp.column("met", table="s")), self._case_left()),
            (no_key, self._about_key(Says.NO_KEY)),
            (exp.column("refused", table="s"), _text(Says.REFUSES)),
            (exp.column("suppressed", table="s"), _text(Says.SUPPRESSED)),
            (another, self._about_key(Says.LEFT_OTHER_KEY)),
        ]
        case = _cases(branches, self._about_key(Says.ANOTHER_ROW))
        query = exp.select(exp.column("member", table="g"), exp.alias_(case, "reason")).from_(
            exp.alias_(exp.to_table(members), "g", table=True)
        )
        same = exp.EQ(this=exp.column("member", table="s"), expression=exp.column("member", table="g"))
        query = query.join(self._states(members).subquery("s"), on=same)
        return self._with_before(query, members).sql("duckdb")

    def members_that_joined(self, members: str) -> str:
        """A query of `member`, `reason` for the members of a table; only where they differ, see `asks_joined`."""
        reason = exp.alias_(self._case_joined(), "reason")
        query = exp.select(exp.column("member", table="s"), reason).from_(self._states(members).subquery("s"))
        return self._with_before(query, members).sql("duckdb")

    def _case_left(self) -> exp.Expr:
        """Of who is not in the segment. By other rules than those of now nothing needs to have changed in its rows."""
        case, other = _case(self.left(), self.segment), _text(Says.LEFT_OTHER_RULES)
        if not self.before.other_rules or self._answered:
            return case
        return other if self.before.sql is None else _cases([(_then("met"), case)], other)

    def _case_joined(self) -> exp.Expr:
        """Of who is in the segment: what is otherwise than at the last run, where that is known."""
        now = _case(self.joined(), self.segment)
        if self.before.sql is None:
            return now
        unknown = exp.Is(this=_then("member"), expression=exp.Null())
        newly = _case(why_newly(self.segment, self.table.name), self.segment, "t", {NO_RULE: now})
        no_key = exp.Is(this=_then("identifier"), expression=exp.Null())
        another = exp.NEQ(this=_then("identifier"), expression=exp.column("identifier", table="s"))
        branches = [
            (unknown, text(Reason(Says.NEW_ROW, self.table.name).kept)),
            (exp.not_(_then("met")), newly),
            (no_key, self._about_key(Says.HAS_KEY)),
            (_then("refused"), _text(Says.AGREES)),
            (_then("suppressed"), _text(Says.OFF_THE_LIST)),
            (another, self._about_key(Says.JOINED_OTHER_KEY)),
        ]
        if self.before.other_rules:
            now = _case(_by_other_rules(self.joined()), self.segment)
        return _cases(branches, now)

    def _with_before(self, query: exp.Select, members: str) -> exp.Select:
        """With what these members were at the last run as `t`, where that is known."""
        if self.before.sql is None or self.before.table is None:
            return query
        then = self._states(members, self.before.sql, self.before.table)
        same = exp.EQ(this=_then("member"), expression=exp.column("member", table="s"))
        return query.join(then.subquery("t"), on=same, join_type="left")

    def _elsewhere(self, says: Says, tree: Node) -> Node:
        return Reason(says, self.segment.name) if self._answered else tree

    @property
    def _answered(self) -> bool:
        return fold(self.segment.name) in self.sql.answered

    def _about_key(self, says: Says) -> exp.Expr:
        return text(Reason(says, self.key_words).kept)

    def _states(self, members: str, sql: SegmentSql | None = None, table: Table | None = None) -> exp.Select:
        """Of these members: what they are known by, whether they refuse, are suppressed, are met, and each part of the rules.

        That is now, or by the rows of another moment. Of a member in several rows anything holds that holds for one of them.
        """
        sql, table = sql or self.sql, table or self.table
        row = RowValues(sql, table, "b", self.identity.country)
        key = exp.cast(key_column(table, "b"), "text")
        parts = {} if self._answered else dict(parts_of(self.segment))
        asked = [place for place, part in parts.items() if not isinstance(part, Group)]
        keys = [(target, row.normalised(matched)) for target, matched in self.identity.keys]
        known = [exp.DPipe(this=text(f"{target}:"), expression=value, safe=True) for target, value in keys]
        identifier: exp.Expr = exp.Coalesce(this=known[0], expressions=known[1:]) if known else key.copy()
        columns = {
            "identifier": identifier,
            "refused": row.refused(self.identity),
            "suppressed": row.suppressed(self.identity),
            **{_name(place): _no_null(sql.part(parts[place], self.segment, "b")) for place in asked},
        }
        if not parts:
            columns["met"] = _no_null(sql.predicate(self.segment, "b"))
        query = exp.select(exp.alias_(key.copy(), "member"), *(exp.alias_(v, n) for n, v in columns.items()))
        query = row.apply(query.from_(sql.source(table, "b")))
        query = query.where(exp.In(this=key, query=exp.Subquery(this=exp.select("member").from_(members))))
        groups = {place: _joined(place, part, "r") for place, part in parts.items() if isinstance(part, Group)}
        query = exp.select("*", *(exp.alias_(v, _name(p)) for p, v in groups.items())).from_(query.subquery("r"))
        if not sql.unique_key(table):
            flags = ["refused", "suppressed", *map(_name, parts), *(() if parts else ("met",))]
            lowest = exp.alias_(exp.Min(this=exp.column("identifier", table="a")), "identifier")
            any_row = [exp.alias_(exp.LogicalOr(this=exp.column(flag, table="a")), flag) for flag in flags]
            query = exp.select("member", lowest, *any_row).from_(query.subquery("a")).group_by("member")
        if not parts:
            return query
        met = exp.alias_(_running(self.segment, len(self.segment.rules) - 1, "w"), "met")
        return exp.select("*", met).from_(query.subquery("w"))


def explained(
    cursor: Cursor,
    rows: str,
    held: str | None,
    fields: Sequence[str],
    why: Why,
    earlier: str | None = None,
    basis: Basis | None = None,
) -> str:
    """A query of the rows of a plan with `reason` and `fields`, those that changed when that is known.

    `rows` is a query of what differs, with `file_row_number` where something is `held` (a query of everybody there).
    `earlier` is one of what became of the plan of the run before (`identifier`, `change`, `what`), `basis` what everybody
    counts as changed by.
    """
    if held is None:
        return f"SELECT *, {_kept(Says.FIRST_TIME)} AS reason, NULL::VARCHAR[] AS fields FROM ({rows})"  # noqa: S608 - our own query
    name = f"why_{new_id()}"
    cursor.execute(f"CREATE TEMP TABLE {name} (row BIGINT, reason VARCHAR, fields VARCHAR[])")
    _ask_replaced(cursor, rows, name)
    _ask_left(cursor, rows, why, name)
    everybody = {Basis.MATCH: Says.OTHER_FIELDS, Basis.FORMAT: Says.OTHER_FORMAT}.get(basis) if basis else None
    if everybody is None:
        _ask_changed(cursor, rows, held, fields, why, name)
    if earlier is not None:
        _ask_tried_again(cursor, rows, earlier, name)
    joined = why.joined()
    if why.asks_joined:
        _ask_joined(cursor, rows, why, name)
    in_segment = joined if isinstance(joined, Reason) else Reason(Says.IN_SEGMENT)
    usual = (
        f"CASE WHEN change = 'added' AND in_doubt THEN {_kept(Says.NOT_CONFIRMED)} "
        f"WHEN change = 'added' THEN {literal(in_segment.kept)} "
        f"WHEN change = 'changed' THEN {_kept(everybody or Says.OTHER_VALUE)} ELSE '' END"
    )
    return (
        f"SELECT p.* EXCLUDE (file_row_number), coalesce(w.reason, {usual}) AS reason, w.fields "  # noqa: S608 - as above
        f"FROM ({rows}) p LEFT JOIN {name} w ON p.file_row_number = w.row"
    )


def _ask_replaced(cursor: Cursor, rows: str, to: str) -> None:
    """Who is there or not by the place's own word, against what we know; only replace asks for that."""
    cursor.execute(
        f"INSERT INTO {to} SELECT file_row_number, "  # noqa: S608 - our own query
        f"CASE change WHEN 'removed' THEN {_kept(Says.NEVER_SENT)} ELSE {_kept(Says.NOT_THERE)} END, NULL FROM ({rows}) "
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
    found = f"INSERT INTO {to} SELECT g.row, coalesce(s.reason, {literal(why.gone().kept)}), NULL FROM {gone} g "  # noqa: S608 - as above
    _ask(cursor, why, lambda asked: f"{found} LEFT JOIN ({asked.members_that_left(gone)}) s ON g.member = s.member")
    other_key = literal(Reason(Says.JOINED_OTHER_KEY, why.key_words).kept)
    cursor.execute(
        f"INSERT INTO {to} SELECT file_row_number, {other_key}, NULL FROM ({rows}) "  # noqa: S608 - as above
        f"WHERE change = 'added' AND NOT in_doubt AND member IN (SELECT member FROM {gone})"
    )


def _ask_changed(cursor: Cursor, rows: str, held: str, fields: Sequence[str], why: Why, to: str) -> None:
    """Which values of those who changed are other ones than those that were sent."""
    there = columns_of(cursor, held)
    kept = [name for name in fields if PART + name in there]
    if not kept:
        return
    known = f"h.{quoted(PART + kept[0])} IS NOT NULL"
    other = [f"CASE WHEN {hashed(name, 'p.')} IS DISTINCT FROM h.{quoted(PART + name)} THEN " for name in kept]
    ids = _listed(other, [literal(name) for name in kept], _SEPARATOR)
    names = _listed(other, [literal(why.names.get(name, name)) for name in kept], "', '")
    reason = (
        f"CASE WHEN h.payload IS NULL THEN {_kept(Says.VALUE_UNKNOWN)} "
        f"WHEN {known} AND {names} <> '' THEN {literal(Says.CHANGED_FIELDS + MARK)} || {names} "
        f"ELSE {_kept(Says.OTHER_VALUE)} END"
    )
    changed = f"CASE WHEN {known} AND {ids} <> '' THEN string_split({ids}, {_SEPARATOR}) END"
    cursor.execute(
        f"INSERT INTO {to} SELECT p.file_row_number, {reason}, {changed} FROM ({rows}) p "  # noqa: S608 - our own query
        f"JOIN ({held}) h ON p.identifier = h.identifier WHERE p.change = 'changed'"
    )


def _ask_tried_again(cursor: Cursor, rows: str, earlier: str, to: str) -> None:
    """Who was to be added before and was not: refused there, not sendable, or not reached any more."""
    cursor.execute(
        f"INSERT INTO {to} SELECT p.file_row_number, CASE e.what WHEN '{REFUSED}' THEN {_kept(Says.REJECTED_BEFORE)} "  # noqa: S608 - our own names
        f"WHEN '{INVALID}' THEN {_kept(Says.INVALID_BEFORE)} ELSE {_kept(Says.STOPPED_BEFORE)} END, NULL FROM ({rows}) p "
        f"JOIN ({earlier}) e ON p.identifier = e.identifier WHERE p.change = 'added' AND NOT p.in_doubt "
        f"AND e.change = 'added' AND e.what IN ('{REFUSED}', '{INVALID}', '{NOT_SENT}') "
        f"AND p.file_row_number NOT IN (SELECT row FROM {to})"
    )


def _ask_joined(cursor: Cursor, rows: str, why: Why, to: str) -> None:
    """Which rule brought whom in, but for those of whom something better is known."""
    new = f"new_{new_id()}"
    cursor.execute(
        f"CREATE TEMP TABLE {new} AS SELECT file_row_number AS row, member FROM ({rows}) "  # noqa: S608 - our own query
        f"WHERE change = 'added' AND NOT in_doubt AND file_row_number NOT IN (SELECT row FROM {to})"
    )
    ((number,),) = cursor.execute(f"SELECT count(*) FROM {new}").fetchall()  # noqa: S608 - our own name
    if number:
        found = f"INSERT INTO {to} SELECT n.row, s.reason, NULL FROM {new} n "  # noqa: S608 - as above
        _ask(cursor, why, lambda asked: f"{found} JOIN ({asked.members_that_joined(new)}) s ON n.member = s.member")


def _ask(cursor: Cursor, why: Why, query: Callable[[Why], str]) -> None:
    """Ask with what is known of the last run, and without its rows when a refresh clears them away meanwhile."""
    try:
        cursor.execute(query(why))
    except (FixData, duckdb.IOException):
        if why.before.sql is None:
            raise
        cursor.execute(query(replace(why, before=Before(why.before.other_rules))))


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


def _case(node: Node, segment: Segment, alias: str = "s", instead: Mapping[Node, exp.Expr] | None = None) -> exp.Expr:
    """A tree as an expression over the states of a member, with other expressions `instead` of some of its leaves."""
    if isinstance(node, Reason):
        return (instead or {}).get(node) or text(node.kept)
    asked = node.asked
    question = _running(segment, asked, alias) if isinstance(asked, int) else exp.column(_name(asked), table=alias)
    return _cases(
        [(question, _case(node.met, segment, alias, instead))], _case(node.otherwise, segment, alias, instead)
    )


def _cases(branches: Iterable[tuple[exp.Expr, exp.Expr]], otherwise: exp.Expr) -> exp.Expr:
    case = exp.Case()
    for condition, reason in branches:
        case = case.when(condition, reason, copy=False)
    return case.else_(otherwise, copy=False)


def _by_other_rules(node: Node) -> Node:
    """The tree with what it says of a rule said of one that was changed."""
    if isinstance(node, When):
        return When(node.asked, _by_other_rules(node.met), _by_other_rules(node.otherwise))
    return replace(node, says=Says.JOINED_OTHER_RULES) if node.says is Says.JOINED_RULE else node


def _then(column: str) -> exp.Expr:
    """A state of the last run."""
    return exp.column(column, table="t")


def _text(says: Says) -> exp.Expr:
    return text(Reason(says).kept)


def _kept(says: Says) -> str:
    return literal(Reason(says).kept)
