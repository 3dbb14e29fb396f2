"""The draft in a wizard's hands: every change is judged at once and kept in the workspace a moment later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid

from app.core.drafts import DataOutDraft, Needs, SegmentDraft, Step
from app.core.roles import Action, may
from app.ui.context import WindowContext
from app.ui.runner import Finished, Job, LiveQuery, Outcome, Work
from app.ui.wizards.facts import Facts

if TYPE_CHECKING:
    from app.destinations.description import Description
    from app.services.connections import ConnectionRow

SAVE_MS = 400
"""A change is kept this long after it, so that typing is one save and not one a letter."""


class WizardState(QObject):
    """What the steps of one wizard share; main thread only.

    Signals:
        changed: the draft, the facts or what is known beside them changed; steps show themselves again.
        saved(object): the draft was kept, at that time (aware).
        save_failed(object): keeping it failed, with the exception.
    """

    changed = Signal()
    saved = Signal(object)
    save_failed = Signal(object)

    def __init__(
        self, context: WindowContext, facts: Facts, draft: SegmentDraft | DataOutDraft, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.context = context
        self.facts = facts
        self.draft: Any = draft
        self.dirty = False
        self._pending = False
        self._jobs: list[Job] = []
        self._queries: list[LiveQuery] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_MS)
        self._timer.timeout.connect(self.flush)

    # Looking

    @property
    def description(self) -> Description | None:
        """The destination chosen."""
        return self.facts.description(self.draft.destination, self.draft.connection)

    @property
    def connection(self) -> ConnectionRow | None:
        """The connection chosen, as far as this role may use it."""
        return self.facts.connection(self.draft.connection)

    @property
    def destination_name(self) -> str:
        """What people call the destination; a general word before one is chosen."""
        return self.description.name if self.description is not None else self.tr("The destination")

    @property
    def read_only(self) -> bool:
        """Whether this role may only look."""
        editing = self.facts.editing
        if not may(self.facts.role, Action.CHANGE_EXPORTS):
            return True
        return editing is not None and editing.permission == "view"

    def needs(self) -> Needs:
        """What the draft is judged by."""
        return Needs(taken=self.facts.taken)

    def issues(self, step: Step) -> list[str]:
        """What keeps a step from being done; never stops somebody who may only look."""
        return [] if self.read_only and step is not Step.REVIEW else self.draft.issues(step, self.needs())

    # Changing

    def update(self, **changes: Any) -> None:
        """Change the draft; nothing happens when it stays the same."""
        draft = replace(self.draft, **changes)
        if draft == self.draft or self.read_only:
            return
        self.draft = draft
        self.dirty = True
        self._pending = True
        self._timer.start()
        self.changed.emit()

    def adopt(self, draft: SegmentDraft | DataOutDraft) -> None:
        """Go on with a draft that was kept earlier."""
        self.draft = draft
        self.dirty = True
        self.changed.emit()

    def renew_facts(self, facts: Facts) -> None:
        """Take over what was read again."""
        self.facts = facts
        self.changed.emit()

    # Work beside the wizard, which ends with it

    def submit(self, pool: str, name: str, work: Work, on_finished: Callable[[Finished], None], **options: Any) -> Job:
        """Start a job that is given up when the wizard closes; `options` as in `JobRunner.submit`."""
        self._jobs = [job for job in self._jobs if job.running]
        job = self.context.runner.submit(pool, name, work, on_finished=on_finished, **options)
        self._jobs.append(job)
        return job

    def query(self, name: str, delay_ms: int = 300) -> LiveQuery:
        """A question asked again with every change; given up when the wizard closes."""
        query = LiveQuery(self.context.runner, name, delay_ms=delay_ms, parent=self)
        self._queries.append(query)
        return query

    def shut(self) -> None:
        """Give up every question that is still open; what is being kept is kept."""
        for job in self._jobs:
            self.context.runner.abandon(job)
        for query in self._queries:
            query.cancel()

    # Keeping

    def flush(self) -> Job | None:
        """Keep what is not kept yet, in the background, in order; the job that does it, None when nothing is left."""
        self._timer.stop()
        if not self._pending:
            return None
        self._pending = False
        draft, drafts = self.draft, self.context.services.drafts
        return self.context.runner.submit(
            "store",
            "Save the draft",
            lambda _ctx: drafts.save(draft),
            on_finished=self._on_flush_finished,
            key=f"draft {draft.id}",
        )

    def forget(self, draft_id: str | None = None) -> None:
        """Throw the draft (or another kept one) away, after any save on its way."""
        self._timer.stop()
        self._pending = False
        wanted, drafts = draft_id or self.draft.id, self.context.services.drafts
        self.context.runner.submit(
            "store", "Discard the draft", lambda _ctx: drafts.remove(wanted), key=f"draft {wanted}"
        )

    def _on_flush_finished(self, finished: Finished) -> None:
        if not isValid(self):
            return  # the wizard closed meanwhile; the draft is kept all the same
        if finished.outcome is Outcome.DONE:
            now: datetime = self.context.formats.now()
            self.saved.emit(now)
        elif finished.outcome is Outcome.FAILED:
            self._pending = True
            self.save_failed.emit(finished.error)
