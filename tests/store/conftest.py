from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.workspaces import Audience
from app.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Northwind"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    store = Store.create(folder, "Northwind Retail", Audience.CONSUMERS)
    yield store
    store.close()
