"""What both wizards share: reading the workspace, keeping the draft, leaving, saving and running."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.core.drafts import DataOutDraft, SegmentDraft, Step
from app.core.errors import SendoffError, as_sendoff_error
from app.core.exports import Export, ExportKind, SyncMode
from app.ui.context import WindowContext
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from app.ui.widgets.labels import Label, announce
from app.ui.widgets.states import EmptyState, Loading
from app.ui.wizard_shell import WizardShell
from app.ui.wizards import facts as reading
from app.ui.wizards.facts import Facts
from app.ui.wizards.state import WizardState
from app.ui.wizards.step import StepWidget

LOADING_MS = 200
FIRST_RUN_ASKS_FROM = 100_000
"""Members of a first run from which "Save and run" asks first."""
_NOTICED = frozenset({"connections", "segments", "tables", "exports", "roles", "everything"})


class ExportWizard(QWidget):
    """A whole wizard; give it to `MainWindow.show_full`. It leaves by `navigator.leave_wizard`.

    Signals:
        ready: the workspace was read and the first step is in front.
    """

    ready = Signal()
    kind = ExportKind.SEGMENT
    panel_width = 316

    def __init__(self, context: WindowContext, export_name: str | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.export_name = export_name
        self.state: WizardState | None = None
        self.shell: WizardShell | None = None
        self.steps: list[StepWidget] = []
        self._makers: list[Callable[[], StepWidget]] = []
        self._reading: Job | None = None
        self._saving: Job | None = None
        self._stack = QStackedLayout(self)
        self._build_waiting()
        context.navigator.noticed.connect(self._on_noticed)
        self._read()

    # For subclasses

    def new_draft(self, facts: Facts) -> SegmentDraft | DataOutDraft:
        """The draft to begin with."""
        raise NotImplementedError

    def make_state(self, facts: Facts) -> WizardState:
        """The state around the draft."""
        raise NotImplementedError

    def step_makers(self, state: WizardState) -> Sequence[Callable[[], StepWidget]]:
        """What makes each of the four steps, in order."""
        raise NotImplementedError

    def kind_words(self) -> str:
        """What the wizard makes, under its name in the rail."""
        raise NotImplementedError

    def members_to_send(self) -> int | None:
        """How many members the run will send, as far as it is known."""
        return None

    def members_reviewed(self) -> int | None:
        """How many members all segments together send, each counted on its own, or rows of tables; None when not sure."""
        return None

    # For the window

    def help_topic(self) -> str:
        """What F1 shows here: the help of the destination, once it is chosen."""
        description = self.state.description if self.state is not None else None
        return description.id if description is not None else "exports"

    def flush(self) -> Job | None:
        """Keep the draft now; also called when the window closes. The job that does it, None when nothing is to be kept."""
        return None if self.state is None else self.state.flush()

    def cancel(self) -> None:
        """Leave; asks what becomes of the draft when something was changed."""
        if self.state is None or not self.state.dirty:
            self._leave()
            return
        dialog = _LeaveDialog(self.context, self)
        dialog.chosen.connect(self._on_leave_chosen)
        dialog.open()

    # Reading

    def _build_waiting(self) -> None:
        theme = self.context.theme
        self._blank = QWidget()
        self._loading = QWidget()
        layout = QVBoxLayout(self._loading)
        layout.setContentsMargins(28, 96, 28, 28)
        loading = Loading(theme, self.tr("Reading the workspace"), rows=5, row_height=56)
        loading.cancelled.connect(self._leave)
        layout.addWidget(loading)
        layout.addStretch(1)
        self._error = EmptyState(
            theme,
            self.tr("This wizard can't open"),
            icon="warning-circle",
            icon_role="danger",
            primary=self.tr("Try again"),
            secondary=self.tr("Back to exports"),
        )
        self._error.primary_clicked.connect(self._read)
        self._error.secondary_clicked.connect(self._leave)
        for widget in (self._blank, self._loading, self._error):
            self._stack.addWidget(widget)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(LOADING_MS)
        self._patience.timeout.connect(lambda: self._stack.setCurrentWidget(self._loading))

    def _read(self) -> None:
        if self._reading is not None:
            self.context.runner.abandon(self._reading)
        if self.state is None:
            self._stack.setCurrentWidget(self._blank)
            self._patience.start()
        services, kind, name = self.context.services, self.kind, self.export_name
        self._reading = self.context.runner.submit(
            "queries",
            "Read the workspace",
            lambda _ctx: reading.load(services, kind, name),
            on_finished=self._on_read,
        )

    def _on_read(self, finished: Finished) -> None:
        self._reading = None
        self._patience.stop()
        if finished.outcome is Outcome.DONE:
            if self.state is None:
                self._begin(finished.value)
            else:
                self.state.renew_facts(finished.value)
        elif finished.outcome is Outcome.FAILED and finished.error is not None and self.state is None:
            error = as_sendoff_error(finished.error)
            self._error.set_words(error.what, f"{error.why} {error.fix}".strip())
            self._stack.setCurrentWidget(self._error)

    def _on_noticed(self, what: str) -> None:
        if self.state is not None and what in _NOTICED:
            self._read()

    # The shell

    def _begin(self, facts: Facts) -> None:
        self.state = self.make_state(facts)
        self.state.setParent(self)
        self._makers = list(self.step_makers(self.state))
        self._builder = QTimer(self)
        self._builder.timeout.connect(self._build_next)
        self._builder.start(0)

    def _build_next(self) -> None:
        """A step a turn of the event loop, then the frame around them: the window never stands still."""
        if len(self.steps) < len(self._makers):
            self.steps.append(self._makers[len(self.steps)]())
        elif self.state is not None:
            self._builder.stop()
            self._show_shell(self.state)

    def _show_shell(self, state: WizardState) -> None:
        self.shell = WizardShell(
            self.context.theme,
            self.steps,
            name=self.kind_words(),
            finish_text=self.tr("Save and run"),
            save_text=self.tr("Save"),
            panel_width=self.panel_width,
        )
        self.shell.cancelled.connect(self.cancel)
        self.shell.saved.connect(self._on_save_asked)
        self.shell.finished.connect(self._on_run_asked)
        self.shell.step_changed.connect(self._on_step_changed)
        state.changed.connect(self._show_identity)
        state.saved.connect(self._on_draft_saved)
        state.save_failed.connect(self._on_draft_failed)
        self._stack.addWidget(self.shell)
        self._stack.setCurrentWidget(self.shell)
        if state.facts.editing is not None:
            self.shell.set_reached(len(self.steps) - 1)
        self._show_identity()
        self.shell.setFocus(Qt.FocusReason.OtherFocusReason)
        self.ready.emit()

    def _show_identity(self) -> None:
        state, shell = self.state, self.shell
        if state is None or shell is None:
            return
        badge = None
        if state.description is not None:
            own = state.description.badge
            badge = (own.letters, own.colour, state.description.name)
        shell.set_identity(state.draft.name or self.tr("New export"), self.kind_words(), badge)

    def _on_step_changed(self, number: int) -> None:
        if self.state is not None and self.state.dirty:
            self.state.update(step=list(Step)[number])

    def _on_draft_saved(self, when: object) -> None:
        if self.shell is not None:
            words = self.tr("Draft saved {time}").format(time=self.context.formats.clock(when))
            self.shell.set_draft_words(words)

    def _on_draft_failed(self, error: object) -> None:
        if self.shell is not None and isinstance(error, Exception):
            what = as_sendoff_error(error).what
            self.shell.set_draft_words(self.tr("The draft was not saved. {reason}").format(reason=what))

    # For the steps

    def _go_to(self, number: int) -> None:
        if self.shell is not None:
            self.shell.go_to(number)

    def _resume(self) -> None:
        if self.shell is not None and self.state is not None:
            number = list(Step).index(self.state.draft.step)
            self.shell.set_reached(number)
            self.shell.go_to(number)

    # Leaving

    def _on_leave_chosen(self, choice: str) -> None:
        if self.state is None:
            return
        if choice == "keep":
            self.state.flush()
            self._leave()
            self.context.navigator.toast(self.tr("The draft is kept. It is offered when you open this wizard again."))
        elif choice == "discard":
            self.state.forget()
            self._leave()

    def _leave(self) -> None:
        if self._reading is not None:
            self.context.runner.abandon(self._reading)
            self._reading = None
        if self.state is not None:
            self.state.shut()
        self.context.navigator.leave_wizard()

    # Saving

    def _on_save_asked(self) -> None:
        self._save(run=False)

    def _on_run_asked(self) -> None:
        question = self._question_before_running()
        if question is None:
            self._save(run=True)
            return
        title, sentence = question
        dialog = ConfirmDialog(
            self.context.theme, self, title=title, sentence=sentence, confirm=self.tr("Save and run"), danger=True
        )
        dialog.accepted.connect(lambda: self._save(run=True))
        dialog.open()

    def _question_before_running(self) -> tuple[str, str] | None:
        """What must be asked before the first large send, and before an audience is emptied."""
        state = self.state
        if state is None:
            return None
        target = state.destination_name
        if isinstance(state.draft, SegmentDraft) and state.draft.sync is SyncMode.REPLACE and self._keeps_audience():
            return (
                self.tr("Replace the audience at {target}?").format(target=target),
                self.tr(
                    "The audience will hold the members of this export and nobody else. Whom Sendoff never sent is removed too."
                ),
            )
        members = self.members_to_send()
        first = state.facts.editing is None or state.facts.editing.latest is None
        if first and members is not None and members > FIRST_RUN_ASKS_FROM:
            number = self.context.formats.number(members)
            return (
                self.tr("Send {number} members to {target}?").format(number=number, target=target),
                self.tr("It is the first run of this export."),
            )
        return None

    def _keeps_audience(self) -> bool:
        """Whether the target holds an audience that a replacing run would empty; files are replaced by their own rule."""
        description = self.state.description if self.state is not None else None
        return description is not None and not description.any_field

    def save_and_plan(self) -> None:
        """Save the export and show what a run would change."""
        self._save(run=False, page="plan")

    def _save(self, *, run: bool, page: str = "exports") -> None:
        state, shell = self.state, self.shell
        if state is None or shell is None or self._saving is not None or state.read_only:
            return
        try:
            export = state.draft.to_export(self.context.formats.now(), state.facts.person, state.needs())
        except SendoffError as error:
            self.context.navigator.show_error(error, self)
            return
        state.flush()
        shell.set_busy(self.tr("Saving…"))
        services, draft_id, members = self.context.services, state.draft.id, self.members_reviewed()
        self._saving = self.context.runner.submit(
            "queries",
            "Save the export",
            lambda _ctx: _save_and_run(services, export, draft_id, members, run=run),
            on_finished=lambda finished: self._on_saved(finished, run=run, page=page),
            key=f"draft {draft_id}",
        )

    def _on_saved(self, finished: Finished, *, run: bool, page: str) -> None:
        self._saving = None
        if not isValid(self) or self.shell is None or self.state is None:
            return
        self.shell.set_busy("")
        if finished.outcome is not Outcome.DONE:
            if finished.error is not None:
                self.context.navigator.show_error(finished.error, self)
            return
        export, problem = finished.value
        self.state.dirty = False
        navigator, window = self.context.navigator, self.window()
        words = self.tr("“{name}” is saved and runs.") if run else self.tr("“{name}” is saved.")
        announce(self, words.format(name=export.name))
        self.state.shut()
        navigator.leave_wizard()
        navigator.changed("exports")
        if run:
            navigator.changed("runs")
        navigator.show_page(page, export.name)
        if problem is not None:
            navigator.show_error(problem, window)
        else:
            navigator.toast(words.format(name=export.name))


def _save_and_run(
    services: object, export: Export, draft_id: str, members: int | None, *, run: bool
) -> tuple[Export, Exception | None]:
    """Save, forget the draft, then start; a run that can't start is told without losing what was saved.

    The run is held when many more than these `members`, which were reviewed, are to be sent.
    """
    from app.core.runs import Trigger

    saved = services.exports.save(export)
    services.drafts.remove(draft_id)
    if not run:
        return saved, None
    try:
        approval = services.held_runs.reviewed(members=members)
        services.runs.start([saved.name], Trigger.PERSON, approval)
    except SendoffError as error:
        return saved, error
    return saved, None


class _LeaveDialog(Dialog):
    """Keep the draft, discard it, or go on; Enter keeps, so that nothing is lost by a key."""

    chosen = Signal(str)

    def __init__(self, context: WindowContext, opener: QWidget) -> None:
        super().__init__(context.theme, opener, self.tr("Keep this draft?"), width=480)
        theme = context.theme
        sentence = self.tr("Kept drafts are offered when you open the wizard again. Nothing was sent.")
        self.body.addWidget(Label(theme, sentence, "body", "text2", wrap=True))
        self.discard = Button(theme, self.tr("Discard"), "danger")
        self.go_on = Button(theme, self.tr("Go on editing"))
        self.keep = Button(theme, self.tr("Keep draft"), "primary")
        self.add_left(self.discard)
        self.add_button(self.go_on)
        self.add_button(self.keep, default=True)
        self.discard.clicked.connect(lambda: self._choose("discard"))
        self.keep.clicked.connect(lambda: self._choose("keep"))
        self.go_on.clicked.connect(self.reject)

    def _choose(self, choice: str) -> None:
        self.accept()
        self.chosen.emit(choice)
