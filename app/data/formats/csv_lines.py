"""Lines of CSV, finished by the engine.

NULL is nothing between the delimiters and an empty text is a pair of quotes, so that they can be told apart. Binary data is
base64, nested values are JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from app.core.file_formats import Format, LineEnds, Quotes
from app.core.tables import ColumnType
from app.data.formats.values import call, case, column_text, contains
from app.data.identifiers_sql import text
from app.data.sql_values import Value

_BARE = frozenset({ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.DECIMAL, ColumnType.NUMBER, ColumnType.DATE})
"""What never holds a quote or one of the usual delimiters."""
_TEXTS = frozenset({ColumnType.TEXT, ColumnType.NESTED, ColumnType.BINARY})
_USUAL = frozenset({",", ";", "\t", "|"})


def line_end(format: Format) -> str:  # noqa: A002 - the field's word
    """What ends a line."""
    return "\r\n" if format.line_ends is LineEnds.CRLF else "\n"


def line(values: Sequence[Value], format: Format) -> exp.Expr:  # noqa: A002 - the field's word
    """A row with its line end."""
    parts: list[exp.Expr] = []
    for i, value in enumerate(values):
        if i:
            parts.append(text(format.delimiter))
        parts.append(_value(value, format))
    return call("concat", *parts, text(line_end(format)))


def header(names: Sequence[str], format: Format) -> str:  # noqa: A002 - the field's word
    """The names of the fields with the line end."""
    marks = ('"', format.delimiter, "\n", "\r")
    always = format.quotes is not Quotes.NEEDED
    return format.delimiter.join(
        '"' + name.replace('"', '""') + '"' if always or not name or any(m in name for m in marks) else name
        for name in names
    ) + line_end(format)


def _value(value: Value, format: Format) -> exp.Expr:  # noqa: A002 - the field's word
    """`concat` skips NULL, which is how nothing is written for it."""
    plain = column_text(value, format.dates)
    doubled = call("replace", plain.copy(), text('"'), text('""'))
    quoted = call("concat", text('"'), doubled, text('"'))
    if format.quotes is Quotes.ALL or (format.quotes is Quotes.TEXTS and value.type in _TEXTS):
        return case(exp.not_(exp.Is(this=plain.copy(), expression=exp.Null())), quoted, exp.Null())
    if value.type in _BARE and format.delimiter in _USUAL:
        return plain
    special = [contains(plain, mark) for mark in ('"', format.delimiter, "\n", "\r")]
    needed = exp.or_(exp.EQ(this=plain.copy(), expression=text("")), *special)
    return case(needed, quoted, plain)
