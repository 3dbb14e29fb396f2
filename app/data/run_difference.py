"""The changes of several runs folded into what differs between the first and the last of them.

Asked of the files of data/run_changes.py each time: the first change of a member tells whether it was there before, the last
one whether it is there after. What had no effect does not count, nor whom somebody else had put there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.core.reasons import Reason
from app.core.run_differences import Side
from app.data.engines.duckdb import Cursor, listed, literal, quoted
from app.data.run_changes import WITHOUT_EFFECT, changes_relation
from app.data.there import STRANGER

Member = tuple[str, str, str, Reason, list[str], int]
"""Member, segment, side, reason, fields and number of the run."""

_AT_ONCE = 2_048
_COLUMNS = ("segment", "identifier", "member", "change", "what", "reason", "fields", "payload", "before")


class FoldedRuns:
    """The runs by their folders, in the order they went; used with one cursor, whose temporary table it makes."""

    def __init__(self, cursor: Cursor, runs: Sequence[Path]) -> None:
        self._cursor = cursor
        parts = [
            f"SELECT {number} AS step, {', '.join(_COLUMNS)} {relation}"
            for number, run in enumerate(runs)
            if (relation := changes_relation(run)) is not None
        ]
        self._table = quoted("difference")
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {self._table} AS {_folded(parts) if parts else _NOBODY}")

    def numbers(self) -> dict[Side, int]:
        """How many differ in which way."""
        query = f"SELECT side, count(*) FROM {self._table} GROUP BY side"  # noqa: S608 - our own name
        found = {Side(side): int(number) for side, number in self._cursor.execute(query).fetchall()}
        return {side: found.get(side, 0) for side in Side}

    def reasons(self) -> dict[Side, dict[Reason, int]]:
        """The reasons of who joined or left, the most frequent first; an empty one is not kept any more."""
        query = (
            f"SELECT side, coalesce(reason, ''), count(*) AS n FROM {self._table} WHERE side <> '{Side.CHANGED}' "  # noqa: S608 - our own names
            "GROUP BY ALL ORDER BY n DESC, 2"
        )
        found: dict[Side, dict[Reason, int]] = {Side.JOINED: {}, Side.LEFT: {}}
        for side, kept, number in self._cursor.execute(query).fetchall():
            found[Side(side)][Reason.read(kept)] = int(number)
        return found

    def members(
        self, side: Side | None, search: str, words: Callable[[Reason], str], offset: int, limit: int
    ) -> tuple[list[Member], int]:
        """The members newest first, then by key; and how many there are.

        `search` looks in member and in the `words` of the reason.
        """
        where = self._wanted(side, search, words)
        rows = self._cursor.execute(self._listed(where, f"LIMIT {int(limit)} OFFSET {int(offset)}")).fetchall()
        ((total,),) = self._cursor.execute(f"SELECT count(*) FROM {self._table} WHERE {where}").fetchall()  # noqa: S608 - our own names
        return [_member(row) for row in rows], int(total)

    def everybody(self, side: Side | None, search: str, words: Callable[[Reason], str]) -> Iterator[Member]:
        """All of `members`, some at a time; to be gone through before anything else is asked."""
        found = self._cursor.execute(self._listed(self._wanted(side, search, words), ""))
        while rows := found.fetchmany(_AT_ONCE):
            yield from map(_member, rows)

    def _listed(self, where: str, page: str) -> str:
        return (
            f"SELECT member, segment, side, coalesce(reason, ''), coalesce(fields, []), step FROM {self._table} "  # noqa: S608 - our own names
            f"WHERE {where} ORDER BY step DESC, member, segment {page}"
        )

    def _wanted(self, side: Side | None, search: str, words: Callable[[Reason], str]) -> str:
        wanted = ["true"]
        if side is not None:
            wanted.append(f"side = '{side}'")
        if search.strip():
            wanted.append(
                f"(contains(lower(member), {literal(search.strip().lower())}) OR {self._said(search, words)})"
            )
        return " AND ".join(wanted)

    def _said(self, search: str, words: Callable[[Reason], str]) -> str:
        """The condition for the reasons whose words hold the text that is searched."""
        every = self._cursor.execute(f"SELECT DISTINCT reason FROM {self._table} WHERE reason IS NOT NULL").fetchall()  # noqa: S608 - our own names
        sought = search.strip().casefold()
        found = [kept for (kept,) in every if sought in words(Reason.read(kept)).casefold()]
        return f"reason IN ({listed(found)})" if found else "false"


def _member(row: tuple[Any, ...]) -> Member:
    return (*row[:3], Reason.read(row[3]), *row[4:])


_NOBODY = (
    "SELECT NULL::VARCHAR AS member, NULL::VARCHAR AS segment, NULL::VARCHAR AS side, NULL::VARCHAR AS reason, "
    "NULL::VARCHAR[] AS fields, 0 AS step WHERE false"
)


def _folded(parts: Sequence[str]) -> str:
    """Who differs after all these changes.

    Who was added and removed between does not, nor who was changed to and fro; `arg_max_null` takes a last value that is
    not there too, which `arg_max` would pass over.
    """
    every = " UNION ALL ".join(parts)
    last = {name: f"arg_max_null({name}, step)" for name in ("member", "reason", "payload")}
    sides: Mapping[Side, str] = {
        Side.JOINED: "began = 'added' AND ended <> 'removed'",
        Side.LEFT: "began <> 'added' AND ended = 'removed'",
        Side.CHANGED: "began <> 'added' AND ended <> 'removed' AND (was IS NULL OR was IS DISTINCT FROM is_now)",
    }
    cases = " ".join(f"WHEN {condition} THEN '{side}'" for side, condition in sides.items())
    folded = (
        f"SELECT segment, {last['member']} AS member, arg_min(change, step) AS began, arg_max(change, step) AS ended, "  # noqa: S608 - our own names
        f"arg_min_null(before, step) AS was, {last['payload']} AS is_now, {last['reason']} AS reason, "
        "list_sort(list_distinct(flatten(list(coalesce(fields, []))))) AS fields, max(step) AS step "
        f"FROM ({every}) WHERE what NOT IN ({listed(WITHOUT_EFFECT)}) AND member <> '{STRANGER}' "
        "GROUP BY segment, identifier"
    )
    return (
        f"SELECT member, segment, CASE {cases} END AS side, reason, fields, step FROM ({folded}) WHERE side IS NOT NULL"  # noqa: S608 - our own names
    )
