"""Live counts over made-up customers: `run(rows)` gives the keys of `bench counts` in the command line's contract.

All times are wall clock in milliseconds with the caches warm, medians of several runs, but `estimate_ms`, which is the
longest first estimate of the ten segments with nothing warm; five orders per customer. Beside them
stand DuckDB on the same files, pandas and polars (tests/benchmarks/count_rivals.py), and all must find the same members.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.segment_documents import parse
from app.core.segments import FieldRef, Segment
from app.core.tables import Catalog, Link, Table, TableRole
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity, MatchedField
from app.data.linked_samples import LinkedSamples
from app.data.workspace_rows import Scope
from app.jobs import Cancelled, CancelToken, JobContext
from tests.benchmarks.count_rivals import TOOLS

ROWS = 1_000_000
NOW = datetime(2025, 6, 15, 12, 30, tzinfo=UTC)
SPEC = CountSpec(
    Identity((("email", MatchedField(FieldRef("Customer", "Email"), "email")),), FieldRef("Customer", "OptIn"))
)

CUSTOMERS = """
    SELECT 'C' || lpad(i::VARCHAR, 9, '0') AS Id,
        CASE WHEN i % 50 = 0 THEN 'u' || (i // 2) || '@example.com' WHEN i % 33 = 0 THEN 'none' WHEN i % 29 = 0 THEN NULL
            ELSE 'U' || i || '@Example.com ' END AS Email,
        ['DE','AT','FR','US','GB','ES','IT','NL','BE','SE'][(hash(i) % 10)::INT + 1] AS Country,
        ((hash(i * 7) % 100000) / 100)::DECIMAL(10, 2) AS LifetimeValue,
        hash(i * 3) % 5 <> 0 AS OptIn, DATE '2020-01-01' + (hash(i * 5) % 2000)::INT AS Since,
        'First' || (hash(i * 13) % 5000) AS FirstName, 'Last' || (hash(i * 17) % 50000) AS LastName,
        '+4930' || (1000000 + i) AS Phone
    FROM range({rows}) r(i)"""
ORDERS = """
    SELECT i AS OrderId, 'C' || lpad((hash(i) % {rows})::VARCHAR, 9, '0') AS CustomerId,
        ((hash(i * 7) % 20000) / 100)::DECIMAL(10, 2) AS Total,
        TIMESTAMP '2023-06-01' + to_days((hash(i * 11) % 740)::INT) AS PlacedOn
    FROM range({rows} * 5) r(i)"""


def workspace(engine: DuckDBEngine, rows: int) -> Scope:
    """A workspace of that many customers with five orders each."""
    tables = []
    for name, sql, key, role in (
        ("Customer", CUSTOMERS, "Id", TableRole.CUSTOMER),
        ("Orders", ORDERS, "OrderId", TableRole.OTHER),
    ):
        folder = engine.folder / "data" / name.lower() / "1"
        folder.mkdir(parents=True)
        file = folder / "part-0.parquet"
        with engine.cursor(CancelToken()) as cursor:
            cursor.execute(f"COPY ({sql.format(rows=rows)}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
        tables.append(
            Table(name.lower(), name, role, engine.describe([file]), key, rows, 1, "benchmark", NOW),
        )
    return Scope(Catalog(tuple(tables), (Link("Customer", "Id", "Orders", "CustomerId"),)), (), NOW)


def segment(name: str, *conditions: dict[str, Any]) -> Segment:
    """A segment of conditions that must all be met."""
    return parse({"name": name, "rules": [{"all": list(conditions)}]}, segment_id=name)


COUNTRY = {"field": "Customer.Country", "is_one_of": ["DE", "AT"]}
VALUE = {"field": "Customer.LifetimeValue", "at_least": 500}
ORDERED = {"field": "Orders.Total", "more_than": 180}
SPENT = {
    "field": "Orders.Total",
    "sum": True,
    "at_least": 250,
    "within": {"field": "Orders.PlacedOn", "last": "12 months"},
}
TEN = (
    segment("German or Austrian", COUNTRY),
    segment("High value", VALUE),
    segment("High value there", COUNTRY, VALUE),
    segment("Reachable", {"field": "Customer.OptIn", "is": True}),
    segment("New", {"field": "Customer.Since", "last": "12 months"}),
    segment("Everybody", {"field": "Customer.Id", "is_not_empty": True}),
    segment("Named", {"field": "Customer.FirstName", "starts_with": "first1"}),
    segment("Big orders", ORDERED),
    segment("Spent much", COUNTRY, SPENT),
    segment("Not there", {"field": "Customer.Country", "is_not_one_of": ["DE", "AT", "FR"]}),
)


def timed(work: Callable[[], object], times: int = 7) -> float:
    """The median milliseconds of the work."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def run(rows: int | None = None) -> dict[str, float]:
    """Measure with that many customers."""
    folder = Path(tempfile.mkdtemp(prefix="bench-counts-"))
    engine = DuckDBEngine(folder)
    try:
        return _run(engine, rows or ROWS)
    finally:
        engine.close()
        shutil.rmtree(folder)


def _run(engine: DuckDBEngine, rows: int) -> dict[str, float]:
    scope = workspace(engine, rows)
    counter = Counter(engine)

    def count(asked: Segment) -> None:
        counter.count(scope, asked, SPEC, JobContext())

    LinkedSamples(engine).make(scope.catalog, CancelToken())  # as when tables are added
    first_estimate_ms = max(first_estimate(engine, scope, asked) for asked in TEN)
    start = time.perf_counter()
    counter.warm(scope, TEN, SPEC, JobContext())
    warm_ms = (time.perf_counter() - start) * 1000
    for asked in TEN:
        count(asked)
    semi_join = segment("s", ORDERED)
    fresh = iter(range(1_000))

    def count_fresh() -> None:
        """Each time another number, so that no kept answer helps: what somebody meets who types one."""
        count(segment("s", {**ORDERED, "more_than": 180 + next(fresh) / 1000}))

    raw = raw_semi_join(engine, scope)
    semi_join_ms = timed(count_fresh)
    raw_ms = timed(raw)
    members = {
        "predicate": counter.count(scope, TEN[2], SPEC, JobContext()).members,
        "semi_join": counter.count(scope, semi_join, SPEC, JobContext()).members,
    }
    ours = {
        "rows": rows,
        "predicate_ms": round(timed(lambda: count(TEN[2])), 1),
        "estimate_ms": round(first_estimate_ms, 1),
        "semi_join_ms": round(semi_join_ms, 1),
        "semi_join_ratio": round(semi_join_ms / raw_ms, 2),
        "semi_join_again_ms": round(timed(lambda: count(semi_join)), 1),
        "distinct_ms": round(timed(lambda: count(TEN[5])), 1),
        "stale_gone_ms_p99": round(stale_gone(counter, scope), 1),
        "ten_segments_ms": round(timed(lambda: [count(asked) for asked in TEN]), 1),
        "warm_ms": round(warm_ms, 1),
        "peak_mb": round(peak_mb()),
    }
    return {**ours, **rivals(engine, scope, members)}


def first_estimate(engine: DuckDBEngine, scope: Scope, asked: Segment) -> float:
    """Milliseconds of the first estimate of a segment that a process makes."""
    counter = Counter(engine)
    return timed(lambda: counter.estimate(scope, asked, JobContext()), times=1)


def rivals(engine: DuckDBEngine, scope: Scope, members: dict[str, int]) -> dict[str, float]:
    """What the others need for the same; raises SystemExit when one of them finds other members."""
    files = [next(iter(engine.table_files(table))) for table in scope.catalog.tables]
    numbers: dict[str, float] = {}
    for tool in TOOLS:
        command = [sys.executable, "-m", "tests.benchmarks.count_rivals", tool, *files]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        answers = json.loads(done.stdout)
        for question, ours in members.items():
            if answers[f"{question}_{tool}"] != ours:
                raise SystemExit(f"{tool} finds {answers[f'{question}_{tool}']:,} members and we {ours:,}: {question}")
        numbers |= {key: value for key, value in answers.items() if key.endswith("_ms")}
    return numbers


def raw_semi_join(engine: DuckDBEngine, scope: Scope) -> Callable[[], None]:
    """The same question as plain as one would write it in DuckDB, on the same files; only members are counted."""
    customers, orders = (engine.relation(table).sql("duckdb") for table in scope.catalog.tables)
    sql = f"SELECT count(*) FROM {customers} c WHERE c.Id IN (SELECT o.CustomerId FROM {orders} o WHERE o.Total > 180)"

    def work() -> None:
        with engine.cursor(CancelToken()) as cursor:
            cursor.execute(sql).fetchone()

    return work


def stale_gone(counter: Counter, scope: Scope, times: int = 60) -> float:
    """Milliseconds from the cancel of a count to its end, 99th percentile: how long a stale count stands in the way."""
    took = []
    for i in range(times):
        ctx = JobContext()
        ended = threading.Event()

        def work(ctx: JobContext = ctx, ended: threading.Event = ended, i: int = i) -> None:
            try:
                counter.count(scope, segment("x", {**SPENT, "at_least": 100 + i}), SPEC, ctx)
            except Cancelled:
                pass
            finally:
                ended.set()

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.005 + (i % 10) * 0.01)
        start = time.perf_counter()
        ctx.token.cancel()
        ended.wait()
        took.append((time.perf_counter() - start) * 1000)
        thread.join()
    return sorted(took)[int(len(took) * 0.99)]


def peak_mb() -> float:
    """The most memory this process ever held."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024 * 1024 if sys.platform == "darwin" else 1024)
