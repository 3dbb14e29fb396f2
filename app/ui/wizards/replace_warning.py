"""What replacing an audience takes out beyond what Sendoff sent, counted before anything happens, and the tick that allows it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.exports import SyncMode
from app.core.plans import Changes
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.notes import Note
from app.ui.wizards.segment_state import SegmentState


class ReplaceWarning(QWidget):
    """Shown while the sync mode is replace; signal `changed()` when it was ticked or counted.

    An export that replaced already was allowed to when it was made.
    """

    changed = Signal()

    def __init__(self, state: SegmentState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        theme = state.context.theme
        self._asked: tuple[object, ...] = ()
        self._answer: Changes | BaseException | None = None
        self.note = Note(theme, "warning", "")
        self.box = CheckBox(theme, self.tr("Members that Sendoff never sent may be removed too"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.note)
        layout.addWidget(self.box)
        self._query = state.query("Plan the replacement")
        self._query.ready.connect(self._on_answer)
        self._query.failed.connect(self._on_answer)
        self.box.clicked.connect(lambda _on: self.changed.emit())
        self.hide()

    def problem(self) -> str:
        """What blocks saving; empty when nothing does."""
        if not self._replaces() or self.box.isChecked() or self._replaced_before():
            return ""
        return self.tr("Tick that members Sendoff never sent may be removed, or choose another sync mode.")

    def show_state(self) -> None:
        """Show what is known; ask the destination who is there when the question is another one."""
        shown = self._replaces()
        self.setVisible(shown)
        if not shown:
            self.box.setChecked(False)
            self._asked = ()
            self._query.cancel()
            return
        self.box.setEnabled(not self._state.read_only)
        self.box.setVisible(not self._replaced_before())
        draft = self._state.draft
        basis = (draft.connection, draft.segments, dict(draft.target), dict(draft.match))
        if basis != self._asked:
            self._asked, self._answer = basis, None
            self._ask()
        self._show()

    def _ask(self) -> None:
        state = self._state
        export = state.draft.so_far(state.context.formats.now(), state.facts.person)
        plans = state.context.services.plans
        self._query.ask(lambda ctx: plans.changes_of(export, ctx))

    def _on_answer(self, answer: object) -> None:
        self._answer = answer if isinstance(answer, Changes | BaseException) else None
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        name, answer = self._state.destination_name, self._answer
        rule = self.tr("The audience will hold the members of this segment and nobody else.")
        if answer is None:
            self.note.set_note("warning", rule, self.tr("Asking {name} who is there…").format(name=name))
        elif isinstance(answer, BaseException):
            told = as_sendoff_error(answer)
            unknown = self.tr("Who is there could not be asked: {why}").format(why=f"{told.what} {told.fix}".strip())
            self.note.set_note("warning", rule, unknown)
        elif answer.strangers:
            members = self._state.context.formats.counted(answer.strangers, "members")
            self.note.set_note(
                "danger", self.tr("Also removes {members} Sendoff never sent").format(members=members), rule
            )
        else:
            nobody = self.tr("Right now nobody is there whom Sendoff did not send.")
            self.note.set_note("warning", rule, nobody)

    def _replaces(self) -> bool:
        """Whether an audience is replaced; files are by their own rule."""
        description = self._state.description
        return self._state.draft.sync is SyncMode.REPLACE and description is not None and not description.any_field

    def _replaced_before(self) -> bool:
        editing = self._state.facts.editing
        if editing is None:
            return False
        export, draft = editing.export, self._state.draft
        same = (export.connection, dict(export.target)) == (draft.connection, dict(draft.target))
        return same and export.sync is SyncMode.REPLACE
