"""What can be chosen for one type of file: how text is written, how large a row group of Parquet is."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.file_formats import (
    DATE_SAMPLES,
    ENCODINGS,
    MOST_IN_GROUP,
    Dates,
    FileType,
    Format,
    LineEnds,
    Quotes,
    Unencodable,
)
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.fields import TextField
from app.ui.widgets.labels import Label
from app.ui.widgets.select import Select
from app.ui.wizards.form_rows import form_grid, form_row, show_row
from app.ui.wizards.typed_numbers import typed_number

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_FIELD = 160


class TypeOptions(QWidget):
    """Shows what belongs to the type. Signal `changed(dict)` gives fields of the format with their new values."""

    changed = Signal(dict)

    def __init__(self, theme: Theme, formats: Formats, *, typed: bool, parent: QWidget | None = None) -> None:
        """With `typed` there are values that are no text, so that the form of dates can be chosen."""
        super().__init__(parent)
        self._theme = theme
        self._grid = form_grid(self)
        self._formats = formats
        self._typed = typed
        self._make()
        self._add()
        self._connect()

    def title(self, kind: FileType) -> str:
        """What stands above."""
        return {
            FileType.CSV: self.tr("CSV options"),
            FileType.JSON_LINES: self.tr("JSON lines options"),
            FileType.PARQUET: self.tr("Parquet options"),
            FileType.EXCEL: self.tr("Excel options"),
        }[kind]

    def shows(self, kind: FileType) -> bool:
        """Whether there is anything to choose."""
        return kind is not FileType.JSON_LINES or self._typed

    def show_format(self, form: Format) -> None:
        """Show what is chosen."""
        csv, json, sheet = (form.type is kind for kind in (FileType.CSV, FileType.JSON_LINES, FileType.EXCEL))
        dates = self._typed and (csv or json)
        show_row(self._delimiter_row, csv)
        show_row(self._encoding_row, csv)
        show_row(self._lacking_row, csv and form.encoding == "windows-1252")
        show_row(self._quotes_row, csv or dates)
        label = self._quotes_row[0]
        assert isinstance(label, Label)
        label.set_words(self.tr("Quotes") if csv else self.tr("Dates as"))
        self.quotes.setVisible(csv)
        self._dates_words.setVisible(csv and dates)
        self.dates.setVisible(dates)
        show_row(self._ends_row, csv)
        show_row(self._header_row, sheet)
        show_row(self._group_row, form.type is FileType.PARQUET)
        self.delimiter.set_current(_DELIMITERS.get(form.delimiter, "comma"))
        self._example.set_words(form.delimiter.join(("id", "tier", "value")).replace("\t", "⇥"))
        self.encoding.set_current_key(form.encoding)
        self.header.setChecked(form.header)
        self.sheet_header.setChecked(form.header)
        self.lacking.set_current(form.unencodable)
        self.quotes.set_current_key(form.quotes)
        self.dates.set_current_key(form.dates)
        self.line_ends.set_current(form.line_ends)
        if not self.group.input.hasFocus():
            self._show_group(form.row_group)

    def _make(self) -> None:
        theme = self._theme
        names = {
            "comma": self.tr("Comma"),
            "semicolon": self.tr("Semicolon"),
            "tab": self.tr("Tab"),
            "pipe": self.tr("Pipe"),
        }
        self.delimiter = Segmented(theme, self.tr("Delimiter"), [Choice(key, words) for key, words in names.items()])
        self._example = Label(theme, "", "mono", "text2")
        encodings = {
            "utf-8": self.tr("UTF-8"),
            "utf-8-sig": self.tr("UTF-8 with byte order mark (Excel)"),
            "utf-16": self.tr("UTF-16 with byte order mark"),
            "utf-16-le": self.tr("UTF-16, no byte order mark"),
            "windows-1252": self.tr("Windows-1252"),
        }
        self.encoding = Select(theme, self.tr("Text encoding"), [Choice(key, encodings[key]) for key in ENCODINGS])
        self.encoding.view().setMinimumWidth(250)
        self.header = CheckBox(theme, self.tr("Header row"))
        self.sheet_header = CheckBox(theme, self.tr("Header row"))
        for box in (self.header, self.sheet_header):
            box.setFixedHeight(32)
        self.lacking = Segmented(
            theme,
            self.tr("Signs that the encoding lacks"),
            [
                Choice(Unencodable.STOP, self.tr("Stop the run")),
                Choice(Unencodable.REPLACE, self.tr("Write “?” instead")),
            ],
        )
        self.quotes = Select(
            theme,
            self.tr("Quotes"),
            [
                Choice(Quotes.NEEDED, self.tr("Only when needed")),
                Choice(Quotes.TEXTS, self.tr("Around every text")),
                Choice(Quotes.ALL, self.tr("Around every value")),
            ],
        )
        self._dates_words = Label(theme, self.tr("Dates as"), "body", "text2")
        self.dates = Select(theme, self.tr("Dates as"), [Choice(each, DATE_SAMPLES[each][1]) for each in Dates])
        self.line_ends = Segmented(
            theme,
            self.tr("Line ends"),
            [Choice(LineEnds.LF, self.tr("LF")), Choice(LineEnds.CRLF, self.tr("CRLF, as Windows has them"))],
        )
        self.group = TextField(theme, self.tr("Rows of a row group"))
        self._group_words = Label(theme, self.tr("rows, in memory at a time"), "body", "text2")

    def _add(self) -> None:
        theme = self._theme
        self._delimiter_row = form_row(theme, self._grid, self.tr("Delimiter"), self.delimiter, self._example)
        self._encoding_row = form_row(
            theme, self._grid, self.tr("Text encoding"), self.encoding, self.header, width=_FIELD
        )
        self._lacking_row = form_row(theme, self._grid, self.tr("Signs it lacks"), self.lacking)
        self.dates.setFixedWidth(224)
        self._quotes_row = form_row(
            theme, self._grid, self.tr("Quotes"), self.quotes, self._dates_words, self.dates, width=_FIELD
        )
        self._ends_row = form_row(theme, self._grid, self.tr("Line ends"), self.line_ends)
        self._header_row = form_row(theme, self._grid, self.tr("First row"), self.sheet_header)
        self._group_row = form_row(theme, self._grid, self.tr("Row group"), self.group, self._group_words, width=_FIELD)

    def _connect(self) -> None:
        signs = {name: sign for sign, name in _DELIMITERS.items()}
        self.delimiter.chosen.connect(lambda key: self._tell(delimiter=signs[key]))
        self.encoding.chosen.connect(lambda key: self._tell(encoding=key))
        self.header.clicked.connect(lambda on: self._tell(header=on))
        self.sheet_header.clicked.connect(lambda on: self._tell(header=on))
        self.lacking.chosen.connect(lambda key: self._tell(unencodable=Unencodable(key)))
        self.quotes.chosen.connect(lambda key: self._tell(quotes=Quotes(key)))
        self.dates.chosen.connect(lambda key: self._tell(dates=Dates(key)))
        self.line_ends.chosen.connect(lambda key: self._tell(line_ends=LineEnds(key)))
        self.group.edited.connect(self._on_group_edited)

    def _tell(self, **changes: Any) -> None:
        self.changed.emit(changes)

    def _show_group(self, rows: int) -> None:
        self.group.set_value(self._formats.number(rows))
        self.group.set_error("")

    def _on_group_edited(self, words: str) -> None:
        try:
            rows = typed_number(words, MOST_IN_GROUP)
        except ValueError:
            rows = None
        if rows is None:
            most = self._formats.number(MOST_IN_GROUP)
            self.group.set_error(self.tr("A whole number up to {most}.").format(most=most))
        else:
            self.group.set_error("")
            self._tell(row_group=rows)
