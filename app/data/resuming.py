"""Going on with the plan of a run that was interrupted: what of it is left to do, and what of that is in doubt.

What is left stands in `rest.tmp` beside the plan, `row` (in the plan) and `doubt`, and goes when the plan is settled. Only what
is still wanted is left: nobody who left the segment, took consent back or came onto the suppression list since then is sent,
nobody who came back to the segment is removed; the next run sees to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.plans import Changes
from app.data.engines.duckdb import Cursor, literal
from app.data.kept_files import known_of, write_parquet
from app.data.planning import Found, identifier_of
from app.data.run_changes import RELEASED, changes_path, open_rows, run_folder
from app.data.sent import Held, pending
from app.jobs import CancelToken


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a plan: `changes` to be sent, of which `changes.in_doubt` may be there already.

    `never_left` are those to be removed and those to be sent that did not leave in this run. `dropped` are planned, but not wanted
    any more.
    """

    path: Path
    changes: Changes
    never_left: tuple[int, int]
    dropped: int = 0

    def rows(self, *, doubt: bool | None = None) -> str:
        """A condition on rows of the plan: those that are left, or only those that are in doubt or not."""
        chosen = "" if doubt is None else f" WHERE doubt = {str(doubt).lower()}"
        return f"file_row_number IN (SELECT row FROM read_parquet({literal(self.path)}){chosen})"  # noqa: S608 - our own file


def goes_on(held: Held, run: str, token: CancelToken) -> bool:
    """Whether the plan of that run waits to be gone on with."""
    plan, _told = pending(held.folder)
    if plan is None:
        return False
    with held.engine.cursor(token) as cursor:
        return known_of(cursor, plan, "run") == run


def is_settled(held: Held, run: str) -> bool:
    """Whether all that the run had to do there was done and settled: a run that stopped only noted what it did."""
    if pending(held.folder)[0] is not None:
        return False
    folder = run_folder(held.engine.folder, run)
    return folder is not None and changes_path(folder, held.folder.name).exists()


def rest_of(cursor: Cursor, held: Held, found: Found) -> Rest:
    """Find what is left of the plan that waits there, with the cursor that can read who may be sent now."""
    plan, told = pending(held.folder)
    if plan is None:
        raise ValueError("no plan waits there")
    cursor.execute(f"CREATE TEMP TABLE wanted AS SELECT {identifier_of(found)} AS identifier FROM ({found.query})")  # noqa: S608 - our own query
    left = (
        "SELECT row, change, gone, doubt, "  # noqa: S608 - our own names
        "(identifier IN (SELECT identifier FROM wanted)) = (change <> 'removed') AS wanted "
        f"FROM ({open_rows(cursor, plan, told)}) WHERE change <> '{RELEASED}'"
    )
    cursor.execute(f"CREATE TEMP TABLE left_over AS {left}")
    path = held.folder / "rest.tmp"
    write_parquet(cursor, "SELECT row, doubt FROM left_over WHERE wanted ORDER BY row", path, {})
    numbers = "count(*) FILTER (wanted AND change = '{0}')".format
    counted = [
        *map(numbers, ("added", "changed", "removed")),
        "count(*) FILTER (wanted AND doubt)",
        "count(*) FILTER (wanted AND NOT gone AND change = 'removed')",
        "count(*) FILTER (wanted AND NOT gone AND change <> 'removed')",
    ]
    query = f"SELECT {', '.join(counted)}, count(*) FILTER (NOT wanted) FROM left_over"  # noqa: S608 - our own names
    ((added, changed, removed, in_doubt, remove, send, dropped),) = cursor.execute(query).fetchall()
    return Rest(path, Changes(added, changed, removed, 0, in_doubt), (remove, send), dropped)
