"""Numbers, times and the fixed words of the window, by the person's locale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import date as Day  # noqa: N812 - `date` is a method of the class below
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from PySide6.QtCore import QDate, QDateTime, QLocale, QObject, QTime, QTimeZone

from app.core.exports import SyncMode
from app.core.roles import Role
from app.core.runs import PhaseName, Status
from app.core.schedules import WEEKDAYS, Every, Schedule
from app.core.workspaces import Audience

NOTHING = "–"
COMPACT_FROM = 1_000_000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def persons_locale() -> QLocale:
    """The system's locale; where it is the plain C one (which groups no thousands) English with 24 hours."""
    system = QLocale()
    if system.language() == QLocale.Language.C:
        return QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom)
    return system


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class StatusWords:
    """A status as shown: its word, icon and the icon's colour role; `ink` is the word's colour role."""

    word: str
    icon: str
    role: str
    ink: str = "text"
    running: bool = False


class Formats(QObject):
    """Formats by `QLocale`, never by hand; main thread only.

    Args:
        locale: the person's locale.
        now: the clock, aware; tests and pictures give their own.
        zone: the zone times are shown in; None is this computer's.
    """

    def __init__(
        self, locale: QLocale | None = None, now: Callable[[], datetime] = _utc_now, zone: tzinfo | None = None
    ) -> None:
        super().__init__()
        self.locale = locale if locale is not None else persons_locale()
        self.now = now
        self._zone = zone

    # Numbers

    def number(self, value: int) -> str:
        """Return "1,204,331"."""
        return self.locale.toString(value)

    def signed(self, value: int) -> str:
        """Return "+842", "−12" or "0"."""
        return f"{'+' if value > 0 else '−' if value < 0 else ''}{self.number(abs(value))}"

    def compact(self, value: int) -> str:
        """Return "61,240", and from a million "6.36 M"; the full number belongs in the tooltip."""
        if value < COMPACT_FROM:
            return self.number(value)
        return self.tr("{n} M").format(n=self.locale.toString(value / 1e6, "f", 2))

    def percent(self, share: float, decimals: int = 1) -> str:
        """Return "9.0%" for 0.09."""
        return f"{self.locale.toString(share * 100, 'f', decimals)}{self.locale.percent()}"

    def bytes(self, value: int) -> str:
        """Return "2.1 GB", in decimal units."""
        return self.locale.formattedDataSize(value, 1, QLocale.DataSizeFormat.DataSizeSIFormat)

    def about_bytes(self, value: int) -> str:
        """Return "101 MB" of an estimate: from ten of a unit on, its tenths would say more than is known."""
        number = float(value)
        while number >= 1000:
            number /= 1000
        tenths = int(value >= 1000 and number < 10)
        return self.locale.formattedDataSize(value, tenths, QLocale.DataSizeFormat.DataSizeSIFormat)

    def counted(self, value: int, unit: str) -> str:
        """Return "1 export" or "11 exports"; `unit` is the plural word of a known thing, KeyError otherwise."""
        one, many = self._units[unit]
        return one if value == 1 else many.format(n=self.number(value))

    @cached_property
    def _units(self) -> dict[str, tuple[str, str]]:
        """Translated once: a screen has hundreds of numbers, and the locale of these formats stays."""
        return {
            "exports": (self.tr("1 export"), self.tr("{n} exports")),
            "segments": (self.tr("1 segment"), self.tr("{n} segments")),
            "tables": (self.tr("1 table"), self.tr("{n} tables")),
            "files": (self.tr("1 file"), self.tr("{n} files")),
            "rows": (self.tr("1 row"), self.tr("{n} rows")),
            "members": (self.tr("1 member"), self.tr("{n} members")),
            "contacts": (self.tr("1 contact"), self.tr("{n} contacts")),
            "accounts": (self.tr("1 account"), self.tr("{n} accounts")),
            "companies": (self.tr("1 company"), self.tr("{n} companies")),
            "entries": (self.tr("1 entry"), self.tr("{n} entries")),
            "requests": (self.tr("1 request"), self.tr("{n} requests")),
            "runs": (self.tr("1 run"), self.tr("{n} runs")),
            "batches": (self.tr("1 batch"), self.tr("{n} batches")),
            "connections": (self.tr("1 connection"), self.tr("{n} connections")),
            "conditions": (self.tr("1 condition"), self.tr("{n} conditions")),
            "keys": (self.tr("1 key"), self.tr("{n} keys")),
            "fields": (self.tr("1 field"), self.tr("{n} fields")),
            "columns": (self.tr("1 column"), self.tr("{n} columns")),
            "days": (self.tr("1 day"), self.tr("{n} days")),
            "bytes": (self.tr("1 byte"), self.tr("{n} bytes")),
        }

    def value(self, value: object) -> str:
        """Return a number, date or text of a table as people of this locale write it."""
        if isinstance(value, bool) or value is None:
            return str(value)
        if isinstance(value, int):
            return self.number(value)
        if isinstance(value, float | Decimal):
            return self.locale.toString(float(value), "f", 2)
        if isinstance(value, Day):  # moments too
            return self._date(QDate(value.year, value.month, value.day), year=True)
        return str(value)

    # Times

    def duration(self, seconds: float) -> str:
        """Return "4 s", "3 min 41 s" or "2 h 5 min"; under a second "0.8 s"."""
        if 0 < seconds < 1:
            return self.tr("{n} s").format(n=self.locale.toString(max(seconds, 0.1), "f", 1))
        whole = round(seconds)
        if whole < _MINUTE:
            return self.tr("{n} s").format(n=self.number(whole))
        if whole < _HOUR:
            minutes, rest = divmod(whole, _MINUTE)
            words = self.tr("{n} min {s} s") if rest else self.tr("{n} min")
            return words.format(n=self.number(minutes), s=self.number(rest))
        hours, rest = divmod(whole, _HOUR)
        words = self.tr("{n} h {m} min") if rest >= _MINUTE else self.tr("{n} h")
        return words.format(n=self.number(hours), m=self.number(rest // _MINUTE))

    def time_left(self, seconds: float) -> str:
        """Return "3 min left", rounded, from 10 s on; "" below."""
        if seconds < 10:
            return ""
        if seconds < 55:
            return self.tr("{n} s left").format(n=self.number(round(seconds / 10) * 10))
        if seconds < _HOUR:
            return self.tr("{n} min left").format(n=self.number(max(1, round(seconds / _MINUTE))))
        return self.tr("{n} h left").format(n=self.number(round(seconds / _HOUR)))

    def local(self, when: datetime) -> datetime:
        """Return the moment in the zone that is shown."""
        return when.astimezone(self._zone)

    def relative_time(self, when: datetime) -> str:
        """Return "Just now", "12 min ago", "3 h ago", "Yesterday", "Mon", and from 7 days on the date."""
        seconds = (self.now() - when).total_seconds()
        days = (self.local(self.now()).date() - self.local(when).date()).days
        if seconds < _MINUTE:
            return self.tr("Just now")
        if seconds < _HOUR:
            return self.tr("{n} min ago").format(n=self.number(int(seconds // _MINUTE)))
        if days == 0 or seconds < 6 * _HOUR:
            return self.tr("{n} h ago").format(n=self.number(int(seconds // _HOUR)))
        if days == 1:
            return self.tr("Yesterday")
        if days < 7:
            return self.weekday(self.local(when).weekday())
        return self.date(when)

    def until(self, when: datetime) -> str:
        """Return "now", "in 41 min", "in 23 h" or "in 4 d"."""
        seconds = (when - self.now()).total_seconds()
        if seconds < _MINUTE:
            return self.tr("now")
        if seconds < _HOUR:
            return self.tr("in {n} min").format(n=self.number(int(seconds // _MINUTE)))
        if seconds < _DAY:
            return self.tr("in {n} h").format(n=self.number(int(seconds // _HOUR)))
        return self.tr("in {n} d").format(n=self.number(int(seconds // _DAY)))

    def clock(self, when: datetime) -> str:
        """Return the time of day, "05:48" or "5:48 AM" by locale."""
        local = self.local(when)
        return self.time_of_day(local.hour, local.minute)

    def clock_to_the_second(self, when: datetime) -> str:
        """Return "05:49:12"."""
        local = self.local(when)
        return self.locale.toString(QTime(local.hour, local.minute, local.second), "HH:mm:ss")

    def time_of_day(self, hour: int, minute: int) -> str:
        """Return a wall-clock time by locale."""
        return self.locale.toString(QTime(hour, minute), QLocale.FormatType.ShortFormat)

    def date(self, when: datetime) -> str:
        """Return "9 Mar", with the year when it is another one, in the locale's order."""
        local = self.local(when)
        return self._date(QDate(local.year, local.month, local.day), year=local.year != self.local(self.now()).year)

    def full_date(self, when: datetime) -> str:
        """Return "4 Nov 2025" in the locale's order."""
        local = self.local(when)
        return self._date(QDate(local.year, local.month, local.day), year=True)

    def day_date(self, when: datetime) -> str:
        """Return "Fri 13 Mar"."""
        return self.tr("{weekday} {date}").format(
            weekday=self.weekday(self.local(when).weekday()), date=self.date(when)
        )

    def calendar_day(self, day: Day) -> str:
        """Return "Mon 16 Mar" of a day in whatever zone it was taken."""
        words = self._date(QDate(day.year, day.month, day.day), year=day.year != self.local(self.now()).year)
        return self.tr("{weekday} {date}").format(weekday=self.weekday(day.weekday()), date=words)

    def day_and_clock(self, when: datetime) -> str:
        """Return "Today 05:36", "Yesterday 22:15" or "9 Mar 05:36"."""
        days = (self.local(self.now()).date() - self.local(when).date()).days
        day = {0: self.tr("Today"), 1: self.tr("Yesterday")}.get(days) or self.date(when)
        return self.tr("{day} {time}").format(day=day, time=self.clock(when))

    def exact(self, when: datetime) -> str:
        """Return date and time to the second with the zone, for tooltips."""
        return f"{self.moment(when)} {self.local(when).tzname() or ''}".rstrip()

    def moment(self, when: datetime) -> str:
        """Return "Thu 12 Mar 2026, 05:02:00"."""
        local = self.local(when)
        return self.locale.toString(
            QDateTime(QDate(local.year, local.month, local.day), QTime(local.hour, local.minute, local.second)),
            "ddd d MMM yyyy, HH:mm:ss",
        )

    def zone_name(self, when: datetime) -> str:
        """Return the zone that is shown: "Europe/Berlin", or its short name then when it has no other."""
        if isinstance(self._zone, ZoneInfo):
            return str(self._zone)
        system = bytes(QTimeZone.systemTimeZoneId().data()).decode() if self._zone is None else ""
        return system or self.local(when).tzname() or "UTC"

    def weekday(self, number: int) -> str:
        """Return "Mon" for 0."""
        return self.locale.standaloneDayName(number + 1, QLocale.FormatType.ShortFormat)

    def _date(self, day: QDate, *, year: bool) -> str:
        order = self.locale.dateFormat(QLocale.FormatType.ShortFormat).lower()
        if order.startswith("y"):
            return self.locale.toString(day, QLocale.FormatType.ShortFormat)
        if order.find("d") < order.find("m"):
            return self.locale.toString(day, "d MMM yyyy" if year else "d MMM")
        return self.locale.toString(day, "MMM d, yyyy" if year else "MMM d")

    # Schedules

    def schedule(self, schedule: Schedule | None) -> str:
        """Return the short words of a row: "Daily 05:45", "Weekly Mon", "Mon, Thu 05:00", "Monthly 1st", "Manual"."""
        if schedule is None:
            return self.tr("Manual")
        time = self.time_of_day(schedule.at.hour, schedule.at.minute)
        if schedule.every is Every.HOUR:
            return self.tr("Hourly")
        if schedule.every is Every.DAY:
            return self.tr("Daily {time}").format(time=time)
        if schedule.every is Every.WEEK:
            days = self._weekdays(schedule)
            if len(days) == 1:
                return self.tr("Weekly {day}").format(day=days[0])
            return self.tr("{days} {time}").format(days=", ".join(days), time=time)
        return self.tr("Monthly {days}").format(days=", ".join(map(self.ordinal, self._month_days(schedule))))

    def schedule_sentence(self, schedule: Schedule | None) -> str:
        """Return the words inside a sentence: "daily at 05:35", "weekly on Mon, Thu at 05:00", "manual"."""
        if schedule is None:
            return self.tr("manual")
        time = self.time_of_day(schedule.at.hour, schedule.at.minute)
        if schedule.every is Every.HOUR:
            return self.tr("hourly at minute {minute}").format(minute=self.number(schedule.at.minute))
        if schedule.every is Every.DAY:
            return self.tr("daily at {time}").format(time=time)
        if schedule.every is Every.WEEK:
            days = ", ".join(self._weekdays(schedule))
            return self.tr("weekly on {days} at {time}").format(days=days, time=time)
        days = ", ".join(map(self.ordinal, self._month_days(schedule)))
        return self.tr("monthly on the {days} at {time}").format(days=days, time=time)

    def ordinal(self, day: int) -> str:
        """Return "1st" in English, "1." elsewhere."""
        if self.locale.language() not in {QLocale.Language.English, QLocale.Language.C}:
            return f"{day}."
        ending = "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return f"{day}{ending}"

    def _weekdays(self, schedule: Schedule) -> list[str]:
        chosen = schedule.on or ("mon",)
        return [self.weekday(number) for number, day in enumerate(WEEKDAYS) if day in chosen]

    @staticmethod
    def _month_days(schedule: Schedule) -> list[int]:
        return sorted(int(day) for day in (schedule.on or ("1",)))

    # Fixed words

    def status(self, status: Status) -> StatusWords:
        """Return the one word of a status, with icon and colour roles."""
        return self._statuses()[status]

    def _statuses(self) -> dict[Status, StatusWords]:
        return {
            Status.QUEUED: StatusWords(self.tr("Queued"), "clock", "text2", "text2"),
            Status.RUNNING: StatusWords(self.tr("Running"), "", "bar", running=True),
            Status.SUCCESSFUL: StatusWords(self.tr("Successful"), "check-circle-fill", "success"),
            Status.COMPLETED_WITH_REJECTS: StatusWords(self.tr("Completed with rejects"), "warning-fill", "warning"),
            Status.FAILED: StatusWords(self.tr("Failed"), "x-circle-fill", "danger"),
            Status.SKIPPED_TOO_LARGE: StatusWords(self.tr("Skipped – too large"), "prohibit-bold", "warning"),
            Status.SKIPPED_TOO_SMALL: StatusWords(self.tr("Skipped – too small"), "prohibit-bold", "warning"),
            Status.HELD: StatusWords(self.tr("Held"), "pause-circle-fill", "warning"),
            Status.NO_CONNECTION: StatusWords(self.tr("No connection"), "link-break", "text2", "text2"),
            Status.CANCELLED: StatusWords(self.tr("Cancelled"), "minus-circle", "text2"),
            Status.INTERRUPTED: StatusWords(self.tr("Interrupted"), "warning-circle-fill", "warning"),
        }

    def phase(self, phase: PhaseName) -> str:
        """Return the name of a phase of a run."""
        return {
            PhaseName.PREPARE: self.tr("Prepare"),
            PhaseName.COUNT: self.tr("Count and check"),
            PhaseName.MATCH: self.tr("Match and hash"),
            PhaseName.PLAN: self.tr("Plan"),
            PhaseName.SEND: self.tr("Send"),
            PhaseName.CONFIRM: self.tr("Confirm"),
        }[phase]

    def sync_mode(self, mode: SyncMode) -> str:
        """Return the words of a sync mode."""
        return {
            SyncMode.ADD: self.tr("Add only"),
            SyncMode.UPDATE: self.tr("Add and update"),
            SyncMode.MIRROR: self.tr("Add and remove"),
            SyncMode.REPLACE: self.tr("Replace"),
        }[mode]

    def role(self, role: Role) -> str:
        """Return the name of a role."""
        return {
            Role.ADMIN: self.tr("Admin"),
            Role.CONTRIBUTOR: self.tr("Contributor"),
            Role.VIEWER: self.tr("Viewer"),
        }[role]

    def audience(self, audience: Audience) -> str:
        """Return the name of a workspace's audience."""
        if audience is Audience.CONSUMERS:
            return self.tr("Individual consumers")
        return self.tr("Business accounts")


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """The length of a span in seconds, or None when an end is missing."""
    if start is None or end is None:
        return None
    return max(0.0, (end - start) / timedelta(seconds=1))
