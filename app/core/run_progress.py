"""How fast a run is and how long it will take, from what it tells of itself."""

from __future__ import annotations

from datetime import datetime

from app.core.runs import PhaseName, Run


def seconds_left(run: Run, now: datetime) -> float | None:
    """How long the rest takes at the speed so far; None while nobody can know."""
    if not run.total or run.done <= 0 or run.started_at is None:
        return None
    if len(run.speed) > 1:  # of this process alone: a run that was resumed had done some of it before
        rate = sum(point.per_second for point in run.speed) / len(run.speed)
    else:
        rate = run.done / max((now - run.started_at).total_seconds(), 0.001)
    return max(run.total - run.done, 0) / rate if rate > 0 else None


def bytes_per_second(run: Run, now: datetime) -> float | None:
    """How many bytes of files left a second since sending began; None for a run that sends none."""
    phase = next((each for each in run.phases if each.name is PhaseName.SEND), None)
    if not run.bytes_sent or phase is None or phase.started_at is None:
        return None
    end = phase.ended_at or run.ended_at or now
    return run.bytes_sent / max((end - phase.started_at).total_seconds(), 0.001)
