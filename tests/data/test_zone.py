"""The engine's zone is UTC whatever the computer's is: a moment reads the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from app.data.engines.duckdb import DuckDBEngine
from app.jobs import CancelToken
engine = DuckDBEngine(Path(sys.argv[1]))
with engine.cursor(CancelToken()) as cursor:
    moment = "TIMESTAMPTZ '2025-06-01 12:00:00+00'"
    print(*cursor.execute(f"SELECT current_setting('TimeZone'), {moment}::VARCHAR").fetchone(), sep="|")
engine.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes the zone of the computer, not of a process")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
def test_cursors_do_not_take_the_zone_of_the_computer(tmp_path: Path, zone: str) -> None:
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path)],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "UTC|2025-06-01 12:00:00+00"
