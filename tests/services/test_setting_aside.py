from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import duckdb
from app.services.setting_aside import set_aside
duckdb.connect().execute("SELECT 1")
set_aside()
"""


def test_what_is_set_aside_when_a_program_ends_is_not_told_as_a_leak() -> None:
    """DuckDB's library counts what is left of it then and writes it to the terminal."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=280, check=True)
    assert done.stderr == ""
