"""The changes of a table, applied to what a place held, give what the table is now; a base moves on only when it is told to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import FixData
from app.core.file_formats import FileType, Format
from app.core.row_deltas import RowChanges, Rows, Whole
from app.core.tables import Meaning, Table
from app.data.changed_rows import Comparison, compare
from app.data.engines.duckdb import DuckDBEngine
from app.data.suppression import ListedValues, SuppressedRows
from app.data.table_files import TableRows, write
from app.jobs import JobContext
from tests.data.rows import add_list, add_table

LINES = Format(FileType.JSON_LINES)


class Desk:
    """A table whose rows are replaced from time to time, and a place that holds what was written of them."""

    def __init__(self, folder: Path) -> None:
        self.engine = DuckDBEngine(folder)
        self.base = folder / "written" / "orders.parquet"
        self.staging = folder / "staging"
        self.staging.mkdir()
        self._generation = 0

    def table(self, rows: pa.Table, key: str | None = "Id", **more: Any) -> Table:
        self._generation += 1
        return add_table(self.engine, "Orders", rows, key=key, generation=self._generation, **more)

    def compared(self, table: Table, *fields: str, listed: SuppressedRows | None = None) -> Comparison:
        names = fields or tuple(column.name for column in table.columns)
        return compare(TableRows(self.engine, table, names, listed), self.base, self.staging, JobContext())

    def lines(self, compared: Comparison, which: Rows) -> list[dict[str, Any]]:
        """The rows as they are written, and as many as were said."""
        found = []
        for file in write(self.engine, compared.rows(which), LINES, self.staging, JobContext()):
            found += [json.loads(line) for line in file.path.read_text("utf-8").split("\n") if line]
            file.path.unlink()
        assert len(found) == compared.changes.number(which)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.engine.close()


def orders(**rows: tuple[str | None, int | None]) -> pa.Table:
    names, totals = ([pair[at] for pair in rows.values()] for at in (0, 1))
    return pa.table({"Id": list(rows), "Name": pa.array(names, pa.string()), "Total": pa.array(totals, pa.int64())})


def test_added_changed_and_removed_rows_are_told_apart(desk: Desk) -> None:
    first = desk.compared(desk.table(orders(a=("x", 1), b=("y", 2), c=(None, 3), d=("", 4))))
    assert first.changes == RowChanges(added=4, whole=Whole.FIRST)
    assert len(desk.lines(first, Rows.ALL)) == 4
    first.settle()

    second = desk.compared(desk.table(orders(b=("y", 2), c=("", 3), d=("", None), e=("new", 5))))
    assert second.changes == RowChanges(added=1, changed=2, removed=1, unchanged=1)
    assert desk.lines(second, Rows.ADDED) == [{"Id": "e", "Name": "new", "Total": 5}]
    assert sorted(row["Id"] for row in desk.lines(second, Rows.CHANGED)) == ["c", "d"]
    assert desk.lines(second, Rows.REMOVED) == [{"Id": "a"}]
    assert sorted(row["Id"] for row in desk.lines(second, Rows.CHANGES)) == ["c", "d", "e"]


def test_a_run_that_fails_leaves_the_base(desk: Desk) -> None:
    desk.compared(desk.table(orders(a=("x", 1)))).settle()
    changed = desk.table(orders(a=("x", 2)))
    desk.compared(changed)
    again = desk.compared(changed)
    assert again.changes == RowChanges(changed=1)
    again.settle()
    assert desk.compared(changed).changes == RowChanges(unchanged=1)


def test_with_other_fields_all_rows_are_written_once(desk: Desk) -> None:
    table = desk.table(orders(a=("x", 1), b=("y", 2)))
    desk.compared(table).settle()
    fewer = desk.compared(table, "Id", "Total")
    assert fewer.changes == RowChanges(added=2, whole=Whole.OTHER_FIELDS)
    fewer.settle()
    assert desk.compared(table, "Id", "Total").changes == RowChanges(unchanged=2)


def test_a_field_of_another_type_is_another_field(desk: Desk) -> None:
    desk.compared(desk.table(pa.table({"Id": ["a"], "Total": [1]}))).settle()
    other = desk.compared(desk.table(pa.table({"Id": ["a"], "Total": ["1"]})))
    assert other.changes.whole is Whole.OTHER_FIELDS


@pytest.mark.parametrize(
    ("rows", "key", "fields", "words"),
    [
        ({"Id": ["a"]}, None, (), "has no key"),
        ({"Id": ["a"], "X": [1]}, "Id", ("X",), "is not written"),
        ({"Id": ["a", "a", "b"]}, "Id", (), "1 rows have one that another row has too"),
        ({"Id": ["a", None, "b"]}, "Id", (), "1 rows have none"),
    ],
)
def test_a_key_that_tells_no_rows_apart_is_refused(
    desk: Desk, rows: dict[str, list[Any]], key: str | None, fields: tuple[str, ...], words: str
) -> None:
    with pytest.raises(FixData) as caught:
        desk.compared(desk.table(pa.table(rows), key), *fields)
    assert words in str(caught.value)
    assert caught.value.fix
    assert not desk.base.exists()


def test_whoever_comes_onto_the_suppression_list_is_removed(desk: Desk) -> None:
    rows = pa.table({"Id": [1, 2], "Mail": ["ann@example.com", "bob@example.com"]})
    table = desk.table(rows, meanings={"Mail": Meaning.EMAIL})
    desk.compared(table).settle()
    listed = SuppressedRows(ListedValues(desk.engine), add_list(desk.engine, ["BOB@example.com"]), "US")
    compared = desk.compared(table, listed=listed)
    assert compared.changes == RowChanges(removed=1, unchanged=1)
    assert desk.lines(compared, Rows.REMOVED) == [{"Id": 2}]


VALUES = {
    "Text": st.none() | st.text(max_size=3),
    "Number": st.none() | st.integers(-3, 3),
    "Half": st.none() | st.sampled_from([0.5, -0.0, 0.0, 1e300]),
    "Flag": st.none() | st.booleans(),
    "Day": st.none() | st.dates(dt.date(2025, 1, 1), dt.date(2025, 1, 4)),
    "At": st.none() | st.datetimes(*(dt.datetime.fromisoformat(day) for day in ("2025-01-01", "2025-01-02"))),
    "Photo": st.none() | st.binary(max_size=2),
    "Tags": st.none() | st.lists(st.sampled_from(["a", "b,"]), max_size=2),
}
TYPES = {
    "Id": pa.int64(),
    "Text": pa.string(),
    "Number": pa.int64(),
    "Half": pa.float64(),
    "Flag": pa.bool_(),
    "Day": pa.date32(),
    "At": pa.timestamp("us"),
    "Photo": pa.binary(),
    "Tags": pa.list_(pa.string()),
}
GENERATION = st.dictionaries(st.integers(1, 6), st.fixed_dictionaries(VALUES), max_size=6)


@settings(max_examples=25, deadline=None)
@given(st.lists(GENERATION, min_size=1, max_size=3))
def test_changes_applied_one_after_another_give_the_table(
    tmp_path_factory: pytest.TempPathFactory, generations: list[dict[int, dict[str, Any]]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("changes"))
    held: dict[int, dict[str, Any]] = {}
    try:
        for rows in generations:
            columns = {"Id": list(rows)} | {name: [row[name] for row in rows.values()] for name in VALUES}
            table = desk.table(pa.table({name: pa.array(columns[name], TYPES[name]) for name in TYPES}))
            compared = desk.compared(table)
            if compared.changes.whole is not None:
                held = {row["Id"]: row for row in desk.lines(compared, Rows.ALL)}
            else:
                for row in desk.lines(compared, Rows.REMOVED):
                    del held[row["Id"]]
                for row in desk.lines(compared, Rows.ADDED):
                    assert row["Id"] not in held
                    held[row["Id"]] = row
                for row in desk.lines(compared, Rows.CHANGED):
                    assert held[row["Id"]] != row or "Half" in row  # -0.0 and 0.0 are one number in JSON
                    held[row["Id"]] = row
            compared.settle()
            now = desk.compared(table)
            assert now.changes == RowChanges(unchanged=len(rows))
            assert held == {row["Id"]: row for row in desk.lines(now, Rows.ALL)}
    finally:
        desk.engine.close()
