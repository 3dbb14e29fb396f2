"""How the Common Data Model names what a column is: data types, traits and annotations as our types, meanings and keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.core.tables import ColumnType, Meaning
from app.data.readers.incoming import refused

_TYPES: Final[Mapping[str, ColumnType | None]] = {
    **dict.fromkeys(("string", "guid", "char", "entityid", "text"), ColumnType.TEXT),
    **dict.fromkeys(("int64", "int32", "int16", "byte", "integer", "biginteger", "smallinteger"), ColumnType.INTEGER),
    **dict.fromkeys(("decimal", "currency"), ColumnType.DECIMAL),
    **dict.fromkeys(("double", "float"), ColumnType.NUMBER),
    "boolean": ColumnType.BOOLEAN,
    "date": ColumnType.DATE,
    "time": ColumnType.TIME,
    **dict.fromkeys(("datetime", "datetimeoffset"), ColumnType.TIMESTAMP),
    **dict.fromkeys(("json", "jobject"), ColumnType.NESTED),
    "binary": ColumnType.BINARY,
}
# Traits and semantic data types of the CDM's own schema, by the end that tells the meaning.
_MEANINGS: Final[Mapping[str, Meaning]] = {
    "means.identity.service.email": Meaning.EMAIL,
    "means.identity.service.phone": Meaning.PHONE,
    "means.identity.person.firstname": Meaning.FIRST_NAME,
    "means.identity.person.lastname": Meaning.LAST_NAME,
    "means.identity.person.fullname": Meaning.FULL_NAME,
    "means.demographic.birthdate": Meaning.BIRTH_DATE,
    "means.demographic.gender": Meaning.GENDER,
    "means.location.address.street.line1": Meaning.STREET,
    "means.location.address.street": Meaning.STREET,
    "means.location.city": Meaning.CITY,
    "means.location.stateorprovince": Meaning.STATE,
    "means.location.postalcode": Meaning.POSTAL_CODE,
    "means.location.country": Meaning.COUNTRY,
    "means.identity.company.name": Meaning.COMPANY,
    "means.reference.url": Meaning.WEBSITE,
}
_SEMANTIC_TYPES: Final[Mapping[str, Meaning]] = {
    "email": Meaning.EMAIL,
    "phone": Meaning.PHONE,
    "phonecell": Meaning.PHONE,
    "firstname": Meaning.FIRST_NAME,
    "lastname": Meaning.LAST_NAME,
    "fullname": Meaning.FULL_NAME,
    "birthdate": Meaning.BIRTH_DATE,
    "gender": Meaning.GENDER,
    "city": Meaning.CITY,
    "stateorprovince": Meaning.STATE,
    "postalcode": Meaning.POSTAL_CODE,
    "country": Meaning.COUNTRY,
    "addressline": Meaning.STREET,
    "jobtitle": Meaning.JOB_TITLE,
    "companyname": Meaning.COMPANY,
    "url": Meaning.WEBSITE,
}
_KEY_NOTES: Final = frozenset({"c360:primarykey", "sendoff:primarykey", "primarykey"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column as the model names it; `type` is None where the model leaves it open, `is_key` what it says of itself."""

    name: str
    type: ColumnType | None = None
    meaning: Meaning = Meaning.NONE
    is_key: bool = False


def attribute_of(item: Mapping[str, Any], document: Path) -> Attribute:
    """An entry of `attributes` or `hasAttributes`; raises FixData when it has no name."""
    traits = [*_trait_names(item.get("appliedTraits")), *_trait_names(item.get("cdm:traits"))]
    notes = dict(_notes(item))
    told = item.get("dataType")
    if isinstance(told, dict):
        told = told.get("dataTypeReference")
    semantic = str(told or "").casefold()
    data_type = str(item.get("dataFormat") or semantic).casefold()
    kind = _TYPES.get(data_type) or _type_of_traits(traits)
    if kind is None and semantic in _SEMANTIC_TYPES:
        kind = ColumnType.TEXT
    if notes.get("sendoff:type") == ColumnType.BINARY:
        kind = ColumnType.BINARY
    meaning = next((_MEANINGS[trait] for trait in traits if trait in _MEANINGS), Meaning.NONE)
    if meaning is Meaning.NONE:
        meaning = _SEMANTIC_TYPES.get(semantic, Meaning.NONE)
    if notes.get("sendoff:meaning") in set(Meaning):
        meaning = Meaning(notes["sendoff:meaning"])
    is_key = item.get("isPrimaryKey") is True or any(
        notes.get(name, "false").casefold() != "false" for name in _KEY_NOTES
    )
    return Attribute(text(item, "name", document), kind, meaning, is_key)


def key_of(entity: Mapping[str, Any], attributes: Sequence[Attribute]) -> str | None:
    """The attribute that identifies a row, by the entity's annotations, its traits, or the attributes themselves.

    A key of several attributes is none.
    """
    marked = [attribute.name for attribute in attributes if attribute.is_key]
    named = [value for name, value in _notes(entity) if name in _KEY_NOTES]
    told = [*named, *_identifying(entity), *(marked if len(marked) == 1 else [])]
    names = {attribute.name.casefold(): attribute.name for attribute in attributes}
    return names.get(told[0].strip().casefold()) if told else None


def _identifying(entity: Mapping[str, Any]) -> Iterator[str]:
    """What the trait `is.identifiedBy` names: `Account/hasAttributes/accountId`."""
    for trait in [*objects(entity, "cdm:traits"), *objects(entity, "exhibitsTraits")]:
        arguments = trait.get("arguments")
        if str(trait.get("traitReference", "")).casefold() == "is.identifiedby" and isinstance(arguments, list):
            for argument in arguments:
                value = argument.get("value") if isinstance(argument, dict) else argument
                if isinstance(value, str):
                    yield value.rpartition("/")[2]


def _type_of_traits(traits: Sequence[str]) -> ColumnType | None:
    """The type a resolved attribute's `is.dataFormat` traits spell out."""
    formats = {trait.removeprefix("is.dataformat.") for trait in traits if trait.startswith("is.dataformat.")}
    if {"date", "time"} <= formats:
        return ColumnType.TIMESTAMP
    for word, kind in (
        ("date", ColumnType.DATE),
        ("time", ColumnType.TIME),
        ("boolean", ColumnType.BOOLEAN),
        ("numeric.shaped", ColumnType.DECIMAL),
        ("floatingpoint", ColumnType.NUMBER),
        ("integer", ColumnType.INTEGER),
        ("character", ColumnType.TEXT),
        ("guid", ColumnType.TEXT),
    ):
        if word in formats:
            return kind
    return None


def _notes(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for note in objects(item, "annotations"):
        if isinstance(note.get("name"), str) and isinstance(note.get("value"), str):
            yield note["name"].strip().casefold(), note["value"]
    for trait in objects(item, "appliedTraits"):  # a manifest has no annotations: there ours are traits
        name, arguments = trait.get("traitReference"), objects(trait, "arguments")
        if isinstance(name, str) and name.startswith("sendoff.") and arguments:
            value = arguments[0].get("value")
            if isinstance(value, str):
                yield name.replace(".", ":", 1).casefold(), value


def _trait_names(traits: Any) -> list[str]:  # noqa: ANN401 - JSON
    names = []
    for trait in traits if isinstance(traits, list) else []:
        name = trait.get("traitReference") if isinstance(trait, dict) else trait
        if isinstance(name, str):
            names.append(name.casefold())
    return names


def objects(item: Mapping[str, Any], *names: str) -> list[dict[str, Any]]:
    """The objects of the first list of that name; anything else in it is left out."""
    for name in names:
        listed = item.get(name)
        if isinstance(listed, list):
            return [one for one in listed if isinstance(one, dict)]
    return []


def text(item: Mapping[str, Any], name: str, document: Path) -> str:
    """A text that has to be there; raises FixData naming the document when it is not."""
    value = item.get(name)
    if not isinstance(value, str) or not value.strip():
        raise refused(document.name, f"An entry lacks its {name}.", "Correct the document.", "cdm_document")
    return value
