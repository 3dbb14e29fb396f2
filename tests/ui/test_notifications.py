from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QObject, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from app.core.errors import TryAgain
from app.core.guards import GuardKind, Held
from app.core.plans import Changes
from app.core.runs import Run, Status, Totals, Trigger
from app.ui.formats import Formats
from app.ui.notifications import Notifications, Topic, Tray, set_wanted
from app.ui.pages.notifications_part import NotificationsPart
from app.ui.preferences import Preferences
from tests.ui.checks import nameless

NOW = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)


class FakeTray(QObject):
    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[str, str, bool]] = []
        self.there = True
        self.cleared = 0

    def possible(self) -> bool:
        return self.there

    def show_message(self, title: str, words: str, *, trouble: bool) -> None:
        self.shown.append((title, words, trouble))

    def clear(self) -> None:
        self.cleared += 1


class Desk:
    """Two windows: ours, and another one that has the focus."""

    def __init__(self, folder: Path) -> None:
        self.preferences = Preferences(folder / "window.ini")
        self.tray = FakeTray()
        self.window, self.other = QWidget(), QWidget()
        self.notifications = Notifications(self.window, self.preferences, Formats(QLocale("en_GB")), lambda: self.tray)
        self.opened: list[str] = []
        self.notifications.opened.connect(self.opened.append)
        self.show(self.window)
        self.show(self.other)

    def show(self, window: QWidget) -> None:
        window.show()
        window.activateWindow()
        assert QTest.qWaitForWindowActive(window, 60_000)


@pytest.fixture
def desk(qapp, tmp_path: Path):
    made = Desk(tmp_path)
    yield made
    made.window.close()
    made.other.close()


def run(status: Status = Status.SUCCESSFUL, *, number: int = 1, **more) -> Run:
    return Run(
        id=f"r{number}",
        export_id="e",
        export_name="Letter",
        destination="practice",
        connection_id="c",
        connection_name="Rehearsal",
        trigger=Trigger.SCHEDULE,
        status=status,
        queued_at=NOW,
        **more,
    )


HELD = Held(GuardKind.REMOVED, "The sentence.", Changes(removed=34), 100, share=34.0, limit=20.0)


def test_what_went_wrong_is_told_while_another_window_has_the_focus(desk: Desk) -> None:
    failed = run(Status.FAILED, error=TryAgain("Mailchimp could not be reached.", "No answer.", "Try again."))
    desk.notifications.on_runs((run(Status.RUNNING), run(Status.CANCELLED), run(Status.SUCCESSFUL), failed))
    desk.notifications.on_runs((run(Status.HELD, number=2, held=HELD),))
    rejects = run(Status.COMPLETED_WITH_REJECTS, number=3, totals=Totals(added=1200, rejected=4))
    desk.notifications.on_runs((rejects,))
    assert desk.tray.shown == [
        ("Letter: Failed", "Mailchimp could not be reached.", True),
        ("Letter: Held", "34.0% of the audience would be removed; your limit is 20%.", True),
        ("Letter: Completed with rejects", "1,200 members delivered, 4 rejected.", True),
    ]


def test_nothing_is_told_to_who_looks_at_the_window(desk: Desk) -> None:
    desk.show(desk.window)
    desk.notifications.on_runs((run(Status.FAILED),))
    assert desk.tray.shown == []


def test_each_topic_can_be_switched(desk: Desk) -> None:
    set_wanted(desk.preferences, Topic.TROUBLE, on=False)
    desk.notifications.on_runs((run(Status.FAILED), run()))
    assert desk.tray.shown == []
    set_wanted(desk.preferences, Topic.EVERY, on=True)
    desk.notifications.on_runs((run(totals=Totals(rows=5)), run(Status.FAILED, number=2)))
    assert [title for title, _words, _trouble in desk.tray.shown] == ["Letter: Successful", "Letter: Failed"]
    assert desk.tray.shown[0][1:] == ("5 rows written.", False)


def test_a_click_leads_to_the_run_and_several_to_the_list(desk: Desk) -> None:
    desk.notifications.on_runs((run(Status.FAILED),))
    desk.tray.clicked.emit()
    desk.notifications.on_runs((run(Status.FAILED, number=2), run(Status.FAILED, number=3)))
    desk.tray.clicked.emit()
    assert desk.opened == ["r1", ""]
    desk.notifications.on_runs((run(Status.FAILED, number=4),))
    before = desk.tray.cleared
    desk.show(desk.window)
    assert desk.tray.cleared > before


def test_a_desktop_without_notifications_is_fine(desk: Desk) -> None:
    desk.tray.there = False
    desk.notifications.on_runs((run(Status.FAILED),))
    assert desk.tray.shown == []


@pytest.mark.qt_log_ignore("systemTrayWindowChanged")  # the off-screen platform has no tray to hear of
def test_the_systems_own_tray_says_whether_it_shows_any(theme) -> None:
    tray = Tray(theme.icon("paper-plane-tilt-fill", "accent"), "Sendoff")
    assert tray.possible() is (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages())
    clicks: list[None] = []
    tray.clicked.connect(lambda: clicks.append(None))
    tray.show_message("Letter: Failed", "Mailchimp could not be reached.", trouble=True)
    assert tray._icon.isVisible()
    tray._icon.messageClicked.emit()
    tray._icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    tray.clear()
    assert (len(clicks), tray._icon.isVisible()) == (2, False)


def test_the_switches_of_the_settings_are_kept(qtbot, theme, tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "window.ini")
    part = NotificationsPart(theme, preferences)
    qtbot.addWidget(part)
    assert [part.switches[topic].isChecked() for topic in Topic] == [True, True, False]
    part.switches[Topic.EVERY].click()
    part.switches[Topic.REJECTS].click()
    again = NotificationsPart(theme, Preferences(tmp_path / "window.ini"))
    qtbot.addWidget(again)
    assert [again.switches[topic].isChecked() for topic in Topic] == [True, False, True]
    assert nameless(part) == []
