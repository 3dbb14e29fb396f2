"""The foot of a receipt: what undoing the run would do, and the button for it."""

from __future__ import annotations

from PySide6.QtCore import Signal

from app.services.undo import UndoState
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.undo_words import kept_values_words
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
        what, formats = state.what, self._formats
        if state.why_not:
            self.words.set_words(self.tr("This run can’t be undone. {reason}").format(reason=state.why_not))
        else:
            both = self.tr("Undo takes out {added} this run added and puts back {removed} it removed.")
            one = self.tr("Undo takes out {added} this run added.")
            other = self.tr("Undo puts back {removed} this run removed.")
            stay = kept_values_words(what.changed, formats)
            words = both if what.added and what.removed else one if what.added else other
            until = self.tr("Possible until {day}.").format(day=formats.date(state.until)) if state.until else ""
            added, removed = (formats.counted(number, "members") for number in (what.added, what.removed))
            said = (words.format(added=added, removed=removed), stay, until)
            self.words.set_words(" ".join(filter(None, said)))
        self.button.setVisible(may_run)
        self.button.setEnabled(not state.why_not)
