"""What can be done with exports: asked where it must be, done in jobs, told with an Undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.exports import Export, ExportKind
from app.core.runs import Run, Trigger
from app.core.schedules import Schedule
from app.ui.context import WindowContext
from app.ui.dialogs.attach import AttachDialog
from app.ui.dialogs.held import HeldDialog
from app.ui.dialogs.schedule import ScheduleDialog
from app.ui.pages.exports.lines import ExportLine
from app.ui.pages.exports.rename import RenameDialog
from app.ui.runner import Finished, Outcome
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.menus import Menu

ASK_FROM = 100_000
"""A first run over more members than this is asked."""


def _is_large_and_new(line: ExportLine) -> bool:
    can_run = line.row.connection is not None and line.export.kind is ExportKind.SEGMENT
    return can_run and line.run is None and (line.size or 0) > ASK_FROM


class ExportActions(QObject):
    """Carries out commands on lines of the list. Main thread only.

    Signals:
        cancelling(object): ids of the runs that were asked to stop.
        focus_asked(str): the name of an export to select.
    """

    cancelling = Signal(object)
    focus_asked = Signal(str)

    def __init__(self, context: WindowContext, page: QWidget) -> None:
        super().__init__(page)
        self._context = context
        self._page = page

    # Running

    def run(self, lines: Sequence[ExportLine]) -> None:
        """Run exports; the first run over 100,000 members is asked."""
        names = [line.name for line in lines if not line.active]
        self._ask_large(lines, lambda: self._start(lambda: self._services.runs.start(names, Trigger.PERSON)))

    def plan(self, line: ExportLine) -> None:
        """Show what a run would change; it is sent from there."""
        self._context.navigator.show_page("plan", line.name)

    def held(self, line: ExportLine) -> None:
        """Show why the last run was held; it is answered there."""
        of = line.row.description
        if line.run is not None and line.run.held is not None:
            HeldDialog(self._context, self._page, line.run, of.name, of.badge, lambda: self.plan(line)).open()

    def run_all(self, lines: Sequence[ExportLine]) -> None:
        """Run every export that can run."""
        self._ask_large(lines, lambda: self._start(lambda: self._services.runs.run_all(Trigger.PERSON)))

    def cancel(self, lines: Sequence[ExportLine]) -> None:
        """Stop runs after the batch in flight."""
        ids = [line.run.id for line in lines if line.run is not None and line.active]
        if not ids:
            return

        def work(_ctx: object) -> None:
            for run_id in ids:
                self._services.runs.cancel(run_id)

        self.cancelling.emit(tuple(ids))
        self._do(self.tr("Cancel the run"), work, what="runs")

    # Editing

    def edit(self, line: ExportLine) -> None:
        """Open the wizard on an export."""
        if line.export.kind is ExportKind.SEGMENT:
            self._context.navigator.open_segment_wizard(line.name)
        else:
            self._context.navigator.open_data_out_wizard(line.name)

    def rename(self, line: ExportLine, taken: Sequence[str]) -> None:
        """Ask for another name."""
        dialog = RenameDialog(self._context.theme, self._page, line.name, taken)
        dialog.chosen.connect(lambda name: self._rename(line.name, name))
        dialog.open()

    def _rename(self, old: str, new: str) -> None:
        self._do(
            self.tr("Rename the export"),
            lambda _ctx: self._services.exports.rename(old, new),
            told=self.tr("Export renamed"),
            undo=lambda _done: lambda _ctx: self._services.exports.rename(new, old),
        )

    def duplicate(self, line: ExportLine, taken: Sequence[str]) -> None:
        """Copy an export without its schedule, under a free name."""
        name = free_name(self.tr("{name} copy").format(name=line.name), taken)
        self._do(
            self.tr("Duplicate the export"),
            lambda _ctx: self._services.exports.copy(line.name, name),
            told=self.tr("Export duplicated"),
            undo=lambda copy: lambda _ctx: self._services.exports.remove(copy.name),
            then=lambda copy: self.focus_asked.emit(copy.name),
        )

    def detach(self, lines: Sequence[ExportLine]) -> None:
        """Take the connection off."""
        attached = [line.export for line in lines if line.row.connection is not None]

        def work(_ctx: object) -> list[Export]:
            return [self._services.exports.detach(export.name) for export in attached]

        def back(detached: list[Export]) -> None:
            for before, after in zip(attached, detached, strict=True):
                self._services.exports.save(replace(after, connection=before.connection))

        self._do(
            self.tr("Detach the connection"),
            work,
            told=self.tr("Connection detached"),
            undo=lambda detached: lambda _ctx: back(detached),
        )

    def attach(self, line: ExportLine, at: QWidget) -> None:
        """Offer the connections of the export's destination; without one, the dialog that adds one."""

        def finished(end: Finished) -> None:
            if end.outcome is Outcome.DONE:
                self._offer_connections(line, end.value, at)
            elif end.error is not None:
                self._context.navigator.show_error(end.error, self._page)

        destination = line.export.destination
        self._context.runner.submit(
            "queries",
            "List the connections",
            lambda _ctx: [
                row.connection.name
                for row in self._services.connections.usable()
                if row.connection.destination == destination
            ],
            on_finished=finished,
        )

    def _offer_connections(self, line: ExportLine, names: Sequence[str], at: QWidget) -> None:
        if not names:
            self._context.navigator.open_connection_dialog(
                line.export.destination, None, lambda name: self._ask_attach(line.name, name)
            )
            return
        menu = Menu(self._context.theme, self.tr("Attach a connection"), self._page)
        for name in names:
            menu.add(name, lambda n=name: self._ask_attach(line.name, n), icon="link")
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at.mapToGlobal(QPoint(20, 120)))

    def _ask_attach(self, name: str, connection: str) -> None:
        dialog = AttachDialog(self._context.theme, self._page, name, connection)
        dialog.accepted.connect(lambda: self._attach(name, connection))
        dialog.open()

    def _attach(self, name: str, connection: str) -> None:
        self._do(
            self.tr("Attach the connection"),
            lambda _ctx: self._services.exports.attach(name, connection, agreed=True),
            told=self.tr("Connection attached"),
            undo=lambda _done: lambda _ctx: self._services.exports.detach(name),
        )

    def remove(self, lines: Sequence[ExportLine]) -> None:
        """Remove exports; more than one is asked."""
        if len(lines) > 1:
            dialog = ConfirmDialog(
                self._context.theme,
                self._page,
                title=self.tr("Remove {n} exports?").format(n=self._context.formats.number(len(lines))),
                sentence=self.tr("Their schedules go. What the destinations hold stays there."),
                confirm=self.tr("Remove {n} exports").format(n=self._context.formats.number(len(lines))),
                danger=True,
            )
            dialog.accepted.connect(lambda: self._remove([line.name for line in lines]))
            dialog.open()
        else:
            self._remove([line.name for line in lines])

    def _remove(self, names: Sequence[str]) -> None:
        def work(_ctx: object) -> list[Export]:
            return [self._services.exports.remove(name) for name in names]

        def undo(removed: list[Export]) -> Callable[[Any], object]:
            return lambda _ctx: [self._services.exports.put_back(export) for export in removed]

        told = self.tr("Export removed") if len(names) == 1 else self.tr("Exports removed")
        self._do(self.tr("Remove exports"), work, told=told, undo=undo)

    def schedule(self, lines: Sequence[ExportLine]) -> None:
        """Open the schedule of one or several exports."""
        dialog = ScheduleDialog(self._context.theme, self._context.formats, self._page, [line.row for line in lines])
        dialog.chosen.connect(self._set_schedules)
        dialog.open()

    def _set_schedules(self, schedules: Mapping[str, Schedule | None]) -> None:
        told = self.tr("Schedule saved") if len(schedules) == 1 else self.tr("Schedules saved")
        self._do(
            self.tr("Save the schedule"),
            lambda _ctx: self._services.schedules.put_back(schedules),
            told=told,
            undo=lambda before: lambda _ctx: self._services.schedules.put_back(before),
        )

    # Files

    def import_file(self) -> None:
        """Ask for a definition file and create the exports in it."""
        dialog = QFileDialog(self._page, self.tr("Import exports from a file"))
        dialog.setNameFilter(self.tr("Definitions (*.yaml *.yml *.json)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.import_from(Path(path)))
        dialog.open()

    def import_from(self, path: Path) -> None:
        """Create the exports a file defines; all of them or none."""

        def work(_ctx: object) -> list[Export]:
            from app.services.documents import read_documents

            return self._services.exports.apply_all(read_documents(path), path.parent)

        self._do(
            self.tr("Import exports"),
            work,
            told=self.tr("Exports imported"),
            then=lambda exports: self.focus_asked.emit(exports[0].name) if exports else None,
        )

    # Inside

    @property
    def _services(self) -> Any:
        return self._context.services

    def _ask_large(self, lines: Sequence[ExportLine], then: Callable[[], None]) -> None:
        """Ask first when one of these is large and was never sent."""
        large = [line for line in lines if _is_large_and_new(line)]
        if not large:
            then()
            return
        formats = self._context.formats
        if len(large) == 1:
            title = self.tr("Send {n} members to {target} for the first time?").format(
                n=formats.number(large[0].size or 0), target=large[0].row.description.name
            )
        else:
            title = self.tr("Run {n} large exports for the first time?").format(n=formats.number(len(large)))
        dialog = ConfirmDialog(
            self._context.theme,
            self._page,
            title=title,
            sentence=self.tr("Nothing was sent there before. You can cancel while it runs; what was sent stays."),
            confirm=self.tr("Run"),
        )
        dialog.accepted.connect(then)
        dialog.open()

    def _start(self, start: Callable[[], list[Run]]) -> None:
        self._do(self.tr("Start exports"), lambda _ctx: start(), what="runs")

    def _do(
        self,
        name: str,
        work: Callable[[Any], Any],
        *,
        what: str = "exports",
        told: str = "",
        undo: Callable[[Any], Callable[[Any], object]] | None = None,
        then: Callable[[Any], object] | None = None,
    ) -> None:
        """Do it in a job; then tell it with its undo, or say why not."""

        def finished(end: Finished) -> None:
            if end.outcome is Outcome.FAILED and end.error is not None:
                self._context.navigator.show_error(end.error, self._page)
            elif end.outcome is Outcome.DONE:
                if told:
                    back = undo(end.value) if undo is not None else None
                    self._context.navigator.toast(told, (lambda: self._do(name, back)) if back is not None else None)
                if then is not None:
                    then(end.value)
            self._context.navigator.changed(what)

        self._context.runner.submit("store", name, work, on_finished=finished)


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """Return the name, with a number when it is taken regardless of case."""
    known = {name.casefold() for name in taken}
    name, number = wanted, 2
    while name.casefold() in known:
        name = f"{wanted} {number}"
        number += 1
    return name
