"""The open peers at their best settings, for the Python of an environment of their own: `send_rivals.py drt|dlt FILE URL N`.

Each reads the same DuckDB file and posts batches of 500 to the address that adds members. They have no plan and no
outcome per member; neither tags anybody, so each makes half of our requests. Prints CPU and wall seconds, without imports.

- drt 1.2: `rest_api` destination in batch mode, 5,000 rows fetched and 500 a request, no limit of its own.
- dlt 1.31: a DuckDB query handed over as Arrow, a destination function with batches of 500, Parquet in between, one
  `requests` session a thread.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

QUERY = "SELECT lower(trim(Email)) AS email, FirstName AS first, LastName AS last FROM Customer WHERE Country IN ('DE', 'AT')"


def drt(file: str, url: str, work: Path) -> Any:
    from drt.config.models import RestApiDestinationConfig, SyncConfig
    from drt.config.profiles import DuckDBProfile
    from drt.destinations.rest_api import RestApiDestination
    from drt.engine.sync import run_sync
    from drt.sources.duckdb import DuckDBSource

    template = (
        '{"members": [{% for row in rows %}{"email_address": {{ row.email | tojson }}, "status": "subscribed", '
        '"merge_fields": {"FNAME": {{ row.first | tojson }}, "LNAME": {{ row.last | tojson }}}}'
        "{% if not loop.last %},{% endif %}{% endfor %}]}"
    )
    destination = RestApiDestinationConfig(
        type="rest_api",
        url=f"{url}/lists/a1b2c3d4e5",
        headers={"Content-Type": "application/json"},
        body_mode="batch",
        batch_template=template,
        max_records_per_request=500,
    )
    sync = SyncConfig.model_validate(
        {
            "name": "bench",
            "model": QUERY,
            "destination": destination.model_dump(),
            "sync": {"mode": "full", "batch_size": 5_000, "rate_limit": {"requests_per_second": 0}},
        }
    )
    profile = DuckDBProfile(type="duckdb", database=file)
    return lambda: run_sync(sync, DuckDBSource(), RestApiDestination(), profile, work)


def dlt(file: str, url: str, work: Path) -> Any:
    import dlt
    import duckdb
    import pyarrow as pa
    import requests

    here = threading.local()

    @dlt.destination(batch_size=500, loader_file_format="parquet", naming_convention="direct")
    def mailchimp(items: pa.Table, _table: Any) -> None:
        if not hasattr(here, "session"):
            here.session = requests.Session()
        members = [
            {
                "email_address": row["email"],
                "status": "subscribed",
                "merge_fields": {"FNAME": row["first"], "LNAME": row["last"]},
            }
            for row in items.to_pylist()
        ]
        here.session.post(f"{url}/lists/a1b2c3d4e5", json={"members": members}, timeout=60).raise_for_status()

    def rows() -> Any:
        with duckdb.connect(file, read_only=True) as database:
            yield from database.sql(QUERY).to_arrow_reader(100_000)

    pipeline = dlt.pipeline("bench", destination=mailchimp, pipelines_dir=str(work))
    return lambda: pipeline.run(rows(), table_name="members")


def main() -> None:
    name, file, url, _in_flight = sys.argv[1:]
    os.environ |= {
        "DRT_TELEMETRY": "0",
        "DO_NOT_TRACK": "1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
    }
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        ready = {"drt": drt, "dlt": dlt}[name](file, url, Path(work))
        busy, began = time.process_time(), time.perf_counter()
        ready()
        print(json.dumps({"cpu_s": time.process_time() - busy, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
