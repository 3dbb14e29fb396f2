"""What can be asked of which column: operators by type, and what is computed over linked rows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.core.segments import Aggregate, Operator
from app.core.tables import ColumnType

NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.NUMBER})
DATES = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP})

EQUAL = frozenset({Operator.IS, Operator.IS_NOT, Operator.IS_ONE_OF, Operator.IS_NOT_ONE_OF})
EMPTY = frozenset({Operator.IS_EMPTY, Operator.IS_NOT_EMPTY})
TEXT = frozenset({Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH})
WINDOW = frozenset({Operator.LAST, Operator.NOT_IN_LAST})
LISTS = frozenset({Operator.IS_ONE_OF, Operator.IS_NOT_ONE_OF})
_ORDER = {Operator.AT_LEAST, Operator.AT_MOST, Operator.MORE_THAN, Operator.LESS_THAN, Operator.BETWEEN}
_SIDES = {Operator.BEFORE, Operator.AFTER}

OPERATORS: Mapping[ColumnType, frozenset[Operator]] = MappingProxyType(
    {
        ColumnType.TEXT: EQUAL | EMPTY | TEXT,
        ColumnType.INTEGER: EQUAL | EMPTY | _ORDER,
        ColumnType.DECIMAL: EQUAL | EMPTY | _ORDER,
        ColumnType.NUMBER: EQUAL | EMPTY | _ORDER,
        ColumnType.BOOLEAN: EQUAL | EMPTY,
        ColumnType.DATE: EQUAL | EMPTY | _ORDER | _SIDES | WINDOW,
        ColumnType.TIMESTAMP: EQUAL | EMPTY | _ORDER | _SIDES | WINDOW,
        ColumnType.TIME: EQUAL | EMPTY | _ORDER | _SIDES,
        ColumnType.BINARY: EMPTY,
        ColumnType.NESTED: EMPTY,
    }
)
"""What can be asked of a value of each type."""

COMPUTED: Mapping[Aggregate, frozenset[ColumnType]] = MappingProxyType(
    {
        Aggregate.COUNT: frozenset(ColumnType),
        Aggregate.SUM: NUMBERS,
        Aggregate.AVERAGE: NUMBERS,
        Aggregate.LOWEST: NUMBERS | DATES,
        Aggregate.HIGHEST: NUMBERS | DATES,
        Aggregate.LATEST: DATES,
        Aggregate.EARLIEST: DATES,
    }
)
"""The types of which each can be computed."""

_RESULTS: Mapping[Aggregate, ColumnType] = {
    Aggregate.COUNT: ColumnType.INTEGER,
    Aggregate.SUM: ColumnType.NUMBER,
    Aggregate.AVERAGE: ColumnType.NUMBER,
}


def asked_type(column: ColumnType, aggregate: Aggregate | None) -> ColumnType:
    """The type of what is asked about: the column's own, or that of what is computed from it."""
    return column if aggregate is None else _RESULTS.get(aggregate, column)


def operators_for(column: ColumnType, aggregate: Aggregate | None) -> tuple[Operator, ...]:
    """What can be asked, in the order of `Operator`; a count and a sum are never empty."""
    offered = OPERATORS[asked_type(column, aggregate)]
    if aggregate in {Aggregate.COUNT, Aggregate.SUM}:
        offered -= EMPTY
    return tuple(operator for operator in Operator if operator in offered)


def aggregates_for(column: ColumnType) -> tuple[Aggregate, ...]:
    """What can be computed from linked values of that type."""
    return tuple(aggregate for aggregate in Aggregate if column in COMPUTED[aggregate])
