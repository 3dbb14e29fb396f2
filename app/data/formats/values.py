"""Values as text, the same in every kind of file that holds text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sqlglot import exp

from app.core.file_formats import Dates
from app.core.tables import ColumnType
from app.data.identifiers_sql import text
from app.data.identity import as_text
from app.data.sql_values import Value

_PATTERNS: Mapping[Dates, tuple[str, str]] = MappingProxyType(
    {
        Dates.COMPACT: ("%Y%m%d", "%Y%m%d%H%M%S"),
        Dates.DOTTED: ("%d.%m.%Y", "%d.%m.%Y %H:%M:%S"),
        Dates.DAY_FIRST: ("%d/%m/%Y", "%d/%m/%Y %H:%M:%S"),
        Dates.MONTH_FIRST: ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S"),
    }
)

_FRACTION = re.compile(r"DECIMAL\((\d+),\s*\1\)")  # the engine writes .5 for a half of DECIMAL(2,2)
_FLOATING = re.compile(r"DOUBLE|FLOAT")
_PIECES = r'"(?:[^"\\]|\\.)*"|[^"]+'
_UNUSUAL = r"NaN|Infinity|(?:^|[\[:,-])[.]"


def call(name: str, *values: exp.Expr) -> exp.Expr:
    """A function of the engine."""
    return exp.Anonymous(this=name, expressions=list(values))


def case(condition: exp.Expr, then: exp.Expr, otherwise: exp.Expr) -> exp.Case:
    """One of two values."""
    return exp.Case().when(condition, then, copy=False).else_(otherwise, copy=False)


def contains(value: exp.Expr, mark: str) -> exp.Expr:
    """Whether the text holds the mark."""
    return call("contains", value.copy(), text(mark))


def column_text(value: Value, dates: Dates = Dates.ISO) -> exp.Expr:
    """The value as text; only what is empty in the table is NULL, nested values are JSON, nothing is rounded."""
    if value.type is ColumnType.NESTED:
        return json_text(value.expression, [value])
    if value.type is ColumnType.DECIMAL and _FRACTION.search(value.native):
        return call("regexp_replace", exp.cast(value.expression.copy(), "text"), text("^(-?)[.]"), text(r"\10."))
    if value.type is ColumnType.TIMESTAMP:
        return _moment(value, dates)
    if value.type is ColumnType.DATE and dates in _PATTERNS:
        return _spelled(value.expression, _PATTERNS[dates][0])
    if value.type is ColumnType.TEXT and value.native.upper() not in {"", "VARCHAR"}:
        return exp.cast(value.expression.copy(), "text")
    return exp.cast(value.expression.copy(), "text") if value.type is ColumnType.NUMBER else as_text(value)


def json_text(made: exp.Expr, values: Iterable[Value]) -> exp.Expr:
    """What the engine makes of these values as the text of JSON that every reader takes.

    It writes decimals without a digit before the point, NaN and infinity as it shows them, which JSON has not.
    """
    written = exp.cast(call("to_json", made.copy()), "text")
    if not any(
        _FRACTION.search(value.native) or (value.type is ColumnType.NESTED and _FLOATING.search(value.native))
        for value in values
    ):
        return written
    piece = exp.column("piece")
    number = call("regexp_replace", piece, text("NaN|-?Infinity"), text("null"), text("g"))
    number = call("regexp_replace", number, text(r"(^|[\[:,-])[.]"), text(r"\10."), text("g"))
    mended = exp.Lambda(
        this=case(call("starts_with", piece.copy(), text('"')), piece.copy(), number),
        expressions=[exp.to_identifier("piece")],
    )
    pieces = call("list_transform", call("regexp_extract_all", written.copy(), text(_PIECES)), mended)
    unusual = call("regexp_matches", written.copy(), text(_UNUSUAL))
    return case(unusual, call("array_to_string", pieces, text("")), written)


def moment_of(value: Value) -> exp.Expr:
    """A timestamp as what clocks in UTC show, with all its digits."""
    if "NS" in value.native.upper():
        return value.expression.copy()
    return exp.cast(value.expression.copy(), "timestamp")


def _moment(value: Value, dates: Dates) -> exp.Expr:
    written = exp.cast(moment_of(value), "text")
    if dates is Dates.SPACED:
        return written
    if dates is Dates.ISO:
        parted = call("replace", written, text(" "), text("T"))
        return exp.DPipe(this=parted, expression=text("Z"), safe=True) if value.zoned else parted
    fraction = call("regexp_extract", written, text("[.][0-9]+$"))
    whole = _spelled(exp.cast(value.expression.copy(), "timestamp"), _PATTERNS[dates][1])
    return exp.DPipe(this=whole, expression=fraction, safe=True)


def _spelled(value: exp.Expr, pattern: str) -> exp.Expr:
    return call("strftime", value.copy(), text(pattern))
