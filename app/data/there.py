"""Who a place holds by its own word: read page by page for the sync mode replace, and put together with what we know.

A member known there and here keeps what we know of it. One that only the place knows is a *stranger*: Sendoff never sent it,
so that it has no key of ours and no known values. One we believed there and that is not counts as gone, *missing*. Who was on
the way when a run died and is there stays in doubt: the place does not say with which values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from app.core.names import new_id
from app.data.engines.duckdb import Cursor, columns_of, literal, quoted
from app.data.run_changes import KEY
from app.jobs import JobContext, Progress
from app.jobs.drive import make_folder

Pages = Iterable[Sequence[Mapping[str, str | None]]]
"""What identifies everybody there, by the target's key fields."""

STRANGER = ""
"""Our key of somebody who has none."""


def write_there(pages: Pages, keys: Sequence[str], to: Path, ctx: JobContext) -> None:
    """Write who is there to a file for `seen`, in constant memory; `keys` are the key fields of the target.

    Who has none of them can't be told from others and is left aside.
    """
    schema = pa.schema([(KEY + key, pa.string()) for key in keys])
    make_folder(to.parent)
    number = 0
    with parquet.ParquetWriter(to, schema, compression="lz4") as writer:
        for page in pages:
            ctx.check()
            columns = [[each.get(key) or None for each in page] for key in keys]
            writer.write_batch(pa.record_batch([pa.array(column, pa.string()) for column in columns], schema))
            number += len(page)
            ctx.report(Progress("Read who is there", number))


def seen(cursor: Cursor, there: Path, held: str | None, keys: Sequence[str]) -> str:
    """A query like that of everybody `held`, of those who are there or were believed to be.

    `missing` is true for who was believed there and is not. `keys` are the matched key fields, the first of which that has a
    value identifies a member, as it does when it is sent.
    """
    columns = [name for name in columns_of(cursor, f"FROM read_parquet({literal(there)})") if name.startswith(KEY)]
    order = [KEY + key for key in keys] + [name for name in columns if name.removeprefix(KEY) not in keys]
    named = [f"{literal(f'{name.removeprefix(KEY)}:')} || {quoted(name)}" for name in order if name in columns]
    listed = ", ".join(quoted(name) for name in columns)
    now = (
        f"SELECT coalesce({', '.join(named)}) AS identifier, any_value(COLUMNS([{', '.join(map(literal, columns))}])) "  # noqa: S608 - our own names
        f"FROM read_parquet({literal(there)}) GROUP BY 1 HAVING identifier IS NOT NULL"
    )
    if held is None:
        query = (
            f"SELECT identifier, '{STRANGER}' AS member, NULL::UUID AS payload, false AS doubt, "  # noqa: S608 - as above
            f"false AS missing, {listed} FROM ({now})"
        )
    else:
        known = columns_of(cursor, held)
        both = [f"coalesce(h.{quoted(n)}, t.{quoted(n)}) AS {quoted(n)}" for n in columns if n in known]
        only_there = [f"t.{quoted(name)}" for name in columns if name not in known]
        rest = [f"h.{quoted(n)}" for n in known if n not in {"identifier", "member", "doubt", *columns}]
        selected = [
            "coalesce(t.identifier, h.identifier) AS identifier",
            f"coalesce(h.member, '{STRANGER}') AS member",
            "coalesce(h.doubt, false) AND t.identifier IS NOT NULL AS doubt",
            "t.identifier IS NULL AS missing",
            *both,
            *only_there,
            *rest,
        ]
        query = f"SELECT {', '.join(selected)} FROM ({now}) t FULL JOIN ({held}) h ON t.identifier = h.identifier"  # noqa: S608 - as above
    table = f"seen_{new_id()}"
    cursor.execute(f"CREATE TEMP TABLE {table} AS {query}")
    return f"SELECT * FROM {table}"  # noqa: S608 - our own name
