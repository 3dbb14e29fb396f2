"""PostgreSQL's SQL, meaning what DuckDB's means: the same trees give the same answers on both.

Where the two differ by themselves (docs: PostgreSQL 15, chapters 9 and 24; DuckDB 2.0):
- `lower` follows the collation of the database in one, Unicode letter by letter in the other. Here it is told a collation
  that knows Unicode, and the two letters whose small form depends on what stands around them are taken beforehand.
- The average of exact numbers is a long decimal in one, a floating number in the other.
- Not a number and infinity are compared, not asked for.
- There is no arg_min, and no unit for bytes that are no text: no text of PostgreSQL holds the character 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.generators.postgres import PostgresGenerator

from app.data.identifiers_sql import portable_paren

ICU = "und-x-icu"
"""The collation of servers built with ICU; others are given one of their own by the setting `collation`."""

BY_BYTES = ' COLLATE "C"'
"""Behind a text that is put in order."""

_NEVER_THERE = "\uffff"
"""A character that Unicode keeps from being used; it stands for one that PostgreSQL cannot hold."""


class SendoffPostgres(Postgres):
    """A dialect for sqlglot; the setting `collation` names one whose `lower` knows Unicode."""

    SUPPORTED_SETTINGS = {*Postgres.SUPPORTED_SETTINGS, "collation"}  # noqa: RUF012 - sqlglot's own declaration

    class Generator(PostgresGenerator):
        """Writes the trees of this room."""

        TRANSFORMS: ClassVar = {
            **PostgresGenerator.TRANSFORMS,
            exp.ArgMin: lambda self, e: self.arg_min_sql(e),
            exp.Avg: lambda self, e: (
                f"CAST(SUM({self.sql(e, 'this')}) AS DOUBLE PRECISION) / NULLIF(COUNT({self.sql(e, 'this')}), 0)"
            ),
            exp.Lower: lambda self, e: self.lower_sql(e),
            exp.Paren: portable_paren,
        }

        def lower_sql(self, expression: exp.Lower) -> str:
            """`lower` letter by letter, whatever the database's own collation."""
            plain = f"TRANSLATE({self.sql(expression, 'this')}, 'İΣ', 'iσ')"
            return f'LOWER({plain} COLLATE "{self.dialect.settings.get("collation", ICU)}")'

        def arg_min_sql(self, expression: exp.ArgMin) -> str:
            """The value of the row with the lowest other value; texts are compared by their bytes, as DuckDB does."""
            by = expression.expression
            order = f"{self.sql(by)}{BY_BYTES if by.is_type('text') else ''}"
            return f"(ARRAY_AGG({self.sql(expression, 'this')} ORDER BY {order}) FILTER(WHERE {self.sql(by)} IS NOT NULL))[1]"

        def literal_sql(self, expression: exp.Literal) -> str:
            """A literal; what PostgreSQL can't hold in a text equals nothing there."""
            if expression.is_string and "\0" in expression.name:
                expression = exp.Literal.string(expression.name.replace("\0", _NEVER_THERE))
            return super().literal_sql(expression)


def text_array(values: Sequence[str]) -> exp.Expr:
    """A list of texts as one literal, which the server reads in no time however long it is."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return exp.cast(exp.Literal.string("{" + ",".join(f'"{value}"' for value in escaped) + "}"), "text[]")
