"""The schedule of one export, or of several at once, with the next five runs beside the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from PySide6.QtCore import QTime, QTimeZone, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.schedules import Every, Schedule
from app.ui.dialogs.next_runs import NextRuns
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.cards import RadioCard
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label, row
from app.ui.widgets.schedule_list import ScheduleChange, ScheduleChanges
from app.ui.widgets.select import Select
from app.ui.widgets.time_fields import DayPicker, TimeField

if TYPE_CHECKING:
    from app.services.exports import ExportRow

WIDTH = 760
MANUAL = "manual"


@lru_cache(maxsize=1)
def all_zones() -> frozenset[str]:
    """Return the names of all time zones; the first call looks through 600 files (40 ms), so it is made in a job."""
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Return the names of the time zones people choose from."""
    return tuple(sorted(name for name in all_zones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))))


def own_zone() -> str:
    """Return the name of this computer's time zone."""
    name = bytes(QTimeZone.systemTimeZoneId().data()).decode()
    return name if name in all_zones() else "UTC"


class ScheduleForm(QWidget):
    """Every, on, at, time zone. Signal `changed()`; `schedule()` is None for manual; `problem()` a sentence or ""."""

    changed = Signal()

    def __init__(self, theme: Theme, formats: Formats, start: Schedule | None) -> None:
        super().__init__()
        self._theme = theme
        self._formats = formats
        self._every = Segmented(
            theme,
            self.tr("Runs"),
            [
                Choice(Every.HOUR, self.tr("Hourly")),
                Choice(Every.DAY, self.tr("Daily")),
                Choice(Every.WEEK, self.tr("Weekly")),
                Choice(Every.MONTH, self.tr("Monthly")),
                Choice(MANUAL, self.tr("Manual")),
            ],
        )
        self._weekdays = DayPicker(theme, formats)
        self._month_day = Select(
            theme,
            self.tr("Day of the month"),
            [Choice(str(day), formats.ordinal(day) if day < 31 else self.tr("Last day")) for day in range(1, 32)],
        )
        self._at = TimeField(theme, self.tr("At"))
        self._zone = Select(theme, self.tr("Time zone"), [Choice(name, name) for name in self._zones(start)])
        self._on_words = Label(theme, self.tr("On"), "body-medium")
        self._at_words = Label(theme, self.tr("At"), "body-medium")
        self._connect_signals()
        self._assemble()
        self.set_schedule(start)

    @staticmethod
    def _zones(start: Schedule | None) -> list[str]:
        first = [own_zone(), *([start.time_zone] if start is not None else [])]
        return list(dict.fromkeys([*first, "UTC", *zone_names()]))

    def _connect_signals(self) -> None:
        self._every.chosen.connect(self._on_changed)
        self._weekdays.changed.connect(self._on_changed)
        self._month_day.chosen.connect(self._on_changed)
        self._zone.chosen.connect(self._on_changed)
        self._at.timeChanged.connect(self._on_changed)

    def _assemble(self) -> None:
        theme = self._theme
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(Label(theme, self.tr("Runs"), "body-medium"))
        layout.addLayout(row(self._every, None))
        layout.addSpacing(10)
        self._on = QWidget()
        on = QVBoxLayout(self._on)
        on.setContentsMargins(0, 0, 0, 10)
        on.setSpacing(6)
        on.addWidget(self._on_words)
        on.addWidget(self._weekdays)
        on.addLayout(row(self._month_day, None))
        layout.addWidget(self._on)
        self._when = QWidget()
        left, right = QVBoxLayout(), QVBoxLayout()
        for column, words, field in (
            (left, self._at_words, self._at),
            (right, Label(theme, self.tr("Time zone"), "body-medium"), self._zone),
        ):
            column.setSpacing(6)
            column.addWidget(words)
            column.addWidget(field)
        self._at.setFixedWidth(112)
        when = QHBoxLayout(self._when)
        when.setContentsMargins(0, 0, 0, 0)
        when.setSpacing(12)
        when.addLayout(left)
        when.addLayout(right, 1)
        layout.addWidget(self._when)

    def set_schedule(self, schedule: Schedule | None) -> None:
        """Show a schedule."""
        self._every.set_current(MANUAL if schedule is None else schedule.every)
        shown = schedule or Schedule(Every.DAY, time(5, 0), own_zone())
        self._weekdays.set_days(shown.on or ("mon",) if shown.every is Every.WEEK else ("mon",))
        self._month_day.set_current_key((shown.on or ("1",))[0] if shown.every is Every.MONTH else "1")
        self._at.setTime(QTime(shown.at.hour, shown.at.minute))
        self._zone.set_current_key(shown.time_zone)
        self._show_parts()

    def schedule(self) -> Schedule | None:
        """Return what is chosen; None for manual, and while no day is chosen."""
        every = self._every.current()
        if every == MANUAL or self.problem():
            return None
        on: tuple[str, ...] = ()
        if every == Every.WEEK:
            on = self._weekdays.days()
        elif every == Every.MONTH:
            on = (self._month_day.current_key(),)
        at = self._at.time()
        return Schedule(Every(every), time(at.hour(), at.minute()), self._zone.current_key(), on)

    def problem(self) -> str:
        """Return what is missing, as a sentence."""
        if self._every.current() == Every.WEEK and not self._weekdays.days():
            return self.tr("Choose at least one day.")
        return ""

    def _show_parts(self) -> None:
        every = self._every.current()
        hourly = every == Every.HOUR
        self._weekdays.setVisible(every == Every.WEEK)
        self._month_day.setVisible(every == Every.MONTH)
        self._on.setVisible(every in {Every.WEEK, Every.MONTH})
        self._when.setVisible(every != MANUAL)
        self._at_words.set_words(self.tr("Minute of the hour") if hourly else self.tr("At"))
        if hourly:
            self._at.setDisplayFormat(":mm")
        else:
            twelve = "a" in self._formats.locale.timeFormat(self._formats.locale.FormatType.ShortFormat).lower()
            self._at.setDisplayFormat("h:mm AP" if twelve else "HH:mm")

    def _on_changed(self, *_value: object) -> None:
        self._show_parts()
        self.changed.emit()


class ScheduleDialog(Dialog):
    """Signal `chosen(object)`: a dict of export name to `Schedule` or None, of those that change."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, formats: Formats, opener: QWidget, rows: Sequence[ExportRow]) -> None:
        self._rows = list(rows)
        one = rows[0] if len(rows) == 1 else None
        super().__init__(
            theme,
            opener,
            self._title(formats),
            self._subtitle(formats),
            width=WIDTH,
            badge=None
            if one is None
            else (one.description.badge.letters, one.description.badge.colour, one.description.name),
        )
        self._formats = formats
        differ = len({row.export.schedule for row in rows}) > 1
        start = rows[0].export.schedule
        if one is None and start is None:
            start = next((each.export.schedule for each in rows if each.export.schedule is not None), None)
        self.form = ScheduleForm(theme, formats, start)
        self.preview = NextRuns(theme, formats)
        self._keep = RadioCard(theme, self.tr("Keep individual schedules"), self.tr("Only turn them off, all together"))
        self._define = RadioCard(
            theme, self.tr("Define a new schedule for all"), self.tr("Replaces their schedules. Undo brings them back.")
        )
        self._changes = ScheduleChanges(theme)
        self._several = one is None
        (self._keep if differ else self._define).setChecked(True)
        self._assemble()
        self.off = self.add_left(
            Button(
                theme, self.tr("Turn schedule off") if one is not None else self.tr("Turn all schedules off"), "ghost"
            )
        )
        self.off.setVisible(any(row.export.schedule is not None for row in rows))
        self.add_cancel()
        words = (
            self.tr("Save schedule")
            if one is not None
            else self.tr("Save {n} schedules").format(n=formats.number(len(rows)))
        )
        self.save = self.add_button(Button(theme, words, "primary"), default=True)
        self._connect_signals()
        self._on_changed()

    def _title(self, formats: Formats) -> str:
        if len(self._rows) == 1:
            return self.tr("Schedule {name}").format(name=self._rows[0].export.name)
        return self.tr("Schedule {n} exports").format(n=formats.number(len(self._rows)))

    def _subtitle(self, formats: Formats) -> str:
        if len(self._rows) > 1:
            differ = len({row.export.schedule for row in self._rows}) > 1
            return self.tr("Their schedules differ today.") if differ else self.tr("They have the same schedule today.")
        row_ = self._rows[0]
        where = ", ".join(
            filter(None, (row_.description.name, row_.connection.name if row_.connection is not None else ""))
        )
        return self.tr("{where}. Now {schedule}.").format(
            where=where, schedule=formats.schedule_sentence(row_.export.schedule)
        )

    def _assemble(self) -> None:
        left = QVBoxLayout()
        left.setContentsMargins(24, 20, 24, 20)
        left.setSpacing(14)
        if self._several:
            cards = QVBoxLayout()
            cards.setSpacing(8)
            cards.addWidget(self._keep)
            cards.addWidget(self._define)
            left.addLayout(cards)
        left.addWidget(self.form)
        left.addWidget(
            Label(
                self.theme,
                self.tr(
                    "A run that was missed, because this computer was off or asleep, runs once as soon as possible."
                ),
                "caption",
                "text2",
                wrap=True,
            )
        )
        if self._several:
            left.addWidget(self._changes)
        left.addStretch(1)
        whole = QHBoxLayout()
        whole.setSpacing(0)
        whole.addLayout(left, 1)
        whole.addWidget(self.preview)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
        self.body.addLayout(whole)
        self._keep.setVisible(self._several)
        self._define.setVisible(self._several)

    def _connect_signals(self) -> None:
        self.form.changed.connect(self._on_changed)
        self._define.toggled.connect(self._on_changed)
        self.save.clicked.connect(self._on_save_clicked)
        self.off.clicked.connect(self._on_off_clicked)

    def _defining(self) -> bool:
        return not self._several or self._define.isChecked()

    def _wanted(self) -> Mapping[str, Schedule | None]:
        """The schedules as they would be saved."""
        if not self._defining():
            return {row.export.name: row.export.schedule for row in self._rows}
        schedule = self.form.schedule()
        return {row.export.name: schedule for row in self._rows}

    def _on_changed(self, *_value: object) -> None:
        defining = self._defining()
        self.form.setVisible(defining)
        problem = self.form.problem() if defining else ""
        self.reason.set_words(problem)
        self.save.setEnabled(not problem)
        number = self._formats.number(len(self._rows))
        if defining:
            extra = self.tr("all {n}").format(n=number) if self._several else ""
            note = self.tr("They run one after the other, shortest first.") if self._several else ""
            self.preview.show_schedule(self.form.schedule(), extra, note)
        else:
            self.preview.show_schedule(None)
        if self._several:
            self._changes.set_changes(self._changed_rows())

    def _changed_rows(self) -> list[ScheduleChange]:
        wanted = self._wanted()
        return [
            ScheduleChange(
                row.description.badge.letters,
                row.description.badge.colour,
                row.export.name,
                self._formats.schedule(row.export.schedule),
                self._formats.schedule(wanted[row.export.name]),
            )
            for row in self._rows
        ]

    def _on_save_clicked(self) -> None:
        if self.form.problem() and self._defining():
            return
        changed = {
            row.export.name: self._wanted()[row.export.name]
            for row in self._rows
            if self._wanted()[row.export.name] != row.export.schedule
        }
        if changed:
            self.chosen.emit(changed)
        self.accept()

    def _on_off_clicked(self) -> None:
        self.chosen.emit({row.export.name: None for row in self._rows if row.export.schedule is not None})
        self.accept()
