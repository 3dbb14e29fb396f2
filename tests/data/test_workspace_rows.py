"""Whether a key tells rows apart: asked of the rows, or believed where their taking in has found it out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from app.data.engines.duckdb import DuckDBEngine, generation_folder
from app.data.workspace_rows import KeyFacts, note_key
from app.jobs import CancelToken
from tests.data.rows import add_table


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("keys", "noted", "unique"),
    [
        (["1", "2"], None, True),
        (["1", "1"], None, False),
        (["1", None], None, False),
        (["1", "1"], "Other", False),  # another column was the key when they came
        (["1", "1"], "Id", True),  # they are not compared once more
        (["1", "é"], "Id", True),
        (["1", " \u00a0"], "Id", False),  # a value, but none that names a row
        (["1", ""], "Id", False),
    ],
)
def test_a_key(engine: DuckDBEngine, keys: list[str | None], noted: str | None, unique: bool) -> None:
    table = add_table(engine, "Customer", pa.table({"Id": pa.array(keys, pa.string())}), key="Id")
    note_key(generation_folder(engine.folder, table), noted)
    assert KeyFacts(engine).unique(table, CancelToken()) is unique
