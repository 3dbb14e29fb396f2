"""Columns whose type a model declares: written so where every value fits, else as text with a sentence about it.

Nothing may be lost: one value that is not of the declared type keeps its column what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core.tables import ColumnType
from app.data.engines.duckdb import Cursor, literal, quoted
from app.data.engines.types import column_type
from app.data.readers.kinds import Cast, Kind, decide

_COLUMNS_A_QUERY: Final = 100
_FIRST_ROWS: Final = 2000
_INTEGER: Final = r"[-+]?[0-9]+"
_DECIMAL: Final = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_DIGITS: Final = 38
_ISO_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE: Final = r"(Z|z|[-+][0-9]{2}(:?[0-9]{2})?)"
_READINGS: Final[Mapping[ColumnType, str]] = {
    ColumnType.INTEGER: f"CASE WHEN regexp_full_match({{text}}, '{_INTEGER}') THEN TRY_CAST({{text}} AS BIGINT) END",
    ColumnType.DECIMAL: f"CASE WHEN regexp_full_match({{text}}, '{_DECIMAL}') THEN {{text}} END",
    ColumnType.NUMBER: "TRY_CAST({text} AS DOUBLE)",
    ColumnType.BOOLEAN: "TRY_CAST({text} AS BOOLEAN)",
    ColumnType.NESTED: "TRY_CAST({text} AS JSON)",
    ColumnType.BINARY: "TRY(from_base64({text}))",
}
_CLOCKS: Final = ("%I:%M:%S %p", "%I:%M %p", "%H:%M:%S", "%H:%M")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a model says about the columns; `day_first` is how it writes 3/4/2024, None where it does not say."""

    types: Mapping[str, ColumnType | None]
    day_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """How each column is written, how many rows there are, and the columns that keep their type against the model."""

    casts: tuple[Cast, ...]
    rows: int
    notes: tuple[str, ...]


def decide_declared(
    cursor: Cursor,
    relation: str,
    columns: Sequence[tuple[str, str]],
    declared: Declared,
    sample: Sequence[Sequence[str | None]] = (),
) -> Decided:
    """Count over all rows how the declared types fit; `columns` are names and the engine's types in the relation.

    Text columns of which the model says nothing are decided by their values. Raises what DuckDB raises.
    """
    casts: dict[str, Cast] = {}
    notes: list[str] = []
    rows = 0
    for start in range(0, max(1, len(columns)), _COLUMNS_A_QUERY):
        group = columns[start : start + _COLUMNS_A_QUERY]
        rows = _decide_some(cursor, relation, group, declared, casts, notes)
    open_ones = [name for name, native in columns if declared.types.get(name) is None and native == "VARCHAR"]
    if open_ones:
        places = [at for at, (name, _native) in enumerate(columns) if name in open_ones]
        cut = [[row[at] if at < len(row) else None for at in places] for row in sample]
        guessed, rows = decide(cursor, relation, open_ones, cut)
        casts |= {cast.column: cast for cast in guessed}
    return Decided(tuple(casts[name] for name, _native in columns), rows, tuple(notes))


def _decide_some(
    cursor: Cursor,
    relation: str,
    columns: Sequence[tuple[str, str]],
    declared: Declared,
    casts: dict[str, Cast],
    notes: list[str],
) -> int:
    asked: list[_Asked] = []
    for name, native in columns:
        kind = declared.types.get(name)
        casts[name] = Cast(name, Kind.TEXT, quoted(name))
        if kind is not None and kind is not column_type(native):
            asked.append(_Asked(name, native, kind, tuple(_values(name, native, kind, declared.day_first))))
    asked = _fitting_at_first(cursor, relation, asked)
    questions = ["count(*)"]
    for one in asked:
        questions += one.misses()
        if one.kind is ColumnType.DECIMAL:
            questions += _lengths(one.name)
    row = cursor.execute(f"SELECT {', '.join(questions)} FROM {relation}").fetchone()  # noqa: S608 - names are quoted
    assert row is not None
    answers = iter(row)
    rows = int(next(answers))
    for one in asked:
        values: Sequence[str] = one.fitting([next(answers) for _ in one.values])
        if one.kind is ColumnType.DECIMAL:
            whole, scale = int(next(answers) or 1), int(next(answers) or 0)
            values = [_decimal(one.name, whole, scale)] if values and whole + scale <= _DIGITS else []
        if values:
            casts[one.name] = Cast(one.name, Kind.TEXT, values[0])
        else:
            notes.append(
                f"Column {one.name} is declared as {one.kind}, but not every value is one; it was kept as it is."
            )
    return rows


@dataclass(frozen=True, slots=True)
class _Asked:
    """A column, and the ways in which its values may be read as the declared type."""

    name: str
    native: str
    kind: ColumnType
    values: tuple[str, ...]

    def misses(self) -> list[str]:
        """For each way an aggregate that counts the values it can't read."""
        return [f"count_if({_filled(self.name, self.native)} AND ({value}) IS NULL)" for value in self.values]

    def fitting(self, misses: Sequence[int | None]) -> list[str]:
        """The ways that read every value; without rows there is nothing to miss."""
        return [value for value, missed in zip(self.values, misses, strict=True) if not missed]


def _fitting_at_first(cursor: Cursor, relation: str, asked: Sequence[_Asked]) -> list[_Asked]:
    """Leave out what can't read the first rows, before all rows are asked: each way costs its time on every row."""
    questions = [question for one in asked if len(one.values) > 1 for question in one.misses()]
    if not questions:
        return list(asked)
    first = f"(SELECT * FROM {relation} LIMIT {_FIRST_ROWS})"  # noqa: S608 - names are quoted
    row = cursor.execute(f"SELECT {', '.join(questions)} FROM {first}").fetchone()  # noqa: S608 - names are quoted
    assert row is not None
    answers = iter(row)
    return [
        replace(one, values=tuple(one.fitting([next(answers) for _ in one.values]))) if len(one.values) > 1 else one
        for one in asked
    ]


def _values(name: str, native: str, kind: ColumnType, day_first: bool | None) -> list[str]:  # noqa: FBT001 - one of three
    """The ways to read a value as the type, the likeliest first; each gives NULL where it does not fit."""
    column = quoted(name)
    if native != "VARCHAR":
        return _from_typed(column, native, kind)
    text = f"trim({column})"
    match kind:
        case ColumnType.DATE:
            return _days(text, day_first)
        case ColumnType.TIME:
            return [f"TRY_CAST({text} AS TIME)", *_parsed(text, _CLOCKS, "TIME")]
        case ColumnType.TIMESTAMP:
            return _moments(text, day_first)
        case _:
            return [_READINGS[kind].format(text=text)]


def _from_typed(column: str, native: str, kind: ColumnType) -> list[str]:
    """From a type the file knows itself: only where nothing is lost."""
    target = {
        ColumnType.TEXT: "VARCHAR",
        ColumnType.INTEGER: "BIGINT",
        ColumnType.NUMBER: "DOUBLE",
        ColumnType.DATE: "DATE",
        ColumnType.TIMESTAMP: "TIMESTAMP",
        ColumnType.NESTED: "JSON",
    }.get(kind)
    found = column_type(native)
    if kind is ColumnType.DECIMAL and found is ColumnType.INTEGER:
        return [f"CAST({column} AS VARCHAR)"]
    if target is None or (kind is ColumnType.NESTED and found is not ColumnType.TEXT):
        return []
    back = f"TRY_CAST(TRY_CAST({column} AS {target}) AS {native})"
    return [f"CASE WHEN {back} IS NOT DISTINCT FROM {column} THEN TRY_CAST({column} AS {target}) END"]


def _days(text: str, day_first: bool | None) -> list[str]:  # noqa: FBT001 - one of three
    """Days alone, and moments that all stand at midnight, which is how some tools write days."""
    iso = f"CASE WHEN regexp_full_match({text}, '{_ISO_DAY}') THEN TRY_CAST({text} AS DATE) END"
    midnight = f"TRY_CAST({text} AS TIMESTAMP)"
    moments = [
        f"CASE WHEN ({moment}) = date_trunc('day', {moment}) THEN CAST(({moment}) AS DATE) END"
        for moment in (midnight, *_parsed(text, _with_clocks(day_first), "TIMESTAMP"))
    ]
    return [iso, *_parsed(text, _written_days(day_first), "DATE"), *moments]


def _moments(text: str, day_first: bool | None) -> list[str]:  # noqa: FBT001 - one of three
    """Moments in UTC; those without a zone are taken as they stand."""
    iso = (
        f"CASE WHEN regexp_full_match({text}, '{_ISO_DAY}.+{_ZONE}') THEN TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' "
        f"WHEN regexp_matches({text}, '^{_ISO_DAY}') THEN TRY_CAST({text} AS TIMESTAMP) END"
    )
    return [iso, *_parsed(text, [*_with_clocks(day_first), *_written_days(day_first)], "TIMESTAMP")]


def _written_days(day_first: bool | None) -> list[str]:  # noqa: FBT001 - one of three
    slashed = {True: ["%d/%m/%Y"], False: ["%m/%d/%Y"], None: []}[day_first]  # nobody can know: they stay text
    return [*slashed, "%d.%m.%Y", "%Y/%m/%d"]


def _with_clocks(day_first: bool | None) -> list[str]:  # noqa: FBT001 - one of three
    return [f"{day} {clock}" for day in _written_days(day_first) for clock in _CLOCKS]


def _parsed(text: str, formats: Sequence[str], target: str) -> list[str]:
    return [f"CAST(try_strptime({text}, {literal(form)}) AS {target})" for form in formats]


def _filled(name: str, native: str) -> str:
    column = quoted(name)
    return f"{column} IS NOT NULL" + (f" AND trim({column}) <> ''" if native == "VARCHAR" else "")


def _lengths(name: str) -> list[str]:
    """Digits before and after the point; a sign counts as a digit."""
    text = f"trim(CAST({quoted(name)} AS VARCHAR))"
    point = f"strpos({text}, '.')"
    return [
        f"max(CASE WHEN {point} = 0 THEN length({text}) ELSE {point} - 1 END)",
        f"max(CASE WHEN {point} = 0 THEN 0 ELSE length({text}) - {point} END)",
    ]


def _decimal(name: str, whole: int, scale: int) -> str:
    text = f"trim(CAST({quoted(name)} AS VARCHAR))"
    precision = max(18, whole + scale) if scale or whole <= _DIGITS else _DIGITS
    return f"CAST(NULLIF({text}, '') AS DECIMAL({min(_DIGITS, precision)}, {scale}))"
