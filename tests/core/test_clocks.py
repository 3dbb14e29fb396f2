from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.core.clocks import Clock, only_day
from app.core.segments import Span, Unit


@pytest.mark.parametrize(
    ("now", "span", "wanted"),
    [
        ("2024-02-29T12:00", Span(12, Unit.MONTHS), "2023-02-28T12:00"),
        ("2024-02-29T12:00", Span(4, Unit.YEARS), "2020-02-29T12:00"),
        ("2025-03-31T00:00", Span(1, Unit.MONTHS), "2025-02-28T00:00"),
        ("2025-01-15T08:00", Span(1, Unit.MONTHS), "2024-12-15T08:00"),
        ("2025-03-01T08:00", Span(2, Unit.WEEKS), "2025-02-15T08:00"),
        ("2025-03-01T08:00", Span(9, Unit.HOURS), "2025-02-28T23:00"),
    ],
)
def test_the_calendar_is_counted_back(now: str, span: Span, wanted: str) -> None:
    clock = Clock(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert clock.ago(span) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


def test_days_are_those_of_the_clock_on_the_wall_when_it_is_put_forward() -> None:
    berlin = Clock(datetime(2025, 3, 30, 12, 0, tzinfo=UTC), "Europe/Berlin")  # 14:00, summer time since 3:00
    assert berlin.ago(Span(1, Unit.DAYS)) == datetime(2025, 3, 29, 13, 0, tzinfo=UTC)
    assert berlin.ago(Span(24, Unit.HOURS)) == datetime(2025, 3, 29, 12, 0, tzinfo=UTC)
    begins, ends = berlin.day(date(2025, 3, 30))
    assert (ends.astimezone(UTC) - begins.astimezone(UTC)).total_seconds() == 23 * 3600


def test_spans_beyond_the_calendar_end_at_its_beginning() -> None:
    clock = Clock(datetime(2025, 1, 1, tzinfo=UTC), "Pacific/Auckland")
    assert clock.ago(Span(99_999, Unit.YEARS)).year == 1
    assert clock.ago(Span(99_999, Unit.WEEKS)).year == 108


def test_texts() -> None:
    clock = Clock(datetime(2025, 1, 1, tzinfo=UTC), "Europe/Berlin")
    assert clock.moment("2025-06-01T10:00").astimezone(UTC).hour == 8
    assert clock.moment("2025-06-01T10:00Z").astimezone(UTC).hour == 10
    assert only_day(" 2025-06-01 ") == date(2025, 6, 1)
    assert only_day("2025-06-01T10:00") is None
