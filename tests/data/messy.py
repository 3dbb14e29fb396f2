"""Random messy tables, random segments over them, and who belongs to those segments by plain Python, row by row."""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.core.segment_questions import OPERATORS
from app.core.segments import (
    Aggregate,
    Condition,
    FieldRef,
    Group,
    Mode,
    Operator,
    Rule,
    Segment,
    SegmentOf,
    SegmentRef,
    SetOperator,
    Span,
    Unit,
    Within,
)
from app.core.tables import Catalog, Column, ColumnType, Link, Table, TableRole

NOW = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)

T = ColumnType
SHAPES: dict[str, tuple[TableRole, str, dict[str, ColumnType]]] = {
    "Customer": (
        TableRole.CUSTOMER,
        "Id",
        {
            "Id": T.TEXT,
            "Country": T.TEXT,
            "Ltv": T.NUMBER,
            "Points": T.INTEGER,
            "OptIn": T.BOOLEAN,
            "Since": T.DATE,
            "Seen": T.TIMESTAMP,
            "AccountId": T.INTEGER,
        },
    ),
    "Orders": (
        TableRole.OTHER,
        "OrderId",
        {"OrderId": T.INTEGER, "CustomerId": T.TEXT, "Total": T.DECIMAL, "PlacedOn": T.TIMESTAMP, "Status": T.TEXT},
    ),
    "Lines": (TableRole.OTHER, "Sku", {"OrderId": T.INTEGER, "Sku": T.TEXT, "Weight": T.NUMBER, "Due": T.DATE}),
    "Account": (TableRole.ACCOUNT, "Id", {"Id": T.INTEGER, "Name": T.TEXT, "Size": T.INTEGER}),
}
LINKS = (
    Link("Customer", "Id", "Orders", "CustomerId"),
    Link("Orders", "OrderId", "Lines", "OrderId"),
    Link("Account", "Id", "Customer", "AccountId"),
)
NATIVE = {
    T.TEXT: ("VARCHAR", pa.string()),
    T.NUMBER: ("DOUBLE", pa.float64()),
    T.INTEGER: ("BIGINT", pa.int64()),
    T.DECIMAL: ("DECIMAL(10,2)", pa.decimal128(10, 2)),
    T.BOOLEAN: ("BOOLEAN", pa.bool_()),
    T.DATE: ("DATE", pa.date32()),
    T.TIMESTAMP: ("TIMESTAMP", pa.timestamp("us")),
}
Row = dict[str, Any]

catalog = Catalog(
    tuple(
        Table(
            id=name.lower(),
            name=name,
            role=role,
            columns=tuple(Column(c, t, native_type=NATIVE[t][0]) for c, t in columns.items()),
            key=key,
            rows=0,
            generation=1,
            source="",
            refreshed_at=NOW,
        )
        for name, (role, key, columns) in SHAPES.items()
    ),
    LINKS,
)


def arrow(name: str, rows: list[Row]) -> pa.Table:
    columns = SHAPES[name][2]
    return pa.table({c: pa.array([row[c] for row in rows], NATIVE[t][1]) for c, t in columns.items()})


DAYS = [date(2023, 2, 28), date(2023, 3, 1), date(2024, 1, 29), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
TIMES = [time(0, 0), time(12, 0), time(12, 0, 0, 1), time(23, 59, 59, 999_999)]
VALUES: dict[ColumnType, list[Any]] = {
    T.TEXT: ["a", "A", "ab", "B%", "b_", "", " ", "\t", "ä", "a\u0308b", "5"],
    T.NUMBER: [0.0, 1.5, -1.5, 0.1, math.nan, math.inf, -math.inf, 100.0],
    T.INTEGER: [-1, 0, 1, 2, 5],
    T.DECIMAL: [Decimal("-0.01"), Decimal("0.00"), Decimal("0.10"), Decimal("1.50"), Decimal("100.00")],
    T.BOOLEAN: [True, False],
    T.DATE: DAYS,
    T.TIMESTAMP: [datetime.combine(d, t) for d in DAYS for t in TIMES],
}


def tables(most: int = 8) -> st.SearchStrategy[dict[str, list[Row]]]:
    """Few rows of few values, so that equal, missing and dangling ones are common."""

    def value(name: str, column: str, kind: ColumnType) -> st.SearchStrategy[Any]:
        if (name, column) in {("Customer", "Id"), ("Orders", "CustomerId")}:
            return st.sampled_from(["k1", "k2", "k3", "", None])
        if column.endswith("Id"):
            return st.sampled_from([1, 2, 3, None])
        return st.sampled_from([None, *VALUES[kind]])

    return st.fixed_dictionaries(
        {
            name: st.lists(st.fixed_dictionaries({c: value(name, c, k) for c, k in columns.items()}), max_size=most)
            for name, (_, _, columns) in SHAPES.items()
        }
    )


spans = st.builds(Span, st.sampled_from([1, 2, 12, 30, 99_999]), st.sampled_from(Unit))


def operands(kind: ColumnType) -> st.SearchStrategy[Any]:
    if kind is T.TIMESTAMP:
        return st.sampled_from([d.isoformat() for d in DAYS] + [m.isoformat() for m in VALUES[kind]])
    if kind is T.DATE:
        return st.sampled_from([d.isoformat() for d in DAYS])
    if kind is T.DECIMAL:
        return st.sampled_from([-0.01, 0, "0.1", 0.1, 1.5, 100])
    if kind in {T.NUMBER, T.INTEGER}:
        return st.sampled_from([-1, 0, 0.1, "1.5", 2, 100])
    return st.sampled_from([v for v in VALUES[kind] if not (isinstance(v, str) and not v.strip())])


RESULTS = {Aggregate.COUNT: T.INTEGER, Aggregate.SUM: T.NUMBER, Aggregate.AVERAGE: T.NUMBER}


def aggregates_of(kind: ColumnType) -> list[Aggregate]:
    if kind in {T.INTEGER, T.DECIMAL, T.NUMBER}:
        return [Aggregate.COUNT, Aggregate.SUM, Aggregate.AVERAGE, Aggregate.LOWEST, Aggregate.HIGHEST]
    if kind in {T.DATE, T.TIMESTAMP}:
        return [Aggregate.COUNT, Aggregate.LATEST, Aggregate.EARLIEST, Aggregate.HIGHEST]
    return [Aggregate.COUNT]


@st.composite
def conditions(draw: st.DrawFn, of: SegmentOf) -> Condition:
    own = "Customer" if of is SegmentOf.CUSTOMERS else "Account"
    others = [n for n in SHAPES if n != own and not (of is SegmentOf.ACCOUNTS and n == "Lines")]
    table = draw(st.sampled_from([own, *others]))
    column = draw(st.sampled_from(list(SHAPES[table][2])))
    kind = SHAPES[table][2][column]
    aggregate = draw(st.none() | st.sampled_from(aggregates_of(kind))) if table != own else None
    within = None
    if aggregate is not None:
        dates = [c for c, t in SHAPES[table][2].items() if t in {T.DATE, T.TIMESTAMP}]
        if dates and draw(st.booleans()):
            within = Within(FieldRef(table, draw(st.sampled_from(dates))), draw(spans))
        kind = RESULTS.get(aggregate, kind)
    never_empty = aggregate in {Aggregate.COUNT, Aggregate.SUM}
    choices = OPERATORS[kind] - ({Operator.IS_EMPTY, Operator.IS_NOT_EMPTY} if never_empty else set())
    operator = draw(st.sampled_from(sorted(choices)))
    single = operands(kind)
    blanks = single if never_empty else single | st.sampled_from([None, "", " "])
    value: Any = None
    if operator in {Operator.LAST, Operator.NOT_IN_LAST}:
        value = draw(spans)
    elif operator in {Operator.IS_ONE_OF, Operator.IS_NOT_ONE_OF}:
        value = tuple(draw(st.lists(blanks, min_size=1, max_size=3)))
    elif operator is Operator.BETWEEN:
        value = tuple(sorted([draw(single), draw(single)], key=lambda v: float(v) if kind in RANKED else str(v)))
    elif operator in {Operator.IS, Operator.IS_NOT}:
        value = draw(blanks)
    elif operator not in {Operator.IS_EMPTY, Operator.IS_NOT_EMPTY}:
        value = draw(single)
    return Condition(FieldRef(table, column), operator, value, aggregate, within)


RANKED = {T.INTEGER, T.DECIMAL, T.NUMBER}


def groups(of: SegmentOf) -> st.SearchStrategy[Group]:
    leaf = conditions(of)
    return st.recursive(
        st.builds(Group, st.sampled_from(Mode), st.lists(leaf, min_size=1, max_size=2).map(tuple)),
        lambda inner: st.builds(
            Group, st.sampled_from(Mode), st.lists(inner | leaf, min_size=1, max_size=2).map(tuple)
        ),
        max_leaves=3,
    )


@st.composite
def segment(draw: st.DrawFn, name: str, known: tuple[str, ...] = ()) -> Segment:
    of = draw(st.sampled_from([SegmentOf.CUSTOMERS, SegmentOf.CUSTOMERS, SegmentOf.ACCOUNTS]))
    body: st.SearchStrategy[Any] = groups(of)
    if known:
        body = body | st.sampled_from(known).map(SegmentRef)
    rules = [Rule(SetOperator.UNION, draw(body))]
    rules += draw(st.lists(st.builds(Rule, st.sampled_from(SetOperator), body), max_size=3))
    return Segment(name, name, of, rules=tuple(rules))


@st.composite
def families(draw: st.DrawFn, number: int = 8) -> dict[str, Segment]:
    """Segments by name, of which each may be built on the three before it."""
    found: dict[str, Segment] = {}
    for i in range(number):
        name = f"S{i}"
        found[name] = draw(segment(name, tuple(found)[-3:]))
    return found


def as_many(examples: int) -> settings:
    """Settings for so many examples, or a multiple of them: SENDOFF_CASES=10 tries ten times as many."""
    return settings(
        max_examples=examples * int(os.environ.get("SENDOFF_CASES", "1")), suppress_health_check=list(HealthCheck)
    )


@dataclass
class Oracle:
    """Members by plain Python; `rows` by table name, `segments` by name."""

    rows: dict[str, list[Row]]
    segments: dict[str, Segment]
    _known: dict[str, set[Any]] = field(default_factory=dict)

    def members(self, segment: Segment) -> set[Any]:
        if segment.name not in self._known:
            self._known[segment.name] = self._members(segment)
        return self._known[segment.name]

    def _members(self, segment: Segment) -> set[Any]:
        own = "Customer" if segment.of is SegmentOf.CUSTOMERS else "Account"
        found: set[Any] = set()
        for rule in segment.rules:
            if isinstance(rule.body, Group):
                keys = {row["Id"] for row in self.rows[own] if self.group(rule.body, own, row)}
            else:
                keys = self.of_segment(self.segments[rule.body.name], own)
            keys = {key for key in keys if not blank(key)}
            if rule.operator is SetOperator.UNION:
                found |= keys
            elif rule.operator is SetOperator.INTERSECT:
                found &= keys
            else:
                found -= keys
        return found

    def of_segment(self, other: Segment, own: str) -> set[Any]:
        keys = self.members(other)
        theirs = "Customer" if other.of is SegmentOf.CUSTOMERS else "Account"
        if theirs == own:
            return keys
        return {row["Id"] for row in self.rows[own] if any(r["Id"] in keys for r in self.linked(own, row, theirs))}

    def group(self, group: Group, own: str, row: Row) -> bool:
        answers = [
            self.group(item, own, row) if isinstance(item, Group) else self.condition(item, own, row)
            for item in group.items
        ]
        return all(answers) if group.mode is Mode.ALL else any(answers)

    def condition(self, condition: Condition, own: str, row: Row) -> bool:
        table, column = condition.field.table, condition.field.column
        if table == own:
            return answers(row[column], condition.operator, condition.value)
        rows = self.linked(own, row, table)
        if condition.aggregate is None:
            return any(answers(r[column], condition.operator, condition.value) for r in rows)
        if condition.within is not None:
            within = condition.within
            rows = [r for r in rows if answers(r[within.field.column], Operator.LAST, within.last)]
        return answers(compute(condition.aggregate, [r[column] for r in rows]), condition.operator, condition.value)

    def linked(self, own: str, row: Row, target: str) -> list[Row]:
        def step(start: str, rows: list[Row], to: str) -> list[Row]:
            for link in LINKS:
                for a, ac, b, bc in (
                    (link.one_table, link.one_column, link.many_table, link.many_column),
                    (link.many_table, link.many_column, link.one_table, link.one_column),
                ):
                    if (a, b) == (start, to):
                        return [r for mine in rows for r in self.rows[to] if mine[ac] is not None and mine[ac] == r[bc]]
            return []

        hops = {("Customer", "Lines"): "Orders", ("Account", "Orders"): "Customer"}
        middle = hops.get((own, target))
        return step(own, [row], target) if middle is None else step(middle, step(own, [row], middle), target)


def blank(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return value is None or (isinstance(value, str) and not value.strip())


def compute(aggregate: Aggregate, values: list[Any]) -> Any:
    filled = [v for v in values if not blank(v)]
    if aggregate is Aggregate.COUNT:
        return len(filled)
    if aggregate is Aggregate.SUM:
        return sum(filled)
    if not filled:
        return None
    if aggregate is Aggregate.AVERAGE:
        return float(sum(filled)) / len(filled)
    return min(filled) if aggregate in {Aggregate.LOWEST, Aggregate.EARLIEST} else max(filled)


OPPOSITES = {
    Operator.IS_NOT: Operator.IS,
    Operator.IS_NOT_ONE_OF: Operator.IS_ONE_OF,
    Operator.NOT_IN_LAST: Operator.LAST,
    Operator.IS_NOT_EMPTY: Operator.IS_EMPTY,
}


def answers(value: Any, operator: Operator, operand: Any) -> bool:
    if operator in OPPOSITES:
        return not answers(value, OPPOSITES[operator], operand)
    if operator is Operator.IS_EMPTY:
        return blank(value)
    if operator is Operator.IS_ONE_OF:
        return any(answers(value, Operator.IS, v) for v in operand)
    if operator is Operator.BETWEEN:
        return answers(value, Operator.AT_LEAST, operand[0]) and answers(value, Operator.AT_MOST, operand[1])
    if operator is Operator.IS and blank(operand):
        return blank(value)
    if blank(value):
        return False
    if operator is Operator.LAST:
        return in_last(value, operand)
    if isinstance(value, str):
        texts: dict[Operator, Callable[[str, str], bool]] = {
            Operator.IS: lambda v, o: v == o,
            Operator.CONTAINS: lambda v, o: o.lower() in v.lower(),
            Operator.STARTS_WITH: lambda v, o: v.lower().startswith(o.lower()),
            Operator.ENDS_WITH: lambda v, o: v.lower().endswith(o.lower()),
        }
        return any(texts[operator](value, unicodedata.normalize(form, str(operand))) for form in ("NFC", "NFD"))
    low, high = limits(value, operand)
    if isinstance(value, float):
        low = high = float(low)
    comparisons: dict[Operator, Callable[[], bool]] = {
        Operator.IS: lambda: low <= value <= high,
        Operator.AT_LEAST: lambda: value >= low,
        Operator.AT_MOST: lambda: value <= high,
        Operator.MORE_THAN: lambda: value > high,
        Operator.LESS_THAN: lambda: value < low,
        Operator.BEFORE: lambda: value < low,
        Operator.AFTER: lambda: value > high,
    }
    return bool(comparisons[operator]())


def limits(value: Any, operand: Any) -> tuple[Any, Any]:
    if isinstance(value, datetime):
        moment = datetime.fromisoformat(operand)
        return moment, moment + timedelta(days=1, microseconds=-1) if len(operand) == 10 else moment
    if isinstance(value, date):
        operand = date.fromisoformat(operand)
    elif isinstance(value, bool):
        pass
    else:
        operand = Decimal(str(operand))
    return operand, operand


def in_last(value: Any, span: Span) -> bool:
    now = NOW.replace(tzinfo=None)
    try:
        start = now - relativedelta(**{str(span.unit): span.number})
    except (ValueError, OverflowError):
        start = datetime.min + timedelta(days=2)  # noqa: DTZ901 - wall clock, as the column
    if isinstance(value, datetime):
        return start < value <= now
    return start.date() < value <= now.date()


def with_unique_keys(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The same tables with the first row of each filled customer and account key only."""
    result = dict(rows)
    for name in ("Customer", "Account"):
        first: dict[Any, Row] = {}
        for row in rows[name]:
            if not blank(row["Id"]):
                first.setdefault(row["Id"], row)
        result[name] = list(first.values())
    return result
