"""Table files of twenty columns: `run(rows)` gives the keys of `bench files` in the command line's contract.

`csv_gz_ratio` and `parquet_ratio` are our CPU time over DuckDB's own COPY of the same rows (for gzip through the same
compressor behind a registered file system, the best that was found); `pandas_ratio` is pandas' over ours. `sftp_ratio`,
`blob_ratio` and `s3_ratio` are explained in `uploads`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
from isal import igzip

from app.core.file_formats import Compression, FileType, Format
from app.core.tables import Table, TableRole
from app.data.engines.duckdb import DuckDBEngine
from app.data.table_files import TableRows, write
from app.jobs import CancelToken, JobContext
from tests.benchmarks import uploads
from tests.benchmarks.counts import peak_mb

ROWS = 1_000_000
PROFILES = """
    SELECT 'C' || lpad(i::VARCHAR, 9, '0') AS Id, 'user' || i || '@example.com' AS Email, 'First' || (i % 5000) AS FirstName,
        'Last' || (hash(i) % 50000) AS LastName, ['DE','AT','FR','US'][(i % 4)::INT + 1] AS Country,
        'Long street ' || (i % 900) AS Street, lpad((i % 99999)::VARCHAR, 5, '0') AS PostalCode, 'City ' || (i % 1000) AS City,
        '+4930' || (1000000 + i) AS Phone, i AS Number, (i / 100)::DECIMAL(12, 2) AS LifetimeValue, i * 1.5::DOUBLE AS Score,
        i % 2 = 0 AS OptIn, DATE '1950-01-01' + (i % 20000)::INT AS Born, TIMESTAMP '2024-01-01' + to_seconds(i) AS Seen,
        CASE WHEN i % 3 = 0 THEN 'Company, ' || i END AS Company, NULL::VARCHAR AS Note, ['gold','silver'][(i % 2)::INT + 1] AS Tier,
        'https://example.com/' || i AS Website, (hash(i) % 1000)::INT AS Points
    FROM range({rows}) r(i)"""


class _Gzip(fsspec.AbstractFileSystem):
    """What DuckDB's COPY writes through: files compressed by the same library and level as ours."""

    protocol = "benchgz"

    def open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        return _Sink(self._strip_protocol(path))

    def exists(self, path: str, **_: Any) -> bool:
        return False

    def isdir(self, path: str) -> bool:
        return False

    def isfile(self, path: str) -> bool:
        return False

    def ls(self, path: str, **_: Any) -> list[str]:
        return []


class _Sink:
    """A write-only file that answers what DuckDB asks of one."""

    def __init__(self, path: str) -> None:
        self._file = igzip.open("/" + path.lstrip("/"), "wb", compresslevel=1)
        self._written = 0

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Everything is written at the end."""

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self._file.close()


def cpu_seconds(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU seconds of the work: the machine is shared, and noise only ever adds."""
    took = []
    for _ in range(times):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def run(rows: int | None = None) -> dict[str, float]:
    """Measure with that many rows."""
    folder = Path(tempfile.mkdtemp(prefix="bench-files-"))
    engine = DuckDBEngine(folder)
    try:
        return _run(engine, folder, rows or ROWS)
    finally:
        engine.close()
        shutil.rmtree(folder)


def _run(engine: DuckDBEngine, folder: Path, rows: int) -> dict[str, float]:
    below = folder / "data" / "profiles" / "1"
    below.mkdir(parents=True)
    file = below / "part-0.parquet"
    with engine.cursor(CancelToken()) as cursor:
        cursor.execute(f"COPY ({PROFILES.format(rows=rows)}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
    columns = engine.describe([file])
    table = Table(
        "profiles", "Profiles", TableRole.OTHER, columns, "Id", rows, 1, "bench", datetime(2025, 1, 1, tzinfo=UTC)
    )
    source = TableRows(engine, table, tuple(column.name for column in columns))
    out = folder / "out"
    out.mkdir()

    def ours(wanted: Format) -> Callable[[], None]:
        def work() -> None:
            for written in write(engine, source, wanted, out, JobContext()):
                written.path.unlink()

        return work

    def raw(options: str, target: str) -> Callable[[], None]:
        def work() -> None:
            with engine.cursor(CancelToken()) as cursor:
                cursor.execute(f"COPY (FROM read_parquet('{file}')) TO '{target}' ({options})")

        return work

    with engine.cursor(CancelToken()) as cursor:
        cursor.register_filesystem(_Gzip())
    csv_gz = cpu_seconds(ours(Format(compression=Compression.GZIP)))
    parquet = cpu_seconds(ours(Format(FileType.PARQUET, Compression.ZSTD)))
    peak = peak_mb()
    raw_gz = cpu_seconds(raw("FORMAT csv, HEADER, COMPRESSION none, USE_TMP_FILE false", f"benchgz://{out}/raw.csv.gz"))
    raw_parquet = cpu_seconds(raw("FORMAT parquet, COMPRESSION zstd", f"{out}/raw.parquet"))
    some = min(rows, 200_000)
    frame = pd.read_parquet(file).head(some)
    pandas_gz = cpu_seconds(lambda: frame.to_csv(out / "pandas.csv.gz", index=False), times=1) * rows / some
    return {
        "rows": rows,
        "csv_gz_cpu_s_per_million": round(csv_gz * 1_000_000 / rows, 2),
        "csv_gz_ratio": round(csv_gz / raw_gz, 2),
        "parquet_ratio": round(parquet / raw_parquet, 2),
        "pandas_ratio": round(pandas_gz / csv_gz, 1),
        **uploads.ratios(rows, folder),
        "peak_mb": round(peak),
    }
