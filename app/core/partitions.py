"""The folders of a partition: what each value of the field is called in a path."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from app.core.exports import TableChoice
from app.core.file_formats import Folders, Grain, PartitionBy
from app.core.tables import Catalog, ColumnType

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, and all that read its folders, call the rows without a value."""

MOST_FOLDERS = 10_000
"""A field with more values than this is no field to part by: each has at least one file."""

_LEVELS = {Grain.YEAR: ("year",), Grain.MONTH: ("year", "month"), Grain.DAY: ("year", "month", "day")}
_ESCAPED = re.compile(r"""[\x00-\x1f\x7f"#%'*/:=?\\{}\[\]^<>|]|^ |[ .]$""")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?")


_DATES = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP})


def table_problems(by: PartitionBy, chosen: Sequence[TableChoice], catalog: Catalog) -> list[str]:
    """What keeps the tables chosen from being parted so, one sentence each; one that has no such field is not parted."""
    found, parted = [], False
    for choice in chosen:
        table = catalog.table(choice.name)
        column = None if table is None else table.column(by.field)
        if table is None or column is None:
            continue
        parted = True
        if choice.fields is not None and by.field not in choice.fields:
            found.append(f"“{table.name}” is parted by “{by.field}”, which is not among its chosen fields.")
        elif by.grain is not Grain.VALUE and column.type not in _DATES:
            found.append(f"“{table.name}” can't be parted by the {by.grain} of “{by.field}”, which is no date.")
    return found if parted or not chosen else [f"None of the tables has a field “{by.field}” to part its rows by."]


def not_parted(by: PartitionBy, chosen: Sequence[TableChoice], catalog: Catalog) -> list[str]:
    """The tables without such a field, whose rows lie in no folder of the partition."""
    tables = [catalog.table(choice.name) for choice in chosen]
    return [table.name for table in tables if table is not None and table.column(by.field) is None]


def member_problems(by: PartitionBy, fields: Collection[str]) -> list[str]:
    """The same of segments, which have these fields in their files, all of them text."""
    if by.field not in fields:
        return [f"“{by.field}”, which the members are parted by, is not among the fields that are written."]
    return [] if by.grain is Grain.VALUE else [f"Members can't be parted by {by.grain}, only by the values of a field."]


def folder_names(by: PartitionBy, value: str | None) -> tuple[str, ...]:
    """The folders of the rows with this value, outermost first.

    Of a date `value` is as much of its ISO form as the grain asks for: `2026`, `2026-03`, `2026-03-12`. Nothing, and a text of
    nothing, are rows without a value. Two different values have different folders; signs that a path can't have are
    escaped as Hive does it, so that its readers get the value back.
    """
    if by.grain is Grain.VALUE:
        name = _escaped(value) if value else NO_VALUE
        return (f"{_escaped(by.field)}={name}" if by.folders is Folders.HIVE else name,)
    levels = _LEVELS[by.grain]
    names = tuple(value.rsplit("-", len(levels) - 1)) if value else (NO_VALUE,) * len(levels)
    if by.folders is Folders.HIVE:
        return tuple(f"{level}={_escaped(name)}" for level, name in zip(levels, names, strict=True))
    return tuple(_escaped(name) for name in names)


def _escaped(text: str) -> str:
    name = _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)
    return f"%{ord(name[0]):02X}{name[1:]}" if _RESERVED.fullmatch(name) else name
