"""Who belongs to a random segment by pandas: columns as a whole, links as merges, rules as sets; see tests/data/messy.py."""

from __future__ import annotations

import itertools
import math
import unicodedata
from functools import reduce
from typing import Any

import pandas as pd

from app.core.segments import Aggregate, Condition, Group, Mode, Operator, Segment, SegmentOf, SetOperator
from tests.data.messy import LINKS, OPPOSITES, SHAPES, Row, in_last, limits

HOPS = {
    ("Customer", "Lines"): ("Customer", "Orders", "Lines"),
    ("Account", "Orders"): ("Account", "Customer", "Orders"),
}


class PandasOracle:
    """Members of segments over these rows, by table name."""

    def __init__(self, rows: dict[str, list[Row]], segments: dict[str, Segment]) -> None:
        self.segments = segments
        self.frames = {
            name: pd.DataFrame(rows[name], columns=list(columns), dtype=object)
            for name, (_, _, columns) in SHAPES.items()
        }

    def members(self, segment: Segment) -> set[Any]:
        own = "Customer" if segment.of is SegmentOf.CUSTOMERS else "Account"
        keys = self.frames[own]["Id"]
        found = pd.Index([], dtype=object)
        for rule in segment.rules:
            met = (
                self.group(rule.body, own)
                if isinstance(rule.body, Group)
                else self.of_segment(self.segments[rule.body.name], own)
            )
            these = pd.Index(keys[met & ~blank(keys)].unique(), dtype=object)
            if rule.operator is SetOperator.UNION:
                found = found.union(these, sort=False)
            elif rule.operator is SetOperator.INTERSECT:
                found = found.intersection(these, sort=False)
            else:
                found = found.difference(these, sort=False)
        return set(found)

    def of_segment(self, other: Segment, own: str) -> pd.Series:
        theirs = "Customer" if other.of is SegmentOf.CUSTOMERS else "Account"
        keys = self.members(other)
        if theirs == own:
            return self.frames[own]["Id"].isin(keys)
        linked = self.linked(own, theirs)
        return self.back(own, linked[linked["Id"].isin(keys)]["row"])

    def group(self, group: Group, own: str) -> pd.Series:
        answers = [
            self.group(item, own) if isinstance(item, Group) else self.condition(item, own) for item in group.items
        ]
        return reduce(lambda a, b: a & b if group.mode is Mode.ALL else a | b, answers)

    def condition(self, condition: Condition, own: str) -> pd.Series:
        table, column = condition.field.table, condition.field.column
        if table == own:
            return ask(self.frames[own][column], condition.operator, condition.value)
        linked = self.linked(own, table)
        if condition.aggregate is None:
            return self.back(own, linked[ask(linked[column], condition.operator, condition.value)]["row"])
        if condition.within is not None:
            linked = linked[ask(linked[condition.within.field.column], Operator.LAST, condition.within.last)]
        filled = linked[~blank(linked[column])]
        values = filled.groupby("row")[column].agg(AGGREGATES[condition.aggregate])
        values = values.astype(object).reindex(self.frames[own].index)
        if condition.aggregate in {Aggregate.COUNT, Aggregate.SUM}:
            values = values.where(values.notna(), 0)
        return ask(values, condition.operator, condition.value)

    def linked(self, own: str, target: str) -> pd.DataFrame:
        """The rows of the target with the `row` of ours that each belongs to."""
        way = HOPS.get((own, target), (own, target))
        found = self.frames[own].assign(row=self.frames[own].index)
        for start, to in itertools.pairwise(way):
            ours, theirs = next(
                (a_column, b_column)
                for link in LINKS
                for a, a_column, b, b_column in (
                    (link.one_table, link.one_column, link.many_table, link.many_column),
                    (link.many_table, link.many_column, link.one_table, link.one_column),
                )
                if (a, b) == (start, to)
            )
            left = found[["row", ours]].dropna().rename(columns={ours: "_link"})
            right = self.frames[to].assign(_link=self.frames[to][theirs]).dropna(subset="_link")
            found = left.merge(right, on="_link").drop(columns="_link")
        return found

    def back(self, own: str, rows: pd.Series) -> pd.Series:
        index = self.frames[own].index
        return pd.Series(index.isin(rows), index=index)


AGGREGATES = {
    Aggregate.COUNT: "count",
    Aggregate.SUM: lambda values: sum(values),
    Aggregate.AVERAGE: lambda values: float(sum(values)) / len(values),
    Aggregate.LOWEST: min,
    Aggregate.EARLIEST: min,
    Aggregate.HIGHEST: max,
    Aggregate.LATEST: max,
}


def blank(values: pd.Series) -> pd.Series:
    """Which values are empty."""
    nothing = values.isna()
    texts = values.map(lambda v: isinstance(v, str) and not v.strip()).astype(bool)
    return nothing | texts | values.map(lambda v: isinstance(v, float) and not math.isfinite(v)).astype(bool)


def ask(values: pd.Series, operator: Operator, operand: Any) -> pd.Series:
    """The answer of each value."""
    if operator in OPPOSITES:
        return ~ask(values, OPPOSITES[operator], operand)
    empty = blank(values)
    nothing_asked = operand is None or (isinstance(operand, str) and not operand.strip())
    if operator is Operator.IS_EMPTY or (operator is Operator.IS and nothing_asked):
        return empty
    if operator is Operator.IS_ONE_OF:
        return reduce(lambda a, b: a | b, [ask(values, Operator.IS, one) for one in operand])
    if operator is Operator.BETWEEN:
        return ask(values, Operator.AT_LEAST, operand[0]) & ask(values, Operator.AT_MOST, operand[1])
    filled = values[~empty]
    answer = pd.Series(False, index=values.index)
    if len(filled):
        answer[filled.index] = _ask_filled(filled, operator, operand).to_numpy(dtype=bool)
    return answer


def _ask_filled(filled: pd.Series, operator: Operator, operand: Any) -> pd.Series:
    if operator is Operator.LAST:
        return filled.map(lambda value: in_last(value, operand))
    if isinstance(filled.iloc[0], str):
        forms = [unicodedata.normalize(form, str(operand)) for form in ("NFC", "NFD")]
        if operator is Operator.IS:
            return filled.isin(forms)
        lowered, asked = filled.str.lower(), [form.lower() for form in forms]
        if operator is Operator.CONTAINS:
            return reduce(lambda a, b: a | b, [lowered.str.contains(one, regex=False) for one in asked])
        end = lowered.str.startswith if operator is Operator.STARTS_WITH else lowered.str.endswith
        return end(tuple(asked))
    low, high = limits(filled.iloc[0], operand)
    if isinstance(filled.iloc[0], float):
        low = high = float(low)
    if operator is Operator.IS:
        return (filled >= low) & (filled <= high)
    if operator in {Operator.AT_LEAST, Operator.LESS_THAN, Operator.BEFORE}:
        return filled >= low if operator is Operator.AT_LEAST else filled < low
    return filled <= high if operator is Operator.AT_MOST else filled > high
