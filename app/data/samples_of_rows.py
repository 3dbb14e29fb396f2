"""Some rows of a table, for estimates that come at once however large it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from app.core.tables import Table
from app.data.engines.duckdb import parquet

_LARGE: Final = 2_000_000
_SLICES: Final = 12
_SLICE_ROWS: Final = 16_384
_NUMBER: Final = "file_row_number"


def sampled(source: exp.Expr) -> exp.Select:
    """About a hundredth of the rows, the same ones each time."""
    rows = exp.select("*").from_(exp.alias_(source, "s", table=True))
    one = exp.Literal.number(1)
    rows.args["from_"].this.set("sample", exp.TableSample(method="system", percent=one, seed=one.copy()))
    return rows


def slices(files: Sequence[str], table: Table) -> exp.Select | None:
    """Some rows from places all over a large table; None for a small one.

    DuckDB samples Parquet by reading all of it (measured: 10 million rows take 0.1 s, and more take longer); what stands
    between these places it passes over.
    """
    if table.rows < _LARGE or table.column(_NUMBER) is not None:
        return None
    each = table.rows // len(files)
    number = exp.column(_NUMBER, table="s")
    places = [
        exp.Between(
            this=number.copy(),
            low=exp.Literal.number(start := each * i // _SLICES),
            high=exp.Literal.number(start + max(1, _SLICE_ROWS // len(files)) - 1),
        )
        for i in range(_SLICES)
    ]
    source = parquet(files)
    source.this.append("expressions", exp.EQ(this=exp.column(_NUMBER), expression=exp.true()))
    return exp.select("*").from_(exp.alias_(source, "s", table=True)).where(exp.or_(*places))
