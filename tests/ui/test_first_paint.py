"""What the window loads until it is seen, asked of the program as it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.ui.application import EXIT_AFTER_FIRST_PAINT

HEAVY = {
    "adbc_driver_manager",
    "alembic",
    "apscheduler",
    "asyncssh",
    "duckdb",
    "httpx2",
    "keyring",
    "msgspec",
    "numpy",
    "orjson",
    "pandas",
    "pyarrow",
    "qtawesome",
    "qtpy",
    "rich",
    "sqlalchemy",
    "sqlglot",
    "typer",
    "yaml",
}
OWN = {"app.bootstrap", "app.cli.main", "app.core.exports", "app.data", "app.delivery", "app.destinations", "app.store"}
"""Rooms of ours that come after the first paint."""


def test_the_window_is_seen_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "SENDOFF_CONFIG_DIR": str(tmp_path),
        EXIT_AFTER_FIRST_PAINT: "1",
    }
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app", "--workspace", str(tmp_path / "workspace")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("first paint")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "app.ui.main_window" in loaded
    assert sorted(loaded & (HEAVY | OWN)) == []
