"""Documents and places of the Common Data Model: whatever they hold, a model comes of them or a sentence, and no file outside."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import FixData
from app.data.readers.cdm_model import Model, model_of
from app.data.readers.cdm_places import files_of_pattern, inside

TEXTS = [
    "LocalEntity", "ReferenceEntity", "T", "Id", "int64", "a.csv", "sub/b.csv", "../secret.csv", "out/secret.csv", "*.csv",
    "**/*", "(", "T/hasAttributes/Id", "primaryKey", "en-US", "T.cdm.json/T", "https://lake.example/c/sub/b.csv?sig=x", "",
]  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(TEXTS) | st.text(max_size=4)
junk = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.sampled_from(["name", "value"]), leaves, max_size=2)
TRAIT = {"traitReference": "is.partition.format.CSV", "arguments": [{"name": "columnHeaders", "value": "true"}]}
KEY = {"traitReference": "is.identifiedBy", "arguments": [{"value": "T/hasAttributes/Id"}]}
COLUMNS = [
    {"name": "Id", "dataType": "int64", "annotations": [{"name": "primaryKey", "value": "true"}]},
    {"name": "Mail", "dataFormat": "String", "appliedTraits": ["means.identity.service.email"]},
]
MODEL = {
    "culture": "en-US",
    "entities": [
        {"$type": "ReferenceEntity", "name": "Away"},
        {
            "$type": "LocalEntity",
            "name": "T",
            "annotations": [{"name": "sendoff:primaryKey", "value": "Id"}],
            "attributes": COLUMNS,
            "partitions": [{"location": "a.csv", "fileFormatSettings": {"delimiter": ";", "encoding": "UTF-16"}}],
        },
    ],
    "relationships": [
        {
            "fromAttribute": {"entityName": "T", "attributeName": "Id"},
            "toAttribute": {"entityName": "Away", "attributeName": "Id"},
        }
    ],
}
MANIFEST = {
    "entities": [
        {
            "type": "LocalEntity",
            "entityName": "T",
            "entityPath": "T.cdm.json/T",
            "dataPartitions": [{"location": "a.csv", "exhibitsTraits": [TRAIT]}],
            "dataPartitionPatterns": [{"rootLocation": "sub", "globPattern": "*.csv", "exhibitsTraits": [TRAIT]}],
        }
    ],
    "relationships": [{"toEntity": "a/T", "toEntityAttribute": "Id", "fromEntity": "b/U", "fromEntityAttribute": "T"}],
    "subManifests": [],
}
GROUP = {"attributeGroupReference": {"members": COLUMNS[1:]}}
DOCUMENT = {"definitions": [{"entityName": "T", "hasAttributes": [COLUMNS[0], GROUP], "exhibitsTraits": [KEY]}]}


def places(node: object, way: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The way to every value of a document."""
    yield way
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(inner, (*way, key))


@st.composite
def spoiled(draw: st.DrawFn, document: dict) -> object:
    """The document with some of its values replaced by anything."""
    made = copy.deepcopy(document)
    for way in draw(st.lists(st.sampled_from([*places(document)]), max_size=4)):
        node: Any = made
        try:
            for step in way[:-1]:
                node = node[step]
            if way:
                node[way[-1]] = draw(junk)
            else:
                made = draw(junk)
        except (TypeError, KeyError, IndexError):
            continue  # what stood there was replaced before
    return made


@pytest.fixture(scope="module")
def lake():
    with TemporaryDirectory() as outside:
        folder = Path(outside).resolve() / "lake"
        (folder / "sub").mkdir(parents=True)
        (folder.parent / "secret.csv").write_text("x\n1\n")
        for place in ("a.csv", "sub/b.csv"):
            (folder / place).write_text("x\n1\n")
        (folder / "out").symlink_to(folder.parent)
        yield folder


def test_whole_documents_are_understood(lake):
    for name, document in (("model.json", MODEL), ("T.cdm.json", DOCUMENT), ("default.manifest.cdm.json", MANIFEST)):
        (lake / name).write_text(json.dumps(document))
    for name, files in (("model.json", ["a.csv"]), ("default.manifest.cdm.json", ["a.csv", "b.csv"])):
        model = model_of(lake / name)
        assert [(e.name, e.key, len(e.attributes)) for e in model.entities] == [("T", "Id", 2)]
        assert [part.file.name for part in model.entities[0].parts] == files
        assert len(model.links) == 1


@given(model=spoiled(MODEL), manifest=spoiled(MANIFEST), document=spoiled(DOCUMENT), which=st.booleans())
@settings(max_examples=300)
def test_any_document_gives_a_model_of_files_inside_or_a_sentence(lake, model, manifest, document, which):
    (lake / "model.json").write_text(json.dumps(model))
    (lake / "default.manifest.cdm.json").write_text(json.dumps(manifest))
    (lake / "T.cdm.json").write_text(json.dumps(document))
    name = "model.json" if which else "default.manifest.cdm.json"
    try:
        model = model_of(lake / name)
    except FixData:
        return
    assert isinstance(model, Model)
    assert model.entities
    for entity in model.entities:
        assert entity.key is None or entity.key in {attribute.name for attribute in entity.attributes}
        assert all(part.file.is_relative_to(lake) and part.file.is_file() for part in entity.parts)


locations = st.lists(
    st.sampled_from(
        ["a.csv", "sub", "b.csv", "..", ".", "out", "secret.csv", "", "%2e%2e", "%2Fetc", "C:", "lake", "~"]
    )
    | st.text(max_size=4),
    min_size=1,
    max_size=6,
).map("/".join)
starts = st.sampled_from(
    ["", "/", "file:///", "local:/", "adls:/", "https://x.example/", "abfss://c@x.example/", "\\\\host\\"]
)


@given(start=starts, rest=locations)
@settings(max_examples=300)
def test_no_location_leads_out_of_the_folder(lake, start, rest):
    try:
        file = inside(lake, lake / "sub", start + rest, "T")
    except FixData:
        return
    assert file.is_relative_to(lake)
    assert file.is_file()


@given(
    root=locations,
    pattern=st.lists(st.sampled_from(["*", "**", "?", "/", "a", ".", "csv", "b", "[ab]", "("]), max_size=8),
)
def test_no_pattern_leads_out_of_the_folder(lake, root, pattern):
    for kind in ("globPattern", "regularExpression"):
        try:
            found = files_of_pattern(lake, lake, {"rootLocation": root, kind: pattern}, "T")
        except FixData:
            continue
        assert all(file.is_relative_to(lake) and file.is_file() for file in found)
