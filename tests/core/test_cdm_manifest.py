"""The manifest and its entities, and whether Microsoft's own object model reads them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.core.cdm_manifest import entity_document, manifest
from app.core.file_formats import Compression, Dates, FileType, Format, Quotes
from app.core.model_json import ModelTable, Partition, model_json
from app.core.tables import Catalog, Column, ColumnType, Link, Meaning
from tests.store.samples import table

NOW = datetime(2026, 3, 12, 6, 0, 7, 99, tzinfo=UTC)
CUSTOMER = table(
    "Customer",
    columns=(
        *(Column(kind.value, kind) for kind in ColumnType),
        Column("Mail", ColumnType.TEXT, Meaning.EMAIL),
        Column("Job", ColumnType.TEXT, Meaning.JOB_TITLE),
        Column("OptIn", ColumnType.TEXT, Meaning.CONSENT, means=(("j", "yes"), ("n", "no"))),
        Column("Moment", ColumnType.TIMESTAMP, native_type="TIMESTAMP WITH TIME ZONE"),
    ),
    key="integer",
)
ORDERS = table("Orders 2025", columns=(Column("Id", ColumnType.INTEGER), Column("Buyer", ColumnType.INTEGER)), key="Id")
LINK = Link("Customer", "integer", "Orders 2025", "Buyer")
CATALOG = Catalog((CUSTOMER, ORDERS), (LINK,))
TABLES = {
    "Customer": ModelTable(
        CUSTOMER, [c.name for c in CUSTOMER.columns], [Partition("Customer_1", "Customer/2026/Customer_1.csv", NOW)]
    ),
    "Orders 2025": ModelTable(ORDERS, ["Id", "Buyer"], [Partition("o", "Orders 2025/o.csv", NOW)]),
}


def arguments(trait: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in trait["arguments"]}


def test_entities_files_and_relationships() -> None:
    document = manifest("Lake", TABLES, CATALOG, Format(delimiter=";", quotes=Quotes.ALL), NOW)
    customer, orders = document["entities"]
    assert customer["entityPath"] == "Customer.cdm.json/Customer"
    assert orders["entityPath"] == "Orders 2025.cdm.json/Orders 2025"
    [part] = customer["dataPartitions"]
    assert part["location"] == "Customer/2026/Customer_1.csv"
    [csv] = part["exhibitsTraits"]
    assert csv["traitReference"] == "is.partition.format.CSV"
    assert arguments(csv) == {
        "columnHeaders": "true",
        "csvStyle": "CsvStyle.QuoteAlways",
        "delimiter": ";",
        "quoteStyle": "QuoteStyle.Csv",
        "encoding": "UTF-8",
    }
    [link] = document["relationships"]
    assert (link["fromEntity"], link["fromEntityAttribute"]) == ("Orders 2025.cdm.json/Orders 2025", "Buyer")
    assert (link["toEntity"], link["toEntityAttribute"]) == ("Customer.cdm.json/Customer", "integer")


@pytest.mark.parametrize(
    ("form", "traits"),
    [
        (Format(FileType.PARQUET, Compression.ZSTD), ["is.partition.format.parquet"]),
        (Format(FileType.JSON_LINES), ["is.partition.format.JSON"]),
        (Format(FileType.EXCEL), []),
        (Format(compression=Compression.ZIP), ["is.partition.format.CSV", "is.partition.compressed"]),
        (Format(compression=Compression.GZIP), ["is.partition.format.CSV", "is.partition.compressed"]),
    ],
)
def test_how_files_are_written(form: Format, traits: list[str]) -> None:
    [part] = manifest("Lake", TABLES, CATALOG, form, NOW)["entities"][0]["dataPartitions"]
    assert [trait["traitReference"] for trait in part["exhibitsTraits"]] == traits


def test_types_key_meanings_and_mapping() -> None:
    [*own, entity] = entity_document("Customer", TABLES["Customer"])["definitions"]
    names = [trait["traitName"] for trait in own]
    assert names == ["sendoff.source", "sendoff.meaning", "sendoff.values", "sendoff.format"]
    assert entity["exhibitsTraits"][0]["arguments"] == ["Customer/hasAttributes/integer"]
    attributes = {each["name"]: each for each in entity["hasAttributes"]}
    assert attributes["integer"]["isPrimaryKey"] is True
    assert arguments(attributes["Mail"]["appliedTraits"][0]) == {"value": "Customer.Mail"}
    assert attributes["Mail"]["appliedTraits"][1] == "means.identity.service.email"
    assert arguments(attributes["Job"]["appliedTraits"][1]) == {"value": "job_title"}
    assert json.loads(arguments(attributes["OptIn"]["appliedTraits"][2])["value"]) == {"j": "yes", "n": "no"}
    assert (attributes["timestamp"]["dataType"], attributes["Moment"]["dataType"]) == ("dateTime", "dateTimeOffset")
    assert set(attributes) == {column.name for column in CUSTOMER.columns}


def test_encoding_and_dates_are_told_as_they_are() -> None:
    form = Format(encoding="utf-16-le", dates=Dates.MONTH_FIRST)
    [part] = manifest("Lake", TABLES, CATALOG, form, NOW)["entities"][0]["dataPartitions"]
    assert arguments(part["exhibitsTraits"][0])["encoding"] == "UTF-16LE"
    entity = entity_document("Customer", TABLES["Customer"], form)["definitions"][-1]
    told = {
        each["name"]: arguments(trait)["value"]
        for each in entity["hasAttributes"]
        for trait in each["appliedTraits"]
        if isinstance(trait, dict) and trait["traitReference"] == "sendoff.format"
    }
    assert told["date"] == "MM/dd/yyyy"
    assert told["timestamp"] == "MM/dd/yyyy HH:mm:ss"


def test_what_is_not_written_is_not_named() -> None:
    some = {"Customer": replace(TABLES["Customer"], fields=["text", "gone"]), "Orders 2025": TABLES["Orders 2025"]}
    assert manifest("Lake", some, CATALOG, Format(), NOW)["relationships"] == []
    entity = entity_document("Customer", some["Customer"])["definitions"][-1]
    assert [each["name"] for each in entity["hasAttributes"]] == ["text"]
    assert "exhibitsTraits" not in entity


@pytest.fixture(scope="module")
def reader() -> str:
    python = os.environ.get("SENDOFF_CDM_PYTHON")
    if not python:
        pytest.skip("SENDOFF_CDM_PYTHON names no Python with Microsoft's object model")
    return python


def read(reader: str, folder: Path, document: str) -> dict[str, Any]:
    script = Path(__file__).with_name("cdm_reader.py")
    done = subprocess.run([reader, str(script), str(folder), document], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_microsofts_object_model_reads_the_manifest(reader: str, tmp_path: Path) -> None:
    document = manifest("Lake", TABLES, CATALOG, Format(compression=Compression.GZIP), NOW)
    (tmp_path / "default.manifest.cdm.json").write_text(json.dumps(document))
    for name, written in TABLES.items():
        (tmp_path / f"{name}.cdm.json").write_text(json.dumps(entity_document(name, written)))
    found = read(reader, tmp_path, "default.manifest.cdm.json")
    assert found["told"] == []
    customer = found["entities"]["Customer"]
    assert customer["key"] == "integer"
    assert customer["attributes"] == {
        "text": "STRING",
        "integer": "INT64",
        "decimal": "DECIMAL",
        "number": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "time": "TIME",
        "timestamp": "DATE_TIME",
        "binary": "BINARY",
        "nested": "JSON",
        "Mail": "STRING",
        "Job": "STRING",
        "OptIn": "STRING",
        "Moment": "DATE_TIME_OFFSET",
    }
    assert "means.identity.service.email" in customer["traits"]["Mail"]
    assert customer["files"] == ["local:/Customer/2026/Customer_1.csv"]
    assert found["entities"]["Orders 2025"]["key"] == "Id"
    assert found["relationships"] == [
        ["Orders 2025.cdm.json/Orders 2025", "Buyer", "Customer.cdm.json/Customer", "integer"]
    ]


def test_microsofts_object_model_reads_model_json(reader: str, tmp_path: Path) -> None:
    tables = [
        replace(
            each,
            partitions=[
                replace(p, location=f"https://lake.dfs.core.windows.net/c/{p.location}") for p in each.partitions
            ],
        )
        for each in TABLES.values()
    ]
    document = model_json("Lake", tables, CATALOG, Format(), NOW)
    (tmp_path / "model.json").write_text(json.dumps(document))
    found = read(reader, tmp_path, "model.json")
    assert found["told"] == []
    assert set(found["entities"]["Customer"]["attributes"]) == {column.name for column in CUSTOMER.columns}
    assert found["entities"]["Customer"]["files"] == ["lake:/Customer/2026/Customer_1.csv"]
    assert len(found["relationships"]) == 1
