"""Whether a data-out export leaves out the rows of people on the suppression list."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.suppression import contact_columns
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.labels import Card, Label
from app.ui.wizards.data_out_state import DataOutState
from app.ui.wizards.step import subtitle


class SuppressionOption(QWidget):
    """A box that is off by default: tables are sent whole."""

    def __init__(self, state: DataOutState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        theme = state.context.theme
        self.box = CheckBox(theme, self.tr("Leave out rows of people on the suppression list"))
        self._words = Label(theme, "", "caption", "text2", wrap=True)
        card = Card(theme, margin=10)
        card.body.addWidget(self.box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for part in (subtitle(state, self.tr("Suppression list")), card, self._words):
            layout.addWidget(part)
        self.box.clicked.connect(lambda on: state.update(leave_out_suppressed=on))

    def show_state(self) -> None:
        """Show the draft, and which of its tables the list can say something about."""
        draft, catalog = self._state.draft, self._state.facts.catalog
        tables = [table for choice in draft.tables if (table := catalog.table(choice.name)) is not None]
        names = [table.name for table in tables if contact_columns(table)]
        self.box.setChecked(draft.leave_out_suppressed)
        self.box.setEnabled(not self._state.read_only and (bool(names) or draft.leave_out_suppressed))
        words = self.tr("Applies to {tables}.").format(tables=", ".join(names))
        if not names:
            words = self.tr("No chosen table has a column of e-mail addresses or phone numbers.")
        elif len(names) < len(tables):
            more = (
                self.tr("The other has no column of e-mail addresses or phone numbers and is written whole.")
                if len(tables) - len(names) == 1
                else self.tr("The others have no column of e-mail addresses or phone numbers and are written whole.")
            )
            words = f"{words} {more}"
        self._words.set_words(words)
