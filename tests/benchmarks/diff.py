"""Planning: who of ten million is new, changed or gone since the last run, 4 % of them, as `exports plan` tells.

A fresh process plans through the services with what a run may use; CPU is that of the process, all threads, memory its peak
while it plans. What the destination holds was written by the parts that write it in a run, from the same table before 1 % of
its customers were replaced by others and 2 % got another name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.send import (
    Numbers,
    add_export,
    add_table,
    allow,
    duckdb_file,
    forget_peak,
    mailchimp,
    memory_store,
    peak_mb,
)

LARGE = 10_000_000
PLACE = "a1b2c3d4e5 Everybody"


def run(rows: int | None = None) -> Numbers:
    members = rows or LARGE
    found = one_size(members)
    small = one_size(max(members // 10, 1_000))
    return {
        "rows": members,
        "cpu_s": found["cpu_s"],
        "peak_mb": found["peak_mb"],
        "small_cpu_s": small["cpu_s"],
        "small_peak_mb": small["peak_mb"],
        "seconds": found["seconds"],
    }


def one_size(members: int) -> Numbers:
    print(f"  {members:,} members", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as name, mailchimp(tag="Everybody") as (url, _told):
        environment = {**os.environ, "SENDOFF_CONFIG_DIR": str(Path(name) / "config")}
        for step in ("prepare", "measure"):
            command = [sys.executable, "-m", "tests.benchmarks.diff", step, name, url, str(members)]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return numbers


def prepare(folder: Path, url: str, members: int) -> None:
    """A workspace whose destination holds everybody as they were, and a table in which some changed."""
    import duckdb

    from app.bootstrap import create_workspace
    from app.data.sent import Told
    from app.destinations.contract import Place
    from app.destinations.registry import description
    from app.jobs import JobContext

    allow()
    file = duckdb_file(folder, members)
    services = create_workspace(folder / "workspace", "Bench", "consumers", secrets=memory_store())
    add_table(services, file)
    add_export(services, url)
    export = services.runs._store.exports.all()[0]
    described, ctx = description("mailchimp"), JobContext()
    with services.runs._deps() as deps:
        source = deps.members(export, described, described.fields)
        (plan,) = source.plan([(deps.segments[0], Place(PLACE, there=True))], ctx, run=export.id)
        with plan:
            assert isinstance(plan._told, Told)
            plan._told.settled(range(members), "added", {})
            plan.finish(ctx)
    with duckdb.connect(str(file)) as database:
        database.execute(
            "UPDATE Customer SET FirstName = FirstName || 'x' WHERE rowid % 50 = 1;"
            "UPDATE Customer SET CustomerId = 'N' || CustomerId, Email = 'new.' || Email WHERE rowid % 100 = 2"
        )
    services.tables.refresh("Customer", ctx)
    services.close()


def measure(folder: Path, members: int) -> Numbers:
    from app.bootstrap import open_workspace
    from app.jobs import JobContext
    from tests.vendors.mailchimp import KEY

    allow()
    services = open_workspace(folder / "workspace", secrets=memory_store())
    services.connections.edit("Mail", secrets={"api_key": KEY})
    forget_peak()
    busy, began = time.process_time(), time.perf_counter()
    plan = services.plans.plan("Bench", JobContext(), 0)
    numbers: Numbers = {
        "cpu_s": round(time.process_time() - busy, 2),
        "seconds": round(time.perf_counter() - began, 2),
        "peak_mb": peak_mb(),
    }
    changes = plan.segments[0].changes
    expected = (members // 100, members // 50, members // 100)
    if (changes.added, changes.changed, changes.removed) != expected:
        raise SystemExit(f"Planned {changes} where {expected} were to be added, changed and removed.")
    services.close()
    return numbers


if __name__ == "__main__":
    step, name, url, members = sys.argv[1:]
    if step == "prepare":
        prepare(Path(name), url, int(members))
    else:
        print(json.dumps(measure(Path(name), int(members))))
