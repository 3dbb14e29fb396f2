"""The data-out export in the making: its draft, and the files it would write."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject

from app.core import row_deltas
from app.core.drafts import DataOutDraft, Needs, Step
from app.ui.context import WindowContext
from app.ui.wizards.facts import Facts
from app.ui.wizards.files_state import PlannedFiles
from app.ui.wizards.part_fields import part_problem
from app.ui.wizards.state import WizardState


class DataOutState(WizardState):
    """State of the data-out wizard."""

    def __init__(
        self, context: WindowContext, facts: Facts, draft: DataOutDraft, parent: QObject | None = None
    ) -> None:
        super().__init__(context, facts, draft, parent)
        self.files = PlannedFiles(self)
        self.files.changed.connect(self.changed)

    @property
    def plain_bytes(self) -> int | None:
        """About how large the chosen tables are as plain CSV."""
        return self.files.plain_bytes

    def needs(self) -> Needs:
        """What the draft is judged by."""
        needs, description = super().needs(), self.description
        if description is None:
            return needs
        return replace(needs, file_rules=description.file_rules, destination=description.name)

    def issues(self, step: Step) -> list[str]:
        """What keeps a step from being done; the tables say whether they can be parted, and their changed rows told."""
        found = super().issues(step)
        if step is not Step.SHAPE or self.read_only:
            return found
        problem = part_problem(self)
        return [*found, *([problem] if problem else []), *self.change_problems()]

    def change_problems(self) -> list[str]:
        """What keeps the tables from being written by what changed."""
        return row_deltas.problems(self.draft.layout.only_changes, self.draft.tables, self.facts.catalog)

    def ask_files(self) -> None:
        """List the files of the draft as it is."""
        self.files.ask()
