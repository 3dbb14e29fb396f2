"""The window as a program: shown first, filled after, closed without losing what runs.

Nothing heavy is imported before the first paint: no engine, no store, no HTTP, no keyring. Importing this module brings in
Qt and the window's frame alone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app.services.places import config_folder
from app.ui.main_window import MainWindow
from app.ui.page_slot import PageSlot
from app.ui.preferences import Preferences
from app.ui.text_size import FACTOR, system_scale
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.ui.formats import Formats
    from app.ui.opening import Open

PAGES = ("exports", "segments", "tables", "connections", "runs", "settings")
VIEWS = {
    "suppression": "segments",
    "receipt": "runs",
    "compare": "runs",
    "undo-plan": "runs",
    "plan": "exports",
    "audit": "settings",
}
"""Further views of a page, reached from there."""
ICONS = ("paper-plane-tilt", "users-three", "table", "link", "clock-counter-clockwise", "gear-six")
EXIT_AFTER_FIRST_PAINT = "SENDOFF_EXIT_AFTER_FIRST_PAINT"


class FirstPaint(QObject):
    """Signal `painted()`: a widget was painted for the first time."""

    painted = Signal()

    def __init__(self, widget: QObject) -> None:
        super().__init__(widget)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for one paint."""
        if event.type() is QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self.painted.emit)
        return False


class WindowProgram(QObject):
    """One window from its first paint to its end. Main thread only; the application must exist."""

    def __init__(self, application: QApplication, folder: Path) -> None:
        super().__init__()
        self._application = application
        self.preferences = Preferences(folder / "window.ini", self)
        # Of the application, not of this program: it must outlive every widget that listens to it.
        self.theme = Theme(application, self.preferences.theme_choice(), application)
        self.theme.motion.reduced = self.preferences.reduced_motion()
        self.theme.apply()
        self.window = MainWindow(self.theme, self.preferences.ini)
        self.titles = dict(zip(PAGES, self._page_titles(), strict=True))
        self.slots = {page: PageSlot(self.theme, self.titles[page]) for page in PAGES}
        for page, icon in zip(PAGES, ICONS, strict=True):
            self.window.add_page(page, self.titles[page], icon, self.slots[page])
        views = {
            "suppression": self.tr("Suppression list"),
            "receipt": self.tr("Receipt"),
            "plan": self.tr("Plan"),
            "undo-plan": self.tr("Plan for undoing a run"),
            "audit": self.tr("Audit trail"),
            "compare": self.tr("Compare two runs"),
        }
        for view, home in VIEWS.items():
            title = views[view]
            self.slots[view] = PageSlot(self.theme, title)
            self.window.add_view(view, title, home, self.slots[view])
        self.window.restore()
        self._logs = folder / "logs"
        self.first_paint = FirstPaint(self.window.navigation)

    def show(self) -> None:
        """Show the frame of the window."""
        self.window.show()

    def begin(self, workspace: str | None, *, opener: Open | None = None, formats: Formats | None = None) -> None:
        """Load what the window needs and open the workspace; called after the first paint.

        `opener` and `formats` replace how a folder is opened and how numbers and times are said.
        """
        from app.jobs import Pools
        from app.ui.closing import Closing, Stopping, kept_by
        from app.ui.formats import Formats
        from app.ui.logbook import Logbook
        from app.ui.opening import Opening
        from app.ui.runner import JobRunner
        from app.ui.window_session import Frame

        self.runner = JobRunner(Pools(), self)
        self.logbook = Logbook(self._logs, self)
        self.logbook.open()
        self.logbook.catch_faults()
        self.logbook.connect_fault(self._on_fault)
        frame = Frame(self.window, self.theme, self.runner, self.preferences, self.slots, self.titles)
        self.opening = Opening(frame, formats or Formats(), opener=opener, parent=self)
        self.opening.opened.connect(self._on_workspace_opened)
        self.closing = Closing(
            self.theme,
            self.window,
            self.runner,
            running=self.opening.running,
            stop=self.opening.close_services,
            show_stopping=lambda: self.window.show_full(Stopping(self.theme)),
            unsaved=self.opening.unsaved,
            keep=lambda: kept_by(self.window.full()),
        )
        self.closing.done.connect(self._on_stopped)
        self.window.set_close_guard(self.closing.may_close)
        self.opening.open(Path(workspace) if workspace else None)

    def end(self) -> None:
        """Give threads, hooks and handlers back."""
        if hasattr(self, "runner"):
            self.runner.close(wait_for_threads=False)
            self.logbook.close()

    def _page_titles(self) -> tuple[str, ...]:
        return (
            self.tr("Exports"),
            self.tr("Segments"),
            self.tr("Tables"),
            self.tr("Connections"),
            self.tr("Runs"),
            self.tr("Settings"),
        )

    def _on_workspace_opened(self, session: object) -> None:
        from app.ui.window_session import WindowSession

        if isinstance(session, WindowSession):
            self.logbook.mask(session.services.redactor)

    def _on_fault(self, error: BaseException) -> None:
        from app.core.errors import as_sendoff_error
        from app.ui.dialogs.error import ErrorDialog

        ErrorDialog(self.theme, self.window, as_sendoff_error(error)).open()

    def _on_stopped(self) -> None:
        self.window.set_close_guard(lambda: True)
        self.window.close()
        self._application.quit()


def make_application(arguments: list[str]) -> QApplication:
    """Make the application, as large as the system's text size wants it; what it starts later is not made larger by that."""
    if FACTOR in os.environ:
        return QApplication(arguments)
    scale = system_scale()
    if scale > 1:
        os.environ[FACTOR] = str(scale)
    try:
        return QApplication(arguments)
    finally:
        os.environ.pop(FACTOR, None)


def run_window(workspace: str | None) -> int:
    """Open the window on that workspace, or on the one opened last; returns when it is closed."""
    began = time.perf_counter()
    application = make_application(sys.argv[:1])
    application.setApplicationName("Sendoff")
    application.setQuitOnLastWindowClosed(False)
    program = WindowProgram(application, config_folder())

    def painted() -> None:
        if os.environ.get(EXIT_AFTER_FIRST_PAINT) == "1":
            sys.stdout.write(f"first paint {(time.perf_counter() - began) * 1000:.0f} ms\n")
            sys.stdout.flush()
            application.quit()
        else:
            program.begin(workspace)

    program.first_paint.painted.connect(painted)
    program.show()
    status = application.exec()
    program.end()
    return status
