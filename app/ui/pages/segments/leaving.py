"""The question before changes to a segment would be lost."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label


class LeaveDialog(Dialog):
    """Save, discard, or go on editing. Signals `save_chosen()`, `discard_chosen()`."""

    save_chosen = Signal()
    discard_chosen = Signal()

    def __init__(self, theme: Theme, opener: QWidget, name: str, *, may_save: bool) -> None:
        super().__init__(theme, opener, self.tr("Save the changes to “{name}”?").format(name=name), width=520)
        words = self.tr("They are not saved yet, and another segment is about to take their place.")
        if not may_save:
            words += " " + self.tr("It can't be saved before it is finished.")
        self.body.addWidget(Label(theme, words, "body", "text2", wrap=True))
        self.setAccessibleDescription(words)
        self.stay_button = self.add_cancel()
        self.stay_button.set_words(self.tr("Go on editing"))
        self.discard_button = self.add_button(Button(theme, self.tr("Discard changes"), "danger"))
        self.save_button = self.add_button(Button(theme, self.tr("Save segment"), "primary"), default=may_save)
        self.save_button.setEnabled(may_save)
        self.discard_button.clicked.connect(self._on_discard)
        self.save_button.clicked.connect(self._on_save)

    def _on_discard(self) -> None:
        self.accept()
        self.discard_chosen.emit()

    def _on_save(self) -> None:
        self.accept()
        self.save_chosen.emit()
