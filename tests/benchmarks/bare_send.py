"""The same members to the same server with nothing but DuckDB and an HTTP client: no plan, no journal, no account of anybody.

`python -m tests.benchmarks.bare_send FILE.duckdb URL IN_FLIGHT` prints CPU and wall seconds of the sending as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import httpx2

BATCH = 500
MOST_WAITING = 4
_QUERY = """
    SELECT email, to_json({email_address: email, status: 'subscribed', merge_fields: {FNAME: FirstName, LNAME: LastName}})
    FROM (SELECT lower(trim(Email)) AS email, * FROM Customer WHERE Country IN ('DE', 'AT'))
"""


def send(file: str, url: str, in_flight: int) -> None:
    headers = {"Authorization": "Basic x", "Content-Type": "application/json"}
    limits = httpx2.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)

    def post(batch: list[tuple[str, str]]) -> None:
        bodies = ",".join(body for _email, body in batch)
        added = client.post(f"{url}/lists/a1b2c3d4e5", content=f'{{"members":[{bodies}]}}', headers=headers)
        tag = json.dumps({"members_to_add": [email for email, _body in batch]})
        tagged = client.post(f"{url}/lists/a1b2c3d4e5/segments/1", content=tag, headers=headers)
        if added.status_code != 200 or tagged.status_code != 200:
            raise SystemExit(f"The server answered {added.status_code} and {tagged.status_code}.")

    with (
        httpx2.Client(limits=limits, timeout=60) as client,
        ThreadPoolExecutor(in_flight) as threads,
        duckdb.connect(file, read_only=True, config={"threads": 1}) as database,
    ):
        rows = database.execute(_QUERY)
        waiting = []
        while batch := rows.fetchmany(BATCH):
            waiting.append(threads.submit(post, batch))
            if len(waiting) > in_flight + MOST_WAITING:
                waiting.pop(0).result()
        for each in waiting:
            each.result()


if __name__ == "__main__":
    busy, began = time.process_time(), time.perf_counter()
    send(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    print(json.dumps({"cpu_s": time.process_time() - busy, "seconds": time.perf_counter() - began}))
