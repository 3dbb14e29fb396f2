"""The rows of one workspace as the compilers of SQL need them: relations, fixed lists, and which keys are unique."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlglot import exp

from app.core.clocks import Clock
from app.core.errors import FixData
from app.core.segments import Segment
from app.core.suppression import ListFacts
from app.core.tables import Catalog, ColumnType, Table
from app.data.engines.duckdb import DuckDBEngine, generation_folder, parquet
from app.data.identifiers_sql import text
from app.data.sql import Listed, SegmentSql, nobody
from app.data.sql_values import Value, column_value, empty
from app.data.suppression import ListedValues
from app.jobs import CancelToken

_KEY_NOTE = "key"
LISTS = "lists"
"""Where fixed lists of keys lie, below `data` in the workspace folder: Parquet files with one text column `member`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The workspace at one moment (`now` is aware), the zone its days are those of, and its suppression list, None if empty.

    The file of the list lies in the workspace folder (app/data/suppression.py).
    """

    catalog: Catalog
    segments: Sequence[Segment]
    now: datetime
    time_zone: str = "UTC"
    suppression: ListFacts | None = None


@dataclass(slots=True)
class KeyFacts:
    """Whether a table's key is filled and unique, found out once per generation; thread safe."""

    engine: DuckDBEngine
    _known: dict[tuple[str, int, str], bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def unique(self, table: Table, token: CancelToken) -> bool:
        """True when every row has a key of its own; Cancelled when the token is."""
        column = table.column(table.key or "")
        if column is None:
            return False
        fact = (table.id, table.generation, column.name)
        with self._lock:
            if fact in self._known:
                return self._known[fact]
        source = exp.alias_(self.engine.relation(table), "k", table=True)
        value = column_value(column, "k")
        filled = exp.Case().when(exp.not_(empty(value)), value.expression, copy=False)
        counted = exp.EQ(this=exp.Count(this=exp.Star()), expression=exp.Count(this=exp.Distinct(expressions=[filled])))
        asked = [counted]
        if _noted_key(generation_folder(self.engine.folder, table)) == column.name:
            asked.insert(0, exp.EQ(this=exp.Count(this=exp.Star()), expression=_surely_filled(value)))
        with self.engine.cursor(token) as cursor:
            queries = [exp.select(each).from_(source).sql(self.engine.dialect) for each in asked]
            unique = any(cursor.execute(query).fetchall() == [(True,)] for query in queries)
        with self._lock:
            self._known[fact] = unique
        return unique


def note_key(rows: Path, key: str | None) -> None:
    """Keep beside new rows that this column tells them apart, so that no run has to find it out again."""
    if key is not None:
        (rows / _KEY_NOTE).write_text(key, "utf-8")


def _noted_key(rows: Path) -> str | None:
    try:
        return (rows / _KEY_NOTE).read_text("utf-8")
    except OSError:
        return None


def _surely_filled(value: Value) -> exp.Expr:
    """Counts values that are not empty, texts only where their first character shows it, which takes next to nothing."""
    filled = value.expression.copy()
    if value.type is ColumnType.TEXT:
        printed = exp.and_(
            exp.GTE(this=filled, expression=text("!")), exp.LT(this=filled.copy(), expression=text("\x7f"))
        )
        filled = exp.Case().when(printed, exp.Literal.number(1), copy=False)
    return exp.Count(this=filled)


def segment_sql(
    engine: DuckDBEngine,
    facts: KeyFacts,
    catalog: Catalog,
    segments: Iterable[Segment],
    clock: Clock,
    token: CancelToken,
    listed: Listed = nobody,
) -> SegmentSql:
    """A compiler over the full rows of the workspace's tables, for one job."""
    return SegmentSql(
        catalog,
        {segment.name: segment for segment in segments},
        relation=engine.relation,
        clock=clock,
        key_list=lambda name: key_list(engine, name),
        unique_key=lambda table: facts.unique(table, token),
        listed=listed,
        dialect=engine.dialect,
    )


def exact_sql(
    engine: DuckDBEngine, facts: KeyFacts, scope: Scope, token: CancelToken, listed: ListedValues
) -> SegmentSql:
    """A compiler for the moment of the scope, to the microsecond."""
    clock = Clock(scope.now, scope.time_zone)
    listed_now = listed.asked(scope.suppression, token)
    return segment_sql(engine, facts, scope.catalog, scope.segments, clock, token, listed_now)


def key_list(engine: DuckDBEngine, name: str) -> exp.Expr:
    """The fixed list of that file name, to stand after FROM; FixData when it is gone or no plain name."""
    path = engine.folder / "data" / LISTS / name
    if path.name != name or not path.is_file():
        raise FixData(
            "The list of a segment is gone.",
            f"The workspace holds no file {path.name}.",
            "Make the segment again from its list.",
            code="list_missing",
        )
    return parquet([path])
