"""Counting the segments of exports again, from the page that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal

from app.core.errors import as_sendoff_error
from app.core.exports import ExportKind
from app.jobs import Progress
from app.ui.context import WindowContext
from app.ui.pages.exports.lines import ExportLine
from app.ui.pages.exports.list_view import ExportsList
from app.ui.pages.exports.reading import count_again
from app.ui.runner import Finished, Job, Outcome


class Counting(QObject):
    """One count at a time; its lines of the list turn meanwhile, and the list tells how far it is. Main thread only.

    Signal `counted()`: there are new numbers to read.
    """

    counted = Signal()

    def __init__(self, context: WindowContext, list_: ExportsList) -> None:
        super().__init__(list_)
        self._context = context
        self._list = list_
        self._job: Job | None = None
        self._counted_at: datetime | None = None
        self._looked_for_missing = False

    @property
    def running(self) -> bool:
        """Whether it counts."""
        return self._job is not None and self._job.running

    def count_missing(self) -> None:
        """Count those that were never counted, the first time they are in sight."""
        if not self._looked_for_missing:
            self._looked_for_missing = True
            self.count([line for line in self._list.lines.values() if line.size is None])

    def count(self, lines: Sequence[ExportLine]) -> None:
        """Count the segments of these exports anew."""
        lines = [line for line in lines if line.export.kind is ExportKind.SEGMENT]
        if not lines or self.running:
            return
        for line in lines:
            self._list.update_line(replace(line, recounting=True))
        self._list.recount.set_busy(True)
        services, rows = self._context.services, [line.row for line in lines]
        self._job = self._context.runner.submit(
            "queries",
            "Count the segments",
            lambda ctx: count_again(services, rows, ctx),
            on_progress=self._on_progress,
            on_finished=self._on_finished,
        )

    def show_age(self, counted_at: datetime | None) -> None:
        """Tell when was counted, but while it counts."""
        self._counted_at = counted_at
        if not self.running:
            clock = self._context.formats.clock
            self._list.show_age(
                "" if counted_at is None else self.tr("Counts refreshed {time}").format(time=clock(counted_at))
            )

    def _on_progress(self, progress: Progress) -> None:
        formats = self._context.formats
        self._list.show_age(
            self.tr("Counting {n} of {total} segments").format(
                n=formats.number(min(progress.done + 1, progress.total or 0)), total=formats.number(progress.total or 0)
            )
        )

    def _on_finished(self, finished: Finished) -> None:
        self._list.recount.set_busy(False)
        for line in list(self._list.lines.values()):
            if line.recounting:
                self._list.update_line(replace(line, recounting=False))
        self.show_age(self._counted_at)
        if finished.outcome is Outcome.FAILED and finished.error is not None:
            self._list.show_age(as_sendoff_error(finished.error).what)
            return
        self.counted.emit()
