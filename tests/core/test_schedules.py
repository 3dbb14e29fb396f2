"""Due times: strictly later, on the wall clock, across clock changes, month ends and odd zones."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.schedules import WEEKDAYS, Every, Schedule, missed, next_due, upcoming

BERLIN = "Europe/Berlin"
ZONES = (
    "UTC",
    BERLIN,
    "America/New_York",
    "America/St_Johns",  # :30
    "Asia/Kathmandu",  # :45
    "Asia/Kolkata",  # :30
    "Australia/Lord_Howe",  # moves its clock by 30 minutes
    "Pacific/Chatham",  # :45 with summer time
    "America/Havana",  # moves its clock at midnight
    "Africa/Casablanca",  # moves it for Ramadan
    "Pacific/Apia",
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def wall(*parts: int) -> datetime:
    return utc(*parts).replace(tzinfo=None)


times = st.times(min_value=time(0, 0), max_value=time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0))
moments = st.datetimes(
    min_value=wall(2024, 1, 1), max_value=wall(2031, 12, 31), timezones=st.just(UTC)
)  # zone data is settled for these years


@st.composite
def schedules(draw: st.DrawFn, every: Every | None = None) -> Schedule:
    kind = every or draw(st.sampled_from(list(Every)))
    on: tuple[str, ...] = ()
    if kind is Every.WEEK:
        on = tuple(draw(st.lists(st.sampled_from(WEEKDAYS), unique=True, max_size=7)))
    elif kind is Every.MONTH:
        on = tuple(str(d) for d in draw(st.lists(st.integers(1, 31), unique=True, max_size=4)))
    return Schedule(kind, draw(times), draw(st.sampled_from(ZONES)), on)


def local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@given(schedules(), moments)
def test_next_due_is_strictly_later_and_stable_up_to_itself(schedule: Schedule, after: datetime) -> None:
    due = next_due(schedule, after)
    assert due > after
    assert due.tzinfo is UTC
    # Nothing lies between: asking again from any moment before the due time gives the same one.
    assert next_due(schedule, due - timedelta(microseconds=1)) == due
    assert next_due(schedule, after + (due - after) / 2) == due


@given(schedules(), moments)
def test_due_times_come_no_rarer_than_their_recurrence(schedule: Schedule, after: datetime) -> None:
    longest = {
        Every.HOUR: timedelta(minutes=120),
        Every.DAY: timedelta(hours=26),
        Every.WEEK: timedelta(days=7, hours=2),
        Every.MONTH: timedelta(days=31, hours=2),
    }[schedule.every]
    first, second = upcoming(schedule, after, 2)
    assert second - first <= longest


@given(schedules(), moments)
def test_wall_clock_is_kept_wherever_it_exists(schedule: Schedule, after: datetime) -> None:
    due = local(next_due(schedule, after), schedule.time_zone)
    if schedule.every is Every.HOUR:
        assert due.minute == schedule.at.minute
        return
    wanted = datetime.combine(due.date(), schedule.at)
    zone = ZoneInfo(schedule.time_zone)
    exists = wanted.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wanted
    if exists:
        assert due == wanted
    else:
        assert due > wanted


@given(schedules(Every.WEEK), moments)
def test_weekly_falls_on_the_chosen_days(schedule: Schedule, after: datetime) -> None:
    due = local(next_due(schedule, after), schedule.time_zone)
    # A gap at midnight may push 23:59 ... past it, but none of these zones has its gap before midnight.
    assert WEEKDAYS[due.weekday()] in (schedule.on or ("mon",))


def test_a_time_in_the_gap_runs_at_the_next_minute_that_exists() -> None:
    daily = Schedule(Every.DAY, time(2, 30), BERLIN)
    due = upcoming(daily, utc(2026, 3, 27, 12), 3)
    assert [local(d, BERLIN) for d in due] == [
        wall(2026, 3, 28, 2, 30),
        wall(2026, 3, 29, 3, 0),
        wall(2026, 3, 30, 2, 30),
    ]


def test_a_time_that_comes_twice_runs_once_at_the_first() -> None:
    daily = Schedule(Every.DAY, time(2, 30), BERLIN)
    due = upcoming(daily, utc(2026, 10, 24, 12), 2)
    assert due == [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)]
    between = utc(2026, 10, 25, 1, 0)  # 02:00 for the second time
    assert next_due(daily, between) == utc(2026, 10, 26, 1, 30)


def test_hourly_runs_each_real_hour_through_both_clock_changes() -> None:
    hourly = Schedule(Every.HOUR, time(0, 15), BERLIN)
    for start in (utc(2026, 3, 28, 23), utc(2026, 10, 24, 22)):
        due = upcoming(hourly, start, 6)
        assert {b - a for a, b in pairwise(due)} == {timedelta(hours=1)}


def test_lord_howe_moves_by_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    daily = Schedule(Every.DAY, time(2, 15), zone)
    # 2026-10-04 02:00 becomes 02:30.
    assert [local(d, zone) for d in upcoming(daily, utc(2026, 10, 2, 20), 2)] == [
        wall(2026, 10, 4, 2, 30),
        wall(2026, 10, 5, 2, 15),
    ]
    # 2026-04-05 02:00 becomes 01:30: 01:45 comes twice.
    twice = Schedule(Every.DAY, time(1, 45), zone)
    due = upcoming(twice, utc(2026, 4, 3, 20), 2)
    assert due == [utc(2026, 4, 4, 14, 45), utc(2026, 4, 5, 15, 15)]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"])
def test_hourly_follows_the_minute_of_the_zones_own_clock(zone: str) -> None:
    hourly = Schedule(Every.HOUR, time(0, 20), zone)
    due = upcoming(hourly, utc(2026, 6, 1), 3)
    assert [local(d, zone).minute for d in due] == [20, 20, 20]
    assert due[1] - due[0] == timedelta(hours=1)


def test_month_ends_and_leap_day() -> None:
    monthly = Schedule(Every.MONTH, time(6, 0), "UTC", ("31",))
    assert upcoming(monthly, utc(2028, 1, 1), 4) == [
        utc(2028, 1, 31, 6),
        utc(2028, 2, 29, 6),
        utc(2028, 3, 31, 6),
        utc(2028, 4, 30, 6),
    ]
    assert next_due(monthly, utc(2027, 2, 1)) == utc(2027, 2, 28, 6)
    both = Schedule(Every.MONTH, time(6, 0), "UTC", ("30", "31"))
    assert upcoming(both, utc(2027, 2, 1), 2) == [utc(2027, 2, 28, 6), utc(2027, 3, 30, 6)]


def test_a_day_the_calendar_of_a_zone_lacks_still_ends() -> None:
    # Samoa had no 30 December 2011.
    daily = Schedule(Every.DAY, time(9, 0), "Pacific/Apia")
    due = upcoming(daily, utc(2011, 12, 29, 12), 3)
    assert due == sorted(set(due))
    assert local(due[-1], "Pacific/Apia") >= wall(2011, 12, 31, 9, 0)


@given(schedules(), moments, st.timedeltas(timedelta(0), timedelta(days=120)))
@settings(max_examples=60)
def test_missed_is_the_latest_due_time_and_counts_once(schedule: Schedule, last: datetime, away: timedelta) -> None:
    now = last + away
    due = missed(schedule, last, now)
    if due is None:
        assert next_due(schedule, last) > now
        return
    assert last < due <= now
    assert next_due(schedule, due) > now
    assert missed(schedule, now, now) is None


def test_nothing_is_missed_when_the_clock_went_back() -> None:
    daily = Schedule(Every.DAY, time(5, 30), "UTC")
    assert missed(daily, utc(2026, 5, 2, 5, 31), utc(2026, 5, 2, 4, 31)) is None


@pytest.mark.parametrize(
    ("every", "on"),
    [(Every.WEEK, ("monday",)), (Every.MONTH, ("0",)), (Every.MONTH, ("32",)), (Every.MONTH, ("last",))],
)
def test_a_day_that_never_comes_is_refused(every: Every, on: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=on[0]):
        Schedule(every, time(5, 30), "UTC", on)
