"""What several segments and exports send to the same place: who is given up by one of them and held by another stays there.

Each plan is made as if its segment was alone there. Before anything is sent, the plans of a run are brought in line with each
other and with what else is held at the place. Somebody to be removed

- is *released* where somebody else sent them as well and goes on to hold them: only our note goes;
- *waits* in our notes for the next run while somebody else needs them there without having sent them: who found them there, or
  is about to send them for the first time.
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
from app.data.there import STRANGER

_SENT = "doubt OR payload IS NOT NULL"
"""Of who is held: those Sendoff sent, and did not only find there."""
_NOBODY = "SELECT NULL::VARCHAR AS identifier WHERE false"


@dataclass(frozen=True, slots=True)
class PlanAt:
    """The file of a plan, the numbers in it, and what it was compared with."""

    held: Held
    file: Path
    changes: Changes

    def identifiers(self, *changes: str) -> str:
        """A query of those of whom the plan has one of these changes."""
        return f"SELECT identifier FROM {self._rows} WHERE change IN ({listed(changes)})"  # noqa: S608 - our own names

    def staying(self, cursor: Cursor) -> str | None:
        """A query of everybody who is held and goes on to be."""
        held, gone = self.held.everybody(cursor), self.identifiers(Change.REMOVED, RELEASED)
        return None if held is None else f"SELECT * FROM ({held}) WHERE identifier NOT IN ({gone})"  # noqa: S608 - our own queries

    def without(self, cursor: Cursor, released: str, waiting: str) -> PlanAt:
        """The plan in which of those to be removed some are released and others wait, by queries of their identifiers."""
        removed = f"change = '{Change.REMOVED}'"
        stay = f"{removed} AND (identifier IN ({released}) OR identifier IN ({waiting}))"
        ((number,),) = cursor.execute(f"SELECT count(*) FROM {self._rows} WHERE {stay}").fetchall()  # noqa: S608 - our own queries
        if not number:
            return self
        now = f"CASE WHEN {removed} AND identifier IN ({released}) THEN '{RELEASED}' ELSE change END AS change"
        kept = f"NOT ({removed} AND identifier IN ({waiting}) AND identifier NOT IN ({released}))"
        rewrite_parquet(cursor, self.file, f"SELECT * REPLACE ({now}) FROM {self._rows} WHERE {kept}")  # noqa: S608 - as above
        counted = (removed, f"in_doubt AND change <> '{RELEASED}'", f"{removed} AND member = '{STRANGER}'")
        numbers = ", ".join(f"count(*) FILTER ({condition})" for condition in counted)
        ((left, in_doubt, strangers),) = cursor.execute(f"SELECT {numbers} FROM {self._rows}").fetchall()  # noqa: S608 - our own names
        return replace(self, changes=replace(self.changes, removed=left, in_doubt=in_doubt, strangers=strangers))

    @property
    def _rows(self) -> str:
        return f"read_parquet({literal(self.file)})"


def in_line(cursor: Cursor, plans: Sequence[PlanAt], besides: Iterable[Held]) -> list[PlanAt]:
    """The plans of one run to one place as they are to be sent, in their order; `besides` is what else is held there.

    Of several plans that give somebody up the last one removes them.
    """
    held_besides = [everybody for each in besides if (everybody := each.everybody(cursor)) is not None]
    done: list[PlanAt] = []
    for number, plan in enumerate(plans, 1):
        later = plans[number:]
        others = [*done, *later]
        if plan.changes.removed and (others or held_besides):
            staying = [*held_besides, *filter(None, (other.staying(cursor) for other in others))]
            sent = [f"SELECT identifier FROM ({held}) WHERE {_SENT}" for held in staying]  # noqa: S608 - our own queries
            found = [f"SELECT identifier FROM ({held}) WHERE NOT ({_SENT})" for held in staying]  # noqa: S608 - as above
            released = _any_of([*sent, *(other.identifiers(Change.REMOVED) for other in later)])
            waiting = _any_of([*found, *(other.identifiers(Change.ADDED) for other in others)])
            plan = plan.without(cursor, released, waiting)
        done.append(plan)
    return done


def _any_of(queries: Sequence[str]) -> str:
    return " UNION ALL ".join(queries) or _NOBODY
