from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from app.core.file_formats import Compression, FileType, Format
from app.core.tables import Column, ColumnType
from app.data.engines.duckdb import DuckDBEngine, generation_folder
from app.data.sizes import TableSizes
from app.jobs import CancelToken
from tests.store import samples

ROWS = 30_000


@pytest.fixture
def engine(tmp_path):
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


@pytest.fixture
def table(engine):
    columns = tuple(Column(name, ColumnType.TEXT) for name in ("Id", "Näme", "Note"))
    table = samples.table("T", columns=columns, rows=ROWS, generation=1)
    folder = generation_folder(engine.folder, table)
    folder.mkdir(parents=True)
    query = f"SELECT i AS Id, 'Näme ' || hash(i) AS \"Näme\", CASE WHEN i % 2 = 0 THEN 'x' END AS Note FROM range({ROWS}) r(i)"
    duckdb.execute(f"COPY ({query}) TO '{folder / 'a.parquet'}'")
    return table


def _written(engine, table, fields, form, tmp_path) -> int:
    kind = {FileType.CSV: "CSV, HEADER false", FileType.JSON_LINES: "JSON"}[form.type]
    names = ", ".join(f'"{field}"' for field in fields)
    path = tmp_path / "out"
    duckdb.execute(f"COPY (SELECT {names} FROM read_parquet({engine.table_files(table)})) TO '{path}' (FORMAT {kind})")
    return path.stat().st_size


@pytest.mark.parametrize("kind", [FileType.CSV, FileType.JSON_LINES])
@pytest.mark.parametrize("fields", [("Id", "Näme", "Note"), ("Näme",)])
def test_plain_files_are_met_closely(engine, table, kind, fields, tmp_path):
    form = Format(kind)
    guess = TableSizes(engine).estimate_bytes(table, fields, form, CancelToken())
    assert guess == pytest.approx(_written(engine, table, fields, form, tmp_path), rel=0.08)


def test_compressed_files_are_smaller(engine, table):
    sizes = TableSizes(engine)
    plain = sizes.estimate_bytes(table, ("Id", "Note"), Format(), CancelToken())
    for form in (Format(compression=Compression.GZIP), Format(FileType.PARQUET, Compression.ZSTD)):
        assert 0 < sizes.estimate_bytes(table, ("Id", "Note"), form, CancelToken()) < plain / 2


def test_widths_are_read_once_per_generation(engine, table, monkeypatch):
    sizes = TableSizes(engine)
    first = sizes.estimate_bytes(table, ("Id",), Format(), CancelToken())
    monkeypatch.setattr(engine, "table_files", lambda _table: pytest.fail("read again"))
    assert sizes.estimate_bytes(table, ("Id",), Format(), CancelToken()) == first
    assert sizes.estimate_bytes(replace(table, rows=2 * ROWS), ("Id",), Format(), CancelToken()) == 2 * first
