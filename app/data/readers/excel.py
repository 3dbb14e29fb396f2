"""Excel workbooks, a sheet a table, read row by row so that memory stays flat."""

from __future__ import annotations

import csv
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from app.core.errors import FixData
from app.data.readers import delimited
from app.data.readers.dialect import is_header
from app.data.readers.incoming import Incoming, ReadJob, refused

_SAMPLE: Final = 500


def read(job: ReadJob, file: Path) -> Iterator[Incoming]:
    """Each sheet with cells as a table called after it; raises FixData when the file is no workbook or is protected."""
    if file.stat().st_size == 0:
        raise refused(file.name, "The file is empty.", "Check how it was written, then add it again.", "empty_file")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="openpyxl")  # it tells of styles and validations it leaves out
        try:
            book = load_workbook(file, read_only=True, data_only=True)
        except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
            raise refused(
                file.name,
                "It is no Excel workbook, or it is protected by a password.",
                "Open it in Excel and save it as .xlsx without a password.",
                "workbook",
            ) from error
        try:
            for sheet in book.worksheets:
                if job.only not in (None, sheet.title):
                    continue
                incoming = _sheet(job, file, sheet)
                if incoming is not None:
                    yield incoming
        except (ParseError, zipfile.BadZipFile, KeyError, ValueError) as error:
            raise refused(
                file.name, "The workbook is damaged.", "Open it in Excel and save it again.", "workbook"
            ) from error
        finally:
            book.close()
    job.finished(file.stat().st_size)


def _sheet(job: ReadJob, file: Path, sheet: ReadOnlyWorksheet) -> Incoming | None:
    """Write the sheet as plain CSV and read that; None for a sheet without cells."""
    source = f"{file}, sheet {sheet.title}"
    sheet.reset_dimensions()  # what the file says about its own size is often wrong
    rows = (_texts(row) for row in sheet.iter_rows())
    filled = (row for row in rows if row)
    head = list(islice(filled, _SAMPLE))
    if not head:
        return None
    named = job.options.header if job.options.header is not None else is_header(head)
    target = job.folder("text") / "sheet.csv"
    width = max(map(len, head))
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for number, row in enumerate(_all(head[1 if named else 0 :], filled), start=2 if named else 1):
            if number % 1000 == 0:
                job.report(file.name)
            if len(row) > width:
                raise _too_wide(f"{file.name}, sheet {sheet.title}", number, len(row), width)
            writer.writerow(row + [""] * (width - len(row)))
    header = (head[0] if named else []) + [""] * (width - (len(head[0]) if named else 0))
    return delimited.read_plain(job, sheet.title, target, header, source)


def _all(head: list[list[str]], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield from head
    yield from rest


def _too_wide(source: str, number: int, cells: int, width: int) -> FixData:
    return refused(
        source,
        f"Row {number:,} has {cells:,} cells where the first {_SAMPLE} rows have {width:,}.",
        "Remove what stands beside the table, then add the file again.",
        "ragged",
    )


def _texts(row: tuple[ReadOnlyCell, ...]) -> list[str]:
    """The cells as text without empty ones at the end; an empty list for an empty row."""
    texts = [_text(cell) for cell in row]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(cell: ReadOnlyCell) -> str:
    value = cell.value
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            shows_clock = "h" in (cell.number_format or "").casefold()
            midnight = value.time() == time()
            return value.date().isoformat() if midnight and not shows_clock else value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value).replace("\x00", "")
