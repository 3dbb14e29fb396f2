"""How columns of PostgreSQL are seen: their type here, how the server shows them to questions, and how they travel.

Every column gets the name of the DuckDB type it has once it is here, so that rules and files treat both alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.tables import Column, ColumnType
from app.data.engines.types import column_type

_PLAIN = {
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "bytea": "BLOB",
    "text": "VARCHAR",
    "varchar": "VARCHAR",
}
_TEXT_CATEGORIES = frozenset("SEITVN")
"""Strings, enums, network addresses, time spans, bit strings, and numbers that are none to us (money)."""
_OTHER_TEXTS = frozenset({"uuid", "timetz", "macaddr", "macaddr8"})
_MOST_DIGITS = 38

TOO_FINE = "more decimals than known:"
"""Stands in the error of a number that a refresh has not seen."""


@dataclass(frozen=True, slots=True)
class ServerColumn:
    """A column as the server's catalog tells: `kind` and `category` are pg_type's, `modifier` is pg_attribute's.

    `own_collation` tells that it does not have the database's.
    """

    name: str
    kind: str
    category: str
    modifier: int
    own_collation: bool = False

    @property
    def digits(self) -> tuple[int, int] | None:
        """Digits and decimals of a numeric, None when the column sets no limit that fits here."""
        if self.kind != "numeric" or self.modifier < 4:
            return None
        precision, scale = (self.modifier - 4) >> 16 & 0xFFFF, (self.modifier - 4) & 0x7FF
        return (precision, scale) if precision <= _MOST_DIGITS and scale <= precision else None

    @property
    def open_decimal(self) -> bool:
        """Whether its decimals have to be looked at to know how many there are."""
        return self.kind == "numeric" and self.digits is None

    def column(self, decimals: int | None = None) -> Column:
        """The column for the workspace; `decimals` are those found in an open numeric, None when they are too many."""
        native = self._native(decimals)
        kind = ColumnType.NESTED if native == "JSON" else column_type(native)
        return Column(self.name, kind, native_type=native)

    def _native(self, decimals: int | None) -> str:
        if self.kind in _PLAIN:
            return _PLAIN[self.kind]
        if self.kind == "numeric":
            digits = self.digits or (None if decimals is None else (_MOST_DIGITS, decimals))
            return "DOUBLE" if digits is None else f"DECIMAL({digits[0]},{digits[1]})"
        if self.kind in {"oid", "xid8"}:
            return "BIGINT"
        if self.category in _TEXT_CATEGORIES or self.kind in _OTHER_TEXTS:
            return "VARCHAR"
        return "JSON"

    def shown(self, native: str) -> str:
        """The column to questions, as PostgreSQL's SQL: a plain value that behaves as the `native` type it has here."""
        name = quoted(self.name)
        if native == "VARCHAR":
            cast = name if self.kind in {"text", "varchar"} else f"{name}::text"
            # Texts with collations of their own could not be compared with each other, or would not by their letters.
            return f'{cast} COLLATE "default"' if self.own_collation or self.kind == "name" else cast
        if self.kind == "numeric":
            finite = (
                f"CASE WHEN {name}::text !~ '[a-z]' THEN {name} END" if self.open_decimal else f"NULLIF({name}, 'NaN')"
            )
            return f"({finite})::float8" if native == "DOUBLE" else finite
        if self.kind in {"oid", "xid8"}:
            return f"{name}::text::int8"
        if native == "JSON":
            return f"{name}::text" if self.kind in {"json", "jsonb"} else f"to_json({name})::text"
        return name

    def travelling(self, column: Column, value: str) -> str:
        """What `shown` gave, in a form that comes through Arrow as it is; a date that no calendar here holds becomes NULL.

        A number with more decimals than were known when the column was described ends the query.
        """
        if column.type is ColumnType.DECIMAL:
            if not self.open_decimal:
                return f"{value}::text"
            decimals = column.native_type.rpartition(",")[2].rstrip(")")
            too_fine = f"('{TOO_FINE} ' || {value}::text)::numeric::text"
            return f"CASE WHEN {value} <> round({value}, {int(decimals)}) THEN {too_fine} ELSE {value}::text END"
        if column.type in {ColumnType.DATE, ColumnType.TIMESTAMP}:
            known = f"isfinite({value}) AND {value} BETWEEN '0001-01-01' AND '9999-12-31 23:59:59.999999'"
            return f"CASE WHEN {known} THEN {value} END"
        return value


def quoted(name: str) -> str:
    """A name as PostgreSQL quotes it."""
    return '"' + name.replace('"', '""') + '"'
