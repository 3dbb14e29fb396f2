"""How far runs are together, as a job reports it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.core.run_progress import bytes_per_second, seconds_left
from app.core.runs import Run
from app.jobs import Progress


def progress_of(runs: Iterable[Run], now: datetime) -> Progress:
    """Members or rows of all of them, for files the bytes that left and how fast, and how long the longest will take."""
    runs = list(runs)
    going = [run for run in runs if not run.status.ended]
    total = sum(run.total or 0 for run in runs)
    units = {run.unit for run in runs if run.total is not None}  # a run that waits does not know yet what it sends
    unit = units.pop() if len(units) == 1 else "members"
    rates = [rate for run in going if (rate := bytes_per_second(run, now)) is not None]
    left = [seconds for run in going if (seconds := seconds_left(run, now)) is not None]
    return Progress(
        "send",
        sum(run.done for run in runs),
        total or None,
        unit,
        bytes_done=sum(run.bytes_sent for run in runs),
        bytes_per_second=sum(rates) if rates else None,
        seconds_left=max(left) if left else None,
    )
