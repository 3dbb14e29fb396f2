"""Third step of the data-out wizard: how the files are written and where they land."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.drafts import Step
from app.core.file_formats import Compression, FileType, Grain
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
        """Format, compression and partition."""
        form = self.state.draft.format
        names = {
            FileType.CSV: self.tr("CSV"),
            FileType.PARQUET: self.tr("Parquet"),
            FileType.JSON_LINES: self.tr("JSON lines"),
            FileType.EXCEL: self.tr("Excel"),
        }
        parts = {
            Grain.YEAR: self.tr("by year"),
            Grain.MONTH: self.tr("by month"),
            Grain.DAY: self.tr("by day"),
        }
        words = [names[form.type]]
        if form.compression is not Compression.NONE:
            words.append(str(form.compression))
        elif form.type is not FileType.EXCEL:
            words.append(self.tr("not compressed"))
        if form.partition is not None:
            words.append(parts.get(form.partition.grain, self.tr("by {field}").format(field=form.partition.field)))
        if form.pgp_key:
            words.append(self.tr("PGP"))
        return self.tr(", ").join(words)

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
