"""What the columns of a table hold as a whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column over all rows: parts are 0 to 1, `distinct` is within some percent.

    `frequent` values are given when they are few, `lowest` and `highest` of numbers and dates; none when personal.
    """

    name: str
    empty: float
    distinct: int
    frequent: tuple[tuple[str, float], ...]
    lowest: object = None
    highest: object = None
