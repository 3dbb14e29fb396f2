"""What several segments and exports send to the same place: who is given up by one of them and held by another stays there.

Each plan is made as if its segment was alone there. Before anything is sent, the plans of a run are brought in line with each
other and with what else is held at the place. Somebody to be removed

- is *released* where somebody else sent them as well and goes on to hold them: only our note goes;
- *waits* in our notes for the next run while somebody else needs them there without having sent them: who found them there, or
  is about to send them for the first time.

Who is to be sent by several segments of an export is sent by the first of them; the others only note it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.plans import Change, Changes
from app.data.engines.duckdb import Cursor, listed, literal
from app.data.kept_files import rewrite_parquet, write_parquet
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


def brought_by_others(cursor: Cursor, held: Held, doubt: str, *, whatever: bool) -> str | None:
    """A condition on the plan that waits there: whom another segment of the export holds there with the values they are to have.

    With `whatever` they may have any others. `doubt` is such a condition too: for those in doubt nobody else can answer. Their
    rows are kept in a file beside the plan, for they may be all of it. None for nobody.
    """
    of_the_export = (each for each in held.others() if each.folder.parent == held.folder.parent)
    besides = filter(None, (each.everybody(cursor) for each in of_the_export))
    there = [f"SELECT identifier, payload FROM ({each}) WHERE NOT doubt" for each in besides]  # noqa: S608 - our own queries
    if not there:
        return None
    same = "true" if whatever else "p.payload = o.payload"
    rows = held.folder / "brought.tmp"
    query = (
        f"SELECT file_row_number AS row FROM read_parquet({literal(held.plan_path)}, file_row_number = true) p "  # noqa: S608 - our own names
        f"SEMI JOIN ({' UNION ALL '.join(there)}) o ON p.identifier = o.identifier AND {same} "
        f"WHERE change IN ({listed((Change.ADDED, Change.CHANGED))}) AND NOT ({doubt})"
    )
    write_parquet(cursor, query, rows, {})
    among = f"FROM read_parquet({literal(rows)})"
    ((number,),) = cursor.execute(f"SELECT count(*) {among}").fetchall()
    return f"file_row_number IN (SELECT row {among})" if number else None


def _any_of(queries: Sequence[str]) -> str:
    return " UNION ALL ".join(queries) or _NOBODY
