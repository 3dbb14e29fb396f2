"""The wizard that makes and changes exports of segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from app.core.drafts import SegmentDraft
from app.core.exports import ExportKind
from app.ui.context import WindowContext
from app.ui.wizards.destination import DestinationStep
from app.ui.wizards.facts import Facts
from app.ui.wizards.matching import MatchingStep
from app.ui.wizards.review import ReviewStep
from app.ui.wizards.review_change import ChangeCard
from app.ui.wizards.review_panel import ReviewPanel
from app.ui.wizards.segment_review import SegmentReview
from app.ui.wizards.segment_state import SegmentState
from app.ui.wizards.segments import SegmentsStep
from app.ui.wizards.state import WizardState
from app.ui.wizards.step import StepWidget
from app.ui.wizards.wizard import ExportWizard


class SegmentExportWizard(ExportWizard):
    """Destination, segments, data matching, review. `destination_id` is chosen at once when it has one connection."""

    kind = ExportKind.SEGMENT

    def __init__(
        self,
        context: WindowContext,
        export_name: str | None = None,
        destination_id: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        self._wanted = destination_id
        super().__init__(context, export_name, parent)

    def kind_words(self) -> str:
        """What it makes: the type of audience once it is chosen."""
        description = self.state.description if self.state is not None else None
        if description is None or description.audience is None:
            return self.tr("Segment export")
        return description.audience.name

    def new_draft(self, facts: Facts) -> SegmentDraft:
        """An empty draft, or that of the export."""
        return SegmentDraft() if facts.editing is None else SegmentDraft.from_export(facts.editing.export)

    def make_state(self, facts: Facts) -> SegmentState:
        """The state with its counts."""
        return SegmentState(self.context, facts, self.new_draft(facts), self)

    def step_makers(self, state: WizardState) -> Sequence[Callable[[], StepWidget]]:
        """The four steps."""
        assert isinstance(state, SegmentState)
        return (
            lambda: DestinationStep(state, self._resume, self._wanted),
            lambda: SegmentsStep(state, self._mend, lambda: self._go_to(0)),
            lambda: MatchingStep(state),
            lambda: self._make_review(state),
        )

    def _make_review(self, state: SegmentState) -> ReviewStep:
        words = SegmentReview(state)
        change = ChangeCard(state, words.figures, words.last, words.sentence, self.save_and_plan)
        panel = ReviewPanel(
            state,
            items_title=self.tr("Segments"),
            items_step=1,
            summary=words.summary,
            items=words.items,
            remarks=words.remarks,
            go_to=self._go_to,
        )

        def before_review() -> None:
            state.count()
            matching = self.steps[2]
            if isinstance(matching, MatchingStep):
                matching.target.show_state()  # so that an audience has its name and not its id

        return ReviewStep(state, change, panel, before_review, takes=words.takes)

    def members_to_send(self) -> int | None:
        """The total, as far as it is counted."""
        total = self.state.counts.total if isinstance(self.state, SegmentState) else None
        return None if total is None else total.to_send

    def members_reviewed(self) -> int | None:
        """See `ExportWizard.members_reviewed`."""
        state = self.state
        if not isinstance(state, SegmentState) or not state.counts.total_sure:
            return None
        counts = [state.counts.of(name).count for name in state.going()]
        known = [count.to_send for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    def _mend(self, segment: str) -> None:
        """Leave for the segments page with the draft kept: a smaller or larger segment is made there."""
        self.flush()
        if self.state is not None and self.state.dirty:
            self.context.navigator.toast(self.tr("The draft is kept. It is offered when you open this wizard again."))
        self._leave()
        self.context.navigator.show_page("segments", segment)
