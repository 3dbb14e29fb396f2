"""The real window on the sample workspace, held still: one clock, one locale, a keyring in memory, Mailchimp's emulator."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QCursor, QEnterEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.bootstrap import Services, create_workspace
from app.core.audit import Seat
from app.core.connections import Access
from app.core.runs import Trigger
from app.jobs import JobContext
from app.store import Store
from app.ui.application import WindowProgram
from app.ui.formats import Formats
from tests.fakes.secret_store import MemoryStore
from tests.vendors.linkedin import TOKEN, LinkedInEmulator
from tests.vendors.mailchimp import KEY, MailchimpEmulator

NOW = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
MADE = NOW - timedelta(minutes=20)
"""When the sample workspace was made: after the last time one of its schedules was due."""
ZONE = ZoneInfo("Europe/Berlin")
PATIENCE_SECONDS = 60.0
AUDIENCE = "a1b2c3d4e5"


class Clock:
    """Stands still at `moment` until it is set."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def make_workspace(folder: Path, emulator: MailchimpEmulator, secrets: MemoryStore) -> None:
    """Make the sample workspace with a Mailchimp connection, an export on it, and runs that ended well and badly."""
    clock = Clock(NOW)
    create_workspace(
        folder, "Northwind Retail", "consumers", sample=True, country_code="DE", secrets=secrets, clock=Clock(MADE)
    ).close()
    services = Services(folder, Store.open(folder), secrets=secrets, clock=clock)
    tested = services.connections.test_draft(
        "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, None, JobContext()
    )
    services.connections.add(
        "Mailchimp EU",
        "mailchimp",
        {"api_url": emulator.url},
        {"api_key": KEY},
        Access.CONTRIBUTORS,
        agreed=True,
        tested=tested,
    )
    services.exports.apply(
        {
            "name": "Loyalty mailing",
            "kind": "segment",
            "connection": "Mailchimp EU",
            "segments": ["Loyalty Gold and Platinum"],
            "target": {"audience_id": AUDIENCE},
            "match": {"email": "Customer.EmailPrimary", "first_name": "Customer.FirstName"},
            "sync": "update",
            "consent": {"agreed": True},
            "schedule": {"every": "day", "at": "05:35", "time_zone": "Europe/Berlin"},
        }
    )
    services.exports.copy("Store visitors", "Trade-in leads")
    services.exports.detach("Trade-in leads")
    for minutes, names in ((1570, ["Customer 360"]), (190, ["Newsletter weekly"]), (40, ["VIP early access"])):
        _run(services, clock, NOW - timedelta(minutes=minutes), names)
    _run(services, clock, NOW - timedelta(minutes=24), ["Loyalty mailing"])
    services.close()


def make_businesses(folder: Path, emulator: LinkedInEmulator, secrets: MemoryStore) -> None:
    """Make the sample workspace of accounts and contacts with a connection to LinkedIn."""
    create_workspace(
        folder,
        "Northwind Wholesale",
        "businesses",
        sample=True,
        country_code="DE",
        secrets=secrets,
        clock=Clock(MADE),
    ).close()
    services = Services(folder, Store.open(folder), secrets=secrets, clock=Clock(NOW))
    settings, secret = {"api_url": emulator.url}, {"access_token": TOKEN}
    tested = services.connections.test_draft("linkedin-ads", settings, secret, None, JobContext())
    services.connections.add(
        "LinkedIn NW", "linkedin-ads", settings, secret, Access.CONTRIBUTORS, agreed=True, tested=tested
    )
    services.close()


def _run(services: Services, clock: Clock, moment: datetime, names: list[str]) -> None:
    clock.moment = moment
    runs = services.runs.start(names, Trigger.PERSON)
    services.runs.wait([run.id for run in runs], JobContext())
    clock.moment = NOW


class Stage:
    """What a scene gets.

    `services`, `session`, `window`, `theme`, `page(id)`; `show(page_id, focus)`; `settle()`; `wait(condition)`; `clock`.
    """

    def __init__(self, application: QApplication, config: Path, emulator: MailchimpEmulator) -> None:
        # Which workspaces were opened lately is remembered there: a picture must not depend on the one before.
        os.environ["SENDOFF_CONFIG_DIR"] = str(config)
        self.emulator = emulator
        self.clock = Clock(NOW)
        self.program = WindowProgram(application, config)
        self.window = self.program.window
        self.theme = self.program.theme
        # Pictures are as large as asked, not as the screen of this computer, which off screen is 800 x 800.
        self.window.fit_screen = lambda: None
        # Pictures are of the end of every movement.
        self.theme.motion.duration = lambda _milliseconds: 0

    def open(self, workspace: Path | None, secrets: MemoryStore, size: tuple[int, int]) -> None:
        """Show the window and open the workspace, or the start page without one."""

        def opener(folder: Path) -> Services:
            return Services(folder, Store.open(folder), secrets=secrets, seat=Seat.WINDOW, clock=self.clock)

        QCursor.setPos(QPoint(-100, -100))
        self.program.show()
        self.window.resize(*size)
        formats = Formats(QLocale("en_GB"), now=self.clock, zone=ZONE)
        self.program.begin(str(workspace) if workspace else None, opener=opener, formats=formats)
        if workspace is None:
            self.wait(self.window.is_full)
        else:
            self.wait(lambda: self.program.opening.session is not None and self.session.snapshot is not None)
        self.settle()

    @property
    def session(self) -> Any:
        """The open workspace in the window: context, navigator, snapshot."""
        return self.program.opening.session

    @property
    def services(self) -> Services:
        """The services of the workspace; call them only in short ways, the window waits meanwhile."""
        services: Services = self.session.services
        return services

    def page(self, page_id: str) -> Any:
        """The widget of a page."""
        return self.program.slots[page_id].page()

    def show(self, page_id: str, focus: str | None = None) -> Any:
        """Bring a page to the front, wait until it is settled, and return it."""
        self.session.show_page(page_id, focus)
        self.settle()
        return self.page(page_id)

    def settle(self, seconds: float = 0.4) -> None:
        """Wait until no job runs, the page in front says it is settled, and the event loop was quiet for a moment."""
        quiet_since = time.monotonic()
        deadline = quiet_since + PATIENCE_SECONDS
        while time.monotonic() - quiet_since < seconds:
            self._turn()
            if self._busy():
                quiet_since = time.monotonic()
            if time.monotonic() > deadline:
                raise TimeoutError("The window does not settle.")

    def wait(self, condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
        """Let the window live until the condition holds; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not condition():
            self._turn()
            if time.monotonic() > deadline:
                raise TimeoutError("What the scene waits for does not come.")

    def pointer_away(self) -> None:
        """Take hover off everything: off screen there is no real pointer that leaves."""
        for widget in self.window.findChildren(QWidget):
            if widget.underMouse():
                QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))
                widget.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)

    def grab(self, path: Path, mode: str) -> None:
        """Take the picture in a theme."""
        self.theme.set_choice("light" if mode == "light" else "dark")
        for _ in range(3):
            self._turn()
        self.pointer_away()
        self.window.grab().save(str(path))

    def close(self) -> None:
        """Close the window as a person does, and wait for the end."""
        self.program.closing.begin()
        self.wait(lambda: not self.window.isVisible())
        self.program.end()
        # A worker that is told to stop still tells the bridge its end: the bridge must not go under its hands.
        if not self.program.runner.wait_idle(PATIENCE_SECONDS):
            raise TimeoutError("A job of the window does not end.")
        self.window.deleteLater()
        self.program.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def _busy(self) -> bool:
        # The watch asks each second; it is no work that changes a picture.
        working = [job for job in self.program.runner.jobs() if job.name != "Look for changes"]
        page: Any = self.program.slots[self.window.page()].made() if self.window.page() else None
        settled = getattr(page, "settled", None)
        return bool(working) or (settled is not None and not settled())

    @staticmethod
    def _turn() -> None:
        QApplication.processEvents()
        time.sleep(0.005)


def hover(widget: QWidget, point: QPoint) -> None:
    """Let the pointer stand on a point of a widget."""
    place = QPointF(point)
    whole = QPointF(widget.mapToGlobal(point))
    QCoreApplication.sendEvent(widget, QEnterEvent(place, place, whole))
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        whole,
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QCoreApplication.sendEvent(widget, move)
