"""Reading a plan as a run sends it: those to be sent or removed, some thousands at a time, in the order they stand there."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.core.names import new_id
from app.core.plans import Change
from app.data.engines.duckdb import DuckDBEngine, columns_of, listed, literal, quoted
from app.data.run_changes import KEY
from app.data.value_hashes import VALUE
from app.jobs import JobContext
from app.jobs.drive import remove

_READ_ROWS = 2_048
ALL = "true"
"""The condition every row of a plan meets."""


@dataclass(frozen=True, slots=True)
class PlanRows:
    """Members of a plan, column by column, with their rows there; the values of removed ones are those of the key fields.

    `known` are those the place holds already.
    """

    rows: list[int]
    members: list[str]
    known: list[bool]
    values: Mapping[str, list[str | None]]


def look_path(folder: Path) -> Path:
    """Where a plan lies while it is only looked at, in the workspace of that folder."""
    return folder / "tmp" / f"plan-{new_id()}.parquet"


def clear_looks(folder: Path, before: datetime) -> None:
    """Delete plans that were looked at before that moment and left behind by a process that died."""
    for plan in (folder / "tmp").glob("plan-*"):
        with suppress(OSError):  # somebody else was quicker, or Windows still reads it
            if plan.stat().st_mtime < before.timestamp():
                remove(plan)


def read_plan(
    engine: DuckDBEngine, plan: Path, ctx: JobContext, *, removed: bool = False, where: str = ALL
) -> Generator[PlanRows, None, None]:
    """Those to be added or changed with all fields, or those to be removed with the key fields; in constant memory.

    Rows only rise. With `where` only those that meet a condition on the plan.
    """
    prefix = KEY if removed else VALUE
    wanted = (Change.REMOVED,) if removed else (Change.ADDED, Change.CHANGED)
    source = f"read_parquet({literal(plan)}, file_row_number = true)"
    with engine.cursor(ctx.token) as cursor:
        names = [name for name in columns_of(cursor, f"FROM {source}") if name.startswith(prefix)]
        columns = "".join(f", {quoted(name)}" for name in names)
        known = f"change <> '{Change.ADDED}'"
        query = f"SELECT file_row_number, member, {known}{columns} FROM {source} WHERE change IN ({listed(wanted)}) AND {where}"  # noqa: S608 - our own names
        if where != ALL:  # a join with other rows would give them in any order
            query = f"{query} ORDER BY file_row_number"
        for batch in cursor.sql(query).to_arrow_reader(_READ_ROWS):
            ctx.check()
            rows, members, held, *values = (batch.column(i).to_pylist() for i in range(batch.num_columns))
            fields = (name.removeprefix(prefix) for name in names)
            yield PlanRows(rows, members, held, dict(zip(fields, values, strict=True)))
