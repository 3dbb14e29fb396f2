"""A run that a guard held: why, what may have caused it, and the typed number that sends it anyway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.guards import GuardKind, Held
from app.core.plans import Changes
from app.core.runs import Run, Trigger
from app.destinations.description import Badge
from app.services.held_runs import is_number
from app.ui.context import WindowContext
from app.ui.dialogs.lost_rows import LostRows
from app.ui.formats import Formats
from app.ui.held_words import cause_words, held_words
from app.ui.runner import Finished, Outcome
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import Input
from app.ui.widgets.labels import Label, column, row
from app.ui.widgets.marks import Pill
from app.ui.widgets.notes import Note

WIDTH = 640


class ShareBar(QWidget):
    """The share of the audience with the limit marked on it, words above and below."""

    def __init__(
        self, theme: Theme, formats: Formats, held: Held, *, rows: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share, self._limit = (held.share or 0) / 100, (held.limit or 0) / 100
        verb = {GuardKind.CHANGED: self.tr("{share} changed"), GuardKind.SHRANK: self.tr("{share} gone")}.get(
            held.guard, self.tr("{share} removed")
        )
        self._below = verb.format(share=formats.percent(self._share))
        self._above = self.tr("Your limit {limit}").format(limit=formats.percent(self._limit, 0))
        before = self.tr("{rows} at the last run").format(rows=formats.counted(held.audience, "rows"))
        there = self.tr("{n} in the audience").format(n=formats.number(held.audience))
        self._right = before if rows else there
        self.setAccessibleName(f"{self._below}. {self._above}. {self._right}.")
        self.setFixedHeight(48)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the bar, the mark of the limit, and the words at their ends."""
        painter = QPainter(self)
        theme, wide = self._theme, self.width()
        paint.bar(painter, theme, QRectF(0, 20, wide, 8), self._share, fill="danger_fill")
        mark = round(self._limit * wide)
        painter.fillRect(QRectF(mark - 1, 16, 2, 16), theme.color("text"))
        metrics = theme.metrics("caption")
        self._words(painter, self._above, mark - metrics.horizontalAdvance(self._above) // 2, 0, "text2")
        end = round(self._share * wide) - metrics.horizontalAdvance(self._below) // 2
        room = wide - metrics.horizontalAdvance(self._right) - metrics.horizontalAdvance(self._below) - 16
        self._words(painter, self._below, min(end, room), 32, "danger")
        self._words(painter, self._right, wide - metrics.horizontalAdvance(self._right), 32, "text2")

    def _words(self, painter: QPainter, words: str, left: int, top: int, ink: str) -> None:
        area = QRectF(max(0, left), top, self.width(), 16).toRect()
        paint.text(painter, self._theme, area, words, role="caption", ink=ink, align=Qt.AlignmentFlag.AlignLeft)


class HeldDialog(Dialog):
    """Sends or cancels a held run in a job. `on_review` opens the plan; None when it is in view already. Files have none."""

    def __init__(
        self,
        context: WindowContext,
        opener: QWidget,
        run: Run,
        destination: str,
        badge: Badge,
        on_review: Callable[[], None] | None,
    ) -> None:
        assert run.held is not None
        self._context, self._run, self._held = context, run, run.held
        self._files = run.unit == "rows"
        self._on_review = None if self._files else on_review
        formats, theme = context.formats, context.theme
        super().__init__(
            theme,
            opener,
            run.export_name,
            self._started_words(destination),
            width=WIDTH,
            badge=(badge.letters, badge.colour, destination),
        )
        self._pill = Pill(theme, self.tr("Held"), "warning", icon="pause-circle-fill")
        self.sentence = Label(
            theme, self.tr("Held: {why}").format(why=held_words(self._held, formats)), "body-strong", wrap=True
        )
        self.cause = self._cause_note()
        self.number = Input(theme)
        self.number.setAccessibleName(self.tr("Number of rows") if self._files else self.tr("Number of members"))
        self.number.setFixedWidth(180)
        self.cancel_run = Button(theme, self.tr("Cancel run"), "ghost", icon="x-circle")
        self.send = Button(theme, self.tr("Send anyway"))
        self.review = Button(theme, self.tr("Review plan"), "primary")
        self._asking = QWidget()
        self._assemble()
        self._connect()
        self._on_typed("")

    def _assemble(self) -> None:
        theme, held = self.theme, self._held
        self.add_mark(self._pill)
        said = column(self.sentence)
        if held.share is not None and held.limit is not None and held.guard is not GuardKind.EMPTY:
            said.addWidget(ShareBar(theme, self._context.formats, held, rows=self._files))
        self.body.addLayout(said)
        if not self._files:
            self.body.addLayout(_figures(theme, self._context.formats, held.changes))
        elif held.fewer:
            self.body.addWidget(LostRows(theme, self._context.formats, held.fewer))
        self.body.addWidget(self.cause)
        asked = Label(theme, self._question().format(n=held.number), "body-medium", wrap=True)
        hint = Label(
            theme, self.tr("Admins and contributors can do this. It is kept in the audit trail."), "caption", "text2"
        )
        self._asking.setLayout(column(asked, row(self.number, 4, hint, None)))
        self.body.addWidget(self._asking)
        self.add_left(self.cancel_run)
        self.add_button(self.send)
        if self._on_review is not None:
            self.add_button(self.review, default=True)

    def _question(self) -> str:
        """What has to be typed."""
        held = self._held
        if held.fewer:
            return self.tr("To write the files anyway, type the number of rows that are gone: {n}")
        if self._files and held.guard is GuardKind.CHANGED:
            return self.tr("To write the files anyway, type the number of rows to change: {n}")
        if self._files and held.moved:
            return self.tr("To write the files anyway, type the number of rows to write: {n}")
        return {
            GuardKind.REMOVED: self.tr("To send anyway, type the number of members to remove: {n}"),
            GuardKind.EMPTY: self.tr("To send anyway, type the number of members to remove: {n}"),
            GuardKind.CHANGED: self.tr("To send anyway, type the number of members to change: {n}"),
        }.get(held.guard, self.tr("To send anyway, type the number of members to send: {n}"))

    def _connect(self) -> None:
        self.number.textChanged.connect(self._on_typed)
        self.send.clicked.connect(self._on_send)
        self.cancel_run.clicked.connect(self._on_cancel)
        self.review.clicked.connect(self._on_review_clicked)
        services, run = self._context.services, self._run
        self._context.runner.submit(
            "queries",
            "Ask who may answer",
            lambda _ctx: services.held_runs.may_answer(run),
            on_finished=lambda end: self._set_may(end.outcome is Outcome.DONE and bool(end.value)),
        )

    def _set_may(self, may: bool) -> None:  # noqa: FBT001 - reads like setVisible
        """Who may only look has no field and no buttons but the plan."""
        for part in (self._asking, self.send, self.cancel_run):
            part.setVisible(may)
        self.reason.setVisible(may)

    def _on_typed(self, words: str) -> None:
        fits = is_number(words, self._held.number)
        self.send.setEnabled(fits)
        self.reason.set_words("" if fits else self.tr("Number does not match yet"))

    def _on_send(self) -> None:
        typed, run_id = self.number.text(), self._run.id
        self._do(self.tr("Send anyway"), lambda _ctx: self._services.held_runs.send_anyway(run_id, typed))

    def _on_cancel(self) -> None:
        run_id = self._run.id
        self._do(self.tr("Cancel the run"), lambda _ctx: self._services.held_runs.cancel(run_id))

    def _on_review_clicked(self) -> None:
        self.accept()
        if self._on_review is not None:
            self._on_review()

    @property
    def _services(self) -> Any:
        return self._context.services

    def _do(self, name: str, work: Callable[[Any], Any]) -> None:
        navigator, opener = self._context.navigator, self._opener

        def finished(end: Finished) -> None:
            if end.outcome is Outcome.FAILED and end.error is not None:
                navigator.show_error(end.error, opener)
            navigator.changed("runs")

        self.accept()
        self._context.runner.submit("store", name, work, on_finished=finished)

    def _started_words(self, destination: str) -> str:
        run, formats = self._run, self._context.formats
        started = {
            Trigger.SCHEDULE: self.tr("{where}. {when}, started by schedule. Nothing has been sent."),
            Trigger.COMMAND_LINE: self.tr("{where}. {when}, started by a command. Nothing has been sent."),
        }.get(run.trigger, self.tr("{where}. {when}, started by hand. Nothing has been sent."))
        when = formats.day_and_clock(run.started_at or run.queued_at)
        where = ", ".join(dict.fromkeys(filter(None, (destination, run.connection_name))))
        return started.format(where=where, when=when)

    def _cause_note(self) -> Note:
        cause = self._held.cause
        if cause is None:
            words = self.tr("No cause found.") if self._files else self.tr("No cause found. Review the plan.")
            return Note(self.theme, "info", words)
        look = self.tr("Open {table} in Tables").format(table=cause.table) if cause.table else ""
        what, detail = cause_words(cause)
        title = self.tr("Likely cause: {what}").format(what=what)
        note = Note(self.theme, "warning", title, detail, secondary=look, second="link")
        note.secondary_clicked.connect(lambda: self._open_table(cause.table))
        return note

    def _open_table(self, table: str) -> None:
        self.accept()
        self._context.navigator.show_page("tables", table)


def _figures(theme: Theme, formats: Formats, changes: Changes) -> Any:
    line = row(spacing=0)
    shown = (
        (
            f"+{formats.number(changes.added)}",
            QCoreApplication.translate("HeldDialog", "Added"),
            "success",
            changes.added,
        ),
        (
            formats.number(changes.changed),
            QCoreApplication.translate("HeldDialog", "Changed"),
            "accent_text",
            changes.changed,
        ),
        (
            f"−{formats.number(changes.removed)}",
            QCoreApplication.translate("HeldDialog", "Removed"),
            "danger",
            changes.removed,
        ),
        (
            formats.number(changes.unchanged),
            QCoreApplication.translate("HeldDialog", "Unchanged"),
            "text",
            changes.unchanged,
        ),
    )
    for words, caption, ink, number in shown:
        label = Label(theme, words if number else formats.number(0), "number", ink if number else "text")
        line.addLayout(column(label, Label(theme, caption, "caption", "text2"), spacing=0))
        line.addSpacing(54)
    line.addStretch(1)
    return line
