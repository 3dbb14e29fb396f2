"""A segment while it is edited: its history, and the answers to what it gives now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.core.counts import Overlap, Reach
from app.core.segment_editing import History, finished, unfinished
from app.core.segments import FieldRef, Place, Segment
from app.ui.context import WindowContext
from app.ui.pages.segments.turns import Turns
from app.ui.pages.segments.words import FieldChoices
from app.ui.runner import Finished, LiveQuery, Outcome, QueryState

if TYPE_CHECKING:
    from app.services.segment_builder import Ground, Look
    from app.services.segment_members import MemberPage

Edit = Callable[[Segment], Segment]
FIRST_MEMBERS = 10
QUESTION_AFTER_MS = 300


class BuilderState(QObject):
    """One segment at a time. Main thread only; every question is a job, and older ones are cancelled.

    Signals:
        opened(): another segment is edited.
        grounded(): tables or segments changed beneath what is edited.
        edited(): the draft changed, by an edit, undo, redo or discard.
        answered(): an answer came, or questions began; read `look`, `reach`, `page`, `overlap`, `problem`, `counting`.
        values_ready(object): frequent values of a field are known; read `values`.
    """

    opened = Signal()
    grounded = Signal()
    edited = Signal()
    answered = Signal()
    values_ready = Signal(object)

    def __init__(self, context: WindowContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.turns = Turns(self)
        self.ground: Ground | None = None
        self.fields: FieldChoices | None = None
        self.history: History | None = None
        self.saved: Segment | None = None
        self.look: Look | None = None
        self.reach: Reach | None = None
        self.page: MemberPage | None = None
        self.overlap: Overlap | None = None
        self.problem: BaseException | None = None
        self.compared = ""
        self.masked = True
        self._values: dict[FieldRef, tuple[tuple[str, int], ...] | None] = {}
        self._asked: Segment | None = None
        self._looking = LiveQuery(context.runner, "Count a draft", delay_ms=QUESTION_AFTER_MS, parent=self)
        self._reaching = LiveQuery(context.runner, "Measure the reach", delay_ms=0, parent=self)
        self._paging = LiveQuery(context.runner, "Read first members", delay_ms=0, parent=self)
        self._comparing = LiveQuery(context.runner, "Compare with a segment", delay_ms=0, parent=self)
        self._looking.ready.connect(self._on_looked)
        self._looking.failed.connect(self._on_failed)
        self._reaching.ready.connect(self._on_reached)
        self._reaching.failed.connect(lambda _error: self._on_reached(None))
        self._paging.ready.connect(self._on_paged)
        self._paging.failed.connect(lambda _error: self._on_paged(None))
        self._comparing.ready.connect(self._on_compared)
        self._comparing.failed.connect(lambda _error: self._on_compared(None))

    # What is edited

    @property
    def draft(self) -> Segment:
        """The segment as it is now."""
        assert self.history is not None
        return self.history.present

    @property
    def to_save(self) -> Segment:
        """The draft on top of what is saved: undo goes back to drafts from before it was."""
        return replace(self.draft, revision=self.saved.revision if self.saved is not None else 0)

    @property
    def changed(self) -> bool:
        """Whether something would be lost."""
        return self.history is not None and self.draft != self.saved

    @property
    def counting(self) -> bool:
        """Whether the numbers shown are of an older draft."""
        return self._looking.state in {QueryState.WAITING, QueryState.RUNNING}

    @property
    def exact(self) -> bool:
        """Whether everything shown belongs to the draft as it is."""
        queries = (self._looking, self._reaching, self._paging, self._comparing)
        return not any(query.state in {QueryState.WAITING, QueryState.RUNNING} for query in queries)

    def set_ground(self, ground: Ground) -> None:
        """Tables, links and segments as they are now."""
        before, self.ground = self.ground, ground
        if before == ground:
            return
        if before is None or before.catalog != ground.catalog:
            self._values.clear()
        if self.history is not None:
            self.fields = FieldChoices(ground, self.draft.of)
            self.grounded.emit()
            self.edited.emit()
            self.ask(at_once=True)

    def open(self, segment: Segment, *, saved: bool) -> None:
        """Edit another segment; `saved` when it stands in the store like this."""
        assert self.ground is not None
        same = self.history is not None and self.draft.id == segment.id
        self.history = History(segment)
        self.saved = segment if saved else None
        self.fields = FieldChoices(self.ground, segment.of)
        if not same:
            self._forget()
            self.compared = ""
        self.masked = True
        self.opened.emit()
        self.ask(at_once=True)

    def close(self) -> None:
        """Edit nothing any more."""
        self.history = self.saved = self._asked = None
        self._forget()

    def do(self, edit: Edit, typing: str = "") -> None:
        """Edit; see `History.do`."""
        assert self.history is not None
        self._go(self.history.do(edit, typing))

    def undo(self) -> None:
        """Take the last step back."""
        assert self.history is not None
        self._go(self.history.undo())

    def redo(self) -> None:
        """Do again what was undone."""
        assert self.history is not None
        self._go(self.history.redo())

    def discard(self) -> None:
        """Back to what is saved, as a step that can be undone."""
        if self.saved is not None:
            saved = self.saved
            self.do(lambda _draft: saved)

    def took_over(self, stored: Segment) -> None:
        """The draft was saved as `stored`; the history goes on."""
        assert self.history is not None
        self.saved = stored
        self.history = replace(self.history, present=stored, typing="")
        self.edited.emit()

    def blockers(self) -> int:
        """How many parts keep the draft from being saved."""
        return len(unfinished(self.draft))

    def issue_at(self, place: Place) -> str:
        """What the tables have against what stands there, as far as that is known of the draft as it is."""
        issues = self.look.issues if self.look is not None and not self.counting else ()
        return next((issue.sentence for issue in issues if issue.place == place), "")

    # Questions

    def ask(self, *, at_once: bool = False) -> None:
        """Count the draft, unless nothing that counts has changed since the last question."""
        draft, services = self.draft, self.context.services
        self._asked = finished(draft)
        for query in (self._reaching, self._paging, self._comparing):
            query.cancel()
        self._looking.ask(lambda ctx: services.segment_builder.look(draft, ctx), at_once=at_once)
        self.answered.emit()

    def show_values(self) -> None:
        """Read the first members again with their personal values."""
        self.masked = False
        self._ask_members()

    def compare(self, name: str) -> None:
        """Count how many members are also in that segment."""
        self.compared = name
        self.overlap = None
        self._ask_overlap()
        self.answered.emit()

    def values(self, field: FieldRef) -> tuple[tuple[str, int], ...] | None:
        """The frequent values of a field, None while they are not known; `values_ready` tells when they are."""
        if field not in self._values:
            self._values[field] = None
            services = self.context.services
            self.context.runner.submit(
                "queries",
                f"Frequent values of {field}",
                lambda ctx: services.segment_builder.frequent(field, ctx),
                on_finished=lambda end: self._on_values(field, end),
            )
        return self._values[field]

    def _go(self, history: History) -> None:
        if history is self.history:
            return
        self.history = history
        self.edited.emit()
        if finished(self.draft) != self._asked or self.look is None:
            self.ask()

    def _forget(self) -> None:
        for query in (self._looking, self._reaching, self._paging, self._comparing):
            query.cancel()
        self.look = self.reach = self.page = self.overlap = self.problem = None

    def _ask_members(self) -> None:
        draft, services, masked = self.draft, self.context.services, self.masked
        self._paging.ask(
            lambda ctx: services.segment_builder.members(draft, FIRST_MEMBERS, ctx, masked=masked), at_once=True
        )

    def _ask_overlap(self) -> None:
        draft, services, other = self.draft, self.context.services, self.compared
        if other and self.look is not None and self.look.members is not None:
            self._comparing.ask(lambda ctx: services.segment_builder.overlap(draft, other, ctx), at_once=True)

    # Answers

    def _on_looked(self, look: Look) -> None:
        self.look, self.problem = look, None
        if look.members is None:
            self.reach = self.page = self.overlap = None
        else:
            draft, services = self.draft, self.context.services
            self._reaching.ask(lambda ctx: services.segment_builder.reach(draft, ctx), at_once=True)
            self._ask_members()
            self._ask_overlap()
        self.answered.emit()

    def _on_failed(self, error: BaseException) -> None:
        self.look = self.reach = self.page = self.overlap = None
        self.problem = error
        self.answered.emit()

    def _on_reached(self, reach: Reach | None) -> None:
        self.reach = reach
        self.answered.emit()

    def _on_paged(self, page: MemberPage | None) -> None:
        self.page = page
        self.answered.emit()

    def _on_compared(self, overlap: Overlap | None) -> None:
        self.overlap = overlap
        self.answered.emit()

    def _on_values(self, field: FieldRef, end: Finished) -> None:
        if end.outcome is Outcome.DONE:
            self._values[field] = end.value
        else:
            self._values.pop(field, None)
        self.values_ready.emit(field)
