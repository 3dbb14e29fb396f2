"""What every page, dialog and wizard is given: the services, the way to background work, and the way around the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shiboken6 import isValid

from app.ui.formats import Formats
from app.ui.runner import Finished, JobRunner, Outcome
from app.ui.theme import Theme

if TYPE_CHECKING:
    # The services load the engine and the HTTP library; the window paints before that.
    from PySide6.QtCore import SignalInstance
    from PySide6.QtWidgets import QWidget

    from app.bootstrap import Services
    from app.jobs import JobContext

EVERYTHING = "everything"
"""What `changed` says when another process wrote, so that nobody knows what."""


class Navigator(Protocol):
    """The way around the window; main thread only.

    `noticed` is a signal with one text: what changed ("exports", "connections", "segments", "suppression", "tables", "runs",
    "roles", or "everything"). Pages connect to it and refresh. `runs_updated` carries a tuple of the runs of this process that
    moved, each in its newest state, at most four times a second.
    """

    noticed: SignalInstance
    runs_updated: SignalInstance

    def show_page(self, page_id: str, focus: str | None = None) -> None:
        """Bring a page to the front; `focus` names what to select there, as the page understands it."""

    def open_segment_wizard(self, export_name: str | None = None, destination_id: str | None = None) -> None:
        """Open the wizard for a new segment export, or for the named one."""

    def open_data_out_wizard(self, export_name: str | None = None) -> None:
        """Open the wizard for a new data-out export, or for the named one."""

    def open_connection_dialog(
        self,
        destination_id: str | None = None,
        connection_name: str | None = None,
        on_saved: Callable[[str], None] | None = None,
    ) -> None:
        """Add a connection at a destination, or edit one; `on_saved` gets its name."""

    def leave_wizard(self) -> None:
        """Back from a wizard to the pages."""

    def toast(self, text: str, undo: Callable[[], None] | None = None, kind: str = "success") -> None:
        """Tell the result of the person's own action; `undo` is offered for 6 s and on Ctrl+Z."""

    def show_error(self, error: BaseException, parent: QWidget) -> None:
        """Tell what happened, why, and what to do, in a dialog over the parent's window."""

    def changed(self, what: str) -> None:
        """Tell all pages that they are out of date."""


@dataclass(frozen=True)
class WindowContext:
    """Passed to every page; `services` blocks and is only called inside `runner.submit`."""

    services: Services
    runner: JobRunner
    theme: Theme
    navigator: Navigator
    formats: Formats

    def carry_out(
        self, over: QWidget, name: str, work: Callable[[JobContext], Any], then: Callable[[Any], object]
    ) -> None:
        """Do what a person asked for, in a job; then go on with what it gave, or tell over that widget why not."""

        def finished(end: Finished) -> None:
            if not isValid(over):  # the page is gone with its workspace, and nobody is left to tell
                return
            if end.outcome is Outcome.DONE:
                then(end.value)
            elif end.outcome is Outcome.FAILED and end.error is not None:
                self.navigator.show_error(end.error, over)

        self.runner.submit("store", name, work, on_finished=finished)
