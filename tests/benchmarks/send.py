"""Sending members to the Mailchimp emulator, which runs in a process of its own: speed, memory, and whether a window stays quick.

Each size runs in a fresh process: it makes a workspace through the services, then sends in the background while Qt's event
loop runs in the main thread with a timer of 5 ms. A stall is how much later than its 5 ms the timer fires. Memory is the
peak of the process while it sends; CPU is that of the process, all threads.

`pace_used` is how many requests were on their way on average, as a share of the ten Mailchimp allows at once, while each of
them took 200 ms: 1.0 would mean that nobody could send faster.
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
from pathlib import Path

LARGE = 1_000_000
TICK_MS = 5
LATENCY_SECONDS = 0.2
SIMULTANEOUS_ALLOWED = 10


def run(rows: int | None = None) -> dict[str, float | int]:
    large = rows or LARGE
    small = max(large // 10, 1_000)
    few, many, distant = one_size(small), one_size(large), one_size(min(large, 100_000), LATENCY_SECONDS)
    return {
        "members": large,
        "cpu_s_per_million": many["cpu_s_per_million"],
        "members_per_s": many["members_per_s"],
        "peak_mb": many["peak_mb"],
        "small_peak_mb": few["peak_mb"],
        "peak_ratio": round(many["peak_mb"] / few["peak_mb"], 2),
        "pace_used": round(distant["requests"] * LATENCY_SECONDS / distant["send_s"] / SIMULTANEOUS_ALLOWED, 2),
        "stall_ms_p999": many["stall_ms_p999"],
        "stall_ms_max": many["stall_ms_max"],
    }


def one_size(members: int, latency: float = 0.0) -> dict[str, float]:
    """Measured in a fresh process, against a Mailchimp without checks that takes so many seconds a request."""
    print(f"  {members:,} members", file=sys.stderr, flush=True)
    server = [sys.executable, "-m", "tests.benchmarks.mailchimp_server", *([str(latency)] if latency else [])]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as mailchimp,
    ):
        assert mailchimp.stdin is not None
        assert mailchimp.stdout is not None
        url = mailchimp.stdout.readline().strip()
        command = [sys.executable, "-m", "tests.benchmarks.send", folder, url, str(members)]
        environment = {**os.environ, "SENDOFF_CONFIG_DIR": str(Path(folder) / "config"), "QT_QPA_PLATFORM": "offscreen"}
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        finally:
            mailchimp.stdin.close()
        numbers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return {**numbers, "requests": int(mailchimp.stdout.readline())}


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


def measure(folder: Path, url: str, members: int) -> dict[str, float]:
    from PySide6.QtCore import QCoreApplication, Qt, QTimer
    from PySide6.QtGui import QGuiApplication

    from app.bootstrap import create_workspace
    from app.core.runs import PhaseName, Run, Status, Trigger
    from app.jobs import JobContext

    services = create_workspace(folder / "workspace", "Bench", "consumers", secrets=_memory_store())
    _fill(services, folder, url, members)
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
    _forget_peak()
    busy = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    (started,) = services.runs.start(["Bench"], Trigger.PERSON)
    timer.start(TICK_MS)
    watch.start(50)
    application.exec()
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    (run,) = services.runs.wait([started.id], JobContext())
    peak_mb = _peak_mb()
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
        "peak_mb": peak_mb,
        "stall_ms_p999": stalls.share(0.999),
        "stall_ms_max": stalls.share(1.0),
    }


def _fill(services, folder: Path, url: str, members: int) -> None:  # type: ignore[no-untyped-def]
    from app.core.connections import Access
    from app.core.tables import Meaning, TableRole
    from app.jobs import JobContext
    from tests.vendors.mailchimp import KEY

    source = folder / "Customer.csv"
    with source.open("w", encoding="utf-8") as file:
        file.write("CustomerId,Email,FirstName,LastName,Country\n")
        for i in range(members):
            file.write(
                f"C-{i:09},person.{i}@example{i % 97}.com,First{i % 1000},Last{i % 5000},{('DE', 'AT')[i % 2]}\n"
            )
    services.tables.add([source], "Customer", JobContext())
    services.tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
    services.tables.set_meaning("Customer", "Email", Meaning.EMAIL)
    rule = {"field": "Customer.Country", "is_one_of": ["DE", "AT"]}
    services.segments.save({"name": "Everybody", "of": "customers", "rules": [{"all": [rule]}]}, None)
    services.connections.add("Mail", "mailchimp", {"api_url": url}, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True)
    services.exports.apply(
        {
            "name": "Bench",
            "kind": "segment",
            "connection": "Mail",
            "segments": ["Everybody"],
            "target": {"audience_id": "a1b2c3d4e5"},
            "match": {
                "email": "Customer.Email",
                "first_name": "Customer.FirstName",
                "last_name": "Customer.LastName",
            },
            "consent": {"agreed": True},
        }
    )
    source.unlink()


def _memory_store():  # type: ignore[no-untyped-def]
    from tests.fakes.secret_store import MemoryStore

    return MemoryStore()


def _forget_peak() -> None:
    """Let the peak begin now; Linux only, elsewhere the peak holds the preparation too."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("members", type=int)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.folder, arguments.url, arguments.members)))
