"""Spark's SQL, meaning what DuckDB's means: the same trees give the same answers on both.

Where the two differ by themselves (docs: Spark 4.2, SQL reference; DuckDB 2.0):
- `lower` looks at what stands around a letter, and makes two letters of one; here it goes letter by letter.
- The average of exact numbers is rounded in one, a floating number in the other. Whole numbers are added up in 64 bits in
  one, in as many as are needed in the other.
- A timestamp without a zone is TIMESTAMP_NTZ, one with a zone TIMESTAMP.
- Infinity is compared, not asked for; texts are compared by their bytes unless told otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.generators.spark import SparkGenerator

from app.core.identifiers import BLANKS
from app.data.identifiers_sql import TRIMMED, portable_paren

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
"""What every session is told, whatever the cluster's own settings."""


class SendoffSpark(Spark):
    """A dialect for sqlglot, for sessions with `SETTINGS`."""

    class Generator(SparkGenerator):
        """Writes the trees of this room."""

        TABLESAMPLE_SEED_KEYWORD = "REPEATABLE"
        TYPE_MAPPING: ClassVar = {
            **SparkGenerator.TYPE_MAPPING,
            exp.DataType.Type.TIMESTAMP: "TIMESTAMP_NTZ",
            exp.DataType.Type.TIMESTAMPTZ: "TIMESTAMP",
        }
        TRANSFORMS: ClassVar = {
            **SparkGenerator.TRANSFORMS,
            exp.Avg: lambda self, e: (
                f"CAST(SUM({self.sql(e, 'this')}) AS DOUBLE) / NULLIF(COUNT({self.sql(e, 'this')}), 0)"
            ),
            exp.Sum: lambda self, e: self.sum_sql(e),
            exp.Lower: lambda self, e: f"LOWER(TRANSLATE({self.sql(e, 'this')}, 'İΣ', 'iσ'))",
            exp.Case: lambda self, e: self.case_sql(e),
            exp.Collate: lambda self, e: self.sql(e, "this"),
            exp.Paren: portable_paren,
        }

        def case_sql(self, expression: exp.Case) -> str:
            """A case; those that only save other engines the cutting of unusual blanks are that cutting (plans stay small)."""
            if not expression.meta.get(TRIMMED):
                return super().case_sql(expression)
            return self.sql(exp.Trim(this=expression.args["default"].copy(), expression=exp.Literal.string(BLANKS)))

        def sum_sql(self, expression: exp.Sum) -> str:
            """A sum that does not overflow."""
            added = self.sql(expression, "this")
            return f"SUM(CAST({added} AS DECIMAL(28, 0)))" if expression.this.is_type("bigint") else f"SUM({added})"


def text_rows(values: Sequence[str]) -> exp.Expr:
    """A list of texts as rows of one column `member`, from one literal, which is read in no time however long it is."""
    listed = exp.Literal.string(json.dumps(list(values))).sql(SendoffSpark)
    return exp.select(exp.alias_(exp.var(f"EXPLODE(FROM_JSON({listed}, 'ARRAY<STRING>'))"), "member"))
