"""Entries of the audit trail as a file for other programs."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from app.core.audit import AuditEntry, as_document
from app.delivery.files import harmless_cell
from app.jobs.drive import flush, put_in_place
from app.services.saving import saving

_BINARY = getattr(os, "O_BINARY", 0)
_COLUMNS = ("time", "person", "role", "by_schedule", "seat", "computer", "deed", "area", "subject", "name", "note")


def write(path: Path, entries: Iterable[AuditEntry]) -> int:
    """Write the entries as JSON to a name that ends so, else as CSV, and say how many; readable by its owner only.

    The file is whole or not there. Raises FixSettings for a place that can't be written, TryAgain for a full drive.
    """
    as_json = path.suffix.lower() == ".json"
    temporary = path.with_name(f".{path.name}.part")
    try:
        with saving(path):
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600)
            # Excel takes the local code page for a CSV without a byte order mark.
            with os.fdopen(file, "w", encoding="utf-8" if as_json else "utf-8-sig", newline="") as stream:
                number = (_write_json if as_json else _write_csv)(stream, entries)
                stream.flush()
                flush(stream.fileno())
            put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return number


def _write_json(stream: TextIO, entries: Iterable[AuditEntry]) -> int:
    """An array, one entry a line."""
    number = 0
    for number, entry in enumerate(entries, 1):
        stream.write("[\n" if number == 1 else ",\n")
        json.dump(as_document(entry), stream, ensure_ascii=False)
    stream.write("\n]\n" if number else "[]\n")
    return number


def _write_csv(stream: TextIO, entries: Iterable[AuditEntry]) -> int:
    writer = csv.writer(stream)
    writer.writerow((*_COLUMNS, "before", "after"))
    number = 0
    for entry in entries:
        number += 1
        told = as_document(entry)
        changes = (json.dumps(told[name], ensure_ascii=False) for name in ("before", "after"))
        writer.writerow([harmless_cell(str(cell)) for cell in (*(told[name] for name in _COLUMNS), *changes)])
    return number
