"""The schedule dialog: what is chosen, what comes next, what is saved."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QLocale, Qt, QTime
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.core.exports import Export, ExportKind
from app.core.schedules import Every, Schedule
from app.services.destinations import DestinationService
from app.services.exports import ExportRow
from app.ui.dialogs.schedule import ScheduleDialog
from app.ui.formats import Formats
from app.ui.theme import Theme

NOW = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)
WEEKLY = Schedule(Every.WEEK, time(5, 35), "Europe/Berlin", ("mon", "thu"))
DAILY = Schedule(Every.DAY, time(5, 0), "Europe/Berlin")


def export_row(name: str, schedule: Schedule | None) -> ExportRow:
    export = Export(name, name, ExportKind.SEGMENT, "mailchimp", None, NOW, "me", schedule=schedule)
    return ExportRow(export, DestinationService().get("mailchimp"), None, None, None, 10, None, None, None, "edit")


@pytest.fixture
def formats(qapp: object) -> Formats:
    return Formats(QLocale("en_GB"), now=lambda: NOW, zone=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    host = QWidget()
    host.resize(1024, 760)
    host.show()
    qtbot.addWidget(host)
    return host


def open_dialog(theme: Theme, formats: Formats, window: QWidget, *rows: ExportRow) -> ScheduleDialog:
    dialog = ScheduleDialog(theme, formats, window, rows)
    dialog.open()
    return dialog


def test_shows_the_next_five_runs_and_names_the_clock_change(theme: Theme, formats: Formats, window: QWidget) -> None:
    dialog = open_dialog(theme, formats, window, export_row("Lapsed", WEEKLY))
    assert [words.rsplit(" ", 4)[0][:10] for words in dialog.preview.words()][:2] == ["Mon 16 Mar", "Thu 19 Mar"]
    assert dialog.preview.words()[4] == "Mon 30 Mar 05:35 first in summer time"
    assert dialog.preview.note() == "Clocks go forward on Sun 29 Mar. The run stays at 05:35 local time."
    dialog.reject()


def test_a_new_day_and_time_are_saved(theme: Theme, formats: Formats, window: QWidget, qtbot: QtBot) -> None:
    dialog = open_dialog(theme, formats, window, export_row("Lapsed", WEEKLY))
    qtbot.mouseClick(dialog.form._weekdays.button("thu"), Qt.MouseButton.LeftButton)
    dialog.form._at.setTime(QTime(6, 15))
    assert dialog.preview.words()[0].startswith("Mon 16 Mar 06:15")
    with qtbot.waitSignal(dialog.chosen) as told:
        qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert told.args == [{"Lapsed": Schedule(Every.WEEK, time(6, 15), "Europe/Berlin", ("mon",))}]


def test_a_week_without_a_day_cannot_be_saved(theme: Theme, formats: Formats, window: QWidget) -> None:
    dialog = open_dialog(theme, formats, window, export_row("Lapsed", WEEKLY))
    dialog.form._weekdays.set_days(())
    assert not dialog.save.isEnabled()
    assert dialog.reason.words() == "Choose at least one day."
    dialog.reject()


def test_nothing_changed_tells_nothing(theme: Theme, formats: Formats, window: QWidget, qtbot: QtBot) -> None:
    dialog = open_dialog(theme, formats, window, export_row("Lapsed", WEEKLY))
    with qtbot.assertNotEmitted(dialog.chosen):
        dialog.save.click()


def test_turning_it_off(theme: Theme, formats: Formats, window: QWidget, qtbot: QtBot) -> None:
    dialog = open_dialog(theme, formats, window, export_row("A", WEEKLY), export_row("B", None))
    with qtbot.waitSignal(dialog.chosen) as told:
        dialog.off.click()
    assert told.args == [{"A": None}]


def test_several_keep_their_own_until_a_new_one_is_defined(
    theme: Theme, formats: Formats, window: QWidget, qtbot: QtBot
) -> None:
    dialog = open_dialog(theme, formats, window, export_row("A", WEEKLY), export_row("B", DAILY), export_row("C", None))
    assert dialog._keep.isChecked()
    assert not dialog.form.isVisible()
    dialog._define.setChecked(True)
    assert dialog.form.isVisible()
    assert all("all 3" in words for words in dialog.preview.words())
    assert "B: Daily 05:00, Mon, Thu 05:35" in dialog._changes.accessibleDescription()
    with qtbot.waitSignal(dialog.chosen) as told:
        dialog.save.click()
    assert told.args == [{"B": WEEKLY, "C": WEEKLY}]


def test_monthly_and_manual(theme: Theme, formats: Formats, window: QWidget) -> None:
    dialog = open_dialog(theme, formats, window, export_row("A", None))
    assert dialog.form.schedule() is None
    dialog.form.set_schedule(Schedule(Every.MONTH, time(2, 0), "UTC", ("31",)))
    assert dialog.form.schedule() == Schedule(Every.MONTH, time(2, 0), "UTC", ("31",))
    dialog.reject()


def test_it_is_freed_when_closed(theme: Theme, formats: Formats, window: QWidget, qtbot: QtBot) -> None:
    dialog = open_dialog(theme, formats, window, export_row("A", WEEKLY))
    with qtbot.waitSignal(dialog.destroyed):
        dialog.reject()
