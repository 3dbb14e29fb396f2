"""How files are written and where they land: shared by the data-out wizard and by segments that go to a storage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.export_documents import COMPRESSIONS, ENCODINGS
from app.core.exports import Compression, FileType, Quotes
from app.ui.widgets.choice import CheckBox, Choice, RadioCard, Segmented
from app.ui.widgets.fields import Select, TextField
from app.ui.widgets.labels import Label, Line, row
from app.ui.wizards.files_state import PlannedFiles
from app.ui.wizards.form_rows import form_grid, form_row
from app.ui.wizards.layout_form import LayoutForm
from app.ui.wizards.state import WizardState

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


class FormatForm(QWidget):
    """Every control changes the draft at once; errors of the patterns stand under their fields."""

    def __init__(self, state: WizardState, files: PlannedFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._files = state, files
        self._theme, self._formats = state.context.theme, state.context.formats
        self._compression_type: FileType | None = None
        self._make_format()
        self._make_size()
        self.layout_form = LayoutForm(state, files)
        self._assemble()

    # Building

    def _make_format(self) -> None:
        theme = self._theme
        self.types = {
            FileType.CSV: RadioCard(theme, self.tr("CSV"), self.tr("Opens anywhere")),
            FileType.PARQUET: RadioCard(theme, self.tr("Parquet"), self.tr("Typed and compact")),
            FileType.JSON_LINES: RadioCard(theme, self.tr("JSON lines"), self.tr("One object a line")),
        }
        for kind, card in self.types.items():
            card.clicked.connect(lambda _on=False, chosen=kind: self._choose_type(chosen))
        names = {
            "comma": self.tr("Comma"),
            "semicolon": self.tr("Semicolon"),
            "tab": self.tr("Tab"),
            "pipe": self.tr("Pipe"),
        }
        self.delimiter = Segmented(theme, self.tr("Delimiter"), [Choice(key, words) for key, words in names.items()])
        self._example = Label(theme, "", "mono", "text2")
        encodings = {"utf-8": self.tr("UTF-8"), "utf-8-sig": self.tr("UTF-8 for Excel")}
        self.encoding = Select(theme, self.tr("Text encoding"), [Choice(key, encodings[key]) for key in ENCODINGS])
        self.header = CheckBox(theme, self.tr("Header row"))
        self.header.setFixedHeight(32)
        self.quotes = Select(
            theme,
            self.tr("Quotes"),
            [Choice(Quotes.NEEDED, self.tr("Only when needed")), Choice(Quotes.ALL, self.tr("Around every text"))],
        )
        self.delimiter.chosen.connect(self._on_delimiter_chosen)
        self.encoding.chosen.connect(lambda key: self._set_format(encoding=key))
        self.header.clicked.connect(lambda on: self._set_format(header=on))
        self.quotes.chosen.connect(lambda key: self._set_format(quotes=Quotes(key)))

    def _make_size(self) -> None:
        theme = self._theme
        self._compression_holder = QWidget()
        holder = QHBoxLayout(self._compression_holder)
        holder.setContentsMargins(0, 0, 0, 0)
        self.compression: Segmented | None = None
        self._becomes = Label(theme, "", "body", "text2")
        self.rows = TextField(theme, self.tr("Rows per file"))
        self._parts = Label(theme, "", "body", "text2")
        self.rows.edited.connect(self._on_rows_edited)
        self.rows.left.connect(self._show_rows)

    def _assemble(self) -> None:
        theme = self._theme
        cards = QWidget()
        line = row(*self.types.values(), spacing=12)
        for number in range(line.count()):
            line.setStretch(number, 1)
        cards.setLayout(line)
        self._csv = QWidget()
        csv = form_grid(self._csv)
        form_row(theme, csv, self.tr("Delimiter"), self.delimiter, self._example)
        form_row(theme, csv, self.tr("Text encoding"), self.encoding, self.header, width=160)
        form_row(theme, csv, self.tr("Quotes"), self.quotes, width=160)
        self._csv_title = Label(theme, self.tr("CSV options"), "subtitle")
        self._csv_line = Line(theme)
        where = QWidget()
        grid = form_grid(where)
        form_row(theme, grid, self.tr("Compression"), self._compression_holder, self._becomes)
        form_row(theme, grid, self.tr("Rows per file"), self.rows, self._parts, width=160)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for item in (
            Label(theme, self.tr("File format"), "subtitle"),
            cards,
            self._csv_line,
            self._csv_title,
            self._csv,
            Line(theme),
            Label(theme, self.tr("Layout"), "subtitle"),
            where,
            self.layout_form,
        ):
            layout.addWidget(item)

    # Showing

    def show_state(self) -> None:
        """Show the draft."""
        form = self._state.draft.format
        for kind, card in self.types.items():
            card.setChecked(kind is form.type)
        csv = form.type is FileType.CSV
        for widget in (self._csv, self._csv_title, self._csv_line):
            widget.setVisible(csv)
        key = _DELIMITERS.get(form.delimiter, "comma")
        self.delimiter.set_current(key)
        self._example.set_words(form.delimiter.join(("id", "tier", "value")).replace("\t", "⇥"))
        self.encoding.set_current_key(form.encoding)
        self.header.setChecked(form.header)
        self.quotes.set_current_key(form.quotes)
        self._show_compression(form.type, form.compression)
        if not self.rows.input.hasFocus():
            self._show_rows()
        self.layout_form.show_state()
        self.setEnabled(not self._state.read_only)
        self._show_sizes()

    def _show_compression(self, kind: FileType, current: Compression) -> None:
        if kind is not self._compression_type:
            self._compression_type = kind
            if self.compression is not None:
                self.compression.hide()
                self.compression.deleteLater()
            words = {
                Compression.NONE: self.tr("None"),
                Compression.GZIP: self.tr("gzip"),
                Compression.ZSTD: self.tr("Zstd"),
                Compression.SNAPPY: self.tr("Snappy"),
            }
            choices = [Choice(each, words[each]) for each in COMPRESSIONS[kind]]
            self.compression = Segmented(self._theme, self.tr("Compression"), choices)
            self.compression.chosen.connect(lambda key: self._set_format(compression=Compression(key)))
            self._compression_holder.layout().addWidget(self.compression)
        if self.compression is not None:
            self.compression.set_current(current)

    def _show_rows(self) -> None:
        rows = self._state.draft.format.rows_per_file
        self.rows.set_value("" if rows is None else self._formats.number(rows))
        self.rows.input.setPlaceholderText(self.tr("One file"))
        self.rows.set_error("")

    def _show_sizes(self) -> None:
        files = self._files
        number = sum(node.files for node in files.nodes if not node.about)
        self._parts.set_words(
            self.tr("{files} of data in this run").format(files=self._formats.counted(number, "files"))
            if files.nodes
            else ""
        )
        before, after = files.plain_bytes, files.bytes
        if before is None or after is None or not files.nodes:
            self._becomes.set_words("")
        elif self._state.draft.format.compression is Compression.NONE:
            self._becomes.set_words(self.tr("about {size}").format(size=self._formats.bytes(after)))
        else:
            words = self.tr("{before} becomes about {after}")
            self._becomes.set_words(words.format(before=self._formats.bytes(before), after=self._formats.bytes(after)))

    # Changing

    def _set_format(self, **changes: Any) -> None:
        self._state.update(format=replace(self._state.draft.format, **changes))
        self._files.ask()

    def _choose_type(self, kind: FileType) -> None:
        if kind is not self._state.draft.format.type:
            self._set_format(type=kind, compression=COMPRESSIONS[kind][0])

    def _on_delimiter_chosen(self, key: str) -> None:
        self._set_format(delimiter=next(sign for sign, name in _DELIMITERS.items() if name == key))

    def _on_rows_edited(self, words: str) -> None:
        plain = "".join(c for c in words if not c.isspace() and c not in ",.’'_")
        if not plain:
            self.rows.set_error("")
            self._set_format(rows_per_file=None)
        elif plain.isascii() and plain.isdecimal() and 0 < int(plain) <= 1_000_000_000:
            self.rows.set_error("")
            self._set_format(rows_per_file=int(plain))
        else:
            self.rows.set_error(self.tr("A whole number, or nothing for one file."))
