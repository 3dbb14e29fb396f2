"""What the other side of a hand-off asks of the files it picks up, and what an export does against it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.core.exports import Layout
from app.core.file_formats import Compression, FileType, Format

_NAMES = {FileType.CSV: "CSV", FileType.PARQUET: "Parquet", FileType.JSON_LINES: "JSON lines", FileType.EXCEL: "Excel"}


@dataclass(frozen=True, slots=True)
class FileRules:
    """The rules of one destination; the empty ones ask for nothing.

    `types`, `delimiters` (in one text) and `compressions` of text files are those it reads. `header` wants a first line with
    names, `one_file` each table or segment whole in one file, `plain_names` file names of plain letters, digits and signs
    (core/layouts.py).
    `columns` is a regular expression the name of each column must match, `columns_message` says it in words.
    """

    types: tuple[FileType, ...] = ()
    compressions: tuple[Compression, ...] = ()
    delimiters: str = ""
    header: bool = False
    one_file: bool = False
    plain_names: bool = False
    columns: str = ""
    columns_message: str = ""

    def broken(self, target: str, format: Format, layout: Layout, columns: Iterable[str] = ()) -> list[str]:  # noqa: A002 - the field's word
        """What can't be read there, one sentence each; `columns` are the names people gave to the file's columns."""
        found = []
        if self.types and format.type not in self.types:
            names = [_name(kind) for kind in self.types]
            found.append(f"{target} reads {' or '.join(names)}, not {_name(format.type)}.")
        elif format.type is FileType.CSV:
            found += self._broken_csv(target, format)
        if self.one_file and format.several_files:
            found.append(
                f"{target} takes each segment or table in one file: leave rows and size per file empty, and no partition."
            )
        if self.plain_names and not layout.plain_names:
            found.append(f"{target} takes file names of plain letters, digits, “-”, “_” and “.” only.")
        if self.columns:
            wrong = next((name for name in columns if not re.fullmatch(self.columns, name)), None)
            found += [] if wrong is None else [f"The column “{wrong}” can't have this name: {self.columns_message}"]
        return found

    def _broken_csv(self, target: str, format: Format) -> list[str]:  # noqa: A002 - the field's word
        found = []
        if self.header and not format.header:
            found.append(f"{target} needs the names of the columns in the first line.")
        if self.compressions and format.compression not in self.compressions:
            words = " or ".join("no compression" if way is Compression.NONE else way.value for way in self.compressions)
            found.append(f"{target} reads {words}, not {format.compression.value}.")
        if self.delimiters and format.delimiter not in self.delimiters:
            words = " or ".join("a tab" if sign == "\t" else f"“{sign}”" for sign in self.delimiters)
            found.append(f"{target} takes {words} between the values.")
        return found


def _name(kind: FileType) -> str:
    return _NAMES.get(kind, kind.value)
