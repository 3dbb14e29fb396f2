"""Names of tables and columns, made safe and unique."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_LONGEST = 100
# What no file system of the three takes in a name, and the dot, which parts table and column in a field's name.
_UNSAFE = re.compile(r'[<>:"/\\|?*.\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])$", re.IGNORECASE)


def table_name(wanted: str, taken: Iterable[str] = ()) -> str:
    """A name without dots, slashes or control characters, not reserved by Windows and, by a number, not taken yet."""
    name = re.sub(r"\s+", " ", _UNSAFE.sub("_", wanted)).strip(" _-")[:_LONGEST].strip()
    if not name:
        name = "Table"
    if _RESERVED.match(name):
        name += "_"
    return _unique(name, {other.casefold() for other in taken})


def column_names(header: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """Names for the columns of a file and a sentence for each that had to be changed.

    Blanks around are dropped, an empty name becomes `Column_3`, a repeated one (case does not tell names apart) `Name_2`.
    """
    taken: set[str] = set()
    names: list[str] = []
    notes: list[str] = []
    present = {_clean(cell).casefold() for cell in header}
    for number, cell in enumerate(header, start=1):
        clean = _clean(cell)
        if not clean:
            name = _unique(f"Column_{number}", taken | present)
            notes.append(f"Column {number} has no name; it is called {name}.")
        elif clean.casefold() in taken:
            name = _unique(clean, taken | present)
            notes.append(f"Column {number} is named {clean} like one before it; it is called {name}.")
        else:
            name = clean
        taken.add(name.casefold())
        names.append(name)
    return names, notes


def _clean(cell: str | None) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f\ufeff]+", " ", cell or "").strip()


def _unique(name: str, taken: set[str]) -> str:
    if name.casefold() not in taken:
        return name
    number = 2
    while f"{name}_{number}".casefold() in taken:
        number += 1
    return f"{name}_{number}"
