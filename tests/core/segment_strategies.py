"""Random segments for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

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

names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
tables = names.filter(lambda n: "." not in n)
fields = st.builds(FieldRef, tables, names)
spans = st.builds(Span, st.integers(1, 99_999), st.sampled_from(Unit))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)


def _values(operator: Operator) -> st.SearchStrategy:
    if operator in {Operator.IS_EMPTY, Operator.IS_NOT_EMPTY}:
        return st.none()
    if operator in {Operator.LAST, Operator.NOT_IN_LAST}:
        return spans
    if operator in {Operator.IS_ONE_OF, Operator.IS_NOT_ONE_OF}:
        return st.lists(scalars, min_size=1, max_size=8).map(tuple)
    if operator is Operator.BETWEEN:
        return st.tuples(scalars, scalars)
    return scalars


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    operator = draw(st.sampled_from(Operator))
    aggregate = draw(st.none() | st.sampled_from(Aggregate))
    within = draw(st.none() | st.builds(Within, fields, spans)) if aggregate else None
    return Condition(draw(fields), operator, draw(_values(operator)), aggregate, within)


groups = st.recursive(
    st.builds(Group, st.sampled_from(Mode), st.lists(conditions(), max_size=3).map(tuple)),
    lambda inner: st.builds(Group, st.sampled_from(Mode), st.lists(inner | conditions(), max_size=3).map(tuple)),
    max_leaves=5,
)
bodies = groups | st.builds(SegmentRef, names)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    kind = draw(st.sampled_from(["rules", "rules", "rules", "list", "sql"]))
    of = draw(st.sampled_from(SegmentOf))
    if kind == "list":
        return Segment("s", draw(names), of, list_file=draw(names))
    if kind == "sql":
        return Segment("s", draw(names), of, sql=draw(names))
    first = Rule(SetOperator.UNION, draw(bodies))
    rest = draw(st.lists(st.builds(Rule, st.sampled_from(SetOperator), bodies), max_size=3))
    return Segment("s", draw(names), of, rules=(first, *rest))
