"""The page of exports: words of rows, filters, commands that are possible, the bar that folds, the steps that tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QLocale, Qt
from pytestqt.qtbot import QtBot

from app.core.connections import Access, Connection, Consent
from app.core.exports import Export, ExportKind, TableChoice
from app.core.roles import Role
from app.core.runs import Run, RunError, Status, Totals, Trigger
from app.core.schedules import Every, Schedule
from app.services.destinations import DestinationService
from app.services.exports import ExportRow
from app.ui.formats import Formats
from app.ui.pages.exports.actions import free_name
from app.ui.pages.exports.commands import ExportCommands
from app.ui.pages.exports.drawer import ExportDetails
from app.ui.pages.exports.empty import EmptyExports, Readiness
from app.ui.pages.exports.filters import ALL, ATTENTION, RUNNING, SCHEDULED, Filters, count_chips
from app.ui.pages.exports.lines import ExportLine, LineWords, newer
from app.ui.pages.exports.rename import RenameDialog
from app.ui.run_feed import RunFeed
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.columns import NumberCell, StatusCell
from app.ui.widgets.command_bar import Command, CommandBar

NOW = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)
CONNECTION = Connection(
    "c1", "Mailchimp EU", "mailchimp", {}, frozenset(), Access.CONTRIBUTORS, Consent("me", NOW), NOW, "me"
)


@pytest.fixture
def formats(qapp: object) -> Formats:
    return Formats(QLocale("en_GB"), now=lambda: NOW, zone=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def words(formats: Formats) -> LineWords:
    return LineWords(formats)


def run(status: Status, **changes: Any) -> Run:
    return replace(
        Run(
            id="r1",
            export_id="e1",
            export_name="Letter",
            destination="mailchimp",
            connection_id="c1",
            connection_name="Mailchimp EU",
            trigger=Trigger.PERSON,
            status=status,
            queued_at=NOW - timedelta(minutes=12),
            started_at=NOW - timedelta(minutes=12),
            ended_at=NOW - timedelta(minutes=12) if status.ended else None,
        ),
        **changes,
    )


def line(latest: Run | None = None, *, attached: bool = True, size: int | None = 100, **changes: Any) -> ExportLine:
    schedule = changes.pop("schedule", None)
    permission = changes.pop("permission", "edit")
    values = {"segments": ("Everyone",), "kind": ExportKind.SEGMENT, **changes}
    kind = values.pop("kind")
    export = Export(
        "e1", "Letter", kind, "mailchimp", "c1" if attached else None, NOW, "me", schedule=schedule, **values
    )
    segment = kind is ExportKind.SEGMENT
    row = ExportRow(
        export=export,
        description=DestinationService().get("mailchimp"),
        connection=CONNECTION if attached else None,
        latest=latest,
        status=None if latest is None else latest.status,
        members=size if segment else None,
        rows=None if segment else size,
        limit=1000 if segment else None,
        next_due=None,
        permission=permission,
    )
    return ExportLine(row, latest)


def test_the_focus_never_comes_by_itself_to_cancelling_the_run_just_begun(
    theme: Theme, formats: Formats, words: LineWords, qtbot: QtBot
) -> None:
    details = ExportDetails(theme, formats, words)
    qtbot.addWidget(details)
    with qtbot.waitActive(details):
        details.show()
        details.activateWindow()
    failed = line(run(Status.FAILED, error=RunError("a", "b", "c", "run_again")))
    details.show_line(failed)
    [fix, *_rest] = [each for each in details._problem.findChildren(Button) if each.isVisible()]
    fix.setFocus(Qt.FocusReason.TabFocusReason)
    details.show_line(failed)
    assert (details.window().focusWidget(), fix.focus_visible) == (fix, True)
    details.show_line(line(run(Status.RUNNING)))
    assert details.window().focusWidget() is details._history


@pytest.mark.parametrize(
    ("latest", "expected"),
    [
        (None, ("Not run yet", "")),
        (run(Status.SUCCESSFUL, totals=Totals(added=842)), ("Successful", "842 added")),
        (run(Status.SUCCESSFUL, totals=Totals(rows=9, files=1), unit="rows"), ("Successful", "9 sent")),
        (run(Status.SUCCESSFUL), ("Successful", "Nothing to send")),
        (run(Status.COMPLETED_WITH_REJECTS, totals=Totals(rejected=38)), ("Completed with rejects", "38 rejected")),
        (run(Status.FAILED, error=RunError("a", "b", "c", "sign_in")), ("Failed", "Sign in again")),
        (run(Status.QUEUED, waits_for="Loyalty"), ("Queued", "After Loyalty")),
        (run(Status.CANCELLED, done=12400, total=18950), ("Cancelled", "After 12,400 of 18,950")),
        (run(Status.SKIPPED_TOO_SMALL), ("Skipped – too small", "Below the minimum")),
    ],
)
def test_status_and_its_reason(words: LineWords, latest: Run | None, expected: tuple[str, str]) -> None:
    shown = line(latest)
    assert (words.status(shown).word, words.detail(shown)) == expected


def test_every_status_has_words(formats: Formats, words: LineWords) -> None:
    for status in Status:
        assert formats.status(status).word
        assert isinstance(words.detail(line(run(status))), str)


def test_too_large_says_by_how_much(words: LineWords) -> None:
    shown = line(run(Status.SKIPPED_TOO_LARGE), size=1243)
    assert words.detail(shown) == "243 over limit"
    assert words._size_cell(shown) == NumberCell("1,243", 1.243)
    assert words._size_tip(shown) == "1,243 of 1,000 (124.3%)"


def test_without_connection(words: LineWords) -> None:
    shown = line(run(Status.SUCCESSFUL), attached=False, schedule=Schedule(Every.DAY, time(5), "UTC"))
    assert shown.needs_attention
    assert words.detail(shown) == "Attach one to run"
    assert words.connection(shown) == "None"
    assert words.schedule(shown) == ("Paused", "–")


def test_a_run_in_progress(words: LineWords) -> None:
    shown = line(run(Status.RUNNING, done=62, total=100))
    cell = words._status_cell(shown)
    assert cell == StatusCell("", "", "Running", running=True, fraction=0.62, percent="62%")
    assert words.last_run(shown) == ("Now", "7 min left")


def test_kinds_and_rows(words: LineWords) -> None:
    tables = line(kind=ExportKind.DATA_OUT, segments=(), tables=(TableChoice("A"), TableChoice("B")), size=6_360_000)
    assert words.kind(tables.export) == "Tables · 2"
    assert words.size(tables) == "6.36 M rows"
    ended = run(Status.SUCCESSFUL, totals=Totals(rows=9, files=1), unit="rows")
    assert words.detail(replace(tables, run=ended)) == "1 file"
    assert words.kind(line().export) == "Segment"


def test_the_newest_state_of_a_run_wins() -> None:
    early, late = run(Status.RUNNING), run(Status.SUCCESSFUL)
    assert newer(late, early)
    assert not newer(early, late)
    assert newer(replace(early, id="r2", queued_at=NOW), late)
    assert not newer(replace(late, id="r0", queued_at=NOW - timedelta(days=1)), early)


def test_chips_count(words: LineWords) -> None:
    lines = [
        line(run(Status.RUNNING)),
        line(run(Status.QUEUED)),
        line(run(Status.FAILED), schedule=Schedule(Every.DAY, time(5), "UTC")),
        line(attached=False),
    ]
    assert count_chips(lines) == {ALL: 4, RUNNING: 2, ATTENTION: 2, SCHEDULED: 1}


def test_filters_combine() -> None:
    filters = Filters().with_kind("segment").with_destination("sftp")
    assert not filters.accepts(line())
    assert filters.with_destination("sftp").accepts(line())
    assert not Filters().active


def test_what_is_possible(qapp: object) -> None:
    commands = ExportCommands(lambda _key: None)
    idle, running, foreign = line(), line(run(Status.RUNNING)), line(permission="view")
    nothing = commands.states([], [idle])
    assert [key for key, state in nothing.items() if state.enabled] == ["run_all"]
    assert nothing["edit"].reason == "Select an export first."
    assert not commands.states([running], [running])["remove"].enabled
    assert commands.cancels([running])
    assert commands.states([running], [running])["run"].enabled
    assert not commands.states([idle, idle], [idle])["edit"].enabled
    assert commands.states([foreign], [foreign])["remove"].reason == "Its connection isn’t shared with you."
    assert not commands.states([line(attached=False)], [])["run"].enabled
    assert not commands.allowed("remove", Role.VIEWER)
    assert commands.allowed("run", Role.CONTRIBUTOR)


def test_free_names() -> None:
    assert free_name("Letter copy", ["Letter"]) == "Letter copy"
    assert free_name("Letter copy", ["LETTER COPY", "Letter copy 2"]) == "Letter copy 3"


def test_commands_that_do_not_fit_move_into_the_menu_from_the_right(theme: Theme, qtbot: QtBot) -> None:
    bar = CommandBar(theme, "Commands")
    qtbot.addWidget(bar)
    bar.set_primary(Button(theme, "Add export", "primary"))
    keys = ["edit", "run", "duplicate", "schedule", "remove"]
    for key in keys:
        bar.add(Command(key, f"The command {key}", "play", lambda: None))
    bar.resize(1300, 49)
    bar.show()
    assert bar.more.isHidden()
    bar.resize(560, 49)
    shown = [key for key in keys if not bar.button(key).isHidden()]
    assert not bar.more.isHidden()
    assert shown == keys[: len(shown)]
    assert 0 < len(shown) < len(keys)
    right = max(bar.button(key).geometry().right() for key in shown)
    assert right < bar.more.geometry().left()


def test_the_steps_tick_themselves(theme: Theme, formats: Formats, qtbot: QtBot) -> None:
    empty = EmptyExports(theme, formats)
    qtbot.addWidget(empty)
    first, second, third = empty.steps
    assert not third.button.isEnabled()
    empty.set_readiness(Readiness(8, 1_482_060, 0))
    assert first.accessibleDescription() == "1,482,060 customers in 8 tables are ready in this workspace."
    with qtbot.waitSignal(empty.connection_asked):
        qtbot.mouseClick(second.button, Qt.MouseButton.LeftButton)
    empty.set_readiness(Readiness(8, 10, 1))
    assert third.button.isEnabled()
    empty.set_readiness(Readiness(8, 10, 0, may_connect=False))
    assert second.button.text() == "Ask an admin"
    with qtbot.waitSignal(empty.admin_text_asked):
        qtbot.mouseClick(second.button, Qt.MouseButton.LeftButton)


def test_renaming_refuses_a_taken_name(theme: Theme, qtbot: QtBot) -> None:
    host = Button(theme, "Host")
    qtbot.addWidget(host)
    host.resize(700, 500)
    host.show()
    dialog = RenameDialog(theme, host, "Letter", ["Letter", "Other"])
    dialog.open()
    dialog.field.set_value("OTHER")
    dialog.save.click()
    assert dialog.field.error() == "Another export has this name."
    dialog.field.set_value("  New   name ")
    with qtbot.waitSignal(dialog.chosen) as told:
        dialog.save.click()
    assert told.args == ["New name"]


def test_news_of_runs_are_merged(qtbot: QtBot) -> None:
    feed = RunFeed()
    told: list[tuple[Run, ...]] = []
    feed.updated.connect(told.append)
    for done in range(100):
        feed.listener(run(Status.RUNNING, done=done, total=100))
    assert [r.done for r in feed.active()] == [99]
    qtbot.waitUntil(lambda: bool(told))
    feed.listener(run(Status.SUCCESSFUL))
    qtbot.waitUntil(lambda: len(told) == 2)
    assert [r.done for r in told[0]] == [99]
    assert feed.active() == ()
    assert feed.ended("r1")
    feed.close()


def test_formats(formats: Formats) -> None:
    assert formats.number(1_204_331) == "1,204,331"
    assert formats.compact(6_360_000) == "6.36 M"
    assert formats.signed(-12) == "−12"
    assert formats.percent(0.09) == "9.0%"
    assert formats.bytes(2_100_000_000) == "2.1 GB"
    assert formats.counted(1, "exports") == "1 export"
    assert [formats.duration(s) for s in (0.83, 4, 221, 3600, 7500)] == [
        "0.8 s",
        "4 s",
        "3 min 41 s",
        "1 h",
        "2 h 5 min",
    ]
    assert formats.relative_time(NOW - timedelta(minutes=12)) == "12 min ago"
    assert formats.relative_time(NOW - timedelta(days=1)) == "Yesterday"
    assert formats.relative_time(NOW - timedelta(days=3)) == "Mon"
    assert formats.relative_time(NOW - timedelta(days=9)) == "3 Mar"
    assert formats.until(NOW + timedelta(hours=23)) == "in 23 h"
    assert formats.full_date(datetime(2025, 11, 4, tzinfo=UTC)) == "4 Nov 2025"
    assert formats.day_and_clock(NOW - timedelta(hours=1)) == "Today 09:00"
    assert formats.exact(NOW) == "Thu 12 Mar 2026, 10:00:00 CET"
    assert Formats(QLocale("en_US")).full_date(NOW) == "Mar 12, 2026"


@pytest.mark.parametrize(
    ("schedule", "short", "sentence"),
    [
        (None, "Manual", "manual"),
        (Schedule(Every.HOUR, time(0, 15), "UTC"), "Hourly", "hourly at minute 15"),
        (Schedule(Every.DAY, time(5, 45), "UTC"), "Daily 05:45", "daily at 05:45"),
        (Schedule(Every.WEEK, time(5), "UTC", ("mon",)), "Weekly Mon", "weekly on Mon at 05:00"),
        (Schedule(Every.WEEK, time(5), "UTC", ("thu", "mon")), "Mon, Thu 05:00", "weekly on Mon, Thu at 05:00"),
        (Schedule(Every.MONTH, time(2), "UTC", ("1",)), "Monthly 1st", "monthly on the 1st at 02:00"),
    ],
)
def test_schedules_in_words(formats: Formats, schedule: Schedule | None, short: str, sentence: str) -> None:
    assert formats.schedule(schedule) == short
    assert formats.schedule_sentence(schedule) == sentence


def test_a_schedule_of_another_zone_gives_both_times(formats: Formats, theme: Theme, qtbot: QtBot) -> None:
    drawer = ExportDetails(theme, formats, LineWords(formats))
    qtbot.addWidget(drawer)
    due = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)

    def facts(zone: str) -> dict[str, str]:
        shown = line(schedule=Schedule(Every.DAY, time(4), zone))
        return dict(drawer._facts_of(replace(shown, row=replace(shown.row, next_due=due))))

    assert facts("America/New_York")["Next run"].endswith("09:00")  # Berlin's
    assert facts("America/New_York")["In America/New_York"] == "04:00"
    assert facts("Europe/Rome")["In Europe/Rome"] == ""  # the same; empty ones are not shown
