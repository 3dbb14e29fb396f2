"""How files are written and where they land: shared by the data-out wizard and by segments that go to a storage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core import layouts
from app.core.export_documents import COMPRESSIONS, ENCODINGS
from app.core.exports import Compression, FileType, Quotes
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import CheckBox, Choice, RadioCard, Segmented, Toggle
from app.ui.widgets.fields import Select, TextField
from app.ui.widgets.labels import Label, Line, row
from app.ui.widgets.menus import Menu
from app.ui.wizards.files_state import PlannedFiles
from app.ui.wizards.state import WizardState

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_LABEL = 204
_FIELD = 316


class FormatForm(QWidget):
    """Every control changes the draft at once; errors of the patterns stand under their fields."""

    def __init__(self, state: WizardState, files: PlannedFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._files = state, files
        self._theme, self._formats = state.context.theme, state.context.formats
        self._compression_type: FileType | None = None
        self._make_format()
        self._make_layout()
        self._make_metadata()
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

    def _make_layout(self) -> None:
        theme = self._theme
        self._compression_holder = QWidget()
        holder = QHBoxLayout(self._compression_holder)
        holder.setContentsMargins(0, 0, 0, 0)
        self.compression: Segmented | None = None
        self._becomes = Label(theme, "", "body", "text2")
        self.rows = TextField(theme, self.tr("Rows per file"))
        self._parts = Label(theme, "", "body", "text2")
        self.folder = TextField(theme, self.tr("Folder"))
        self.file = TextField(theme, self.tr("File name"))
        for field in (self.folder, self.file):
            field.input.set_role("mono")
        self._insert_folder = self._insert(self.folder, [t for t in layouts.TOKENS if t != "part"])
        self._insert_file = self._insert(self.file, list(layouts.TOKENS))
        self.rows.edited.connect(self._on_rows_edited)
        self.rows.left.connect(self._show_rows)
        self.folder.edited.connect(lambda words: self._set_layout(folder=words.strip()))
        self.file.edited.connect(lambda words: self._set_layout(file=words.strip()))

    def _make_metadata(self) -> None:
        theme = self._theme
        self.model = Toggle(theme, name=self.tr("Write model.json"))
        self.keep = Toggle(theme, name=self.tr("Keep earlier runs"))
        self._keep_words = Label(theme, "", "caption", "text2", wrap=True)
        self.model.clicked.connect(lambda on: self._set_layout(model_json=on))
        self.keep.clicked.connect(lambda on: self._set_layout(keep_earlier_runs=on))

    def _insert(self, field: TextField, tokens: list[str]) -> Button:
        button = Button(self._theme, self.tr("Insert"), icon="brackets-curly")
        button.setAccessibleName(self.tr("Insert a token into {field}").format(field=field.input.accessibleName()))
        menu = Menu(self._theme, self.tr("Tokens"), button)
        meanings = self._token_words()
        for token in tokens:
            words = f"{{{token}}}  {meanings[token]}"
            menu.add(words, lambda chosen=token: self._insert_token(field, chosen))
        button.setMenu(menu)
        return button

    def _token_words(self) -> dict[str, str]:
        return {
            "export": self.tr("name of the export"),
            "table": self.tr("name of the table or segment"),
            "segment": self.tr("name of the table or segment"),
            "yyyy": self.tr("year"),
            "mm": self.tr("month"),
            "dd": self.tr("day"),
            "hhmm": self.tr("time of the run"),
            "part": self.tr("number of the file"),
            "workspace": self.tr("name of the workspace"),
        }

    def _assemble(self) -> None:
        theme = self._theme
        cards = QWidget()
        line = row(*self.types.values(), spacing=12)
        for number in range(line.count()):
            line.setStretch(number, 1)
        cards.setLayout(line)
        self._csv = QWidget()
        csv = self._grid(self._csv)
        self._row(csv, self.tr("Delimiter"), self.delimiter, self._example)
        self._row(csv, self.tr("Text encoding"), self.encoding, self.header, width=160)
        self._row(csv, self.tr("Quotes"), self.quotes, width=160)
        self._csv_title = Label(theme, self.tr("CSV options"), "subtitle")
        self._csv_line = Line(theme)
        where = QWidget()
        grid = self._grid(where)
        self._row(grid, self.tr("Compression"), self._compression_holder, self._becomes)
        self._row(grid, self.tr("Rows per file"), self.rows, self._parts, width=160)
        self._row(grid, self.tr("Folder"), self.folder, self._insert_folder, width=_FIELD)
        self._row(grid, self.tr("File name"), self.file, self._insert_file, width=_FIELD)
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
            Line(theme),
            Label(theme, self.tr("Metadata"), "subtitle"),
        ):
            layout.addWidget(item)
        self._model_row = self._toggle_row(
            self.model,
            self.tr("Write model.json"),
            Label(
                theme,
                self.tr("Tables, types, keys and links in Common Data Model format"),
                "caption",
                "text2",
                wrap=True,
            ),
        )
        layout.addWidget(self._model_row)
        layout.addWidget(self._toggle_row(self.keep, self.tr("Keep earlier runs"), self._keep_words))

    @staticmethod
    def _grid(holder: QWidget) -> QGridLayout:
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, _LABEL - 8)
        grid.setColumnStretch(1, 1)
        return grid

    def _row(self, grid: QGridLayout, words: str, control: QWidget, *beside: QWidget, width: int = 0) -> None:
        at = grid.rowCount()
        label = Label(self._theme, words, "body-medium")
        label.setFixedHeight(32)
        label.setBuddy(control.focusProxy() or control)
        if width:
            control.setFixedWidth(width)
        line = row(control, *beside, None)
        for number in range(line.count()):
            item = line.itemAt(number)
            if item is not None and item.widget() is not None:
                line.setAlignment(item.widget(), Qt.AlignmentFlag.AlignTop)
                if isinstance(item.widget(), Label):
                    item.widget().setFixedHeight(32)
        grid.addWidget(label, at, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(line, at, 1)

    def _toggle_row(self, toggle: Toggle, title: str, detail: Label) -> QWidget:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Label(self._theme, title, "body-medium"))
        words.addWidget(detail)
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 2, 0, 2)
        line.setSpacing(12)
        line.addWidget(toggle)
        line.addLayout(words, 1)
        return holder

    # Showing

    def show_state(self) -> None:
        """Show the draft."""
        draft = self._state.draft
        form, layout = draft.format, draft.layout
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
        for field, words in ((self.folder, layout.folder), (self.file, layout.file)):
            if field.value().strip() != words:
                field.set_value(words)
                field.input.setCursorPosition(0)
        self._show_errors()
        self.model.setChecked(layout.model_json)
        self._model_row.setVisible(hasattr(draft, "tables"))
        self.keep.setChecked(layout.keep_earlier_runs)
        self._keep_words.set_words(
            self.tr("Each run in its own dated folder.")
            if layout.keep_earlier_runs
            else self.tr("New files are written first, then those of the last run are removed.")
        )
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

    def _show_errors(self) -> None:
        draft = self._state.draft
        items = len(getattr(draft, "tables", ())) or len(getattr(draft, "segments", ()))
        found = layouts.check(draft.layout, draft.format, items)
        of_file = [words for words in found if "file name" in words or "The file pattern" in words]
        of_folder = [words for words in found if words not in of_file]
        self.folder.set_error(of_folder[0] if of_folder else "")
        self.file.set_error(of_file[0] if of_file else "")

    def _show_sizes(self) -> None:
        files = self._files
        number = files.files() - (1 if any(node.path.endswith(layouts.MODEL_FILE) for node in files.nodes) else 0)
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

    def _set_layout(self, **changes: Any) -> None:
        self._state.update(layout=replace(self._state.draft.layout, **changes))
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

    def _insert_token(self, field: TextField, token: str) -> None:
        field.input.insert(f"{{{token}}}")
        field.edited.emit(field.value())
        field.input.setFocus(Qt.FocusReason.OtherFocusReason)
