"""Fields that are filled from the disk: a folder, and a secret that lies in a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.fields import FieldFrame, Input


class _Browsed(FieldFrame):
    """An input and Browse beside it."""

    def __init__(self, theme: Theme, name: str, *, placeholder: str, icon: str, hint: str) -> None:
        self.input = Input(theme, name=name, placeholder=placeholder, icon=icon)
        self.browse = Button(theme, "")
        holder = QWidget()
        super().__init__(theme, holder, hint)
        self.browse.set_words(self.tr("Browse…"))
        self.browse.setAccessibleName(self.tr("Browse for {name}").format(name=name))
        inside = QHBoxLayout(holder)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.input, 1)
        inside.addWidget(self.browse)
        self.setFocusProxy(self.input)

    def set_error(self, sentence: str) -> None:
        """Show an error under the field."""
        self.input.set_error_state(bool(sentence))
        super().set_error(sentence)
        self.input.setAccessibleDescription(self.control.accessibleDescription())


class FolderField(_Browsed):
    """A folder, typed or picked. Signals `edited(str)` with every change, `left()` when the focus leaves."""

    edited = Signal(str)
    left = Signal()

    def __init__(self, theme: Theme, name: str, *, placeholder: str = "", hint: str = "") -> None:
        super().__init__(theme, name, placeholder=placeholder, icon="folder", hint=hint)
        self._name = name
        self.input.textEdited.connect(self.edited)
        self.input.editingFinished.connect(self.left)
        self.browse.clicked.connect(self._on_browse_clicked)

    def value(self) -> str:
        """Return the folder as typed."""
        return self.input.text()

    def set_value(self, value: str) -> None:
        """Show a folder without `edited`."""
        self.input.setText(value)

    def _on_browse_clicked(self) -> None:
        dialog = QFileDialog(self, self._name, self.value())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._on_folder_picked)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_folder_picked(self, folder: str) -> None:
        self.set_value(folder)
        self.edited.emit(folder)
        self.left.emit()


class SecretFileField(_Browsed):
    """A file whose content is a secret: its name is shown, never what is in it; stored, it says so and offers Replace.

    Signal `picked(path)`: read the file in a job, then call `set_content` or `set_error`. `typed()` returns the content read
    in this visit.
    """

    picked = Signal(object)

    def __init__(self, theme: Theme, name: str, *, hint: str = "", stored: bool = False) -> None:
        super().__init__(theme, name, placeholder="", icon="file-text", hint=hint)
        self._name = name
        self._content: str | None = None
        self.input.setReadOnly(True)
        self.setFocusProxy(self.browse)
        self.browse.clicked.connect(self._on_browse_clicked)
        self.set_stored(stored)

    def typed(self) -> str | None:
        """Return what the picked file held; None when none was picked."""
        return self._content

    def set_content(self, file_name: str, content: str) -> None:
        """Keep what was read, until the dialog closes."""
        self._content = content
        self.input.setText(file_name)

    def set_stored(self, stored: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Show "Stored", or that no file is chosen; forgets what was read."""
        self._content = None
        self.input.setText(self.tr("Stored") if stored else "")
        self.input.setPlaceholderText(self.tr("No file chosen"))
        words = self.tr("Replace…") if stored else self.tr("Browse…")
        spoken = self.tr("Replace {name}") if stored else self.tr("Browse for {name}")
        self.browse.set_words(words)
        self.browse.setAccessibleName(spoken.format(name=self._name))

    def _on_browse_clicked(self) -> None:
        dialog = QFileDialog(self, self._name)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.picked.emit(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
