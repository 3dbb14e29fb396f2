"""The JSON Schema of a table's rows, as JSON lines have them; other files hold the same values in their own way.

Format: JSON Schema 2020-12. Key, references and meanings stand in keywords that begin with `x-sendoff-`, which validators
pass over.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.core.file_formats import FileType, Format
from app.core.model_json import ModelTable, date_pattern
from app.core.tables import Catalog, Column, ColumnType, Meaning, is_zoned

_TYPES: Mapping[ColumnType, Mapping[str, Any]] = MappingProxyType(
    {
        ColumnType.TEXT: {"type": "string"},
        ColumnType.INTEGER: {"type": "integer"},
        ColumnType.DECIMAL: {"type": "number"},
        ColumnType.NUMBER: {"type": "number"},
        ColumnType.BOOLEAN: {"type": "boolean"},
        ColumnType.DATE: {"type": "string", "format": "date"},
        ColumnType.TIME: {"type": "string", "pattern": r"^\d\d:\d\d:\d\d(\.\d+)?$"},
        ColumnType.TIMESTAMP: {"type": "string", "pattern": r"^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$"},
        ColumnType.BINARY: {"type": "string", "contentEncoding": "base64"},
        ColumnType.NESTED: {},
    }
)


def row_schema(written: ModelTable, catalog: Catalog, format: Format | None = None) -> dict[str, Any]:  # noqa: A002 - the field's word
    """The schema, ready for `json.dumps`; any value but the key's may be null. Dates are as JSON lines of that format have them."""
    lines = Format(FileType.JSON_LINES) if format is None or format.type is not FileType.JSON_LINES else format
    table = written.table
    columns = [column for field in written.fields if (column := table.column(field)) is not None]
    links = {link.many_column: link for link in catalog.links if link.many_table == table.name}
    properties = {}
    for column in columns:
        told = _property(column, lines, nullable=column.name != table.key)
        if column.name in links:
            link = links[column.name]
            told["x-sendoff-references"] = f"{link.one_table}.{link.one_column}"
        properties[column.name] = told
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": table.name,
        "type": "object",
        "properties": properties,
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }
    if table.key in properties:
        schema["x-sendoff-key"] = table.key
    return schema


def _property(column: Column, lines: Format, *, nullable: bool) -> dict[str, Any]:
    told = dict(_TYPES[column.type])
    if column.type is ColumnType.TIMESTAMP and is_zoned(column.native_type):
        told = {"type": "string", "format": "date-time"}
    spelled = date_pattern(column.type, lines)
    if spelled:
        told = {"type": "string", "x-sendoff-format": spelled}
    if nullable and "type" in told:
        told["type"] = [told["type"], "null"]
    if column.meaning is not Meaning.NONE:
        told["x-sendoff-meaning"] = column.meaning.value
    if column.means:
        told["x-sendoff-values"] = dict(column.means)
    return told
