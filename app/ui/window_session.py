"""One open workspace in the window: its pages, its news, and the way around."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.core.errors import as_sendoff_error
from app.core.roles import Action, Role, may
from app.core.runs import Run, Status, Trigger
from app.jobs import JobContext
from app.services.help_pages import HelpPage, help_pages
from app.ui.change_watch import ChangeWatch
from app.ui.closing import HoldsChanges
from app.ui.context import EVERYTHING, WindowContext
from app.ui.dialogs.error import ErrorDialog
from app.ui.dialogs.role import role_dialog
from app.ui.formats import Formats
from app.ui.main_window import MainWindow
from app.ui.notifications import Notifications, Tray
from app.ui.page_slot import PageSlot
from app.ui.pages.making import make_page
from app.ui.palette_entries import PaletteEntries
from app.ui.preferences import Preferences
from app.ui.preload import load_later
from app.ui.run_feed import RunFeed
from app.ui.run_progress_words import progress_words
from app.ui.runner import Finished, Job, JobRunner, Outcome
from app.ui.snapshot import Snapshot, take_snapshot
from app.ui.theme import Theme
from app.ui.widgets.menus import Menu

if TYPE_CHECKING:
    from app.bootstrap import Services

log = logging.getLogger(__name__)

REFRESH_MS = 150
_TOASTS = {
    "success": ("check-circle-fill", "success"),
    "warning": ("warning-fill", "warning"),
    "info": ("info-fill", "accent_text"),
}


@dataclass(frozen=True)
class Frame:
    """The parts of the window that stay when the workspace changes."""

    window: MainWindow
    theme: Theme
    runner: JobRunner
    preferences: Preferences
    slots: dict[str, PageSlot]
    titles: dict[str, str]


class WindowSession(QObject):
    """Fulfils `Navigator` for one workspace. Main thread only.

    Signals:
        noticed(str): something changed; pages refresh.
        runs_updated(object): runs of this process in their newest state, at most four times a second.
        ready(): the first snapshot is on screen.
        failed(object): the workspace could not be read.
    """

    noticed = Signal(str)
    runs_updated = Signal(object)
    ready = Signal()
    failed = Signal(object)

    def __init__(self, frame: Frame, services: Services, formats: Formats, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame = frame
        self.services = services
        self.context = WindowContext(services, frame.runner, frame.theme, self, formats)
        self.snapshot: Snapshot | None = None
        self._reading: Job | None = None
        self._again = False
        self.feed = RunFeed(self)
        self.feed.updated.connect(self._on_runs_updated)
        icon = frame.theme.icon("paper-plane-tilt-fill", "accent")
        tray = partial(Tray, icon, "Sendoff")
        self._notifications = Notifications(frame.window, frame.preferences, formats, tray, self)
        self._notifications.opened.connect(self._on_notification_clicked)
        self.feed.updated.connect(self._notifications.on_runs)
        self._watch = ChangeWatch(frame.runner, self._changes, self)
        self._watch.changed.connect(self._on_workspace_changed)
        self._entries = PaletteEntries(
            self,
            formats,
            frame.titles,
            self.run_export,
            self.run_all,
            lambda: self.show_help(frame.window.help_topic()),
            self,
        )
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._refresh.timeout.connect(self._read)
        self._undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), frame.window)
        self._undo.activated.connect(frame.window.toasts.undo_last)

    # Begin and end

    def start(self) -> None:
        """Fill the pages, read the workspace, follow its runs, let due exports start."""
        window = self._frame.window
        window.set_palette_provider(self._entries)
        window.role_asked.connect(self._on_role_asked)
        window.new_asked.connect(self._on_new_asked)
        window.help_asked.connect(self.show_help)
        window.page_changed.connect(self._on_page_changed)
        for page, slot in self._frame.slots.items():
            slot.fill(partial(make_page, page, self.context, self._frame.preferences))
        self._read()
        self._frame.runner.submit("store", "Follow the runs", self._follow_runs, on_finished=self._on_following)

    def end(self) -> None:
        """Hear and show nothing of this workspace any more; the services are closed by whoever opened them."""
        self._watch.stop()
        self._refresh.stop()
        self.feed.close()
        self._notifications.seen()
        self._undo.setEnabled(False)
        self._undo.deleteLater()
        self._frame.window.role_asked.disconnect(self._on_role_asked)
        self._frame.window.new_asked.disconnect(self._on_new_asked)
        self._frame.window.help_asked.disconnect(self.show_help)
        self._frame.window.page_changed.disconnect(self._on_page_changed)
        self._frame.window.set_palette_provider(lambda _words: [])
        self._frame.window.set_activity("")
        for page in self._frame.titles:
            self._frame.window.set_count(page, "")
        for slot in self._frame.slots.values():
            slot.clear()

    def unsaved(self) -> str:
        """The name of what is edited on a page and not saved, or an empty text."""
        pages = (slot.made() for slot in self._frame.slots.values())
        return next((name for page in pages if isinstance(page, HoldsChanges) and (name := page.unsaved())), "")

    # Navigator

    def show_page(self, page_id: str, focus: str | None = None) -> None:
        """Bring a page to the front and let it select `focus`."""
        self.leave_wizard()
        self._frame.window.show_page(page_id)
        page: Any = self._frame.slots[page_id].page()
        if page is not None and focus is not None:
            page.activate(focus)

    def open_segment_wizard(self, export_name: str | None = None, destination_id: str | None = None) -> None:
        """Give the window to the wizard for segment exports."""

        def make() -> QWidget:
            from app.ui.wizards.segment_export import SegmentExportWizard

            return SegmentExportWizard(self.context, export_name, destination_id)

        self._show_full(make)

    def open_data_out_wizard(self, export_name: str | None = None) -> None:
        """Give the window to the wizard for data-out exports."""

        def make() -> QWidget:
            from app.ui.wizards.data_out import DataOutWizard

            return DataOutWizard(self.context, export_name)

        self._show_full(make)

    def open_connection_dialog(
        self,
        destination_id: str | None = None,
        connection_name: str | None = None,
        on_saved: Callable[[str], None] | None = None,
    ) -> None:
        """Open the dialog of a connection over the window."""
        try:
            from app.ui.dialogs.connection import ConnectionDialog

            dialog = ConnectionDialog(
                self.context, destination_id, connection_name, on_saved, opener=self._frame.window
            )
        except Exception as error:
            log.exception("The dialog of the connection could not be made.")
            self.show_error(error, self._frame.window)
            return
        dialog.open()

    def leave_wizard(self) -> None:
        """Back from a wizard to the pages."""
        self._frame.window.leave_full()

    def toast(self, text: str, undo: Callable[[], None] | None = None, kind: str = "success") -> None:
        """Show a toast."""
        icon, role = _TOASTS[kind]
        self._frame.window.toasts.show(text, undo=undo, icon=icon, role=role)

    def show_error(self, error: BaseException, parent: QWidget) -> None:
        """Show the three sentences of an error."""
        ErrorDialog(self._frame.theme, parent, as_sendoff_error(error)).open()

    def changed(self, what: str) -> None:
        """Tell the pages, and read the frame's numbers again."""
        self.noticed.emit(what)
        self._refresh.start()

    # Runs

    def run_export(self, name: str) -> None:
        """Start an export and show it, as the palette does."""
        self._start(lambda: self.services.runs.start([name], Trigger.PERSON), name)

    def run_all(self) -> None:
        """Start every export that can run."""
        self._start(lambda: self.services.runs.run_all(Trigger.PERSON), None)

    def _start(self, start: Callable[[], list[Run]], focus: str | None) -> None:
        self.show_page("exports", focus)
        self._frame.runner.submit("store", "Start exports", lambda _ctx: start(), on_finished=self._on_started)

    def _on_started(self, finished: Finished) -> None:
        if finished.outcome is Outcome.FAILED and finished.error is not None:
            self.show_error(finished.error, self._frame.window)
        self.changed("runs")

    # Inside

    def _show_full(self, make: Callable[[], QWidget]) -> None:
        try:
            wizard = make()
        except Exception as error:
            log.exception("The wizard could not be made.")
            self.show_error(error, self._frame.window)
            return
        self._frame.window.show_full(wizard)

    def _follow_runs(self, _ctx: JobContext) -> Callable[[], None]:
        stop = self.services.runs.subscribe(self.feed.listener)
        for run in self.services.runs.active():
            self.feed.listener(run)
        self.services.schedules.start_ticking()
        self.services.tidying.start()
        return stop

    def _on_following(self, finished: Finished) -> None:
        if finished.outcome is Outcome.DONE:
            self.feed.follow(finished.value)
            self._watch.start()
            self._frame.runner.submit(
                "queries",
                "Look for an interrupted run",
                lambda _ctx: self.services.resuming.to_open(),
                on_finished=self._on_interrupted_found,
            )
        elif finished.error is not None:
            self.show_error(finished.error, self._frame.window)

    def _changes(self) -> int:
        """What differs after any change; a process that was killed writes nothing, so it is looked for here."""
        self.services.dead_runs.set_aside()
        return self.services.workspace.changes()

    def _on_interrupted_found(self, finished: Finished) -> None:
        """A run that was interrupted opens itself once."""
        if finished.outcome is Outcome.DONE and finished.value is not None:
            self.show_page("runs", finished.value.id)

    def _on_page_changed(self, page_id: str) -> None:
        page: Any = self._frame.slots[page_id].page()
        if page is not None:
            page.activate()

    def _on_workspace_changed(self) -> None:
        self.changed(EVERYTHING)

    def _on_runs_updated(self, runs: tuple[Run, ...]) -> None:
        self.runs_updated.emit(runs)
        self._show_activity()
        if any(run.status.ended for run in runs):
            self.changed("runs")

    def _on_notification_clicked(self, run_id: str) -> None:
        window = self._frame.window
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.raise_()
        window.activateWindow()
        self.show_page("runs", run_id or None)

    def _read(self) -> None:
        if self._reading is not None and self._reading.running:
            self._again = True
            return
        self._again = False
        self._reading = self._frame.runner.submit(
            "queries", "Read the workspace", lambda _ctx: take_snapshot(self.services), on_finished=self._on_read
        )

    def _on_read(self, finished: Finished) -> None:
        if finished.outcome is Outcome.DONE:
            first = self.snapshot is None
            self.snapshot = finished.value
            self._show_snapshot(finished.value)
            if first:
                self.ready.emit()
                self._frame.runner.submit("queries", "Get the pages ready", load_later)
        elif finished.error is not None and self.snapshot is None:
            self.failed.emit(finished.error)
        if self._again:
            self._read()

    def _show_snapshot(self, snapshot: Snapshot) -> None:
        window, formats = self._frame.window, self.context.formats
        window.set_workspace(snapshot.info.name, formats.audience(snapshot.info.audience))
        engine = self.tr("DuckDB, local") if snapshot.server is None else snapshot.server.kind.label
        window.set_foot(engine, formats.role(snapshot.role))
        for page, number in (("exports", len(snapshot.exports)), ("segments", len(snapshot.segments))):
            window.set_count(page, formats.number(number) if number else "")
        window.set_count("connections", formats.number(snapshot.problems) if snapshot.problems else "", "danger")
        self._entries.set_snapshot(snapshot)
        self._show_activity()

    def _show_activity(self) -> None:
        window, formats = self._frame.window, self.context.formats
        active = self._all_active()
        if active:
            window.set_count("runs", formats.number(len(active)), "accent")
        else:
            window.set_count("runs", formats.number(self._interrupted()) if self._interrupted() else "", "danger")
        running = [run for run in active if run.status is Status.RUNNING]
        if not active:
            window.set_idle()
            return
        done, total = sum(run.done for run in running), sum(run.total or 0 for run in running)
        share = min(1.0, done / total) if total else 0.0
        words = (
            self.tr("1 export running")
            if len(active) == 1
            else self.tr("{n} exports running").format(n=formats.number(len(active)))
        )
        detail = "\n".join(progress_words(run, formats) for run in running)
        window.set_activity(words, formats.percent(share, 0) if total else "", share, detail)

    def _interrupted(self) -> int:
        """Exports whose newest run was interrupted."""
        rows = () if self.snapshot is None else self.snapshot.exports
        return sum(row.latest is not None and row.latest.status is Status.INTERRUPTED for row in rows)

    def _all_active(self) -> list[Run]:
        """Runs of this process as they are told, and those of others as they were last read."""
        own = {run.id: run for run in self.feed.active()}
        if self.snapshot is not None:
            for row in self.snapshot.exports:
                latest = row.latest
                if (
                    latest is not None
                    and not latest.status.ended
                    and latest.id not in own
                    and not self.feed.ended(latest.id)
                ):
                    own[latest.id] = latest
        return list(own.values())

    def show_help(self, topic: str) -> None:
        """Show the help page about that, and from there all others; once is enough."""
        from app.ui.dialogs.help import HelpDialog

        def read(_ctx: JobContext) -> list[HelpPage]:
            return help_pages()

        def show(finished: Finished) -> None:
            window = self._frame.window
            if finished.outcome is Outcome.DONE and not any(d.isVisible() for d in window.findChildren(HelpDialog)):
                HelpDialog(self._frame.theme, window.focusWidget() or window, finished.value, topic).open()

        self._frame.runner.submit("queries", "Read the help", read, on_finished=show)

    def _on_new_asked(self, tables: bool) -> None:  # noqa: FBT001 - a signal's
        if self.snapshot is None or not may(self.snapshot.role, Action.CHANGE_EXPORTS):
            return
        if tables:
            self.open_data_out_wizard()
        else:
            self.open_segment_wizard()

    def _on_role_asked(self) -> None:
        menu = Menu(self._frame.theme, self.tr("Your role here"), self._frame.window)
        current = self.snapshot.role if self.snapshot is not None else None
        for role in reversed(Role):
            menu.add(
                self.context.formats.role(role),
                lambda r=role: self._ask_role(r),
                checked=role is current,
            )
        foot = self._frame.window.navigation.foot
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(foot.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _ask_role(self, role: Role) -> None:
        current = self.snapshot.role if self.snapshot is not None else None
        if role is current:
            return
        if current is not Role.ADMIN:
            self._set_role(role)  # the service says why not
            return
        dialog = role_dialog(self._frame.theme, self._frame.window, self.context.formats.role(role))
        dialog.accepted.connect(lambda: self._set_role(role))
        dialog.open()

    def _set_role(self, role: Role) -> None:
        self._frame.runner.submit(
            "store",
            "Change the role",
            lambda _ctx: self.services.roles.set_role(role),
            on_finished=self._on_role_set,
        )

    def _on_role_set(self, finished: Finished) -> None:
        if finished.outcome is Outcome.FAILED and finished.error is not None:
            self.show_error(finished.error, self._frame.window)
        self.changed("roles")
