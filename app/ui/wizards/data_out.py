"""The wizard that makes and changes data-out exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.drafts import DataOutDraft
from app.core.exports import ExportKind
from app.core.table_choices import totals
from app.ui.wizards.data_out_review import DataOutReview
from app.ui.wizards.data_out_state import DataOutState
from app.ui.wizards.destination import DestinationStep
from app.ui.wizards.facts import Facts
from app.ui.wizards.format import FormatStep
from app.ui.wizards.review import ReviewStep
from app.ui.wizards.review_change import ChangeCard
from app.ui.wizards.review_panel import ReviewPanel
from app.ui.wizards.state import WizardState
from app.ui.wizards.step import StepWidget
from app.ui.wizards.suppression_option import SuppressionOption
from app.ui.wizards.tables import TablesStep
from app.ui.wizards.wizard import ExportWizard


class DataOutWizard(ExportWizard):
    """Destination, tables and fields, format and layout, review."""

    kind = ExportKind.DATA_OUT
    panel_width = 420

    def kind_words(self) -> str:
        """What it makes."""
        return self.tr("Data-out export")

    def new_draft(self, facts: Facts) -> DataOutDraft:
        """An empty draft, or that of the export."""
        return DataOutDraft() if facts.editing is None else DataOutDraft.from_export(facts.editing.export)

    def make_state(self, facts: Facts) -> DataOutState:
        """The state with its files."""
        return DataOutState(self.context, facts, self.new_draft(facts), self)

    def members_reviewed(self) -> int | None:
        """The rows of the chosen tables, where all of them are written; see `ExportWizard.members_reviewed`."""
        if self.state is None or not isinstance(draft := self.state.draft, DataOutDraft) or draft.leave_out_suppressed:
            return None
        return totals(draft.tables, self.state.facts.catalog).rows

    def step_makers(self, state: WizardState) -> Sequence[Callable[[], StepWidget]]:
        """The four steps."""
        assert isinstance(state, DataOutState)
        return (
            lambda: DestinationStep(state, self._resume),
            lambda: TablesStep(state),
            lambda: FormatStep(state),
            lambda: self._make_review(state),
        )

    def _make_review(self, state: DataOutState) -> ReviewStep:
        words = DataOutReview(state)
        change = ChangeCard(state, words.figures, words.last, words.sentence)
        panel = ReviewPanel(
            state,
            items_title=self.tr("Tables"),
            items_step=1,
            summary=words.summary,
            items=words.items,
            remarks=words.remarks,
            go_to=self._go_to,
        )
        return ReviewStep(state, change, panel, state.ask_files, SuppressionOption(state))
