"""Looking at a table's rows: a few of them, and what each column holds as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from app.core.table_profiles import ColumnProfile
from app.core.tables import Column, ColumnType, Table
from app.data.engines.duckdb import Cursor, quoted
from app.data.personal import masked

_FREQUENT: Final = 3
_COLUMNS_A_QUERY: Final = 100
_RANGED: Final = frozenset(
    {ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.NUMBER, ColumnType.DATE, ColumnType.TIMESTAMP}
)
_PLAIN: Final = frozenset(ColumnType) - {ColumnType.NESTED, ColumnType.BINARY}


def rows_of(
    cursor: Cursor, table: Table, source: str, limit: int, *, hide_personal: bool
) -> tuple[tuple[object, ...], ...]:
    """The first `limit` rows as Python values."""
    names = ", ".join(_shown(column) for column in table.columns)
    query = f"SELECT {names} FROM {source} LIMIT {int(limit)}"  # noqa: S608 - names are quoted
    found = cursor.execute(query).fetchall()
    if hide_personal:
        found = [
            tuple(_hidden(value, column) for value, column in zip(row, table.columns, strict=True)) for row in found
        ]
    return tuple(found)


def profile(cursor: Cursor, table: Table, source: str) -> tuple[ColumnProfile, ...]:
    """What each column holds over all rows; columns are counted in groups, so that wide tables stay in memory."""
    empties = empties_of(cursor, table, source)
    distinct: dict[str, int] = {}
    for group in _groups(table.columns):
        counts = ", ".join(f"approx_count_distinct({quoted(column.name)})" for column in group)
        row = cursor.execute(f"SELECT {counts} FROM {source}").fetchone()  # noqa: S608 - quoted
        distinct |= {column.name: int(count or 0) for column, count in zip(group, row or (), strict=True)}
    ranges = _ranges(cursor, table, source)
    return tuple(
        ColumnProfile(
            column.name,
            empties[column.name],
            distinct[column.name],
            _frequent(cursor, table, column, source, distinct),
            *ranges.get(column.name, (None, None)),
        )
        for column in table.columns
    )


def _ranges(cursor: Cursor, table: Table, source: str) -> dict[str, tuple[object, object]]:
    """The lowest and the highest value of numbers and dates that are not personal."""
    ranges: dict[str, tuple[object, object]] = {}
    for group in _groups([c for c in table.columns if c.type in _RANGED and not c.meaning.personal]):
        ends = ", ".join(f"min({quoted(c.name)}), max({quoted(c.name)})" for c in group)
        row = cursor.execute(f"SELECT {ends} FROM {source}").fetchone() or ()  # noqa: S608 - quoted
        ranges |= {c.name: (row[2 * at], row[2 * at + 1]) for at, c in enumerate(group)}
    return ranges


def frequent_values(cursor: Cursor, column: Column, source: str, limit: int) -> tuple[tuple[str, int], ...]:
    """The most frequent values of a column as text with their rows, the most frequent first; none of a personal column.

    A column that is different in nearly every row has none either: its values say nothing.
    """
    if column.meaning.personal or column.type not in _PLAIN:
        return ()
    name = quoted(column.name)
    query = f"SELECT approx_count_distinct({name}), count({name}) FROM {source}"  # noqa: S608 - quoted
    ((distinct, filled),) = cursor.execute(query).fetchall()
    if distinct > max(limit, filled // 2):
        return ()
    return _counted(cursor, column, source, limit)


def _frequent(
    cursor: Cursor, table: Table, column: Column, source: str, distinct: Mapping[str, int]
) -> tuple[tuple[str, float], ...]:
    few = distinct[column.name] <= min(1000, max(1, table.rows // 2))
    if column.meaning.personal or column.type not in _PLAIN or not few or not table.rows:
        return ()
    return tuple((value, count / table.rows) for value, count in _counted(cursor, column, source, _FREQUENT))


def _counted(cursor: Cursor, column: Column, source: str, limit: int) -> tuple[tuple[str, int], ...]:
    name = quoted(column.name)
    query = (
        f"SELECT {name}::VARCHAR, count(*) FROM {source} WHERE {name} IS NOT NULL "  # noqa: S608 - quoted
        f"GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT {int(limit)}"
    )
    return tuple((str(value), int(count)) for value, count in cursor.execute(query).fetchall())


def empties_of(cursor: Cursor, table: Table, source: str) -> dict[str, float]:
    """For each column the part of all rows, 0 to 1, in which it is empty."""
    empties: dict[str, float] = {}
    for group in _groups(table.columns):
        counts = ", ".join(f"count_if({_empty(column)})" for column in group)
        row = cursor.execute(f"SELECT {counts} FROM {source}").fetchone()  # noqa: S608 - quoted
        empties |= {
            column.name: int(count or 0) / max(1, table.rows) for column, count in zip(group, row or (), strict=True)
        }
    return empties


def _groups(columns: Sequence[Column]) -> list[Sequence[Column]]:
    return [columns[start : start + _COLUMNS_A_QUERY] for start in range(0, len(columns), _COLUMNS_A_QUERY)]


def _shown(column: Column) -> str:
    name = quoted(column.name)
    return f"to_json({name})::VARCHAR" if column.type is ColumnType.NESTED else name


def _empty(column: Column) -> str:
    name = quoted(column.name)
    return f"{name} IS NULL OR trim({name}) = ''" if column.type is ColumnType.TEXT else f"{name} IS NULL"


def _hidden(value: object, column: Column) -> object:
    return masked(value, column.meaning) if column.meaning.personal else value
