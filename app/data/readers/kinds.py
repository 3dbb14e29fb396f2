"""What the texts of a column are, found by looking at every one; a column that is not wholly of one kind stays text.

Nothing may be lost: a leading zero, a plus sign or a mix of formats keeps a column text, an integer beyond 64 bit becomes
an exact decimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.core.tables import Meaning
from app.data.engines.duckdb import Cursor, literal, quoted
from app.data.meanings import meaning_of_name

_COLUMNS_A_QUERY: Final = 250
_DIGITS_OF_BIGINT: Final = 18
_DIGITS_OF_DECIMAL: Final = 38


class Kind(StrEnum):
    """What all filled cells of a column look like."""

    TEXT = "text"
    WORD = "word"  # true and false, or yes and no
    NUMBER = "number"
    FLOAT = "float"
    DATE = "date"
    DATE_DOTS = "date_dots"
    DATE_SLASHES = "date_slashes"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    MOMENT = "moment"
    MOMENT_ZONED = "moment_zoned"
    TIME = "time"


_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?"
_SLASHED = r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"
# Written so that RE2 (DuckDB) and Python understand the same by them.
_PATTERNS: Final[Mapping[Kind, str]] = {
    Kind.WORD: r"(?i:true|false)",
    Kind.NUMBER: r"0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)?\.[0-9]+",
    Kind.FLOAT: r"0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]{1,3})?|-?[0-9][eE][-+][0-9]{1,3}",
    Kind.DATE: r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    Kind.DATE_DOTS: r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}",
    Kind.DATE_SLASHES: r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}",
    Kind.DAY_FIRST: _SLASHED,
    Kind.MONTH_FIRST: _SLASHED,
    Kind.MOMENT: rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]{_CLOCK}",
    Kind.MOMENT_ZONED: rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]{_CLOCK} ?(Z|[-+][0-9]{{2}}(:?[0-9]{{2}})?)",
    Kind.TIME: _CLOCK,
}
_YES_NO: Final = r"(?i:yes|no)"
_FORMATS: Final[Mapping[Kind, str]] = {
    Kind.DATE_DOTS: "%d.%m.%Y",
    Kind.DATE_SLASHES: "%Y/%m/%d",
    Kind.DAY_FIRST: "%d/%m/%Y",
    Kind.MONTH_FIRST: "%m/%d/%Y",
}
_KEPT_AS_TEXT: Final = frozenset({Meaning.PHONE, Meaning.POSTAL_CODE})


@dataclass(frozen=True, slots=True)
class Cast:
    """How one text column is written: the SQL of its value, and the kind that led to it."""

    column: str
    kind: Kind
    sql: str


def guess(cells: Iterable[str | None]) -> Kind | None:
    """The kind of a sample of cells; None when all are empty. Ambiguous slashed dates give DAY_FIRST until counted."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return None
    if all(re.fullmatch(_YES_NO, cell) for cell in filled):
        return Kind.WORD
    for kind, pattern in _PATTERNS.items():
        compiled = re.compile(pattern)
        if all(compiled.fullmatch(cell) for cell in filled):
            return kind
    return Kind.TEXT


def decide(
    cursor: Cursor, relation: str, columns: Sequence[str], sample: Sequence[Sequence[str | None]]
) -> tuple[list[Cast], int]:
    """How to write each text column of the relation (SQL that may stand after FROM), and how many rows it has.

    The sample proposes, a count over all rows decides. Raises what DuckDB raises when the relation can't be read.
    """
    proposed: dict[str, Kind | None] = {}
    for place, column in enumerate(columns):
        if meaning_of_name(column) in _KEPT_AS_TEXT:
            proposed[column] = Kind.TEXT
        else:
            proposed[column] = guess(row[place] if place < len(row) else None for row in sample)
    rows, casts = _count(cursor, relation, proposed)
    late = [column for column, kind in proposed.items() if kind is None]
    filled = _first_filled(cursor, relation, late) if late and rows > len(sample) else {}
    if filled:
        again, more = _count(cursor, relation, {column: guess(cells) for column, cells in filled.items()})
        assert again == rows
        casts.update(more)
    return [casts[column] for column in columns], rows


def _count(cursor: Cursor, relation: str, proposed: Mapping[str, Kind | None]) -> tuple[int, dict[str, Cast]]:
    """Ask all rows about all columns, in groups: every aggregate of a query holds memory."""
    columns = list(proposed)
    casts: dict[str, Cast] = {}
    rows = 0
    for start in range(0, len(columns), _COLUMNS_A_QUERY):
        group = {column: proposed[column] for column in columns[start : start + _COLUMNS_A_QUERY]}
        rows, some = _count_some(cursor, relation, group)
        casts |= some
    return rows, casts


def _count_some(cursor: Cursor, relation: str, proposed: Mapping[str, Kind | None]) -> tuple[int, dict[str, Cast]]:
    questions = ["count(*)"]
    for column, kind in proposed.items():
        if kind is not None and kind is not Kind.TEXT:
            questions += _questions(column, kind)
    row = cursor.execute(f"SELECT {', '.join(questions)} FROM {relation}").fetchone()  # noqa: S608 - names are quoted
    assert row is not None
    answers = iter(row)
    rows = int(next(answers))
    casts: dict[str, Cast] = {}
    for column, kind in proposed.items():
        if kind is None or kind is Kind.TEXT:
            casts[column] = Cast(column, Kind.TEXT, quoted(column))
        else:
            found = [int(next(answers) or 0) for _ in _questions(column, kind)]
            casts[column] = _answer(column, kind, found)
    return rows, casts


def _questions(column: str, kind: Kind) -> list[str]:
    """Aggregates over one column; the first counts the cells that are not of the kind."""
    name = quoted(column)
    match kind:
        case Kind.WORD:
            return [_misses(name, _PATTERNS[kind]), _misses(name, _YES_NO)]
        case Kind.NUMBER:
            point, length = f"strpos({name}, '.')", f"length({name})"
            whole = f"max(CASE WHEN {point} = 0 THEN {length} ELSE {point} - 1 END)"  # a minus counts as a digit
            return [
                _misses(name, _PATTERNS[kind]),
                whole,
                f"max(CASE WHEN {point} = 0 THEN 0 ELSE {length} - {point} END)",
            ]
        case Kind.DAY_FIRST | Kind.MONTH_FIRST:
            return [_misses(name, _SLASHED, _value(name, kind)) for kind in (Kind.DAY_FIRST, Kind.MONTH_FIRST)]
        case _:
            return [_misses(name, _PATTERNS[kind], _value(name, kind))]


def _misses(name: str, pattern: str, value: str | None = None) -> str:
    fits = f"regexp_full_match({name}, {literal(pattern)})"
    if value is not None:
        fits += f" AND {value} IS NOT NULL"
    return f"count_if({name} IS NOT NULL AND NOT ({fits}))"


def _value(name: str, kind: Kind) -> str:
    """The SQL of the typed value; NULL where the text is no such value."""
    match kind:
        case Kind.FLOAT:
            return f"TRY_CAST({name} AS DOUBLE)"
        case Kind.DATE:
            return f"TRY_CAST({name} AS DATE)"
        case Kind.MOMENT:
            return f"TRY_CAST({name} AS TIMESTAMP)"
        case Kind.MOMENT_ZONED:
            return f"TRY_CAST({name} AS TIMESTAMPTZ)"
        case Kind.TIME:
            return f"TRY_CAST({name} AS TIME)"
        case _:
            return f"TRY_CAST(try_strptime({name}, {literal(_FORMATS[kind])}) AS DATE)"


def _answer(column: str, kind: Kind, found: Sequence[int]) -> Cast:
    name = quoted(column)
    text = Cast(column, Kind.TEXT, name)
    match kind:
        case Kind.WORD:
            for misses, yes in zip(found, ("true", "yes"), strict=True):
                if misses == 0:
                    return Cast(column, kind, f"(lower({name}) = {literal(yes)})")
            return text
        case Kind.NUMBER:
            misses, whole, scale = found
            return text if misses else _number(column, max(whole, 1), scale)
        case Kind.DAY_FIRST | Kind.MONTH_FIRST:
            # Only when one order explains every date and the other does not; else nobody can know.
            day_first, month_first = found
            if (day_first == 0) == (month_first == 0):
                return text
            kind = Kind.DAY_FIRST if day_first == 0 else Kind.MONTH_FIRST
            return Cast(column, kind, _value(name, kind))
        case _:
            return text if found[0] else Cast(column, kind, _value(name, kind))


def _number(column: str, whole: int, scale: int) -> Cast:
    name = quoted(column)
    if scale == 0 and whole <= _DIGITS_OF_BIGINT:
        return Cast(column, Kind.NUMBER, f"CAST({name} AS BIGINT)")
    if whole + scale <= _DIGITS_OF_DECIMAL:
        return Cast(column, Kind.NUMBER, f"CAST({name} AS DECIMAL({max(whole + scale, _least(scale))}, {scale}))")
    return Cast(column, Kind.TEXT, name)


def _least(scale: int) -> int:
    """A decimal's precision: room for the next refresh's larger values where it costs nothing."""
    return min(_DIGITS_OF_DECIMAL, max(18, scale + 1)) if scale else _DIGITS_OF_DECIMAL


def _first_filled(cursor: Cursor, relation: str, columns: Sequence[str]) -> dict[str, list[str]]:
    """Some filled cells of columns whose sample was empty; columns empty throughout are left out."""
    parts = ", ".join(f"first({quoted(c)}) FILTER ({quoted(c)} IS NOT NULL)" for c in columns)
    row = cursor.execute(f"SELECT {parts} FROM {relation}").fetchone()  # noqa: S608 - names are quoted
    assert row is not None
    return {column: [cell] for column, cell in zip(columns, row, strict=True) if cell is not None}
