"""The foot of a receipt: what undoing the run would do, and the button for it."""

from __future__ import annotations

from PySide6.QtCore import Signal

from app.services.undo import UndoState
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Area, IconLabel, Label, row


class UndoBar(Area):
    """Signal `undo_asked`; the button is disabled with the reason beside it where the run can't be undone."""

    undo_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats) -> None:
        super().__init__(theme, "surface", "t")
        self._formats = formats
        self.words = Label(theme, "", "caption", "text2", wrap=True)
        self.button = Button(theme, self.tr("Undo this run"), "danger", icon="arrow-counter-clockwise")
        line = row(IconLabel(theme, "arrow-counter-clockwise"), self.words, self.button, margins=(24, 12, 24, 12))
        line.setStretch(1, 1)
        self.setLayout(line)
        self.button.clicked.connect(self.undo_asked)

    def show_state(self, state: UndoState, *, may_run: bool) -> None:
        """Say what can be done; a role that may run nothing sees no button."""
        n = self._formats.number
        if state.why_not:
            self.words.set_words(self.tr("This run can’t be undone. {reason}").format(reason=state.why_not))
        else:
            words = self.tr(
                "Undo removes the {added} added members and puts the {removed} removed ones back; updated values stay. "
                "Possible until {day}."
            )
            day = self._formats.date(state.until) if state.until is not None else ""
            what = state.what
            self.words.set_words(words.format(added=n(what.added), removed=n(what.removed), day=day))
        self.button.setVisible(may_run)
        self.button.setEnabled(not state.why_not)
