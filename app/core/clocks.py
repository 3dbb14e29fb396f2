"""What a date written in a rule means: calendar spans counted back from now, and days of a time zone as moments."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.segments import Span, Unit

_EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
"""Spans that reach further back than the calendar end here; two days in, so that any time zone can show it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One moment, seen in one time zone; `now` is aware. Frozen, so that all parts of a question have the same now."""

    now: datetime
    time_zone: str = "UTC"

    @property
    def local_now(self) -> datetime:
        """Now in the time zone."""
        return self.now.astimezone(ZoneInfo(self.time_zone))

    def ago(self, span: Span) -> datetime:
        """The aware moment that lies the span back: hours by the clock, everything else by the calendar.

        12 months before the 29th of February is the 28th of February; one month before the 31st of March as well.
        """
        try:
            return self._ago(span)
        except (ValueError, OverflowError):
            return _EARLIEST

    def _ago(self, span: Span) -> datetime:
        if span.unit is Unit.HOURS:
            earlier = (self.now.astimezone(UTC) - timedelta(hours=span.number)).astimezone(ZoneInfo(self.time_zone))
        elif span.unit in {Unit.DAYS, Unit.WEEKS}:
            days = span.number * (7 if span.unit is Unit.WEEKS else 1)
            earlier = self.local_now - timedelta(days=days)
        else:
            months = span.number * (12 if span.unit is Unit.YEARS else 1)
            month_index = self.local_now.year * 12 + self.local_now.month - 1 - months
            year, month = divmod(month_index, 12)
            day = min(self.local_now.day, monthrange(year, month + 1)[1])
            earlier = self.local_now.replace(year=year, month=month + 1, day=day)
        return max(earlier, _EARLIEST)

    def day(self, day: date) -> tuple[datetime, datetime]:
        """The aware moments at which that day begins and the next one begins; OverflowError for the calendar's last day."""
        zone = ZoneInfo(self.time_zone)
        after = day + timedelta(days=1)
        return datetime(day.year, day.month, day.day, tzinfo=zone), datetime(
            after.year, after.month, after.day, tzinfo=zone
        )

    def moment(self, text: str) -> datetime:
        """A date and time written in ISO form, in the time zone unless it names an offset; ValueError when it is not one."""
        moment = datetime.fromisoformat(text.strip())
        zone = ZoneInfo(self.time_zone)
        return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def only_day(text: str) -> date | None:
    """The day a text names when it names no time, else None."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
