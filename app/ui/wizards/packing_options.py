"""How rows become files: compression, how much goes into one, and by which field they are parted into folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.core.file_formats import COMPRESSIONS, LEAST_BYTES, Compression, FileType, Folders, Format, Grain, PartitionBy
from app.core.tables import ColumnType
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.fields import FieldFrame, TextField
from app.ui.widgets.labels import Label
from app.ui.widgets.select import Select
from app.ui.wizards.form_rows import form_grid, form_row, show_row
from app.ui.wizards.typed_numbers import typed_number

_FIELD = 160
_MB = 1_000_000
_MOST_ROWS = 1_000_000_000
_DATES = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP})


@dataclass(frozen=True)
class PartField:
    """A field that rows can be parted by."""

    name: str
    type: ColumnType


class PackingOptions(QWidget):
    """Signal `changed(dict)` gives fields of the format with their new values."""

    changed = Signal(dict)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._grid = form_grid(self)
        self._formats = formats
        self._compression_type: FileType | None = None
        self._form = Format()
        self._fields: tuple[PartField, ...] = ()
        self._make()
        self._connect()

    def show_format(
        self, form: Format, fields: Sequence[PartField], problem: str, not_parted: Sequence[str] = ()
    ) -> None:
        """Show what is chosen; `problem` is what is wrong with the partition, which leaves these tables as they are."""
        self._form = form
        self._show_compression(form.type, form.compression)
        self._show_partition(form.partition, tuple(fields), problem)
        names = self.tr(", ").join(not_parted)
        self._by_frame.set_hint(
            self.tr("Without this field, so in no folders: {tables}").format(tables=names) if names else ""
        )
        if not self.rows.input.hasFocus():
            self.show_rows()
        if not self.size.input.hasFocus():
            self.show_size()

    def show_estimate(self, becomes: str, parts: str) -> None:
        """Say how large the files become and how many there are."""
        self._becomes.set_words(becomes)
        self.parts.set_words(parts)

    def show_rows(self) -> None:
        """Show the rows per file as they are kept."""
        rows = self._form.rows_per_file
        self.rows.set_value("" if rows is None else self._formats.number(rows))
        self.rows.set_error("")

    def show_size(self) -> None:
        """Show the size per file as it is kept."""
        size = self._form.bytes_per_file
        self.size.set_value("" if size is None else self._formats.locale.toString(size / _MB, "g", 9))
        self.size.set_error("")

    def _make(self) -> None:
        theme = self._theme
        self._compression_holder = QWidget()
        holder = QHBoxLayout(self._compression_holder)
        holder.setContentsMargins(0, 0, 0, 0)
        self.compression: Segmented | None = None
        self._becomes = Label(theme, "", "body", "text2")
        self.by = Select(theme, self.tr("Partition by"))
        self._by_frame = FieldFrame(theme, self.by)
        self.grain = Segmented(
            theme,
            self.tr("One folder for each"),
            [
                Choice(Grain.YEAR, self.tr("Year")),
                Choice(Grain.MONTH, self.tr("Month")),
                Choice(Grain.DAY, self.tr("Day")),
            ],
        )
        self.hive = CheckBox(theme, self.tr("Folders named as Hive does"))
        self.hive.setFixedHeight(32)
        self._hive_example = Label(theme, "", "mono", "text2")
        self.rows = TextField(theme, self.tr("Rows per file"), placeholder=self.tr("One file"))
        self.parts = Label(theme, "", "body", "text2")
        self.size = TextField(theme, self.tr("Size per file, in MB"), placeholder=self.tr("Any size"))
        self._unit = Label(theme, self.tr("MB at most"), "body", "text2")
        form_row(theme, self._grid, self.tr("Compression"), self._compression_holder, self._becomes)
        form_row(theme, self._grid, self.tr("Partition by"), self._by_frame, self.grain, width=_FIELD)
        self._hive_row = form_row(theme, self._grid, "", self.hive, self._hive_example)
        form_row(theme, self._grid, self.tr("Rows per file"), self.rows, self.parts, width=_FIELD)
        form_row(theme, self._grid, self.tr("Size per file"), self.size, self._unit, width=_FIELD)

    def _connect(self) -> None:
        self.by.chosen.connect(self._on_field_chosen)
        self.grain.chosen.connect(lambda key: self._part(grain=Grain(key)))
        self.hive.clicked.connect(lambda on: self._part(folders=Folders.HIVE if on else Folders.PLAIN))
        self.rows.edited.connect(self._on_rows_edited)
        self.rows.left.connect(self.show_rows)
        self.size.edited.connect(self._on_size_edited)
        self.size.left.connect(self.show_size)

    def _show_compression(self, kind: FileType, current: Compression) -> None:
        if kind is not self._compression_type:
            self._compression_type = kind
            if self.compression is not None:
                self.compression.hide()
                self.compression.deleteLater()
            words = {
                Compression.NONE: self.tr("None") if kind is not FileType.EXCEL else self.tr("Inside the file"),
                Compression.GZIP: self.tr("gzip"),
                Compression.ZSTD: self.tr("Zstd"),
                Compression.ZIP: self.tr("zip"),
                Compression.SNAPPY: self.tr("Snappy"),
            }
            choices = [Choice(each, words[each]) for each in COMPRESSIONS[kind]]
            self.compression = Segmented(self._theme, self.tr("Compression"), choices)
            self.compression.chosen.connect(lambda key: self._tell(compression=Compression(key)))
            self._compression_holder.layout().addWidget(self.compression)
        if self.compression is not None:
            self.compression.set_current(current)

    def _show_partition(self, by: PartitionBy | None, fields: tuple[PartField, ...], problem: str) -> None:
        if by is not None and all(field.name != by.field for field in fields):
            fields = (*fields, PartField(by.field, ColumnType.TEXT))
        if fields != self._fields or not self.by.count():
            self._fields = fields
            self.by.set_choices([Choice("", self.tr("Nothing")), *(Choice(f.name, f.name) for f in fields)])
        self.by.set_current_key("" if by is None else by.field)
        self._by_frame.set_error(problem)
        show_row(self._hive_row, by is not None)
        dated = by is not None and by.grain is not Grain.VALUE
        self.grain.setVisible(dated)
        if by is not None:
            if dated:
                self.grain.set_current(by.grain)
            self.hive.setChecked(by.folders is Folders.HIVE)
            value = {Grain.YEAR: "year=2026", Grain.MONTH: "year=2026/month=03", Grain.DAY: "…/month=03/day=12"}
            self._hive_example.set_words(value.get(by.grain, f"{by.field}=…"))
        self.by.setEnabled(bool(self._fields))

    def _on_field_chosen(self, name: str) -> None:
        if not name:
            self._tell(partition=None)
            return
        kind = next(field.type for field in self._fields if field.name == name)
        was = self._form.partition
        grain = Grain.VALUE
        if kind in _DATES:
            grain = was.grain if was is not None and was.grain is not Grain.VALUE else Grain.MONTH
        self._tell(partition=PartitionBy(name, grain, Folders.PLAIN if was is None else was.folders))

    def _part(self, **changes: Any) -> None:
        was = self._form.partition
        if was is not None:
            self._tell(
                partition=PartitionBy(was.field, changes.get("grain", was.grain), changes.get("folders", was.folders))
            )

    def _on_rows_edited(self, words: str) -> None:
        try:
            rows = typed_number(words, _MOST_ROWS)
        except ValueError:
            self.rows.set_error(self.tr("A whole number, or nothing for one file."))
        else:
            self.rows.set_error("")
            self._tell(rows_per_file=rows)

    def _on_size_edited(self, words: str) -> None:
        number, understood = self._formats.locale.toDouble(words.strip())
        if not words.strip():
            self.size.set_error("")
            self._tell(bytes_per_file=None)
        elif understood and LEAST_BYTES / _MB <= number <= _MB:
            self.size.set_error("")
            self._tell(bytes_per_file=round(number * _MB))
        else:
            self.size.set_error(self.tr("A number of megabytes, or nothing for any size."))

    def _tell(self, **changes: Any) -> None:
        self.changed.emit(changes)
