"""For whom files are encrypted: a partner's public key, pasted or from a file, and what stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.errors import as_sendoff_error
from app.core.partner_keys import PartnerKey
from app.ui.runner import Finished, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.fields import FieldFrame
from app.ui.widgets.labels import Label
from app.ui.wizards.form_rows import form_grid, form_row
from app.ui.wizards.state import WizardState


class EncryptionOptions(QWidget):
    """Takes a key once it is one; what is wrong with another one stands below.

    Signal `changed(dict)` gives the field of the format with its new value.
    """

    changed = Signal(dict)

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        theme = state.context.theme
        self._shown: str | None = None
        self.whose = Label(theme, "", "body", "text2")
        self._frame = FieldFrame(theme, self.whose)
        self.paste = Button(theme, self.tr("Paste key"), name=self.tr("Paste the partner's public key"))
        self.open = Button(theme, self.tr("Open file"), name=self.tr("Open a file with the partner's public key"))
        self.remove = Button(theme, self.tr("Remove"), "ghost", name=self.tr("Encrypt the files no more"))
        self.paste.clicked.connect(self._on_paste_clicked)
        self.open.clicked.connect(self._on_open_clicked)
        self.remove.clicked.connect(lambda: self._keep(""))
        grid = form_grid(self)
        form_row(theme, grid, self.tr("Encrypt for"), self.paste, self.open, self.remove)
        grid.addWidget(self._frame, grid.rowCount(), 1)

    def show_state(self) -> None:
        """Show whose key the draft holds."""
        key = self._state.draft.format.pgp_key
        self.remove.setVisible(bool(key))
        if key == self._shown:
            return
        self._shown = key
        self._frame.set_error("")
        if not key:
            self.whose.set_words(self.tr("Nobody. With a partner's OpenPGP key only they can read the files."))
            return
        self.whose.set_words(self.tr("Reading the key …"))
        exports = self._state.context.services.exports
        self._state.submit("queries", "Read a key", lambda _ctx: exports.partner_key(key), self._on_read)

    def take(self, text: str) -> None:
        """Keep a key, once it is one that can be used."""
        exports = self._state.context.services.exports
        words = text.strip()

        def work(_ctx: Any) -> str:
            exports.partner_key(words)
            return f"{words}\n"

        self._state.submit("queries", "Read a key", work, self._on_taken)

    def take_file(self, path: Path) -> None:
        """Keep the key in a file, once it is one that can be used."""
        exports = self._state.context.services.exports

        def work(_ctx: Any) -> str:
            text = exports.read_partner_key(path).strip()
            exports.partner_key(text)
            return f"{text}\n"

        self._state.submit("queries", "Read a key", work, self._on_taken)

    def _keep(self, key: str) -> None:
        self._frame.set_error("")
        self.changed.emit({"pgp_key": key})

    def _on_taken(self, end: Finished) -> None:
        if end.outcome is Outcome.DONE:
            self._keep(end.value)
        elif end.error is not None:
            self._tell(end.error)

    def _on_read(self, end: Finished) -> None:
        if end.outcome is Outcome.DONE:
            self._show_key(end.value)
        elif end.error is not None:
            self.whose.set_words(self.tr("A key that can't be used"))
            self._tell(end.error)

    def _show_key(self, key: PartnerKey) -> None:
        whose = ", ".join(key.owners) or self.tr("Somebody without a name")
        words = self.tr("{whose}, key …{end}").format(whose=whose, end=key.fingerprint[-16:])
        if key.expires is not None:
            until = self._state.context.formats.full_date(key.expires)
            words = self.tr("{key}, until {date}").format(key=words, date=until)
        self.whose.set_words(words)

    def _tell(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self._frame.set_error(f"{told.what} {told.why} {told.fix}".strip())

    def _on_paste_clicked(self) -> None:
        self.take(QGuiApplication.clipboard().text())

    def _on_open_clicked(self) -> None:
        dialog = QFileDialog(self, self.tr("Open a public key"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Keys (*.asc *.pgp *.gpg *.key *.txt)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(lambda path: self.take_file(Path(path)))
        dialog.open()
