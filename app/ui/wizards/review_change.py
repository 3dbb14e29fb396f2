"""What the run will do, beside what the last one did; no number is shown that was not counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.runs import Run
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Card, Label, row
from app.ui.wizards.state import WizardState


@dataclass(frozen=True)
class Figure:
    """One number with the words under it."""

    number: str
    words: str
    ink: str = "text"


class ChangeCard(Card):
    """`figures` gives what this run will do, `last` the numbers of a run that ended, `sentence` one line in words.

    With `on_preview` a button saves the export and opens its plan.
    """

    def __init__(
        self,
        state: WizardState,
        figures: Callable[[], Sequence[Figure]],
        last: Callable[[Run], Sequence[Figure]],
        sentence: Callable[[], str],
        on_preview: Callable[[], None] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state.context.theme, margin=20, parent=parent)
        self._state = state
        self._figures, self._last_of, self._sentence = figures, last, sentence
        theme = state.context.theme
        self._title = Label(theme, "", "subtitle")
        self._when = Label(theme, "", "caption", "text2")
        self._now = QWidget()
        self._now_row = QHBoxLayout(self._now)
        self._now_row.setContentsMargins(0, 0, 0, 0)
        self._now_row.setSpacing(54)
        self._last_title = Label(theme, "", "caption-medium", "text2", wrap=True)
        self._words = Label(theme, "", "body", "text2", wrap=True)
        self.preview = Button(theme, self.tr("Save and preview the changes"), "link")
        self.preview.set_trailing("arrow-right")
        if on_preview is not None:
            self.preview.clicked.connect(on_preview)
        self._may_preview = on_preview is not None
        self._assemble()

    def _assemble(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._when)
        self.body.addLayout(head)
        self.body.addWidget(self._now)
        line = row(self._words, self.preview)
        line.setStretch(0, 1)
        self.body.addLayout(line)
        self.body.addWidget(self._last_title)

    def words(self) -> str:
        """What this run will do, in one line."""
        return self._sentence()

    def show_state(self) -> None:
        """Show what is known now."""
        description = self._state.description
        compared = description is not None and not description.any_field
        self.preview.setVisible(self._may_preview and compared and not self._state.read_only)
        editing = self._state.facts.editing
        last = editing.latest if editing is not None else None
        ended = last is not None and last.status.ended
        self._title.set_words(self.tr("Compared with the last run") if ended else self.tr("The first run"))
        when = last.ended_at or last.queued_at if last is not None and ended else None
        formats = self._state.context.formats
        self._when.set_words("" if when is None else f"{formats.day_date(when)}, {formats.clock(when)}")
        self._show_figures(self._figures())
        self._words.set_words(self._sentence())
        self._last_title.setVisible(ended)
        if last is not None and ended:
            status = formats.status(last.status).word
            numbers = ", ".join(f"{figure.number} {figure.words}" for figure in self._last_of(last))
            words = self.tr("Last run: {status}. {numbers}.")
            self._last_title.set_words(words.format(status=status, numbers=numbers))

    def _show_figures(self, figures: Sequence[Figure]) -> None:
        while (item := self._now_row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for figure in figures:
            holder = QWidget()
            stack = QVBoxLayout(holder)
            stack.setContentsMargins(0, 0, 0, 0)
            stack.setSpacing(0)
            stack.addWidget(Label(self._state.context.theme, figure.number, "display", figure.ink))
            stack.addWidget(Label(self._state.context.theme, figure.words, "body", "text2"))
            self._now_row.addWidget(holder)
        self._now_row.addStretch(1)
