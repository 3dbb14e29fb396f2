"""Reading what comes onto the suppression list: which column of a file it is, what stands in it, and its entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from app.core.errors import FixData
from app.core.suppression import ContactKind, digest_of, is_hashed
from app.core.tables import Column, ColumnType
from app.data.engines.duckdb import Cursor, DuckDBEngine, parquet
from app.data.identifiers_sql import text, trimmed
from app.data.identity import as_text
from app.data.ingest import Incoming, ReadOptions, read
from app.data.sql_values import column_value
from app.data.suppression import digest, entry
from app.jobs import JobContext, Progress

PASTED = "value"
_GUESS_ROWS = 1_000
"""Values of each column that are looked at to guess what it is."""
_BATCH = 50_000
_ENOUGH = 0.5
"""The share of values that must be usable before a column is guessed to be the one."""
_BETWEEN = re.compile(r"[\r\n,;\t]+")


@dataclass(frozen=True, slots=True)
class Guess:
    """A column and what seems to stand in it: `usable` of the `filled` values looked at, `hashed` when they are SHA-256.

    Hashes don't tell what they are of: then the kind is guessed from the column's name.
    """

    column: str
    kind: ContactKind
    usable: int
    filled: int
    hashed: bool

    @property
    def rank(self) -> tuple[bool, int]:
        """Higher for a better column: mostly usable, then the most values."""
        return self.usable >= _ENOUGH * self.filled, self.usable


@dataclass(frozen=True, slots=True)
class Found:
    """Values that were read and wait in staging: their file, its columns, and a guess for each of them, the best first."""

    files: tuple[Path, ...]
    columns: tuple[Column, ...]
    rows: int
    guesses: tuple[Guess, ...]

    def column(self, name: str | None) -> Column:
        """The column of that name regardless of case, or the best one; FixData when there is none."""
        if name is None and not any(guess.rank[0] for guess in self.guesses):
            raise FixData(
                "No column with e-mail addresses, phone numbers or SHA-256 values was found.",
                f"Its columns are {', '.join(column.name for column in self.columns[:8])}.",
                "Say which column it is.",
                code="suppression_column",
            )
        wanted = self.guesses[0].column if name is None else name
        found = next((c for c in self.columns if c.name.casefold() == wanted.casefold()), None)
        if found is None:
            raise FixData(
                f"There is no column {wanted}.",
                f"The columns are {', '.join(column.name for column in self.columns[:8])}.",
                "Choose one of them.",
                code="suppression_column",
            )
        return found

    def kind(self, column: Column) -> ContactKind:
        """What the column seems to hold."""
        return next((guess.kind for guess in self.guesses if guess.column == column.name), ContactKind.EMAIL)


def find(engine: DuckDBEngine, file: Path, staging: Path, country: str, ctx: JobContext) -> Found:
    """Read a file into staging; of several sheets or tables the one with the best column. Raises what `ingest.read` does."""
    tables = read(engine, [file], staging / "named", ctx)
    # A list of bare values has no names of columns: its first value was taken for one.
    if any(_is_value(column.name, country) for table in tables for column in table.columns):
        tables = read(engine, [file], staging / "bare", ctx, options=ReadOptions(header=False))
    found = [_found(engine, table, country, ctx) for table in tables]
    return max(found, key=lambda one: one.guesses[0].rank if one.guesses else (False, 0))


def find_in_text(engine: DuckDBEngine, pasted: str, staging: Path, country: str, ctx: JobContext) -> Found:
    """The values of a text, one a line or parted by commas, semicolons or tabs; FixData when there are none."""
    values = [value.strip() for value in _BETWEEN.split(pasted) if value.strip()]
    if not values:
        raise FixData("Nothing was imported.", "There is no value in the text.", "Paste one a line.", code="no_value")
    path = staging / "pasted.parquet"
    pq.write_table(pa.table({PASTED: pa.array(values, pa.string())}), path)
    column = Column(PASTED, ColumnType.TEXT, native_type="VARCHAR")
    return _guessed(engine, (path,), (column,), len(values), country, ctx)


def first_values(engine: DuckDBEngine, found: Found, column: Column, n: int, ctx: JobContext) -> list[str]:
    """The first filled values of the column as text."""
    query = exp.select("value").from_(_filled(found, column).subquery("v")).limit(n)
    with engine.cursor(ctx.token) as cursor:
        return [row[0] for row in cursor.execute(query.sql(engine.dialect)).fetchall()]


@dataclass(frozen=True, slots=True)
class Staged:
    """The entries of a column in a table of one cursor: how many are different, how many values gave none.

    `hashed` tells that some came as SHA-256, so that nobody knows what they are of.
    """

    cursor: Cursor
    entries: int
    unreadable: int
    hashed: bool

    def batches(self, ctx: JobContext) -> Iterator[list[bytes]]:
        """The entries in order, each once, in lists."""
        self.cursor.execute("SELECT DISTINCT entry FROM staged WHERE entry IS NOT NULL ORDER BY entry")
        done = 0
        while rows := self.cursor.fetchmany(_BATCH):
            ctx.check()
            yield [row[0] for row in rows]
            done += len(rows)
            ctx.report(Progress("Add entries", done, self.entries, "entries"))


def stage(
    engine: DuckDBEngine,
    cursor: Cursor,
    found: Found,
    column: Column,
    kind: ContactKind,
    country: str,
    salt: bytes,
    ctx: JobContext,
) -> Staged:
    """Work out the entries of the column's values."""
    ctx.report(Progress("Hash values", unit="values"))
    value = exp.column("value", table="v")
    entries = exp.select(
        exp.alias_(entry(salt, digest(value, kind, country)), "entry"),
        exp.alias_(exp.EQ(this=exp.Length(this=trimmed(value)), expression=exp.Literal.number(64)), "long"),
    ).from_(_filled(found, column).subquery("v"))
    cursor.execute(f"CREATE TEMP TABLE staged AS {entries.sql(engine.dialect)}")
    counted = cursor.execute(
        "SELECT count(DISTINCT entry), count(*) - count(entry), count(entry) FILTER (long) FROM staged"
    ).fetchall()
    ((different, unreadable, hashed),) = counted
    return Staged(cursor, different, unreadable, hashed > 0)


def _filled(found: Found, column: Column) -> exp.Select:
    value = as_text(column_value(column, "t"))
    query = exp.select(exp.alias_(value, "value")).from_(exp.alias_(parquet(found.files), "t", table=True))
    return query.where(exp.NEQ(this=trimmed(value), expression=text("")))


def _found(engine: DuckDBEngine, table: Incoming, country: str, ctx: JobContext) -> Found:
    return _guessed(engine, table.files, table.columns, table.rows, country, ctx)


def _guessed(
    engine: DuckDBEngine, files: tuple[Path, ...], columns: Sequence[Column], rows: int, country: str, ctx: JobContext
) -> Found:
    plain = Found(files, tuple(columns), rows, ())
    guesses = [
        guess
        for column in columns
        if (guess := _guess(column, first_values(engine, plain, column, _GUESS_ROWS, ctx), country)) is not None
    ]
    return Found(files, tuple(columns), rows, tuple(sorted(guesses, key=lambda guess: guess.rank, reverse=True)))


def _guess(column: Column, values: list[str], country: str) -> Guess | None:
    if not values:
        return None
    hashed = sum(is_hashed(value.strip()) for value in values)
    if hashed > len(values) / 2:
        kind = (
            ContactKind.PHONE if re.search(r"phone|mobile|tel|sms", column.name, re.IGNORECASE) else ContactKind.EMAIL
        )
        return Guess(column.name, kind, hashed, len(values), hashed=True)
    usable = {kind: sum(digest_of(value, kind, country) is not None for value in values) for kind in ContactKind}
    best = max(usable, key=lambda kind: usable[kind])
    return Guess(column.name, best, usable[best], len(values), hashed=False)


def _is_value(name: str, country: str) -> bool:
    return any(digest_of(name, kind, country) is not None for kind in ContactKind)
