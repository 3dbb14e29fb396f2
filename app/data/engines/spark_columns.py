"""How columns of Spark are seen: their type here, how the cluster shows them to questions, and how they travel.

Every column gets the name of the DuckDB type it has once it is here, so that rules and files treat both alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from app.core.tables import Column, ColumnType
from app.data.engines.types import column_type

_PLAIN = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
    "binary": "BLOB",
    "void": "VARCHAR",
}
_FIRST, _LAST = "0001-01-01", "9999-12-31"


@dataclass(frozen=True, slots=True)
class SparkColumn:
    """A column as the cluster describes it; `kind` is the short form of its type, as in `decimal(10,2)`."""

    name: str
    kind: str

    @property
    def native(self) -> str:
        """The DuckDB type it has once it is here."""
        if self.kind in _PLAIN:
            return _PLAIN[self.kind]
        if self.kind.startswith("decimal"):
            return self.kind.upper()
        if self.kind.startswith(("string", "char", "varchar", "interval")):
            return "VARCHAR"
        return "TIME" if self.kind.startswith("time(") else "JSON"

    def column(self) -> Column:
        """The column for the workspace."""
        kind = ColumnType.NESTED if self.native == "JSON" else column_type(self.native)
        return Column(self.name, kind, native_type=self.native)

    def shown(self) -> exp.Expr:
        """The column to questions: a plain value that behaves as the native type it has here."""
        value = exp.column(self.name, quoted=True)
        if self.native == "JSON":
            return exp.Anonymous(this="TO_JSON", expressions=[value])
        if self.native != "VARCHAR" or self.kind == "string":
            return value
        if self.kind.startswith("string"):  # a collation of its own would find letters equal that are not
            return exp.var(f"{value.sql('spark')} COLLATE UTF8_BINARY")
        return exp.cast(value, "text", dialect="spark")

    def travelling(self, value: exp.Expr) -> exp.Expr:
        """What `shown` gave, in a form that comes through Arrow; a date that no calendar here holds becomes NULL."""
        if self.native == "TIME":
            return exp.cast(value, "text", dialect="spark")
        if self.kind not in {"date", "timestamp", "timestamp_ntz"}:
            return value
        time = "" if self.kind == "date" else " 23:59:59.999999"
        first, last = (f"{self.kind.upper()} '{day}'" for day in (_FIRST, f"{_LAST}{time}"))
        known = exp.Between(this=value.copy(), low=exp.var(first), high=exp.var(last))
        return exp.Case().when(known, value.copy(), copy=False)
