"""Some rows of a table, for estimates that come at once however large it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from app.core.tables import Table
from app.data.engines.duckdb import parquet

_LARGE: Final = 2_000_000
_PLACES: Final = 12
_ROWS: Final = 200_000
_ENOUGH: Final = 20_000
_NUMBER: Final = "file_row_number"


def sampled(source: exp.Expr, rows: int) -> exp.Select:
    """About a hundredth of so many rows, more of a table that is not large, the same ones each time.

    DuckDB's quick way takes or leaves 2,048 rows together: of a hundredth of 200,000 rows that is one such block, or none.
    """
    percent = min(100, max(1, round(100 * _ENOUGH / max(rows, 1))))
    method = "system" if rows >= _LARGE else "bernoulli"
    some = exp.select("*").from_(exp.alias_(source, "s", table=True))
    sample = exp.TableSample(method=method, percent=exp.Literal.number(percent), seed=exp.Literal.number(1))
    some.args["from_"].this.set("sample", sample)
    return some


def slices(files: Sequence[str], table: Table) -> exp.Select | None:
    """Some rows from places all over a large table; None for a small one, which is better sampled.

    DuckDB samples Parquet by reading all of it (measured: 10 million rows take 0.1 s, and more take longer); what stands
    between these places it passes over.
    """
    return None if table.rows < _LARGE else rows_at(files, table, _ROWS, _PLACES)


def rows_at(files: Sequence[str], table: Table, rows: int, places: int) -> exp.Select | None:
    """About so many rows, from so many places all over each file; None where a column hides the numbers of the rows."""
    if table.column(_NUMBER) is not None:
        return None
    each = table.rows // len(files)
    number = exp.column(_NUMBER, table="s")
    at_once = max(1, rows // places // len(files))
    spans = [
        exp.Between(
            this=number.copy(),
            low=exp.Literal.number(start := each * i // places),
            high=exp.Literal.number(start + at_once - 1),
        )
        for i in range(places)
    ]
    source = parquet(files)
    source.this.append("expressions", exp.EQ(this=exp.column(_NUMBER), expression=exp.true()))
    return exp.select("*").from_(exp.alias_(source, "s", table=True)).where(exp.or_(*spans))
