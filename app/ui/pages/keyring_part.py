"""The part of Settings about where secrets are kept."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.errors import as_sendoff_error
from app.ui.context import WindowContext
from app.ui.pages.setting_lines import side_by_side, stacked
from app.ui.runner import Finished, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Label
from app.ui.widgets.notes import Note


class KeyringPart(QWidget):
    """Names the computer's password store, and tries it when asked."""

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        theme = context.theme
        self._store = Label(
            theme, self.tr("Secrets are kept in this computer’s keyring, never in a file."), ink="text2", wrap=True
        )
        self.probe = Button(theme, self.tr("Test the keyring"))
        self.probe.clicked.connect(self._on_probe_clicked)
        self._probed = Note(theme, "success", "")
        self._probed.hide()
        stacked(self, self._store, side_by_side(self.probe), self._probed)

    def _on_probe_clicked(self) -> None:
        self.probe.set_busy(True)
        connections = self._context.services.connections
        self._context.runner.submit(
            "queries", "Test the keyring", lambda _ctx: connections.secret_store(), on_finished=self._on_probed
        )

    def _on_probed(self, finished: Finished) -> None:
        self.probe.set_busy(False)
        if finished.outcome is Outcome.DONE:
            words = self.tr("Secrets are kept in {store}.").format(store=finished.value.name)
            self._probed.set_note("success", words)
            self._store.set_words(words)
        elif finished.error is not None:
            told = as_sendoff_error(finished.error)
            self._probed.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self._probed.show()
