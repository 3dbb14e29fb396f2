"""Segments of one export that go to the same place: who leaves one of them and is in another stays there.

Each plan is made as if its segment was alone among those of its export. Before anything is sent they are brought in line:
who is to leave by one plan is kept there by whoever else holds them and goes on to, and taken out once when all give them up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.plans import Change, Changes
from app.data.engines.duckdb import Cursor, listed, literal
from app.data.kept_files import rewrite_parquet
from app.data.run_changes import RELEASED
from app.data.sent import Held


@dataclass(frozen=True, slots=True)
class PlanAt:
    """The file of a plan, the numbers in it, and what it was compared with."""

    held: Held
    file: Path
    changes: Changes

    @property
    def _rows(self) -> str:
        return f"read_parquet({literal(self.file)})"

    def identifiers(self, *changes: str) -> str:
        """A query of those of whom the plan has one of these changes."""
        return f"SELECT identifier FROM {self._rows} WHERE change IN ({listed(changes)})"  # noqa: S608 - our own names

    def staying(self, cursor: Cursor) -> str | None:
        """A query of those who are held and go on to be."""
        held = self.held.everybody(cursor)
        gone = self.identifiers(Change.REMOVED, RELEASED)
        return None if held is None else f"SELECT identifier FROM ({held}) WHERE identifier NOT IN ({gone})"  # noqa: S608 - our own queries

    def without(self, cursor: Cursor, waiting: str, released: str) -> PlanAt:
        """The plan in which of those to be removed some wait for the next run and of others only our note goes."""
        leaves = f"change = '{Change.REMOVED}'"
        now = f"CASE WHEN {leaves} AND identifier IN ({released}) THEN '{RELEASED}' ELSE change END AS change"
        rows = f"SELECT * REPLACE ({now}) FROM {self._rows} WHERE NOT ({leaves} AND identifier IN ({waiting}))"  # noqa: S608 - our own queries
        rewrite_parquet(cursor, self.file, rows)
        counted = [f"count(*) FILTER ({leaves})", f"count(*) FILTER (in_doubt AND change <> '{RELEASED}')"]
        ((removed, in_doubt),) = cursor.execute(f"SELECT {', '.join(counted)} FROM {self._rows}").fetchall()  # noqa: S608 - our own names
        return replace(self, changes=replace(self.changes, removed=removed, in_doubt=in_doubt))


def in_line(cursor: Cursor, plans: Sequence[PlanAt], absent: Iterable[Held]) -> list[PlanAt]:
    """The plans of one run to one place as they are to be sent, in their order.

    `absent` are the segments of the export that the run leaves out: whom they hold there stays. Who joins a segment is not
    held for it before they are sent, so who leaves another one that moment waits there for the next run.
    """
    left_alone = [held for each in absent if (held := each.identifiers(cursor)) is not None]
    done: list[PlanAt] = []
    for number, plan in enumerate(plans):
        others, later = [*done, *plans[number + 1 :]], plans[number + 1 :]
        if not plan.changes.removed or not (others or left_alone):
            done.append(plan)
            continue
        staying = [*left_alone, *filter(None, (other.staying(cursor) for other in others))]
        kept = _any_of([*staying, *(other.identifiers(Change.REMOVED) for other in later)])
        joining = _any_of([other.identifiers(Change.ADDED) for other in others])
        done.append(plan.without(cursor, f"({joining}) EXCEPT ({kept})", kept))
    return done


def _any_of(queries: Sequence[str]) -> str:
    return " UNION ALL ".join(queries) or "SELECT NULL::VARCHAR AS identifier WHERE false"
