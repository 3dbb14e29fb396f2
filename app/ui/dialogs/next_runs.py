"""The next five runs of a schedule, beside its form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from PySide6.QtWidgets import QVBoxLayout

from app.core.schedules import Every, Schedule, upcoming
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.labels import Area, Label, row

PREVIEW = 248
NEXT = 5


class NextRuns(Area):
    """The next five runs of a schedule, and what the clocks do meanwhile."""

    def __init__(self, theme: Theme, formats: Formats) -> None:
        super().__init__(theme, "subtle", "l")
        self._theme = theme
        self._formats = formats
        self.setFixedWidth(PREVIEW)
        self._zone = Label(theme, "", "caption", "text2")
        self._lines: list[tuple[Label, Label, Label]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 20)
        layout.setSpacing(0)
        layout.addWidget(Label(theme, self.tr("Next five runs"), "body-strong"))
        layout.addWidget(self._zone)
        layout.addSpacing(8)
        for _ in range(NEXT):
            day, clock, detail = Label(theme, "", "body-medium"), Label(theme), Label(theme, "", "caption", "text2")
            layout.addLayout(row(day, None, clock))
            layout.addWidget(detail)
            layout.addSpacing(8)
            self._lines.append((day, clock, detail))
        self._note = Label(theme, "", "caption", "text2", wrap=True)
        layout.addWidget(self._note)
        layout.addStretch(1)

    def words(self) -> list[str]:
        """Return what stands there, for tests and screen readers."""
        return [f"{day.words()} {clock.words()} {detail.words()}".strip() for day, clock, detail in self._lines]

    def note(self) -> str:
        """Return the sentence about the clocks."""
        return self._note.words()

    def show_schedule(self, schedule: Schedule | None, extra: str = "", note: str = "") -> None:
        """Show the next runs of a schedule; `extra` goes before each second line ("all 3")."""
        now = self._formats.now()
        moments = upcoming(schedule, now, NEXT) if schedule is not None else []
        zone = ZoneInfo(schedule.time_zone) if schedule is not None else UTC
        named = self.tr("In {zone}").format(zone=schedule.time_zone) if schedule is not None else ""
        self._zone.set_words(named or self.tr("It runs only when you run it."))
        before = now
        for number, (day, clock, detail) in enumerate(self._lines):
            shown = number < len(moments)
            for label in (day, clock, detail):
                label.setVisible(shown)
            if not shown:
                continue
            local = moments[number].astimezone(zone)
            day.set_words(self._formats.calendar_day(local.date()))
            clock.set_words(self._formats.time_of_day(local.hour, local.minute))
            changed = local.utcoffset() != before.astimezone(zone).utcoffset()
            words = self._season(local) if changed else self._distance(moments[number], now)
            detail.set_words(", ".join(filter(None, (extra, words if changed or not extra else ""))))
            before = moments[number]
        self._note.set_words("\n".join(filter(None, (note, self._clock_change(schedule, moments, now)))))

    def _distance(self, when: datetime, now: datetime) -> str:
        days = (when - now) // timedelta(days=1)
        if days >= 1:
            return self.tr("in 1 day") if days == 1 else self.tr("in {n} days").format(n=self._formats.number(days))
        return self._formats.until(when)

    def _season(self, local: datetime) -> str:
        return self.tr("first in summer time") if local.dst() else self.tr("first in winter time")

    def _clock_change(self, schedule: Schedule | None, moments: Sequence[datetime], now: datetime) -> str:
        """Name the day the clocks change before the last run shown, and what the run does then."""
        if schedule is None or not moments:
            return ""
        zone = ZoneInfo(schedule.time_zone)
        moment = _clock_change(zone, now, moments[-1])
        if moment is None:
            return ""
        local = moment.astimezone(zone)
        forward = (local.utcoffset() or timedelta()) > (
            (moment - timedelta(days=1)).astimezone(zone).utcoffset() or timedelta()
        )
        day = self._formats.calendar_day(local.date())
        words = self.tr("Clocks go forward on {day}.") if forward else self.tr("Clocks go back on {day}.")
        first = words.format(day=day)
        if schedule.every is Every.HOUR:
            return first
        clock = self._formats.time_of_day(schedule.at.hour, schedule.at.minute)
        return f"{first} {self.tr('The run stays at {time} local time.').format(time=clock)}"


def _clock_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The first moment in (start, end] at which the zone's offset has changed, to the minute; None without one."""
    offset = start.astimezone(zone).utcoffset()
    low, high = start, start
    while high.astimezone(zone).utcoffset() == offset:
        if high >= end:
            return None
        low, high = high, min(high + timedelta(days=1), end)
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high
