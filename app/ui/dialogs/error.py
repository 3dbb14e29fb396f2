"""The dialog for an error that belongs to no place on a page: what happened, why, what to do."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.errors import SendoffError
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label


class ErrorDialog(Dialog):
    """The three sentences of an error."""

    def __init__(self, theme: Theme, opener: QWidget, error: SendoffError) -> None:
        super().__init__(theme, opener, error.what, width=480)
        self.let_title_wrap()
        for sentence, ink in ((error.why, "text2"), (error.fix, "text")):
            if sentence:
                self.body.addWidget(Label(theme, sentence, "body", ink, wrap=True))
        self.setAccessibleDescription(str(error))
        close = self.add_button(Button(theme, self.tr("Close"), "primary"), default=True)
        close.clicked.connect(self.reject)
