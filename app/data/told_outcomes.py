"""What the notes beside a plan know of members, for the journal of a run that died: the notes are written first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from app.data.kept_files import known_of
from app.data.run_changes import SENDING, outcome_rows
from app.data.sent import PLAN, pending

ON_THE_WAY = SENDING
Words = Mapping[str, int]
"""So many members by what was told of them: in the words of `OutcomeKind`, or `ON_THE_WAY`."""


class ToldOutcomes:
    """What was told of one segment's members; closed by `told_outcomes`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, segment: str, at: datetime) -> None:
        self._connection = connection
        self.segment = segment
        self.at = at
        """When the last one was noted."""

    def of(self, *, removal: bool, first: int | None = None, last: int | None = None) -> Counter[str]:
        """Of those to be removed or of the others, all or between two rows of the plan, both included."""
        between = "true" if first is None or last is None else f"row BETWEEN {first} AND {last}"
        query = f"SELECT what, count(*) FROM known WHERE removal = {removal} AND {between} GROUP BY what"  # noqa: S608 - numbers
        return Counter(dict(self._connection.execute(query).fetchall()))


def told_outcomes(export: Path, run: str) -> Iterator[ToldOutcomes]:
    """Each segment whose plan that run left behind, in the folder of what an export sent; use one before asking for the next."""
    for file in sorted(export.glob(f"*/*/{PLAN}")):
        plan, told = pending(file.parent)
        if plan is None:
            continue
        with closing(duckdb.connect()) as connection:
            if known_of(connection, plan, "run") != run:
                continue
            connection.execute(f"CREATE TABLE known AS {outcome_rows(connection, plan, told)}")
            at = datetime.fromtimestamp((told or plan).stat().st_mtime, UTC)
            yield ToldOutcomes(connection, known_of(connection, plan, "segment"), at)
