from __future__ import annotations

import datetime as dt
import gzip
import json
import sqlite3
import threading
from contextlib import closing
from decimal import Decimal

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.core.errors import FixData, TryAgain
from app.core.tables import ColumnType
from app.data.ingest import ReadOptions
from tests.data.ingesting import names, types

# Parquet


def test_parquet_keeps_values_and_types(desk):
    moment = dt.datetime(2026, 1, 31, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    data = pa.table(
        {
            "id": [1, 2],
            "zip": ["01234", None],
            "money": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "at": pa.array([moment, None], pa.timestamp("us", tz="Europe/Berlin")),
            "tags": [["a", "b"], []],
        }
    )
    pq.write_table(data, desk.folder / "x.parquet")
    table = desk.one(desk.folder / "x.parquet")
    assert desk.rows(table) == [
        (1, "01234", Decimal("1.50"), moment, ["a", "b"]),
        (2, None, None, None, []),
    ]
    assert types(table)["at"] == "TIMESTAMP WITH TIME ZONE"
    assert table.columns[4].type is ColumnType.NESTED


def test_parquet_parts_and_their_faults(desk):
    folder = desk.folder / "parts"
    folder.mkdir()
    pq.write_table(pa.table({"id": [1]}), folder / "part-00000-ab.snappy.parquet")
    pq.write_table(pa.table({"id": [2]}), folder / "part-00001-cd.snappy.parquet")
    assert sorted(desk.rows(desk.one(folder))) == [(1,), (2,)]
    pq.write_table(pa.table({"other": [2]}), folder / "part-00002-ef.snappy.parquet")
    with pytest.raises(FixData, match="part-00002-ef"):
        desk.one(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1 no", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_damaged_parquet_is_refused(desk, content):
    with pytest.raises(FixData):
        desk.one(desk.file("x.parquet", content))


def test_parquet_without_rows_is_a_table(desk):
    pq.write_table(pa.table({"id": pa.array([], pa.int64())}), desk.folder / "x.parquet")
    assert desk.one(desk.folder / "x.parquet").rows == 0


# JSON lines


def test_json_lines(desk):
    rows = [
        {"id": "007", "n": 5, "big": 123456789012345678901234567890, "price": 1.5, "when": "2026-01-31", "mixed": "12"},
        {"id": "8", "n": 6, "big": 1, "price": 2, "when": "2026-02-28", "mixed": 3, "late": True, "deep": {"a": [1]}},
    ]
    table = desk.one(desk.file("x.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n"))
    got = [dict(zip(names(table), row, strict=True)) for row in desk.rows(table)]
    assert got[0]["id"] == "007"
    assert got[0]["big"] == Decimal(123456789012345678901234567890)
    assert got[0]["price"] == Decimal("1.5")
    assert got[0]["when"] == dt.date(2026, 1, 31)
    assert got[1]["late"] is True
    assert got[1]["deep"] == {"a": [1]}
    assert got[0]["late"] is None
    assert [row["mixed"] for row in got] in ([12, 3], ["12", "3"])


def test_json_arrays_and_compressed_lines(desk):
    assert desk.rows(desk.one(desk.file("x.json", '[{"a": 1}, {"a": 2}]'))) == [(1,), (2,)]
    assert desk.rows(desk.one(desk.file("x.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": 2}\n')))) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1}\n{"a": \n', "Line 2 is no JSON"),
        ('{"a": 1}\n{"a": 2}\nhello\n', "Line 3 is no JSON"),
        ('{"a": 1}\n[1]\n', "Line 2 is no object"),
        ("5\n6\n", "Line 1 is no object"),
        ("", "The file is empty"),
        ('{"a": "\x00"}', "Line 1 holds a NUL"),
    ],
)
def test_bad_json_is_refused_with_the_line(desk, text, sentence):
    with pytest.raises(FixData, match=sentence):
        desk.one(desk.file("x.jsonl", text))


# Excel


def test_excel_sheets_are_tables(desk):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "People"
    sheet.append(["Id", "PLZ", "Born", "Seen", "Active", "Score", "Note"])
    sheet.append([1, "01234", dt.date(1990, 5, 1), dt.datetime.fromisoformat("2026-01-31T10:30:00"), True, 1.5, "a\nb"])
    sheet.append([2, "90210", None, dt.datetime.fromisoformat("2026-02-01T00:00:00"), False, 2, None])
    book.create_sheet("Empty")
    book.create_sheet("Cities").append(["Köln", 5])
    book.save(desk.folder / "x.xlsx")
    people, cities = desk.read(desk.folder / "x.xlsx")
    assert (people.name, cities.name) == ("People", "Cities")
    assert desk.rows(people) == [
        (
            1,
            "01234",
            dt.date(1990, 5, 1),
            dt.datetime.fromisoformat("2026-01-31T10:30:00"),
            True,
            Decimal("1.5"),
            "a\nb",
        ),
        (2, "90210", None, dt.datetime.fromisoformat("2026-02-01T00:00:00"), False, Decimal(2), None),
    ]
    assert desk.rows(cities) == [("Köln", 5)]
    [again] = desk.read(desk.folder / "x.xlsx", within="Cities")
    assert (again.name, again.within) == ("Cities", "Cities")


def test_no_row_of_a_long_sheet_is_lost(desk):
    book = openpyxl.Workbook()
    for number in range(1200):
        book.active.append([number, "x"])
    book.save(desk.folder / "x.xlsx")
    table = desk.one(desk.folder / "x.xlsx", options=ReadOptions(header=False))
    assert [row[0] for row in desk.rows(table)] == list(range(1200))


def test_an_excel_row_beside_the_table_is_refused(desk):
    book = openpyxl.Workbook()
    for number in range(600):
        book.active.append([number, "x"])
    book.active.append([1, 2, 3])
    book.save(desk.folder / "x.xlsx")
    with pytest.raises(FixData, match="Row 601 has 3 cells"):
        desk.one(desk.folder / "x.xlsx", options=ReadOptions(header=False))


@pytest.mark.parametrize(
    "content", [b"", b"not a workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 protected", b"PK\x03\x04 cut"]
)
def test_what_is_no_workbook_is_refused(desk, content):
    with pytest.raises(FixData):
        desk.one(desk.file("x.xlsx", content))


# SQLite and DuckDB


def test_sqlite_tables(desk):
    with closing(sqlite3.connect(desk.folder / "x.db")) as connection:
        connection.executescript(
            """
            CREATE TABLE Customer (Id INTEGER PRIMARY KEY, Zip TEXT, Born DATE, Spent NUMERIC(10,2), Mixed, Pic BLOB, Rate REAL);
            INSERT INTO Customer VALUES (1, '01234', '1990-05-01', 10.25, 5, x'00ff', 0.1), (2, '5', NULL, 3, 'x', NULL, NULL);
            CREATE TABLE "odd.name" ("a b" TEXT);
            CREATE VIEW Half AS SELECT * FROM Customer;
            """
        )
    customer, odd = desk.read(desk.folder / "x.db")
    assert (customer.name, odd.name) == ("Customer", "odd_name")
    assert odd.rows == 0
    assert desk.rows(customer) == [
        (1, "01234", dt.date(1990, 5, 1), Decimal("10.25"), "5", b"\x00\xff", 0.1),
        (2, "5", None, Decimal(3), "x", None, None),
    ]
    [again] = desk.read(desk.folder / "x.db", within="odd.name")
    assert again.within == "odd.name"


def test_duckdb_tables(desk):
    path = desk.folder / "x.duckdb"
    with closing(duckdb.connect(path)) as connection:
        connection.execute("CREATE TABLE Orders AS SELECT range AS Id, '0' || range AS Code FROM range(3)")
        connection.execute(
            "CREATE VIEW Half AS FROM Orders; CREATE SCHEMA shop; CREATE TABLE shop.Orders AS SELECT 1 AS x"
        )
    main, shop = desk.read(path)
    assert desk.rows(main) == [(0, "00"), (1, "01"), (2, "02")]
    assert (main.name, shop.name) == ("Orders", "Orders_2")
    assert len(desk.read(path)) == 2, "the file was let go of after the first reading"


def test_a_locked_sqlite_file_is_said_so(desk, monkeypatch):
    monkeypatch.setattr("app.data.readers.databases.PATIENCE", 0.1)
    path = desk.folder / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TryAgain) as caught:
            desk.read(path)
    assert caught.value.code == "locked"


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"SQLite format 3\x00" + b"x" * 500, b"x" * 8 + b"DUCK" + b"x" * 500]
)
def test_what_is_no_database_is_refused(desk, content):
    with pytest.raises(FixData):
        desk.read(desk.file("x.db", content))


def test_two_readings_at_once(desk):
    files = [desk.file(f"x{n}.csv", "Id,Name\n" + "".join(f"{k},n{n}\n" for k in range(20_000))) for n in range(3)]
    tables, errors = [], []

    def work(file):
        try:
            tables.append(desk.one(file))
        except Exception as error:  # noqa: BLE001 - a thread's failure has to reach the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(table.rows for table in tables) == [20_000] * 3
