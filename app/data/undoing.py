"""What one run did to audiences, as far as it can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from app.core.undoing import Undoable
from app.data.run_changes import changes_relation

ADDED = "change = 'added' AND what IN ('added', 'updated', 'sending')"
REMOVED = "change = 'removed' AND what IN ('removed', 'sending')"
CHANGED = "change = 'changed' AND what IN ('updated', 'sending')"
"""Conditions on the changes of a run. Who was on the way when it stopped may have arrived, or be gone there."""


def undoable(run: Path) -> Undoable | None:
    """What the run of that folder did; None when its changes are not kept."""
    relation = changes_relation(run)
    if relation is None:
        return None
    wanted = (ADDED, REMOVED, CHANGED)
    counted = ", ".join(f"count(*) FILTER ({condition})" for condition in wanted)
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {counted} {relation}").fetchone()
    return Undoable(*(found or ()))


def changed_segments(run: Path) -> Sequence[str]:
    """The names of the segments the run of that folder changed."""
    relation = changes_relation(run)
    if relation is None:
        return ()
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT DISTINCT segment {relation} ORDER BY segment").fetchall()
    return [name for (name,) in rows]
