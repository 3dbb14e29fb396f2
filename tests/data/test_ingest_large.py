"""Memory stays flat however large the file is; the process is its own, so that other tests do not count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, sys, threading
from pathlib import Path
from app.data.engines.duckdb import DuckDBEngine
from app.data.ingest import read
from app.jobs import CancelToken, JobContext

folder = Path(sys.argv[1])
file = folder / "big.csv"
engine = DuckDBEngine(folder / "workspace", memory_limit="256MB", threads=1)
with engine.cursor(CancelToken()) as cursor:
    cursor.execute(f"COPY (SELECT range AS Id, md5(range::VARCHAR) AS A, md5((range + 1)::VARCHAR) AS B, range * 1.5 AS C "
                   f"FROM range(2500000)) TO '{file}'")
small = folder / "small.csv"
small.write_text("Id,A\\n1,x\\n")
(folder / "one").mkdir(); (folder / "two").mkdir()
read(engine, [small], folder / "one", JobContext())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
[table] = read(engine, [file], folder / "two", JobContext())
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(file.stat().st_size >> 20, table.rows, (after - before) >> 10)
engine.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is POSIX only")
def test_a_file_of_200_megabytes_does_not_fill_the_memory(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    megabytes, rows, grown = map(int, done.stdout.split())
    assert megabytes >= 190
    assert rows == 2_500_000
    assert grown < 250, "megabytes more than before"
