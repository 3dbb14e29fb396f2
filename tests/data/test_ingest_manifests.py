"""Folders with a manifest as sources; published models when SENDOFF_REAL_DATA names the folder with cdm_samples/."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from app.core.errors import FixData
from app.core.tables import ColumnType, Link, Meaning
from tests.data.ingesting import Desk, names

REAL = os.environ.get("SENDOFF_REAL_DATA")
real_data = pytest.mark.skipif(REAL is None, reason="SENDOFF_REAL_DATA is not set")


def manifest(desk: Desk, name: str = "default", **content: object) -> Path:
    return desk.file(f"lake/{name}.manifest.cdm.json", json.dumps({"manifestName": name} | content)).parent


def resolved(name: str, *columns: dict[str, object], **more: object) -> str:
    return json.dumps({"definitions": [{"entityName": name, "hasAttributes": list(columns)} | more]})


HEADED = {"traitReference": "is.partition.format.CSV", "arguments": [{"name": "columnHeaders", "value": "true"}]}


def test_a_manifest_with_entity_documents_patterns_and_relationships(desk):
    group = {
        "attributeGroupReference": {"members": [{"name": "Mail", "appliedTraits": ["means.identity.service.email"]}]}
    }
    traits = ["is.dataFormat.date", "is.dataFormat.time"]
    columns = [{"name": "Id", "dataFormat": "Int32"}, group, {"name": "At", "appliedTraits": traits}]
    identified = [{"traitReference": "is.identifiedBy", "arguments": ["Customer/hasAttributes/Id"]}]
    desk.file("lake/Customer.cdm.json", resolved("Customer", *columns, exhibitsTraits=identified))
    for path, row in {
        "2025/1.csv": "1,a@example.com,2026-01-01T00:00:00Z",
        "2026/05/2.csv": "2,b@example.com,2026-01-02T00:00:00Z",
        "2026/05/2.txt": "9,9,9",
    }.items():
        desk.file(f"lake/data/{path}", f"Id,Mail,At\n{row}\n")
    customer = {
        "type": "LocalEntity",
        "entityName": "Customer",
        "entityPath": "Customer.cdm.json/Customer",
        "dataPartitions": [{"location": "data/2025/1.csv", "exhibitsTraits": [HEADED]}],
        "dataPartitionPatterns": [{"rootLocation": "data", "globPattern": "/**/*.csv", "exhibitsTraits": [HEADED]}],
    }
    relationship = {
        "fromEntity": "Orders.cdm.json/Orders",
        "fromEntityAttribute": "Buyer",
        "toEntity": "Customer.cdm.json/Customer",
        "toEntityAttribute": "Id",
    }
    away = {"type": "ReferencedEntity", "entityName": "Product"}
    table = desk.one(manifest(desk, entities=[customer, away], relationships=[relationship]))
    at = [dt.datetime.fromisoformat(f"2026-01-0{n}T00:00:00") for n in (1, 2)]
    assert desk.rows(table) == [(1, "a@example.com", at[0]), (2, "b@example.com", at[1])], "each file once"
    assert (table.key, table.columns[1].meaning) == ("Id", Meaning.EMAIL)
    assert table.links == (Link("Customer", "Id", "Orders", "Buyer"),)
    assert table.notes == ("Left out, because other models keep them: Product.",)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ({"globPattern": "*.csv"}, ["a"]),
        ({"globPattern": "/*/*.csv"}, ["b"]),
        ({"globPattern": "**/?.csv"}, ["a", "b", "c"]),
        ({"regularExpression": r"x/.*/(.+)\.csv"}, ["c"]),
        ({"rootLocation": "https://lake.example/data/top/x", "globPattern": "*.csv"}, ["b"]),
    ],
)
def test_patterns_find_their_files(desk, pattern, found):
    for path, row in {"a.csv": "a", "x/b.csv": "b", "x/y/c.csv": "c", "x/y/dd.txt": "d"}.items():
        desk.file(f"lake/top/{path}", f"k\n{row}\n")
    columns = {"rootLocation": "top", "exhibitsTraits": [HEADED]} | pattern
    desk.file("lake/T.cdm.json", resolved("T", {"name": "k", "dataFormat": "String"}))
    told = {"type": "LocalEntity", "entityName": "T", "entityPath": "T.cdm.json/T", "dataPartitionPatterns": [columns]}
    assert [row[0] for row in desk.rows(desk.one(manifest(desk, entities=[told])))] == found


@pytest.mark.parametrize(
    "pattern", [{"rootLocation": "..", "globPattern": "*"}, {"globPattern": None, "regularExpression": "("}]
)
def test_patterns_that_lead_out_or_are_none_are_refused(desk, pattern):
    told = {"type": "LocalEntity", "entityName": "T", "entityPath": "", "dataPartitionPatterns": [pattern]}
    with pytest.raises(FixData):
        desk.read(manifest(desk, entities=[told]))


def test_an_entity_whose_document_is_elsewhere_has_the_columns_of_its_files(desk):
    desk.file("lake/t.csv", "Id,Name\n1,x\n")
    told = {
        "type": "LocalEntity",
        "entityName": "T",
        "entityPath": "cdm:/core/T.cdm.json/T",
        "dataPartitions": [{"location": "t.csv", "exhibitsTraits": [HEADED]}],
    }
    table = desk.one(manifest(desk, entities=[told]))
    assert (names(table), desk.rows(table)) == (["Id", "Name"], [(1, "x")])


def test_manifests_below_are_read_and_circles_are_refused(desk):
    desk.file("lake/below/t.csv", "k\n1\n")
    told = {
        "type": "LocalEntity",
        "entityName": "T",
        "entityPath": "no",
        "dataPartitions": [{"location": "t.csv", "exhibitsTraits": [HEADED]}],
    }
    desk.file("lake/below/below.manifest.cdm.json", json.dumps({"entities": [told]}))
    folder = manifest(desk, subManifests=[{"definition": "below/below.manifest.cdm.json"}])
    assert desk.rows(desk.one(folder)) == [(1,)]
    with pytest.raises(FixData, match="in a circle"):
        desk.read(manifest(desk, subManifests=[{"definition": "default.manifest.cdm.json"}]))


def test_which_manifest_is_meant_has_to_be_clear(desk):
    desk.file("lake/t.csv", "k\n1\n")
    told = {
        "entityName": "T",
        "entityPath": "no",
        "dataPartitions": [{"location": "t.csv", "exhibitsTraits": [HEADED]}],
    }
    folder = manifest(desk, "one", entities=[told])
    manifest(desk, "two", entities=[])
    with pytest.raises(FixData, match="holds 2 manifests"):
        desk.read(folder)
    assert desk.one(folder / "one.manifest.cdm.json").rows == 1
    manifest(desk, "default", entities=[told])
    assert desk.one(folder).name == "T"


# Published models


@pytest.fixture
def samples() -> Path:
    return Path(REAL or "") / "cdm_samples"


@real_data
def test_the_published_manifest(desk, samples):
    tables = {table.name: table for table in desk.read(samples / "samples" / "1-read-manifest" / "sample-data")}
    assert {name: len(table.columns) for name, table in tables.items()} == {
        "Account": 208,
        "Address": 51,
        "CarePlan": 38,
        "CodeableConcept": 23,
        "Contact": 299,
        "Device": 43,
        "EmrAppointment": 98,
        "Encounter": 52,
        "EpisodeOfCare": 30,
        "Location": 51,
    }
    account, contact = tables["Account"], tables["Contact"]
    assert (account.key, contact.key) == ("accountId", "contactId")
    assert Link("Contact", "contactId", "Account", "primaryContactId") in account.links
    assert account.columns[0].type is ColumnType.TIMESTAMP
    meanings = {column.name: column.meaning for column in contact.columns}
    assert (meanings["EMailAddress1"], meanings["lastName"]) == (Meaning.EMAIL, Meaning.LAST_NAME)


@real_data
@pytest.mark.parametrize("example", ["OrdersProducts", "OrdersProductsCustomersLinked"])
def test_the_published_model_json(desk, samples, example, tmp_path):
    """The examples come without their rows, so some are written to where the model says they are."""
    folder = samples / "docs" / "schema" / "examples" / example
    document = json.loads((folder / "model.json").read_text("utf-8-sig"))
    locals_ = [entity for entity in document["entities"] if entity["$type"] == "LocalEntity"]
    for entity in locals_:
        for part in entity.get("partitions", []):
            cells = ["" for _ in entity["attributes"]]
            desk.file(f"lake/{part['location'].partition('?')[0].rpartition('/')[2]}", ",".join([*cells[1:], "1"]))
    desk.file("lake/model.json", json.dumps(document))
    tables = desk.read(desk.folder / "lake")
    assert [table.name for table in tables] == [entity["name"] for entity in locals_]
    assert [names(table) for table in tables] == [[a["name"] for a in e["attributes"]] for e in locals_]
    if example == "OrdersProducts":
        assert [table.rows for table in tables] == [1, 1]
        with pytest.raises(FixData, match=r"Copy .*Orders\.csv into OrdersProducts"):
            desk.read(folder)


@real_data
def test_every_published_model_is_read_or_refused_with_a_reason(desk, samples):
    models = sorted(samples.rglob("model.json"))
    assert len(models) > 5
    codes = set()
    for model in models:
        try:
            desk.read(model.parent)
        except FixData as error:
            codes.add(error.code)
    assert codes == {"cdm_elsewhere", "cdm_no_file"}
