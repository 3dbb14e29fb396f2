"""Third step of the data-out wizard: how the files are written and where they land."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.drafts import Step
from app.core.exports import Compression, FileType
from app.ui.wizards.data_out_state import DataOutState
from app.ui.wizards.folder_panel import FolderPanel
from app.ui.wizards.format_form import FormatForm
from app.ui.wizards.step import StepWidget, fill, page


class FormatStep(StepWidget):
    """The form at the left, the folder tree at the right."""

    step = Step.SHAPE
    state: DataOutState

    def __init__(self, state: DataOutState, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.form = FormatForm(state, state.files)
        self._panel = FolderPanel(state, state.files)
        fill(self, page(self.form))

    def title(self) -> str:
        """Short name in the rail."""
        return self.tr("Format and layout")

    def heading(self) -> str:
        """Title of the page."""
        return self.tr("Format and layout")

    def sentence(self) -> str:
        """What the panel is."""
        return self.tr("The preview follows every change.")

    def summary(self) -> str:
        """Format and compression."""
        form = self.state.draft.format
        names = {
            FileType.CSV: self.tr("CSV"),
            FileType.PARQUET: self.tr("Parquet"),
            FileType.JSON_LINES: self.tr("JSON lines"),
        }
        if form.compression is Compression.NONE:
            return self.tr("{type}, not compressed").format(type=names[form.type])
        return self.tr("{type}, {compression}").format(type=names[form.type], compression=form.compression)

    def side_panel(self) -> QWidget:
        """The folder tree."""
        return self._panel

    def panel_number(self) -> str:
        """Files and size."""
        return self._panel.number_words()

    def entered(self) -> None:
        """List the files."""
        self.state.ask_files()
        super().entered()

    def show_state(self) -> None:
        """Show form and files."""
        self.form.show_state()
        self._panel.show_state()
