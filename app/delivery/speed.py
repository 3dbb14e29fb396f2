"""How fast a run goes, kept small enough to draw and to store, however long it takes."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.core.runs import SpeedPoint

MOST_POINTS = 120


class SpeedMeter:
    """Sums what was settled in buckets of equal length; when there are too many, neighbours are merged.

    Not thread safe. `add` takes members, rows or bytes. Waiting shows as buckets of zero.
    """

    def __init__(self, start: datetime, bucket: timedelta = timedelta(seconds=1)) -> None:
        self._start = start
        self._bucket = bucket
        self._sums: list[int] = [0]

    def add(self, amount: int, at: datetime) -> None:
        """Count `amount` as settled at that moment; a clock that went back counts into the current bucket."""
        index = max(int((at - self._start) / self._bucket), len(self._sums) - 1)
        while index >= MOST_POINTS:
            self._merge()
            index = max(index // 2, len(self._sums) - 1)
        self._sums.extend([0] * (index + 1 - len(self._sums)))
        self._sums[-1] += amount

    def points(self, now: datetime) -> tuple[SpeedPoint, ...]:
        """One point in the middle of each bucket; the last one counts only the time it has had, once that is enough to tell."""
        seconds = self._bucket.total_seconds()
        points = [
            SpeedPoint(self._start + self._bucket * (i + 0.5), round(amount / seconds, 1))
            for i, amount in enumerate(self._sums[:-1])
        ]
        last_start = self._start + self._bucket * (len(self._sums) - 1)
        lasted = min((now - last_start).total_seconds(), seconds)
        if lasted >= seconds / 4 or not points:
            lasted = max(lasted, 0.05)
            points.append(SpeedPoint(last_start + timedelta(seconds=lasted / 2), round(self._sums[-1] / lasted, 1)))
        return tuple(points)

    def _merge(self) -> None:
        pairs = range(0, len(self._sums), 2)
        self._sums = [sum(self._sums[i : i + 2]) for i in pairs]
        self._bucket *= 2
