"""Asked before an export gets another connection: a consent counts only for the connection it was given for."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.consent import ConsentBox
from app.ui.widgets.dialogs import Dialog


class AttachDialog(Dialog):
    """Accepted once the person agreed that this export's data goes to that connection."""

    def __init__(self, theme: Theme, opener: QWidget, export: str, connection: str) -> None:
        super().__init__(theme, opener, "", width=480)
        self.set_head(self.tr("Attach “{connection}” to “{export}”?").format(connection=connection, export=export))
        sentence = self.tr("I have permission to share this data with {target}.").format(target=connection)
        self.consent = ConsentBox(theme, sentence, self.tr("It is kept with your name and the time."))
        self.body.addWidget(self.consent)
        self.add_cancel()
        self.attach_button = self.add_button(Button(theme, self.tr("Attach"), "primary"), default=True)
        self.attach_button.setEnabled(False)
        self.attach_button.setToolTip(self.tr("Your consent is needed"))
        self.attach_button.clicked.connect(self.accept)
        self.consent.toggled.connect(self._on_agreed)

    def _on_agreed(self, agreed: bool) -> None:  # noqa: FBT001 - Qt's signature
        self.attach_button.setEnabled(agreed)
        self.attach_button.setToolTip("" if agreed else self.tr("Your consent is needed"))
