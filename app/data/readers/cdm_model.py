"""What a folder of the Common Data Model says about itself: `model.json`, or a manifest with its entity documents.

Formats: Microsoft's modeljsonschema.json and the CDM manifest (github.com/microsoft/CDM, docs/schema and samples). Only what a
reader of rows needs is taken: entities, attributes with type and meaning, keys, relationships, partitions with their format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from app.core.tables import Link
from app.data.readers.cdm_attributes import Attribute, attribute_of, key_of, objects, text
from app.data.readers.cdm_places import files_of_pattern, inside
from app.data.readers.incoming import ReadOptions, refused

MODEL_FILE: Final = "model.json"
MANIFEST_END: Final = ".manifest.cdm.json"

_DEEPEST: Final = 8
"""Manifests within manifests; deeper ones lead round in a circle."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of an entity and how it is written; the options matter for delimited text only."""

    file: Path
    options: ReadOptions


@dataclass(frozen=True, slots=True)
class Entity:
    """A table to be; `attributes` is empty where the model does not tell the columns."""

    name: str
    attributes: tuple[Attribute, ...]
    key: str | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """All entities that are kept here, how they hang together, and the names of those kept in other models."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...]
    elsewhere: tuple[str, ...]
    day_first: bool | None
    """Whether dates such as 3/4/2024 begin with the day, as the model's culture says; None where it says nothing."""


@dataclass(slots=True)
class _Found:
    entities: list[Entity] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    day_first: bool | None = None


def model_file(folder: Path) -> Path | None:
    """The document that describes the folder, or None when it is no folder of the Common Data Model.

    Raises FixData when several manifests lie there and none is called default.
    """
    model = folder / MODEL_FILE
    if model.is_file():
        return model
    manifests = sorted(path for path in folder.glob(f"*{MANIFEST_END}") if path.is_file())
    default = [path for path in manifests if path.name == f"default{MANIFEST_END}"]
    if len(manifests) > 1 and not default:
        raise refused(
            str(folder),
            f"It holds {len(manifests)} manifests, and it is not clear which one is meant.",
            "Choose the manifest itself.",
            "cdm_manifests",
        )
    return next(iter([*default, *manifests]), None)


def is_model(path: Path) -> bool:
    """Whether the file is a document that describes a folder."""
    return path.name.lower() == MODEL_FILE or path.name.lower().endswith(MANIFEST_END)


def model_of(document: Path) -> Model:
    """Read the document and what it leads to within its folder.

    Raises FixData when it is no such document, or when a file it names lies somewhere else or is not there.
    """
    found = _Found()
    if document.name.lower() == MODEL_FILE:
        _read_model(document, found)
    else:
        _read_manifest(document, document.parent, found, 0)
    if not found.entities:
        why = "It names no entity."
        if found.elsewhere:
            why = f"Its entities are kept in other models: {', '.join(found.elsewhere)}."
        raise refused(document.name, why, "Choose the folder that holds the rows.", "cdm_no_entity")
    return Model(tuple(found.entities), tuple(found.links), tuple(found.elsewhere), found.day_first)


# model.json


def _read_model(document: Path, found: _Found) -> None:
    content = _json(document)
    culture = content.get("culture")
    if isinstance(culture, str) and culture:
        found.day_first = culture.casefold() != "en-us"
    for entity in objects(content, "entities", "tables"):
        name = text(entity, "name", document)
        if entity.get("$type") == "ReferenceEntity":
            found.elsewhere.append(name)
            continue
        attributes = tuple(attribute_of(item, document) for item in objects(entity, "attributes"))
        parts = [_model_part(part, document.parent, name) for part in objects(entity, "partitions")]
        kept = tuple(part for part in parts if part is not None)
        found.entities.append(Entity(name, attributes, key_of(entity, attributes), kept))
    for relationship in objects(content, "relationships"):
        many, one = relationship.get("fromAttribute"), relationship.get("toAttribute")
        if isinstance(many, dict) and isinstance(one, dict):
            found.links.append(
                Link(
                    text(one, "entityName", document),
                    text(one, "attributeName", document),
                    text(many, "entityName", document),
                    text(many, "attributeName", document),
                )
            )


def _model_part(partition: Mapping[str, Any], folder: Path, entity: str) -> Part | None:
    location = partition.get("location")
    if not isinstance(location, str) or not location:
        return None
    settings = partition.get("fileFormatSettings")
    told = dict(settings) if isinstance(settings, dict) else {}
    told |= _format_traits(partition.get("cdm:traits"))
    return Part(inside(folder, folder, location, entity), _options(told))


# Manifests


def _read_manifest(manifest: Path, root: Path, found: _Found, depth: int) -> None:
    content = _json(manifest)
    for entity in objects(content, "entities"):
        name = text(entity, "entityName", manifest)
        if "ReferenceEntity" in str(entity.get("type", "")) or "Referenced" in str(entity.get("type", "")):
            found.elsewhere.append(name)
            continue
        parts: list[Part] = []
        for partition in objects(entity, "dataPartitions"):
            location = partition.get("location")
            if isinstance(location, str) and location:
                file = inside(root, manifest.parent, location, name)
                parts.append(Part(file, _options(_format_traits(partition.get("exhibitsTraits")))))
        for pattern in objects(entity, "dataPartitionPatterns"):
            told = _options(_format_traits(pattern.get("exhibitsTraits")))
            parts += [Part(file, told) for file in files_of_pattern(root, manifest.parent, pattern, name)]
        attributes, key = _entity_document(entity.get("entityPath") or entity.get("entitySchema"), manifest, root)
        once = {part.file: part for part in reversed(parts)}  # a pattern finds again what is listed by name
        found.entities.append(Entity(name, attributes, key, tuple(reversed(once.values()))))
    for relationship in objects(content, "relationships"):
        found.links.append(
            Link(
                _last(text(relationship, "toEntity", manifest)),
                text(relationship, "toEntityAttribute", manifest),
                _last(text(relationship, "fromEntity", manifest)),
                text(relationship, "fromEntityAttribute", manifest),
            )
        )
    for below in objects(content, "subManifests"):
        if depth >= _DEEPEST:
            raise refused(manifest.name, "Its manifests name each other in a circle.", "Correct them.", "cdm_circle")
        definition = text(below, "definition", manifest)
        _read_manifest(inside(root, manifest.parent, definition, manifest.name), root, found, depth + 1)


def _entity_document(path: Any, manifest: Path, root: Path) -> tuple[tuple[Attribute, ...], str | None]:  # noqa: ANN401 - JSON
    """Attributes and key of an entity whose document lies in the folder; nothing where it does not, or inherits all."""
    if not isinstance(path, str) or "/" not in path:
        return (), None
    where, _, entity = path.rpartition("/")
    document = (manifest.parent / where.removeprefix("local:").lstrip("/")).resolve()
    if not document.is_relative_to(root.resolve()) or not document.is_file():
        return (), None
    for definition in objects(_json(document), "definitions"):
        if definition.get("entityName") == entity and "extendsEntity" not in definition:
            attributes = tuple(_attributes_of(definition.get("hasAttributes"), document))
            return attributes, key_of(definition, attributes)
    return (), None


def _attributes_of(items: Any, document: Path) -> Iterator[Attribute]:  # noqa: ANN401 - JSON
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        group = item.get("attributeGroupReference")
        if isinstance(group, dict):
            yield from _attributes_of(group.get("members"), document)
        elif "name" in item:
            yield attribute_of(item, document)


# Parts of both


def _format_traits(traits: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The arguments of the trait that tells how a partition's text is cut."""
    told: dict[str, Any] = {}
    for trait in traits if isinstance(traits, list) else []:
        if isinstance(trait, dict) and str(trait.get("traitReference", "")).casefold() == "is.partition.format.csv":
            for argument in objects(trait, "arguments"):
                if isinstance(argument.get("name"), str):
                    told[argument["name"]] = argument.get("value")
    return told


def _options(told: Mapping[str, Any]) -> ReadOptions:
    """How a partition is written; what the model does not say is looked for in the file, quotes and comma aside."""
    header = told.get("columnHeaders")
    options = ReadOptions(delimiter=",", quote='"')
    if header is not None:
        options = replace(options, header=str(header).casefold() == "true")
    elif told:
        options = replace(options, header=False)
    if isinstance(told.get("delimiter"), str) and told["delimiter"]:
        options = replace(options, delimiter=told["delimiter"].replace("\\t", "\t"))
    if told.get("quoteStyle") == "QuoteStyle.None":
        options = replace(options, quote="")
    encoding = told.get("encoding")
    if isinstance(encoding, str) and encoding and not re.fullmatch(r"(?i)utf-?8|ascii|us-ascii", encoding):
        options = replace(options, encoding=encoding)
    return options


def _json(path: Path) -> dict[str, Any]:
    fix = "Correct it, or add the files with the rows themselves."
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise refused(path.name, "It is not UTF-8.", "Save it as UTF-8.", "cdm_document") from error
    except (json.JSONDecodeError, RecursionError) as error:
        where = f": {error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise refused(path.name, f"It is no JSON{where}.", fix, "cdm_document") from error
    if not isinstance(content, dict):
        raise refused(path.name, "It is no document of the Common Data Model.", fix, "cdm_document")
    return content


def _last(path: str) -> str:
    return path.rpartition("/")[2]
