"""The script that makes a lake database of a data-out export: run once by Spark in the workspace that shall have it.

Facts: learn.microsoft.com, Azure Synapse Analytics shared metadata. A database made by Spark is one of the serverless SQL pool
too, its tables when their files are Parquet or CSV; names of tables are in small letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from app.core.file_formats import DATE_PATTERNS, Dates, FileType, Format
from app.core.tables import Column, ColumnType, Meaning, Table

_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        ColumnType.INTEGER: "BIGINT",
        ColumnType.NUMBER: "DOUBLE",
        ColumnType.BOOLEAN: "BOOLEAN",
        ColumnType.DATE: "DATE",
        ColumnType.TIMESTAMP: "TIMESTAMP",
    }
)
_DECIMAL = re.compile(r"DECIMAL\(\d+, ?\d+\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LakeTable:
    """A table with the fields that were written, and the address of the folder its files lie in."""

    table: Table
    fields: Sequence[str]
    folder: str


def lake_database(name: str, tables: Sequence[LakeTable], format: Format) -> str:  # noqa: A002 - the field's word
    """The script in Spark's SQL. Running it again takes over new columns; it touches no file."""
    names = spark_names([name])[0]
    lines = [
        f"-- Written by Sendoff for the export {_line(name)}. Run it in a notebook of the Synapse workspace (%%sql, a Spark pool).",
        "-- It makes the lake database and its tables over the files that lie here; the files stay as they are.",
        f"CREATE DATABASE IF NOT EXISTS `{names}`;",
    ]
    for table, own in zip(tables, spark_names([each.table.name for each in tables]), strict=True):
        lines += ["", f"DROP TABLE IF EXISTS `{names}`.`{own}`;", *_create(f"`{names}`.`{own}`", table, format)]
    return "\n".join(lines) + "\n"


def spark_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names as Spark and the SQL pool take them: small letters, digits and `_`, each another one."""
    taken: set[str] = set()
    found = []
    for each in names:
        name = wanted = re.sub(r"[^a-z0-9]+", "_", each.lower()).strip("_") or "x"
        number = 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name)
        found.append(name)
    return tuple(found)


def in_spark(address: str) -> str:
    """The address of a folder as Spark reads it: that of a data lake as `abfss://container@host/path`, others as they are."""
    parts = urlsplit(address)
    host = parts.netloc
    if parts.scheme != "https" or ".dfs." not in host:
        return address
    container, _, path = address.partition(host)[2].lstrip("/").partition("/")
    return f"abfss://{container}@{host}/{path}"


def _create(name: str, table: LakeTable, format: Format) -> Iterator[str]:  # noqa: A002 - the field's word
    columns = [column for field in table.fields if (column := table.table.column(field)) is not None]
    parquet = format.type is FileType.PARQUET
    # Spark reads types and nested values out of Parquet by itself, but knows no time of day there and refuses the whole file.
    if not parquet or any(column.type is ColumnType.TIME for column in columns):
        unread = {ColumnType.TIME, ColumnType.NESTED} if parquet else set()
        yield from (f"-- Left out, because Spark can't read it: {_line(c.name)}" for c in columns if c.type in unread)
        told = [_column(column, parquet=parquet) for column in columns if column.type not in unread]
        yield f"CREATE TABLE {name} ("
        yield ",\n".join(f"  {each}" for each in told)
        yield ")"
    else:
        yield f"CREATE TABLE {name}"
    yield "USING PARQUET" if parquet else f"USING CSV OPTIONS ({_options(format)})"
    yield f"LOCATION {_text(in_spark(table.folder))};"


def _column(column: Column, *, parquet: bool) -> str:
    kind = _TYPES.get(column.type, "STRING")
    if column.type is ColumnType.DECIMAL:
        kind = column.native_type.upper() if _DECIMAL.fullmatch(column.native_type) else "DECIMAL(38, 10)"
    if column.type is ColumnType.BINARY and parquet:
        kind = "BINARY"
    name = column.name.replace("`", "``")
    note = "" if column.meaning is Meaning.NONE else f" COMMENT {_text(column.meaning.value)}"
    return f"`{name}` {kind}{note}"


def _options(format: Format) -> str:  # noqa: A002 - the field's word
    options = {
        "header": "true" if format.header else "false",
        "sep": format.delimiter,
        "quote": '"',
        "escape": '"',
        "multiLine": "true",
        **_dates(format),
        "encoding": format.encoding.removesuffix("-sig").upper(),
    }
    return ", ".join(f"{key} {_text(value)}" for key, value in options.items())


def _dates(format: Format) -> dict[str, str]:  # noqa: A002 - the field's word
    """What Spark has to know of dates that are not written as ISO has them."""
    if format.dates is Dates.ISO:
        return {}
    day, moment = DATE_PATTERNS[format.dates]
    return {"dateFormat": day, "timestampFormat": f"{moment}[.SSSSSS][.SSS]"}


def _text(value: str) -> str:
    """A literal; Spark reads backslashes in it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t").replace("\n", "\\n")
    return f"'{escaped}'"


def _line(text: str) -> str:
    """A name within a comment, which ends with its line."""
    return "“" + " ".join(text.split()) + "”"
