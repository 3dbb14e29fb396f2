"""How files are written and where they land: shared by the data-out wizard and by segments that go to a storage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.file_formats import COMPRESSIONS, Compression, FileType
from app.ui.widgets.cards import RadioCard
from app.ui.widgets.labels import Label, Line, row
from app.ui.wizards.encryption_options import EncryptionOptions
from app.ui.wizards.files_state import PlannedFiles
from app.ui.wizards.layout_form import LayoutForm
from app.ui.wizards.packing_options import PackingOptions
from app.ui.wizards.part_fields import part_fields, part_problem, whole_tables
from app.ui.wizards.state import WizardState
from app.ui.wizards.type_options import TypeOptions


class FormatForm(QWidget):
    """Every control changes the draft at once; errors of the patterns stand under their fields."""

    def __init__(self, state: WizardState, files: PlannedFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._files = state, files
        self._theme, self._formats = state.context.theme, state.context.formats
        self._make_format()
        self.encryption = EncryptionOptions(state)
        self.encryption.changed.connect(lambda changes: self._set_format(**changes))
        self.layout_form = LayoutForm(state, files)
        self._assemble()

    # Building

    def _make_format(self) -> None:
        theme = self._theme
        self.types = {
            FileType.CSV: RadioCard(theme, self.tr("CSV"), self.tr("Opens anywhere")),
            FileType.PARQUET: RadioCard(theme, self.tr("Parquet"), self.tr("For analytics")),
            FileType.JSON_LINES: RadioCard(theme, self.tr("JSON lines"), self.tr("One object a line")),
            FileType.EXCEL: RadioCard(theme, self.tr("Excel"), self.tr("For small tables")),
        }
        for kind, card in self.types.items():
            card.clicked.connect(lambda _on=False, chosen=kind: self._choose_type(chosen))
        typed = hasattr(self._state.draft, "tables")  # members are texts, which have no form of dates to choose
        self.options = TypeOptions(theme, self._formats, typed=typed)
        self.options.changed.connect(lambda changes: self._set_format(**changes))
        self.packing = PackingOptions(theme, self._formats)
        self.packing.changed.connect(lambda changes: self._set_format(**changes))

    def _assemble(self) -> None:
        theme = self._theme
        cards = QWidget()
        line = row(*self.types.values(), spacing=8)
        for number in range(line.count()):
            line.setStretch(number, 1)
        cards.setLayout(line)
        self._options_title = Label(theme, "", "subtitle")
        self._options_line = Line(theme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for item in (
            Label(theme, self.tr("File format"), "subtitle"),
            cards,
            self._options_line,
            self._options_title,
            self.options,
            Line(theme),
            Label(theme, self.tr("Layout"), "subtitle"),
            self.packing,
            self.encryption,
            self.layout_form,
        ):
            layout.addWidget(item)

    # Showing

    def show_state(self) -> None:
        """Show the draft."""
        form = self._state.draft.format
        for kind, card in self.types.items():
            card.setChecked(kind is form.type)
        for widget in (self.options, self._options_title, self._options_line):
            widget.setVisible(self.options.shows(form.type))
        self._options_title.set_words(self.options.title(form.type))
        self.options.show_format(form)
        self.packing.show_format(form, part_fields(self._state), part_problem(self._state), whole_tables(self._state))
        self.encryption.show_state()
        self.layout_form.show_state()
        self.setEnabled(not self._state.read_only)
        self._show_sizes()

    def _show_sizes(self) -> None:
        files = self._files
        number = sum(node.files for node in files.nodes if not node.about)
        parts = self.tr("{files} of data in this run").format(files=self._formats.counted(number, "files"))
        before, after = files.plain_bytes, files.bytes
        if before is None or after is None or not files.nodes:
            becomes = ""
        elif self._state.draft.format.compression is Compression.NONE:
            becomes = self.tr("about {size}").format(size=self._formats.about_bytes(after))
        else:
            words = self.tr("{before} becomes about {after}")
            becomes = words.format(before=self._formats.about_bytes(before), after=self._formats.about_bytes(after))
        self.packing.show_estimate(becomes, parts if files.nodes else "")

    # Changing

    def _set_format(self, **changes: Any) -> None:
        self._state.update(format=replace(self._state.draft.format, **changes))
        self._files.ask()

    def _choose_type(self, kind: FileType) -> None:
        if kind is not self._state.draft.format.type:
            self._set_format(type=kind, compression=COMPRESSIONS[kind][0])
