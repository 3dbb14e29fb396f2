"""The Common Data Model's manifest of a data-out export, and the document of each of its entities.

Format: what github.com/microsoft/CDM reads, with the data types and traits of its `foundations.cdm.json` 4.7. Files are named
as seen from the manifest's folder, so that the folder can be copied as a whole. What the model has no word for stands in traits
of our own, which each entity's document defines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from app.core.file_formats import ENCODINGS, Compression, FileType, Format, Quotes
from app.core.layouts import ENTITY_END
from app.core.model_json import ModelTable, date_pattern
from app.core.tables import Catalog, Column, ColumnType, Link, Meaning, is_zoned

_VERSION = "1.0.0"
_FOUNDATIONS = "cdm:/foundations.cdm.json"

_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        ColumnType.TEXT: "string",
        ColumnType.INTEGER: "bigInteger",
        ColumnType.DECIMAL: "decimal",
        ColumnType.NUMBER: "double",
        ColumnType.BOOLEAN: "boolean",
        ColumnType.DATE: "date",
        ColumnType.TIME: "time",
        ColumnType.TIMESTAMP: "dateTime",
        ColumnType.BINARY: "binary",
        ColumnType.NESTED: "json",
    }
)
_TRAITS: Mapping[Meaning, str] = MappingProxyType(
    {
        Meaning.EMAIL: "means.identity.service.email",
        Meaning.PHONE: "means.identity.service.phone",
        Meaning.FIRST_NAME: "means.identity.person.firstName",
        Meaning.LAST_NAME: "means.identity.person.lastName",
        Meaning.FULL_NAME: "means.identity.person.fullName",
        Meaning.BIRTH_DATE: "means.demographic.birthDate",
        Meaning.GENDER: "means.demographic.gender",
        Meaning.STREET: "means.location.address.street",
        Meaning.CITY: "means.location.city",
        Meaning.STATE: "means.location.stateOrProvince",
        Meaning.POSTAL_CODE: "means.location.postalCode",
        Meaning.COUNTRY: "means.location.country",
        Meaning.COMPANY: "means.identity.company.name",
        Meaning.WEBSITE: "means.reference.URL",
        Meaning.LANGUAGE: "means.reference.language",
    }
)
_SOURCE, _MEANING, _VALUES, _FORMAT = "sendoff.source", "sendoff.meaning", "sendoff.values", "sendoff.format"
_OWN_TRAITS = {
    _SOURCE: "the table and column whose values these are",
    _MEANING: "what the column holds, as Sendoff names it",
    _VALUES: "what values of the column mean, as a person said: a JSON object",
    _FORMAT: "how the dates of the column are spelled in files of text, where that is not as ISO 8601 has it",
}


def manifest(
    name: str,
    tables: Mapping[str, ModelTable],
    catalog: Catalog,
    format: Format,  # noqa: A002 - the field's word
    now: datetime,
) -> dict[str, Any]:
    """The manifest, ready for `json.dumps`; `tables` by the name of their entities, which holds no slash.

    The locations of partitions are those from the manifest's folder.
    """
    moment = _time(now)
    entities = {written.table.name: entity for entity, written in tables.items()}
    return {
        "manifestName": name,
        "explanation": f"Written by Sendoff for the export “{name}”.",
        "jsonSchemaSemanticVersion": _VERSION,
        "imports": [{"corpusPath": _FOUNDATIONS}],
        "lastFileModifiedTime": moment,
        "entities": [_declared(entity, written, format, moment) for entity, written in tables.items()],
        "relationships": [
            _relationship(link, entities) for link in catalog.links if _is_written(link, list(tables.values()))
        ],
    }


def entity_document(entity: str, written: ModelTable, format: Format | None = None) -> dict[str, Any]:  # noqa: A002 - the field's word
    """The document of one entity: its attributes with types, meanings and the columns they come from, and its key."""
    definition: dict[str, Any] = {"entityName": entity}
    if written.table.key in written.fields:
        identified = {"traitReference": "is.identifiedBy", "arguments": [f"{entity}/hasAttributes/{written.table.key}"]}
        definition["exhibitsTraits"] = [identified]
    columns = [column for field in written.fields if (column := written.table.column(field)) is not None]
    definition["hasAttributes"] = [_attribute(column, written, format or Format()) for column in columns]
    return {
        "jsonSchemaSemanticVersion": _VERSION,
        "imports": [{"corpusPath": _FOUNDATIONS}],
        "definitions": [*(_own_trait(trait, why) for trait, why in _OWN_TRAITS.items()), definition],
    }


def _declared(entity: str, written: ModelTable, format: Format, moment: str) -> dict[str, Any]:  # noqa: A002 - the field's word
    return {
        "type": "LocalEntity",
        "entityName": entity,
        "entityPath": f"{entity}{ENTITY_END}/{entity}",
        "lastFileModifiedTime": moment,
        "dataPartitions": [
            {
                "name": part.name,
                "location": part.location,
                "lastFileModifiedTime": _time(part.written_at),
                "exhibitsTraits": _format_traits(format),
            }
            for part in written.partitions
        ],
    }


def _format_traits(format: Format) -> list[dict[str, Any]]:  # noqa: A002 - the field's word
    if format.type is FileType.PARQUET:
        return [{"traitReference": "is.partition.format.parquet"}]
    if format.type is FileType.EXCEL:
        return []  # the model has no word for it
    if format.type is FileType.JSON_LINES:
        traits = [_with("is.partition.format.JSON", {"type": "lines"})]
    else:
        quoted = "CsvStyle.QuoteAlways" if format.quotes is Quotes.ALL else "CsvStyle.QuoteAfterDelimiter"
        told = {
            "columnHeaders": "true" if format.header else "false",
            "csvStyle": quoted,
            "delimiter": format.delimiter,
            "quoteStyle": "QuoteStyle.Csv",
            "encoding": ENCODINGS[format.encoding][1],
        }
        traits = [_with("is.partition.format.CSV", told)]
    if format.compression is not Compression.NONE:
        traits.append(_with("is.partition.compressed", {"compressionFormatName": format.compression.value}))
    return traits


def _attribute(column: Column, written: ModelTable, format: Format) -> dict[str, Any]:  # noqa: A002 - the field's word
    zoned = column.type is ColumnType.TIMESTAMP and is_zoned(column.native_type)
    attribute: dict[str, Any] = {
        "name": column.name,
        "dataType": "dateTimeOffset" if zoned else _TYPES[column.type],
    }
    if column.name == written.table.key:
        attribute["isPrimaryKey"] = True
        attribute["isNullable"] = False
    traits: list[Any] = [_with(_SOURCE, {"value": f"{written.table.name}.{column.name}"})]
    if column.meaning in _TRAITS:
        traits.append(_TRAITS[column.meaning])
    if column.meaning is not Meaning.NONE:
        traits.append(_with(_MEANING, {"value": column.meaning.value}))
    spelled = date_pattern(column.type, format)
    if spelled:
        traits.append(_with(_FORMAT, {"value": spelled}))
    if column.means:
        traits.append(_with(_VALUES, {"value": json.dumps(dict(column.means), ensure_ascii=False)}))
    return {**attribute, "appliedTraits": traits}


def _relationship(link: Link, entities: Mapping[str, str]) -> dict[str, Any]:
    many, one = entities[link.many_table], entities[link.one_table]
    return {
        "fromEntity": f"{many}{ENTITY_END}/{many}",
        "fromEntityAttribute": link.many_column,
        "toEntity": f"{one}{ENTITY_END}/{one}",
        "toEntityAttribute": link.one_column,
    }


def _is_written(link: Link, tables: Sequence[ModelTable]) -> bool:
    fields = {written.table.name: written.fields for written in tables}
    return link.one_column in fields.get(link.one_table, ()) and link.many_column in fields.get(link.many_table, ())


def _own_trait(name: str, explanation: str) -> dict[str, Any]:
    parameter = {"name": "value", "dataType": "string", "required": True}
    return {"traitName": name, "extendsTrait": "is", "explanation": explanation, "hasParameters": [parameter]}


def _with(trait: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    return {
        "traitReference": trait,
        "arguments": [{"name": name, "value": value} for name, value in arguments.items()],
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
