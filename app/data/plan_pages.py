"""Reading plans page by page: members with what is to be done, why, and their values, filtered and counted by reason."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.core.errors import FixData
from app.core.plans import TOLD, Change, PlanFilter, PlanLine, PlannedMember
from app.core.reasons import Reason
from app.data.engines.duckdb import Cursor, DuckDBEngine, columns_of, listed, literal, quoted
from app.data.run_changes import KEY, RELEASED
from app.data.value_hashes import VALUE
from app.jobs import CancelToken, JobContext

_READ_ROWS = 2_048
_IDENTIFIED = "regexp_replace(identifier, '^[^:]*:', '') = lower(?)"
_ORDER = (*TOLD, Change.LEFT_OUT, Change.UNCHANGED)


@dataclass(frozen=True, slots=True)
class PlanPages:
    """The plans of one or more segments, by the file each lies in; thread safe, each call opens a cursor of its own."""

    engine: DuckDBEngine
    files: Mapping[Path, str]

    def page(self, asked: PlanFilter, offset: int, limit: int, ctx: JobContext) -> list[PlanLine]:
        """Some members by what is done with them and by key."""
        with self.engine.cursor(ctx.token) as cursor:
            order = f"ORDER BY {_rank()}, member, file LIMIT {int(limit)} OFFSET {int(offset)}"
            where, values = _where(asked)
            return self._lines(cursor, f"WHERE {where} {order}", values)

    def first(self, number: int, ctx: JobContext) -> list[PlannedMember]:
        """So many of each change of each segment, by segment and key."""
        with self.engine.cursor(ctx.token) as cursor:
            nth = "row_number() OVER (PARTITION BY file, change ORDER BY member)"
            rest = f"WHERE change IN ({listed(TOLD)}) QUALIFY {nth} <= {int(number)} ORDER BY file, {_rank()}, member"
            return [line.member for line in self._lines(cursor, rest, [])]

    def one(self, id: str, ctx: JobContext) -> PlannedMember | None:  # noqa: A002 - the word of the field
        """The member of that line, None when there is no such line."""
        file, _colon, row = id.partition(":")
        with self.engine.cursor(ctx.token) as cursor:
            found = self._lines(cursor, "WHERE file = ? AND row = ?", [int(file), int(row)])
        return found[0].member if found else None

    def number(self, asked: PlanFilter, token: CancelToken) -> int:
        """How many members there are."""
        where, values = _where(asked)
        with self.engine.cursor(token) as cursor:
            query = f"SELECT count(*) FROM ({self._source()}) WHERE {where}"  # noqa: S608 - our own query
            ((number,),) = cursor.execute(query, values).fetchall()
        return int(number)

    def reasons(self, asked: PlanFilter, token: CancelToken) -> list[tuple[Reason, int]]:
        """Each reason with its members, most first, whatever reason is asked for."""
        where, values = _where(replace(asked, reason=Reason()))
        query = (
            f"SELECT reason, count(*) FROM ({self._source()}) WHERE {where} AND reason <> '' "  # noqa: S608 - our own query
            "GROUP BY reason ORDER BY 2 DESC, 1"
        )
        with self.engine.cursor(token) as cursor:
            return [(Reason.read(kept), int(number)) for kept, number in cursor.execute(query, values).fetchall()]

    def all(self, asked: PlanFilter, ctx: JobContext) -> Generator[list[PlannedMember], None, None]:
        """Everybody, in no order, in constant memory."""
        where, values = _where(asked)
        with self.engine.cursor(ctx.token) as cursor:
            names, query = self._select(cursor)
            cursor.execute(f"{query} WHERE {where}", values)
            while rows := cursor.fetchmany(_READ_ROWS):
                ctx.check()
                yield [self._line(names, row).member for row in rows]

    def _source(self) -> str:
        if not all(path.exists() for path in self.files):
            raise FixData(
                "This plan is not there any more.",
                "A plan that is looked at is kept for a day, or until a person is erased.",
                "Plan again.",
                code="plan_gone",
            )
        read = f"read_parquet([{listed(self.files)}], union_by_name = true, file_row_number = true, filename = true)"
        cases = " ".join(f"WHEN {literal(path)} THEN {at}" for at, path in enumerate(self.files))
        return f"SELECT *, CASE filename {cases} END AS file, file_row_number AS row FROM {read} WHERE change <> '{RELEASED}'"  # noqa: S608 - our own names

    def _select(self, cursor: Cursor) -> tuple[list[str], str]:
        names = [name for name in columns_of(cursor, self._source()) if name.startswith((KEY, VALUE))]
        columns = "".join(f", {quoted(name)}" for name in names)
        return names, f"SELECT file, row, member, change, reason, fields{columns} FROM ({self._source()})"  # noqa: S608 - as above

    def _lines(self, cursor: Cursor, rest: str, values: Sequence[Any]) -> list[PlanLine]:
        names, query = self._select(cursor)
        return [self._line(names, row) for row in cursor.execute(f"{query} {rest}", values).fetchall()]

    def _line(self, names: Sequence[str], found: Sequence[Any]) -> PlanLine:
        file, row, member, change, kept, fields, *values = found
        prefix = VALUE if change in {Change.ADDED, Change.CHANGED} else KEY
        shown = {name.removeprefix(prefix): v for name, v in zip(names, values, strict=True) if name.startswith(prefix)}
        segment = list(self.files.values())[file]
        planned = PlannedMember(member, segment, Change(change), shown, Reason.read(kept), tuple(fields or ()))
        return PlanLine(f"{file}:{row}", planned)


def _rank() -> str:
    cases = " ".join(f"WHEN {literal(change)} THEN {at}" for at, change in enumerate(_ORDER))
    return f"CASE change {cases} END"


def _where(asked: PlanFilter) -> tuple[str, list[Any]]:
    """See `PlanFilter`; upper and lower case are one."""
    conditions: list[str] = ["true"]
    values: list[Any] = []
    if asked.change is not None:
        conditions.append("change = ?")
        values.append(asked.change.value)
    if asked.reason:
        conditions.append("reason = ?")
        values.append(asked.reason.kept)
    if searched := asked.search.strip():
        conditions.append(f"(contains(lower(member), lower(?)) OR {_IDENTIFIED})")
        values += [searched, searched]
    if person := asked.person.strip():
        conditions.append(f"(lower(member) = lower(?) OR {_IDENTIFIED})")
        values += [person, person]
    return " AND ".join(conditions), values
