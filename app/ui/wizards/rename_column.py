"""Another name for a column of a file."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.names import fold
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import TextField
from app.ui.widgets.forms import Form


class RenameColumnDialog(Dialog):
    """One field; refuses the folded names in `taken`, which other columns have."""

    def __init__(self, theme: Theme, over: QWidget, name: str, taken: set[str]) -> None:
        super().__init__(theme, over, self.tr("Name of the column"), width=480)
        self._taken = taken
        self.field = TextField(theme, self.tr("Name in the file"), value=name)
        form = Form(theme)
        form.add_row(self.tr("Name in the file"), self.field, required=True)
        self.body.addWidget(form)
        self.add_cancel()
        self.rename = self.add_button(Button(theme, self.tr("Rename"), "primary"), default=True)
        self.rename.clicked.connect(self._on_save_clicked)

    def name(self) -> str:
        """What was typed."""
        return self.field.value().strip()

    def _on_save_clicked(self) -> None:
        if not self.name():
            self.field.set_error(self.tr("A column needs a name."))
        elif fold(self.name()) in self._taken:
            self.field.set_error(self.tr("Another column has this name."))
        else:
            self.accept()
