"""The Common Data Model's `model.json` of a data-out export: tables, types, keys, links and the files that hold them.

Format: Microsoft's modeljsonschema.json (github.com/microsoft/CDM, docs/schema). Readers resolve `location` against storage
accounts, so it should be an absolute address where there is one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.core.file_formats import DATE_PATTERNS, ENCODINGS, Dates, FileType, Format, Quotes
from app.core.row_deltas import Rows
from app.core.tables import Catalog, Column, ColumnType, Link, Meaning, Table

DATA_TYPES = {
    ColumnType.TEXT: "string",
    ColumnType.INTEGER: "int64",
    ColumnType.DECIMAL: "decimal",
    ColumnType.NUMBER: "double",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIME: "time",
    ColumnType.TIMESTAMP: "dateTimeOffset",
    ColumnType.BINARY: "string",
    ColumnType.NESTED: "json",
}


@dataclass(frozen=True, slots=True)
class Partition:
    """One file of a table: its name, its address, when it was written and which rows it holds."""

    name: str
    location: str
    written_at: datetime
    which: Rows = Rows.ALL


@dataclass(frozen=True, slots=True)
class ModelTable:
    """A table as it was written: the fields chosen, in order, and its files."""

    table: Table
    fields: Sequence[str]
    partitions: Sequence[Partition]


def model_json(
    name: str,
    tables: Sequence[ModelTable],
    catalog: Catalog,
    format: Format,  # noqa: A002 - the field's word
    now: datetime,
) -> dict[str, Any]:
    """The document, ready for `json.dumps`; links are named only where both of their columns are written."""
    moment = _time(now)
    return {
        "name": name,
        "description": f"Written by Sendoff for the export “{name}”.",
        "version": "1.0",
        "modifiedTime": moment,
        "entities": [_entity(table, format, moment) for table in tables],
        "relationships": [_relationship(link) for link in catalog.links if _written(link, tables)],
    }


def _entity(written: ModelTable, format: Format, moment: str) -> dict[str, Any]:  # noqa: A002 - the field's word
    columns = [column for field in written.fields if (column := written.table.column(field)) is not None]
    entity: dict[str, Any] = {
        "$type": "LocalEntity",
        "name": written.table.name,
        "modifiedTime": moment,
        "attributes": [_attribute(column, written.table, format) for column in columns],
        "partitions": [_partition(partition, format) for partition in written.partitions],
    }
    if written.table.key in written.fields:
        entity["annotations"] = [{"name": "sendoff:primaryKey", "value": written.table.key}]
    return entity


def _attribute(column: Column, table: Table, format: Format) -> dict[str, Any]:  # noqa: A002 - the field's word
    notes = [{"name": "sendoff:source", "value": f"{table.name}.{column.name}"}]
    if column.meaning is not Meaning.NONE:
        notes.append({"name": "sendoff:meaning", "value": column.meaning.value})
    if column.type is ColumnType.BINARY:  # the model has no word for it; text files hold it as base64
        notes.append({"name": "sendoff:type", "value": column.type.value})
    written = date_pattern(column.type, format)
    if written:
        notes.append({"name": "sendoff:format", "value": written})
    if column.means:
        notes.append({"name": "sendoff:values", "value": json.dumps(dict(column.means), ensure_ascii=False)})
    return {"name": column.name, "dataType": DATA_TYPES[column.type], "annotations": notes}


def date_pattern(kind: ColumnType, format: Format) -> str:  # noqa: A002 - the field's word
    """How the values of a text file are spelled where it is not as the model's readers expect."""
    if format.type not in {FileType.CSV, FileType.JSON_LINES} or format.dates is Dates.ISO:
        return ""
    day, moment = DATE_PATTERNS[format.dates]
    return {ColumnType.DATE: day, ColumnType.TIMESTAMP: moment}.get(kind, "")


def _partition(partition: Partition, format: Format) -> dict[str, Any]:  # noqa: A002 - the field's word
    document: dict[str, Any] = {
        "name": partition.name,
        "refreshTime": _time(partition.written_at),
        "location": partition.location,
    }
    if partition.which is not Rows.ALL:
        document["annotations"] = [{"name": "sendoff:rows", "value": partition.which.value}]
    if format.type is FileType.CSV:
        document["fileFormatSettings"] = {
            "$type": "CsvFormatSettings",
            "columnHeaders": format.header,
            "delimiter": format.delimiter,
            "quoteStyle": "QuoteStyle.Csv",
            "csvStyle": "CsvStyle.QuoteAlways" if format.quotes is Quotes.ALL else "CsvStyle.QuoteAfterDelimiter",
            "encoding": ENCODINGS[format.encoding][1],
        }
    return document


def _relationship(link: Link) -> dict[str, Any]:
    return {
        "$type": "SingleKeyRelationship",
        "fromAttribute": {"entityName": link.many_table, "attributeName": link.many_column},
        "toAttribute": {"entityName": link.one_table, "attributeName": link.one_column},
    }


def _written(link: Link, tables: Sequence[ModelTable]) -> bool:
    fields: Mapping[str, Sequence[str]] = {written.table.name: written.fields for written in tables}
    return link.one_column in fields.get(link.one_table, ()) and link.many_column in fields.get(link.many_table, ())


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
