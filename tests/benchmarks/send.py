"""Sending members to a quick local Mailchimp, in a process of its own: CPU, memory, pace, and whether a window stays quick.

Each measurement runs in a fresh process: it opens a workspace that another one made of a DuckDB file (what that took stays in a
process for a while), makes the export through the services, then sends in the background while Qt's event loop runs in the main
thread with a timer of 5 ms. A stall is how much later than its 5 ms the timer fires. Memory is the peak of the process while it
runs; CPU is that of the process, all threads, from the start of the run to its end: counted, planned, hashed, serialised, sent
in batches of 500 with a request for the tag each, journalled.

- `bare_...`: DuckDB and an HTTP client alone on the same file and server (bare_send.py); `cpu_ratio` is ours over its CPU.
- `distant_ratio`: our seconds of sending over those of the bare script when the server takes 50 ms a request, with as many
  requests in flight on both sides.
- `pace_used`: requests that went out where ten a second are allowed and each takes 200 ms, as a share of those allowed.
- `wordy_...`: with answers that repeat each contact with all its fields and links, as the real Mailchimp's do.
- `drt_...`, `dlt_...`: the two open peers at their best settings on the same file and server (send_rivals.py), measured by
  the Python that SENDOFF_RIVALS_PYTHON names, in whose environment they are installed; without it they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LARGE = 1_000_000
TICK_MS = 5
DISTANT_SECONDS = 0.05
PACE = 10
PACED_REQUESTS = 300
PACED_SECONDS = 0.2
IN_FLIGHT = 9
RIVALS = "SENDOFF_RIVALS_PYTHON"

Numbers = dict[str, float | int]


def run(rows: int | None = None) -> Numbers:
    large = rows or LARGE
    small = max(large // 10, 1_000)
    paced_members = min(large, PACED_REQUESTS // 2 * 500)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, few = ours(folder, large), ours(folder, small)
        bare = plain(folder, large)
        half = max(large // 2, 1_000)
        distant, bare_distant = ours(folder, half, DISTANT_SECONDS), plain(folder, half, DISTANT_SECONDS)
        paced = ours(folder, paced_members, PACED_SECONDS, pace=PACE)
        wordy, bare_wordy = ours(folder, small, wordy=True), plain(folder, small, wordy=True)
        peers = rivals(folder, small)
    million = 1_000_000
    return {
        "rows": large,
        "members": large,
        "cpu_s_per_million": many["cpu_s_per_million"],
        "members_per_s": many["members_per_s"],
        "peak_mb": many["peak_mb"],
        "small_peak_mb": few["peak_mb"],
        "peak_ratio": round(many["peak_mb"] / few["peak_mb"], 2),
        "bare_cpu_s_per_million": round(bare["cpu_s"] / large * million, 2),
        "cpu_ratio": round(many["cpu_s_per_million"] * large / million / bare["cpu_s"], 2),
        "distant_ratio": round(distant["send_s"] / bare_distant["seconds"], 2),
        "pace_used": round(paced["between"] / paced["server_s"] / PACE, 3),
        "wordy_cpu_s_per_million": wordy["cpu_s_per_million"],
        "bare_wordy_cpu_s_per_million": round(bare_wordy["cpu_s"] / small * million, 2),
        "stall_ms_p999": many["stall_ms_p999"],
        "stall_ms_max": many["stall_ms_max"],
        **peers,
    }


@contextmanager
def mailchimp(latency: float = 0.0, tag: str = "", *, wordy: bool = False) -> Iterator[tuple[str, Numbers]]:
    """A server's address, and after the block what came there."""
    told: Numbers = {}
    arguments = ["--latency", str(latency), "--tag", tag, *(["--wordy"] if wordy else [])]
    command = [sys.executable, "-m", "tests.benchmarks.mailchimp_server", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip(), told
        finally:
            server.stdin.close()
            told |= json.loads(server.stdout.readline() or "{}")


def ours(folder: Path, members: int, latency: float = 0.0, *, wordy: bool = False, pace: int = 0) -> Numbers:
    """Measured in a fresh process."""
    said = f"{latency * 1000:.0f} ms a request{', wordy' if wordy else ''}{f', {pace} a second' if pace else ''}"
    print(f"  {members:,} members, {said}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as work, mailchimp(latency, wordy=wordy) as (url, told):
        file = duckdb_file(folder, members)
        environment = {**os.environ, "SENDOFF_CONFIG_DIR": str(Path(work) / "config"), "QT_QPA_PLATFORM": "offscreen"}
        for step in ("prepare", "measure"):
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.send",
                step,
                work,
                str(file),
                url,
                str(members),
                str(pace),
            ]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    if told["members"] != members or told["tagged"] != members:
        raise SystemExit(f"{members:,} members were sent, {told['members']:,} came and {told['tagged']:,} were tagged.")
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return {**numbers, "between": told["between"], "server_s": told["seconds"]}


def plain(folder: Path, members: int, latency: float = 0.0, *, wordy: bool = False) -> Numbers:
    """The bare script on the same file."""
    with mailchimp(latency, wordy=wordy) as (url, _told):
        return measured([sys.executable, "-m", "tests.benchmarks.bare_send"], folder, members, url)


def rivals(folder: Path, members: int) -> Numbers:
    """The open peers on the same file, each over what we use for as many; none where they are not installed."""
    python = os.environ.get(RIVALS, "")
    if not python:
        print(f"  drt and dlt are left out: {RIVALS} names no Python that has them.", file=sys.stderr)
        return {}
    found: Numbers = {}
    for name in ("drt", "dlt"):
        with mailchimp() as (url, told):
            numbers = measured([python, str(Path(__file__).with_name("send_rivals.py")), name], folder, members, url)
        if told["members"] != members:
            raise SystemExit(f"{name} sent {told['members']:,} of {members:,} members.")
        found[f"{name}_cpu_s_per_million"] = round(numbers["cpu_s"] / members * 1_000_000, 2)
    return found


def measured(command: list[str], folder: Path, members: int, url: str) -> Numbers:
    """What a script prints of itself."""
    print(f"  {members:,} members, {Path(command[-1]).name}", file=sys.stderr, flush=True)
    command = [*command, str(duckdb_file(folder, members)), url, str(IN_FLIGHT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return numbers


def duckdb_file(folder: Path, members: int) -> Path:
    """A DuckDB file with a table of so many customers, made once."""
    import duckdb

    file = folder / f"customers-{members}.duckdb"
    if not file.exists():
        with duckdb.connect(str(file)) as database:
            database.execute(
                "CREATE TABLE Customer AS SELECT format('C-{:09d}', i) AS CustomerId, "
                "format('person.{}@example{}.com', i, i % 97) AS Email, format('First{}', i % 1000) AS FirstName, "
                "format('Last{}', i % 5000) AS LastName, ['DE', 'AT'][1 + i % 2] AS Country "
                f"FROM range({members}) t(i)"
            )
    return file


class Stalls:
    """Counts how late a timer of the main thread fires, in milliseconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._last: float | None = None

    def tick(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self.late.append(max(0.0, (now - self._last) * 1000 - TICK_MS))
        self._last = now

    def share(self, share: float) -> float:
        ordered = sorted(self.late)
        return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 2)


def prepare(folder: Path, file: Path) -> None:
    from app.bootstrap import create_workspace

    services = create_workspace(folder / "workspace", "Bench", "consumers", secrets=memory_store())
    add_table(services, file)
    services.close()


def measure(folder: Path, url: str, members: int, pace: int) -> dict[str, float]:
    from PySide6.QtCore import QCoreApplication, Qt, QTimer
    from PySide6.QtGui import QGuiApplication

    from app.bootstrap import open_workspace
    from app.core.runs import PhaseName, Run, Status, Trigger
    from app.jobs import JobContext

    allow(pace)
    services = open_workspace(folder / "workspace", secrets=memory_store())
    add_export(services, url)
    application = QGuiApplication([])
    stalls, ended = Stalls(), threading.Event()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(stalls.tick)
    watch = QTimer()
    watch.timeout.connect(lambda: QCoreApplication.quit() if ended.is_set() else None)

    def listen(run: Run) -> None:
        if run.status.ended:
            ended.set()

    services.runs.subscribe(listen)
    forget_peak()
    busy = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    (started,) = services.runs.start(["Bench"], Trigger.PERSON)
    timer.start(TICK_MS)
    watch.start(50)
    application.exec()
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    (run,) = services.runs.wait([started.id], JobContext())
    peak = peak_mb()
    services.close()
    if run.status is not Status.SUCCESSFUL or run.totals.added != members:
        raise SystemExit(f"The run ended as {run.status} with {run.totals}: {run.error}")
    sending = next(p for p in run.phases if p.name is PhaseName.SEND)
    assert sending.started_at is not None
    assert sending.ended_at is not None
    cpu = used.ru_utime + used.ru_stime - busy.ru_utime - busy.ru_stime
    return {
        "cpu_s_per_million": round(cpu / members * 1_000_000, 2),
        "members_per_s": round(members / seconds),
        "send_s": (sending.ended_at - sending.started_at).total_seconds(),
        "peak_mb": peak,
        "stall_ms_p999": stalls.share(0.999),
        "stall_ms_max": stalls.share(1.0),
    }


def allow(pace: int = 0) -> None:
    """Let Mailchimp take any number of members, and so many requests a second where a pace is given."""
    from dataclasses import replace

    from app.core.counts import Limits
    from app.destinations import registry

    known = [replace(each, limits=Limits()) if each.id == "mailchimp" else each for each in registry.descriptions()]
    if pace:
        known = [replace(each, pace=replace(each.pace, requests_per_second=pace)) for each in known]
    registry.descriptions = lambda: tuple(known)


def add_table(services, file: Path) -> None:
    from app.core.tables import Meaning, TableRole
    from app.jobs import JobContext

    services.tables.add([file], "Customer", JobContext())
    services.tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
    services.tables.set_meaning("Customer", "Email", Meaning.EMAIL)


def add_export(services, url: str) -> None:
    from app.core.connections import Access
    from tests.vendors.mailchimp import KEY

    rule = {"field": "Customer.Country", "is_one_of": ["DE", "AT"]}
    services.segments.save({"name": "Everybody", "of": "customers", "rules": [{"all": [rule]}]}, None)
    services.connections.add("Mail", "mailchimp", {"api_url": url}, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True)
    services.exports.apply(
        {
            "name": "Bench",
            "kind": "segment",
            "connection": "Mail",
            "segments": ["Everybody"],
            "sync": "mirror",
            "target": {"audience_id": "a1b2c3d4e5"},
            "match": {
                "email": "Customer.Email",
                "first_name": "Customer.FirstName",
                "last_name": "Customer.LastName",
            },
            "consent": {"agreed": True},
        }
    )


def memory_store():
    from tests.fakes.secret_store import MemoryStore

    return MemoryStore()


def forget_peak() -> None:
    """Let the peak begin now; Linux only, elsewhere the peak holds the preparation too."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("step")
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("url")
    parser.add_argument("members", type=int)
    parser.add_argument("pace", type=int)
    given = parser.parse_args()
    if given.step == "prepare":
        prepare(given.folder, given.file)
    else:
        print(json.dumps(measure(given.folder, given.url, given.members, given.pace)))
