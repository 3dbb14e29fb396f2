"""Which workspace the window shows: opening, making, switching, and the start page when there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from app.core.errors import as_sendoff_error
from app.jobs import JobContext
from app.ui.closing import ask_to_lose
from app.ui.dialogs.error import ErrorDialog
from app.ui.formats import Formats
from app.ui.preload import FIRST, load
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.menus import Menu
from app.ui.widgets.states import EmptyState
from app.ui.window_session import Frame, WindowSession

if TYPE_CHECKING:
    from app.bootstrap import Services
    from app.ui.pages.start import NewWorkspace, StartPage

log = logging.getLogger(__name__)

Open = Callable[[Path], "Services"]


class Opening(QObject):
    """Opens workspaces in jobs and puts them into the window. Main thread only.

    Args:
        frame: the window's lasting parts.
        formats: numbers and times of this person.
        opener: opens a folder; `app.bootstrap.open_workspace` without it.

    Signal `opened(object)`: the new `WindowSession`.
    """

    opened = Signal(object)

    def __init__(
        self, frame: Frame, formats: Formats, *, opener: Open | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._frame = frame
        self._formats = formats
        self._opener = opener
        self.session: WindowSession | None = None
        self._job: Job | None = None
        self._start_page: StartPage | None = None
        frame.window.workspace_asked.connect(self._on_workspace_asked)

    def open(self, folder: Path | None) -> None:
        """Open the folder's workspace, or the one opened last; without one show the start page."""
        self._run(self.tr("Open the workspace"), lambda ctx: self._open(folder, ctx), folder)

    def show_start(self) -> None:
        """Give the window to the start page."""
        from app.ui.pages.start import StartPage

        page = StartPage(self._frame.theme, can_go_back=self.session is not None)
        page.create_asked.connect(self._on_create_asked)
        page.open_asked.connect(self._on_folder_chosen)
        page.back_asked.connect(self._on_back_asked)
        self._start_page = page
        page.destroyed.connect(self._on_start_page_gone)
        self._frame.window.show_full(page)

    def running(self) -> int:
        """How many exports run in this process."""
        return len(self.session.feed.active()) if self.session is not None else 0

    def unsaved(self) -> str:
        """The name of what is edited on a page and not saved, or an empty text."""
        return self.session.unsaved() if self.session is not None else ""

    def close_services(self) -> None:
        """End the services of the open workspace; blocks, for a thread of its own."""
        if self.session is not None:
            self.session.services.close()

    # Inside

    def _open(self, folder: Path | None, ctx: JobContext) -> Services | None:
        from app.bootstrap import default_workspace, open_workspace
        from app.core.audit import Seat

        load(FIRST, ctx)
        chosen = folder or default_workspace()
        opener = self._opener or partial(open_workspace, seat=Seat.WINDOW)
        return None if chosen is None else opener(chosen)

    def _run(self, name: str, work: Callable[[JobContext], Services | None], folder: Path | None) -> None:
        if self._job is not None and self._job.running:
            return
        self._job = self._frame.runner.submit(
            "store", name, work, on_finished=lambda finished: self._on_finished(finished, folder)
        )

    def _on_finished(self, finished: Finished, folder: Path | None) -> None:
        if finished.outcome is Outcome.FAILED and finished.error is not None:
            self._tell_failure(finished.error, folder)
        elif finished.value is None:
            if self._start_page is None:
                self.show_start()
            else:
                self._start_page.set_busy("")
        else:
            self._install(finished.value)

    def _tell_failure(self, error: BaseException, folder: Path | None) -> None:
        if self._start_page is not None:
            self._start_page.set_busy("")
            ErrorDialog(self._frame.theme, self._start_page, as_sendoff_error(error)).open()
            return
        if self.session is not None:
            self.session.show_error(error, self._frame.window)
            return
        told = as_sendoff_error(error)
        page = EmptyState(
            self._frame.theme,
            told.what,
            f"{told.why} {told.fix}".strip(),
            icon="warning-circle-fill",
            icon_role="danger",
            primary=self.tr("Try again"),
            secondary=self.tr("Choose another workspace"),
        )
        page.primary_clicked.connect(lambda: self.open(folder))
        page.secondary_clicked.connect(self.show_start)
        self._frame.window.show_full(page)

    def _install(self, services: Services) -> None:
        before = self.session
        if before is not None:
            before.end()
            before.deleteLater()
            self._frame.runner.submit("store", "Close the workspace before", lambda _ctx: before.services.close())
        self._frame.window.leave_full()
        self.session = WindowSession(self._frame, services, self._formats, self)
        self.session.failed.connect(lambda error: self._tell_failure(error, services.folder))
        self.session.start()
        self.opened.emit(self.session)

    # Switching

    def _on_workspace_asked(self) -> None:
        self._frame.runner.submit(
            "queries", "List the workspaces", lambda _ctx: _recent_names(), on_finished=self._on_recent_listed
        )

    def _on_recent_listed(self, finished: Finished) -> None:
        menu = Menu(self._frame.theme, self.tr("Workspaces"), self._frame.window)
        here = self.session.services.folder if self.session is not None else None
        for folder in finished.value or []:
            menu.add(
                folder.name, lambda f=folder: self._switch(lambda: self.open(f)), checked=folder == here
            ).setToolTip(str(folder))
        menu.setToolTipsVisible(True)
        if not menu.isEmpty():
            menu.addSeparator()
        menu.add(self.tr("Open another workspace…"), self._on_open_asked, icon="folder-open")
        menu.add(self.tr("Create a workspace…"), lambda: self._switch(self.show_start), icon="plus-bold")
        menu.aboutToHide.connect(menu.deleteLater)
        button = self._frame.window.navigation.workspace
        menu.popup(button.mapToGlobal(QPoint(0, button.height() + 2)))

    def _on_open_asked(self) -> None:
        from app.ui.pages.start import choose_workspace

        choose_workspace(self._frame.window, lambda folder: self._switch(lambda: self.open(folder)))

    def _switch(self, then: Callable[[], None]) -> None:
        """Go on at once, or ask what is not saved, and when exports of this workspace run: they stop with it."""
        name = self.unsaved()
        if name:
            words = self.tr("Discard and switch")
            ask_to_lose(self._frame.theme, self._frame.window, name, words, lambda: self._stop_and_switch(then))
        else:
            self._stop_and_switch(then)

    def _stop_and_switch(self, then: Callable[[], None]) -> None:
        number = self.running()
        if not number:
            then()
            return
        dialog = ConfirmDialog(
            self._frame.theme,
            self._frame.window,
            title=self.tr("Stop the running export?") if number == 1 else self.tr("Stop the running exports?"),
            sentence=self.tr("Exports stop when their workspace closes. The next run sends the rest."),
            confirm=self.tr("Stop and switch"),
            danger=True,
        )
        dialog.accepted.connect(then)
        dialog.open()

    # The start page

    def _on_create_asked(self, wanted: NewWorkspace) -> None:
        if self._start_page is not None:
            self._start_page.set_busy(self.tr("Making the workspace…"))
        self._run("Create a workspace", lambda ctx: _create(wanted, ctx), wanted.folder)

    def _on_folder_chosen(self, folder: Path) -> None:
        if self._start_page is not None:
            self._start_page.set_busy(self.tr("Opening the workspace…"))
        self.open(folder)

    def _on_back_asked(self) -> None:
        self._frame.window.leave_full()

    def _on_start_page_gone(self, _page: QWidget | None = None) -> None:
        self._start_page = None


def _recent_names() -> list[Path]:
    from app.bootstrap import recent

    return recent().all()


def _create(wanted: NewWorkspace, ctx: JobContext) -> Services:
    """Make the workspace, and bring in the files of the chosen folder."""
    from app.bootstrap import create_workspace
    from app.core.audit import Seat

    services = create_workspace(
        wanted.folder, wanted.name, wanted.audience.value, sample=wanted.sample, seat=Seat.WINDOW, ctx=ctx
    )
    if wanted.source is not None:
        try:
            services.tables.add([wanted.source], None, ctx)
        except BaseException:
            services.close()
            raise
    return services
