"""How DuckDB's types map onto the few the product tells apart."""

from __future__ import annotations

from app.core.tables import Column, ColumnType

_INTEGERS = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BIGNUM"),
    }
)
_PLAIN = {
    "VARCHAR": ColumnType.TEXT,
    "UUID": ColumnType.TEXT,
    "INTERVAL": ColumnType.TEXT,
    '"NULL"': ColumnType.TEXT,
    "BOOLEAN": ColumnType.BOOLEAN,
    "DATE": ColumnType.DATE,
    "FLOAT": ColumnType.NUMBER,
    "DOUBLE": ColumnType.NUMBER,
    "BLOB": ColumnType.BINARY,
    "BIT": ColumnType.BINARY,
}


def column_type(native: str) -> ColumnType:
    """The product's type for the name DuckDB's DESCRIBE gives; what is unknown counts as nested, so it is never compared."""
    name = native.upper()
    if name.endswith("]"):
        return ColumnType.NESTED
    if name in _INTEGERS:
        return ColumnType.INTEGER
    if name in _PLAIN:
        return _PLAIN[name]
    for start, kind in (
        ("DECIMAL", ColumnType.DECIMAL),
        ("ENUM", ColumnType.TEXT),
        ("TIMESTAMP", ColumnType.TIMESTAMP),
        ("TIME", ColumnType.TIME),
    ):
        if name.startswith(start):
            return kind
    return ColumnType.NESTED


def arrived(column: Column, value: str) -> str:
    """A value that travelled from a server (`Server.travelling`) as DuckDB's SQL turns it into the column's own type."""
    return f"CAST({value} AS {column.native_type})"
