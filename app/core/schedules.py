"""When an export runs by itself: recurrence, the next due time, and what a missed time means.

Times are wall clock in the schedule's own zone. A time that does not exist on a day (clocks go forward) runs at the next
minute that does; a time that comes twice (clocks go back) runs once, at the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Every(StrEnum):
    """How often."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTH_DAYS = tuple(str(day) for day in range(1, 32))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurrence; `on` holds weekdays for WEEK and days 1-31 (as text) for MONTH; for HOUR only the minute of `at` counts.

    A day of the month that a month lacks means its last day. Raises ValueError for a day that never comes.
    """

    every: Every
    at: time
    time_zone: str
    on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known: tuple[str, ...] = ()
        if self.every is Every.WEEK:
            known = WEEKDAYS
        elif self.every is Every.MONTH:
            known = MONTH_DAYS
        for day in self.on if known else ():
            if day not in known:
                raise ValueError(f"no such day for every {self.every}: {day}")


def next_due(schedule: Schedule, after: datetime) -> datetime:
    """The first due time strictly later than `after` (aware), in UTC."""
    zone = ZoneInfo(schedule.time_zone)
    if schedule.every is Every.HOUR:
        return _next_hour(schedule.at.minute, after.astimezone(UTC), zone)
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        if _falls_on(schedule, day):
            due = _existing(datetime.combine(day, schedule.at), zone)
            if due > after:
                return due
        day += timedelta(days=1)


def upcoming(schedule: Schedule, after: datetime, number: int) -> list[datetime]:
    """The next `number` due times in UTC."""
    result: list[datetime] = []
    for _ in range(number):
        after = next_due(schedule, after)
        result.append(after)
    return result


def missed(schedule: Schedule, last_checked: datetime, now: datetime) -> datetime | None:
    """The latest due time in (last_checked, now], or None; several missed ones count once."""
    due = next_due(schedule, last_checked)
    if due > now:
        return None
    # A long sleep may hide thousands of hourly times: walk from close to now instead.
    near = max(last_checked, now - timedelta(days=40))
    candidate = next_due(schedule, near)
    latest = due
    while candidate <= now:
        latest = candidate
        candidate = next_due(schedule, candidate)
    return latest


def _falls_on(schedule: Schedule, day: date) -> bool:
    if schedule.every is Every.WEEK:
        return WEEKDAYS[day.weekday()] in (schedule.on or ("mon",))
    if schedule.every is Every.MONTH:
        last_of_month = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        wanted = {min(int(d), last_of_month.day) for d in (schedule.on or ("1",))}
        return day.day in wanted
    return True


def _existing(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a wall-clock time; moved on, minute by minute, out of a gap."""
    while True:
        moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == local:
            return moment
        local += timedelta(minutes=1)


def _next_hour(minute: int, after: datetime, zone: ZoneInfo) -> datetime:
    """Hours are counted on the real time line; the minute is that of the zone's clock (some zones stand at :30 or :45)."""
    moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment.astimezone(zone).minute != minute:
        moment += timedelta(minutes=1)
    return moment
