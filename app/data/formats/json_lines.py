"""Lines of JSON, finished by the engine.

Dates and times as in CSV; numbers, booleans and nested values as JSON has them; NaN and infinity, which JSON has not, as null.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from app.core.file_formats import Dates
from app.core.tables import ColumnType
from app.data.formats.values import call, column_text, json_text
from app.data.identifiers_sql import text
from app.data.sql_values import Value

_PLAIN = frozenset({ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DECIMAL, ColumnType.NESTED, ColumnType.TEXT})


def line(values: Sequence[Value], names: Sequence[str], dates: Dates) -> exp.Expr:
    """A row with its line end."""
    packed = [
        exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=_value(value, dates))
        for value, name in zip(values, names, strict=True)
    ]
    return call("concat", json_text(exp.Struct(expressions=packed), values), text("\n"))


def _value(value: Value, dates: Dates) -> exp.Expr:
    if value.type is ColumnType.NUMBER:
        finite = call("isfinite", value.expression.copy())
        return exp.Case().when(finite, value.expression.copy(), copy=False)
    return value.expression.copy() if value.type in _PLAIN else column_text(value, dates)
