"""Asks before a run is undone: what would be taken back is found out first."""

from __future__ import annotations

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.plans import Plan
from app.core.undoing import Undoable
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.runner import LiveQuery
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label, column, row
from app.ui.widgets.notes import Note
from app.ui.widgets.states import Loading


class UndoDialog(Dialog):
    """Makes the plan in a job when it opens. Signals `undo_asked()` and `plan_asked()`, after which it is closed."""

    undo_asked = Signal()
    plan_asked = Signal()

    def __init__(self, context: WindowContext, opener: QWidget, run_id: str, export: str, did: Undoable) -> None:
        super().__init__(
            context.theme,
            opener,
            self.tr("Undo this run of {export}?").format(export=export),
            self.tr("It becomes a run of its own, with a receipt of its own. Nothing has been sent yet."),
        )
        self.let_title_wrap()
        self._context = context
        self._did = did
        theme = context.theme
        self._loading = Loading(theme, self.tr("Comparing with what is there now"), rows=3, badges=False, at_once=True)
        self.numbers = [(Label(theme, "", "number"), Label(theme, "", "caption", "text2")) for _ in range(3)]
        self.words = Label(theme, "", "body", "text2", wrap=True)
        self.problem = Note(theme, "danger", "")
        self._pages = QStackedWidget()
        self.review = Button(theme, self.tr("Review plan"))
        self.undo = Button(theme, self.tr("Undo this run"), "danger")
        self._query = LiveQuery(context.runner, self.tr("Plan the undoing"), delay_ms=0, parent=self)
        made = QWidget()
        inside = QVBoxLayout(made)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(12)
        figures = [column(number, words, spacing=0) for number, words in self.numbers]
        inside.addLayout(row(figures[0], 40, figures[1], 40, figures[2], None, spacing=0))
        inside.addWidget(self.words)
        inside.addStretch(1)
        for page in (self._loading, made, self.problem):
            self._pages.addWidget(page)
        self._made = made
        self.body.addWidget(self._pages)
        cancel = self.add_cancel()
        cancel.setAutoDefault(True)
        cancel.setDefault(True)
        for button in (self.review, self.undo):
            self.add_button(button)
            button.setEnabled(False)
        self._query.ready.connect(self._on_made)
        self._query.failed.connect(self._on_failed)
        self._loading.cancelled.connect(self.reject)
        self.undo.clicked.connect(lambda: self._end_with(self.undo_asked))
        self.review.clicked.connect(lambda: self._end_with(self.plan_asked))
        self.finished.connect(lambda _code: self._query.cancel())
        services = context.services

        def make(ctx: JobContext) -> Plan:
            plan: Plan = services.undo.plan(run_id, ctx)
            return plan

        self._query.ask(make, at_once=True)

    def _on_made(self, plan: Plan) -> None:
        formats, changes, did = self._context.formats, plan.changes, self._did
        shown = (
            (changes.removed, f"−{formats.number(changes.removed)}", self.tr("Removed again"), "danger"),
            (changes.added, f"+{formats.number(changes.added)}", self.tr("Put back"), "success"),
            (plan.kept_values, formats.number(plan.kept_values), self.tr("Keep their new values"), "text"),
        )
        for (number, text, words, ink), (label, caption) in zip(shown, self.numbers, strict=True):
            label.set_words(text if number else formats.number(0))
            label.set_ink(ink if number else "text")
            caption.set_words(words)
        sentences = [
            self.tr("Only members of this run are touched. Nobody is unsubscribed or deleted."),
            self.tr("Who is put back gets the values of now; what changed members had before is not kept."),
        ]
        lost = did.removed - changes.added
        if lost > 0:
            words = self.tr(
                "{members} can’t be put back: not in the tables, without consent, or on the suppression list."
            )
            sentences.append(words.format(members=formats.counted(lost, "members")))
        elsewhere = did.added - changes.removed
        if elsewhere > 0:
            words = self.tr("{members} not taken out: another export sends them too, or they are gone already.")
            sentences.append(words.format(members=formats.counted(elsewhere, "members")))
        self.words.set_words(" ".join(sentences))
        self._show(self._made)
        for button in (self.review, self.undo):
            button.setEnabled(bool(changes.to_send))
        self.reason.set_words("" if changes.to_send else self.tr("There is nothing to take back."))

    def _on_failed(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self.problem.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self._show(self.problem)

    def _show(self, page: QWidget) -> None:
        """Show how it ended, no higher than that is: a stack is as high as the highest of its pages."""
        self._pages.setCurrentWidget(page)
        for other in {self._loading, self._made, self.problem} - {page}:
            self._pages.removeWidget(other)
            other.hide()

    def _end_with(self, signal: SignalInstance) -> None:
        self.accept()
        signal.emit()
