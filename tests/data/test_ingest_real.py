"""Published data, when it lies on this machine: SENDOFF_REAL_DATA names the folder with chinook/ and adventureworks_oltp/."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.tables import Catalog, Meaning
from app.data.catalog import understand
from app.data.engines.duckdb import rows_in
from app.jobs import CancelToken
from tests.data.ingesting import names

REAL = os.environ.get("SENDOFF_REAL_DATA")
pytestmark = pytest.mark.skipif(REAL is None, reason="SENDOFF_REAL_DATA is not set")


@pytest.fixture
def real() -> Path:
    return Path(REAL or "")


def test_chinook(desk, real):
    tables = {table.name: table for table in desk.read(real / "chinook" / "chinook.sqlite")}
    assert {name: table.rows for name, table in tables.items()} == {
        "Album": 347,
        "Artist": 275,
        "Customer": 59,
        "Employee": 8,
        "Genre": 25,
        "Invoice": 412,
        "InvoiceLine": 2240,
        "MediaType": 5,
        "Playlist": 18,
        "PlaylistTrack": 8715,
        "Track": 3503,
    }
    customer = tables["Customer"]
    with desk.engine.cursor(CancelToken()) as cursor:
        guessed = understand(cursor, "Customer", customer.columns, rows_in(customer.files), customer.rows, Catalog(()))
    meanings = {column.name: column.meaning for column in guessed.columns}
    assert guessed.key == "CustomerId"
    assert meanings["Email"] is Meaning.EMAIL
    assert meanings["Phone"] is Meaning.PHONE
    assert meanings["Country"] is Meaning.COUNTRY
    assert "Luís" in {row[1] for row in desk.rows(customer)}


@pytest.mark.parametrize(
    ("file", "rows", "columns"),
    [
        ("Address", 19614, 9),
        ("BusinessEntityAddress", 19614, 5),
        ("CountryRegion", 238, 3),
        ("Customer", 19820, 7),
        ("EmailAddress", 19972, 5),
        ("PersonPhone", 19972, 4),
        ("SalesTerritory", 10, 10),
        ("StateProvince", 181, 8),
        ("Store", 701, 6),
    ],
)
def test_adventure_works(desk, real, file, rows, columns):
    table = desk.one(real / "adventureworks_oltp" / f"{file}.csv")
    assert (table.rows, len(table.columns)) == (rows, columns)
    assert names(table)[0] == "Column_1"
