"""The numbers of a plan: five of them, the audience afterwards, a bar, and why members are left out."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.plans import Change, Plan
from app.ui.formats import Formats
from app.ui.pages.plan.words import change_words, left_out_words, note_words
from app.ui.theme import Theme
from app.ui.widgets.charts import StackedBar
from app.ui.widgets.labels import Area, IconLabel, Label, column, row
from app.ui.widgets.notes import Note

_INKS = {
    Change.ADDED: "success",
    Change.CHANGED: "accent_text",
    Change.REMOVED: "danger",
    Change.UNCHANGED: "text",
    Change.LEFT_OUT: "warning",
}


def numbers_of(plan: Plan) -> dict[Change, int]:
    """How many members of each kind a plan has."""
    changes = plan.changes
    return {
        Change.ADDED: changes.added,
        Change.CHANGED: changes.changed,
        Change.REMOVED: changes.removed,
        Change.UNCHANGED: changes.unchanged,
        Change.LEFT_OUT: sum(plan.left_out.values()),
    }


class PlanNumbers(Area):
    """What the plan comes to; `note` says what stands in the way of sending."""

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(theme, "surface", "b", parent=parent)
        self._formats = formats
        self.figures = {change: Label(theme, "", "number") for change in Change}
        self._after = Label(theme, "", "number")
        self._bar = StackedBar(theme, self.tr("Plan"))
        self._reasons = Label(theme, "", "caption", "text2", wrap=True)
        self._left_out = QWidget()
        line = row(
            IconLabel(theme, "prohibit-bold", "warning", 14),
            Label(theme, self.tr("Left out:"), "caption-medium"),
            self._reasons,
            spacing=6,
        )
        line.setStretch(2, 1)
        self._left_out.setLayout(line)
        self.note = Note(theme, "warning", "")
        self.more = Label(theme, "", "caption", "text2", wrap=True)
        figures = row(spacing=0)
        for change in Change:
            label = Label(theme, change_words(change), "caption", "text2")
            figures.addLayout(column(self.figures[change], label, spacing=0))
            figures.addSpacing(44)
        figures.addStretch(1)
        afterwards = Label(theme, self.tr("In the audience afterwards"), "caption", "text2")
        for label in (self._after, afterwards):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        figures.addLayout(column(self._after, afterwards, spacing=0))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 12, 24, 12)
        layout.setSpacing(10)
        layout.addWidget(self.note)
        layout.addLayout(figures)
        for widget in (self._bar, self._left_out, self.more):
            layout.addWidget(widget)

    def show_plan(self, plan: Plan) -> None:
        """Show a plan's numbers."""
        formats, numbers = self._formats, numbers_of(plan)
        for change, number in numbers.items():
            sign = {Change.ADDED: "+", Change.REMOVED: "−"}.get(change, "") if number else ""
            self.figures[change].set_words(f"{sign}{formats.number(number)}")
            self.figures[change].set_ink(_INKS[change] if number else "text")
        changes = plan.changes
        self._after.set_words(formats.number(changes.added + changes.changed + changes.unchanged))
        whole = max(1, changes.to_send + changes.unchanged)
        parts = (
            (changes.unchanged, "accent_soft"),
            (changes.added, "success_fill"),
            (changes.changed, "accent"),
            (changes.removed, "danger_fill"),
        )
        words = ", ".join(f"{change_words(change)}: {formats.number(number)}" for change, number in numbers.items())
        self._bar.set_parts([(number / whole, role) for number, role in parts], words)
        self._reasons.set_words(left_out_words(plan, formats))
        self._left_out.setVisible(bool(plan.left_out))
        notes = note_words(plan, formats)
        self.more.set_words("\n".join(notes))
        self.more.setVisible(bool(notes))
