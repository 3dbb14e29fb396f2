"""The dialog that renames an export."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import TextField
from app.ui.widgets.forms import Form


class RenameDialog(Dialog):
    """Signal `chosen(str)`: the new name, free and not empty."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, opener: QWidget, name: str, taken: Sequence[str]) -> None:
        super().__init__(theme, opener, self.tr("Rename export"), width=480)
        self._old = name
        self._taken = {other.casefold() for other in taken} - {name.casefold()}
        self.field = TextField(theme, self.tr("Display name"), value=name)
        form = Form(theme)
        form.add_row(self.tr("Display name"), self.field)
        self.body.addWidget(form)
        self.add_cancel()
        self.save = self.add_button(Button(theme, self.tr("Rename"), "primary"), default=True)
        self.save.clicked.connect(self._on_save_clicked)
        self.field.input.selectAll()

    def _problem(self, name: str) -> str:
        if not name:
            return self.tr("Give the export a name.")
        if name.casefold() in self._taken:
            return self.tr("Another export has this name.")
        return ""

    def _on_save_clicked(self) -> None:
        name = " ".join(self.field.value().split())
        problem = self._problem(name)
        self.field.set_error(problem)
        if problem:
            self.field.input.setFocus()
            return
        if name != self._old:
            self.chosen.emit(name)
        self.accept()
