from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.data.engines.duckdb import DuckDBEngine
from tests.data.ingesting import Desk
from tests.servers.postgres import postgres

__all__ = ["postgres"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = DuckDBEngine(tmp_path / "workspace", memory_limit="500MB", threads=2)
    yield Desk(tmp_path, engine)
    engine.close()
