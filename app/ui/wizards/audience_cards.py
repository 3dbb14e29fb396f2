"""What an audience holds, where a destination makes several kinds: one card for each."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.widgets.cards import RadioCard
from app.ui.wizards.segment_state import SegmentState
from app.ui.wizards.state import WizardState
from app.ui.wizards.step import subtitle


class AudienceCards(QWidget):
    """Hidden unless there is something to choose."""

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._shown: tuple[str, ...] = ()
        self.cards: dict[str, RadioCard] = {}
        self._holder = QWidget()
        self._row = QHBoxLayout(self._holder)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(subtitle(state, self.tr("What the audience holds")))
        layout.addWidget(self._holder)
        self.hide()

    def show_state(self) -> None:
        """Show the types of the destination chosen, and which of them is."""
        state = self._state
        description = state.description if isinstance(state, SegmentState) else None
        types = description.audience_types if description is not None else ()
        self.setVisible(len(types) > 1)
        if description is None or len(types) < 2:
            return
        shown = (description.id, *(each.id for each in types))
        if shown != self._shown:
            self._shown = shown
            field = next(each for each in description.export_fields if each.id == description.audience_field)
            self._build(dict(field.choices or {}))
        for audience, card in self.cards.items():
            card.setChecked(audience == description.audience_id)

    def _build(self, choices: dict[str, str]) -> None:
        for card in self.cards.values():
            card.hide()
            card.deleteLater()
        self.cards = {}
        for audience, words in choices.items():
            title, _, detail = words.partition(": ")
            card = RadioCard(self._state.context.theme, title, detail[:1].upper() + detail[1:], parent=self._holder)
            card.clicked.connect(lambda _on=False, chosen=audience: self._on_clicked(chosen))
            self._row.addWidget(card, 1)
            self.cards[audience] = card

    def _on_clicked(self, audience: str) -> None:
        if isinstance(self._state, SegmentState):
            self._state.choose_audience(audience)
