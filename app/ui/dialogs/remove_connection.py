"""Removing a connection that exports use: what happens to each of them is chosen here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.connections import Connection
from app.core.runs import Run
from app.destinations.description import Description
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Card, ElidedLabel, IconLabel, Label, Line, column, row
from app.ui.widgets.notes import Note

if TYPE_CHECKING:
    from app.bootstrap import Services
    from app.services.exports import ExportRow

DETACH, REMOVE = "detach", "remove"
LOOK_MS = 500
SCHEDULE, CHOICE = 120, 160


@dataclass(frozen=True)
class RemovePlan:
    """What removing a connection concerns; read in a job. `running` are its runs that have not ended."""

    connection: Connection
    description: Description
    exports: tuple[ExportRow, ...]
    running: tuple[Run, ...]

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.connection.name


def _running_on(services: Services, connection_id: str) -> tuple[Run, ...]:
    return tuple(run for run in services.runs.active() if run.connection_id == connection_id)


def read_remove_plan(services: Services, name: str, _ctx: JobContext) -> RemovePlan:
    """Read what uses the connection; raises as the services do. Call it in a job."""
    found = services.connections.get(name)
    connection = found.connection
    exports = tuple(r for r in services.exports.all() if r.export.connection == connection.id) if found.used_by else ()
    return RemovePlan(connection, found.description, exports, _running_on(services, connection.id) if exports else ())


class RemoveConnectionDialog(Dialog):
    """Signal `removed(connection)` gives what `put_back` needs.

    Every export is detached unless the person says otherwise; the button counts what it does. While one runs nothing can be
    removed; the run is cancelled here or waited for.
    """

    removed = Signal(object)

    def __init__(self, context: WindowContext, opener: QWidget, plan: RemovePlan) -> None:
        badge = plan.description.badge
        formats = context.formats
        super().__init__(context.theme, opener, "", width=640)
        self._context = context
        self._plan = plan
        self._choices: dict[str, Segmented] = {}
        self._job: Job | None = None
        self._looking: Job | None = None
        used = self.tr("1 export uses it. Choose what happens to it.")
        if len(plan.exports) != 1:
            used = self.tr("{exports} use it. Choose what happens to each.").format(
                exports=formats.counted(len(plan.exports), "exports")
            )
        self.set_head(
            self.tr("Remove the connection {name}?").format(name=plan.name),
            used,
            (badge.letters, badge.colour, plan.description.name),
        )
        theme = context.theme
        self.detach_all = Button(theme, self.tr("Detach all"), "link")
        self.remove_all = Button(theme, self.tr("Remove all"), "link")
        self._detached = Label(theme, "", "body", "text2", wrap=True)
        self._removed = Label(theme, "", "body", "text2", wrap=True)
        self.running_note = Note(theme, "warning", "")
        self.remove_button = Button(theme, "", "danger", icon="trash")
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._assemble()
        self._connect()
        self._show_running(plan.running)
        self._renew()

    def _assemble(self) -> None:
        theme = self.theme
        head = row(Label(theme, self.tr("Exports that use it"), "subtitle"), None, self.detach_all, 4, self.remove_all)
        card = Card(theme, margin=0)
        card.body.setSpacing(0)
        for at, item in enumerate(self._plan.exports):
            if at:
                card.body.addWidget(Line(theme))
            card.body.addWidget(self._export_row(item))
        happens = QVBoxLayout()
        happens.setSpacing(8)
        happens.addWidget(Label(theme, self.tr("What happens"), "subtitle"))
        stays = self.tr("What was sent to {destination} stays as it is. Nobody is removed there.")
        kept = Label(theme, stays.format(destination=self._plan.description.name), "body", "text2", wrap=True)
        self._detached_row = self._sentence("link-break", "text2", self._detached)
        self._removed_row = self._sentence("trash", "danger", self._removed)
        for part in (self._detached_row, self._removed_row, self._sentence("users-three", "text2", kept)):
            happens.addWidget(part)
        self.body.addLayout(head)
        self.body.addWidget(card)
        self.body.addLayout(happens)
        detail = ""
        if self._plan.connection.secrets:
            detail = self.tr("After 24 hours its secret is deleted from the password store of this computer.")
        self.body.addWidget(
            Note(theme, "info", self.tr("You can undo this in the message that follows"), detail, strong=True)
        )
        self.body.addWidget(self.running_note)
        self.body.addStretch(1)
        self.add_cancel()
        self.add_button(self.remove_button)

    def _export_row(self, item: ExportRow) -> QWidget:
        theme, formats, export = self.theme, self._context.formats, item.export
        unit, number = ("segments", len(export.segments)) if export.segments else ("tables", len(export.tables))
        size = item.members if export.segments else item.rows
        parts = [formats.counted(number, unit)]
        if size is not None:
            parts.append(formats.counted(size, "members" if export.segments else "rows"))
        words = column(
            ElidedLabel(theme, export.name, "body-medium"),
            ElidedLabel(theme, ", ".join(parts), "caption", "text2"),
            spacing=0,
        )
        schedule = Label(theme, formats.schedule(export.schedule), "body", "text2")
        schedule.setFixedWidth(SCHEDULE)
        choice = Segmented(
            theme,
            self.tr("What happens to {name}").format(name=export.name),
            [Choice(DETACH, self.tr("Detach")), Choice(REMOVE, self.tr("Remove"))],
            DETACH,
        )
        choice.chosen.connect(lambda _key: self._renew())
        self._choices[export.name] = choice
        line = QWidget()
        inside = row(words, schedule, choice, spacing=12, margins=(16, 8, 12, 8))
        inside.setStretch(0, 1)
        line.setLayout(inside)
        return line

    def _sentence(self, icon: str, role: str, words: Label) -> QWidget:
        holder = QWidget()
        mark = QVBoxLayout()
        mark.setContentsMargins(0, 2, 0, 0)
        mark.addWidget(IconLabel(self.theme, icon, role))
        mark.addStretch(1)
        inside = row(mark, words, spacing=10)
        inside.setStretch(1, 1)
        holder.setLayout(inside)
        return holder

    def _connect(self) -> None:
        self.detach_all.clicked.connect(lambda: self._choose_all(DETACH))
        self.remove_all.clicked.connect(lambda: self._choose_all(REMOVE))
        self.remove_button.clicked.connect(self._on_remove_clicked)
        self.running_note.primary_clicked.connect(self._on_cancel_runs)
        self._timer.timeout.connect(self._on_time_to_look)
        self.finished.connect(self._on_closed)

    def _choose_all(self, key: str) -> None:
        for choice in self._choices.values():
            choice.set_current(key)
        self._renew()

    def _names(self, key: str) -> list[str]:
        return [name for name, choice in self._choices.items() if choice.current() == key]

    def _renew(self) -> None:
        detached, removed = len(self._names(DETACH)), len(self._names(REMOVE))
        number = self._context.formats.number
        destination = self._plan.description.name
        self._detached_row.setVisible(bool(detached))
        self._removed_row.setVisible(bool(removed))
        if detached == 1:
            words = self.tr(
                "1 export is detached. It keeps what it sends, its matching and its schedule, and waits until you attach another "
                "{destination} connection."
            )
        else:
            words = self.tr(
                "{n} exports are detached. They keep what they send, their matching and their schedule, and wait until you attach "
                "another {destination} connection."
            )
        self._detached.set_words(words.format(n=number(detached), destination=destination))
        gone = (
            self.tr("1 export is removed, with its schedule. Its runs stay in Runs.")
            if removed == 1
            else self.tr("{n} exports are removed, with their schedules. Their runs stay in Runs.")
        )
        self._removed.set_words(gone.format(n=number(removed)))
        if detached and removed:
            words = self.tr("Remove connection, detach {detached}, remove {removed}")
        elif removed:
            words = self.tr("Remove connection, remove {removed}")
        else:
            words = self.tr("Remove connection, detach {detached}")
        self.remove_button.set_words(words.format(detached=number(detached), removed=number(removed)))

    # Runs on it

    def _show_running(self, running: Sequence[Run]) -> None:
        self.running_note.setVisible(bool(running))
        self.remove_button.setEnabled(not running and self._job is None)
        if not running:
            self._timer.stop()
            return
        names = ", ".join(run.export_name for run in running)
        self.running_note.set_note(
            "warning",
            self.tr("{names} must end first").format(names=names),
            self.tr("It is sending, or waits for its turn. Cancel it, or wait for its end."),
            primary=self.tr("Cancel run") if len(running) == 1 else self.tr("Cancel runs"),
        )
        self._timer.start()

    def _on_cancel_runs(self) -> None:
        self.running_note.primary.set_busy(True, self.tr("Cancelling…"))
        services, connection_id = self._context.services, self._plan.connection.id

        def cancel(_ctx: JobContext) -> None:
            for run in _running_on(services, connection_id):
                services.runs.cancel(run.id)

        self._context.runner.submit("store", "Cancel runs", cancel, on_finished=self._on_told)

    def _on_told(self, end: Finished) -> None:
        if end.outcome is Outcome.FAILED and end.error is not None:
            self._context.navigator.show_error(end.error, self)

    def _on_time_to_look(self) -> None:
        if self._looking is None or not self._looking.running:
            work = partial(_running_on, self._context.services, self._plan.connection.id)
            self._looking = self._context.runner.submit(
                "queries", "Look at runs", lambda _ctx: work(), on_finished=self._on_looked
            )

    def _on_looked(self, end: Finished) -> None:
        if end.outcome is Outcome.DONE and not end.value:
            self._show_running(())

    # Removing

    def _on_remove_clicked(self) -> None:
        self.remove_button.set_busy(True)
        removed = self._names(REMOVE)
        how: Literal["detach", "remove"] = "detach"
        connections = self._context.services.connections
        self._job = self._context.runner.submit(
            "store",
            "Remove a connection",
            lambda _ctx: connections.remove_with(self._plan.name, how, other_way=removed),
            on_finished=self._on_removed,
        )

    def _on_removed(self, end: Finished) -> None:
        self._job = None
        self.remove_button.set_busy(False)
        if end.outcome is Outcome.DONE:
            self.removed.emit(end.value)
            self.accept()
        elif end.error is not None:
            self._context.navigator.show_error(end.error, self)

    def _on_closed(self, _code: int) -> None:
        self._timer.stop()
        if self._looking is not None:
            self._context.runner.abandon(self._looking)
