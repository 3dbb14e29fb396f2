"""A short hash of each value the target holds, kept with who holds it, so that the next plan can name the fields that changed.

DuckDB's own `hash()` is quick but changes with its versions, so a version's hashes stand in columns of their own and are
compared with their like: after an update of DuckDB a change is a change as before (that is MD5's to say, see app/data/planning.py),
its fields are unknown once.
"""

from __future__ import annotations

from typing import Final

import duckdb

from app.data.engines.duckdb import quoted

VALUE: Final = "value "
"""Before the target's field, in the names of a plan's columns."""
PART: Final = f"part {duckdb.__version__} "
"""Before the target's field, in the names of the columns that hold the short hashes of this version of DuckDB."""


def hashed(field: str, prefix: str = "") -> str:
    """32 bits of a value's hash: enough to name a field that changed; that it changed is for the whole hash to say."""
    return f"(hash({prefix}{quoted(VALUE + field)}) >> 32)::UINTEGER"


def is_part(column: str) -> bool:
    """Whether a column holds short hashes, of whatever version."""
    return column.startswith("part ")
