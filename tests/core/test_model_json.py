"""`modeljsonschema.json` is Microsoft's (github.com/microsoft/CDM, docs/schema), under CC BY 4.0, unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from app.core.file_formats import Dates, FileType, Format, Quotes
from app.core.model_json import ModelTable, Partition, model_json
from app.core.row_deltas import Rows
from app.core.tables import Catalog, Column, ColumnType, Link, Meaning
from tests.store.samples import table

NOW = datetime(2026, 3, 12, 6, 0, 7, 99, tzinfo=UTC)
VALIDATOR = Draft7Validator(json.loads((Path(__file__).parent / "modeljsonschema.json").read_text("utf-8-sig")))
CUSTOMER = table(
    columns=tuple(
        Column(kind.value, kind, Meaning.EMAIL if kind is ColumnType.TEXT else Meaning.NONE) for kind in ColumnType
    ),
    key="integer",
)
ORDERS = table("Orders", columns=(Column("Id", ColumnType.INTEGER), Column("Buyer", ColumnType.INTEGER)), key="Id")
LINK = Link("Customer", "integer", "Orders", "Buyer")
CATALOG = Catalog((CUSTOMER, ORDERS), (LINK,))
PARTS = [Partition("Customer_1", "https://lake.example/c/Customer/1.csv", NOW)]


def _document(customer_fields=None, form=None):
    fields = customer_fields or [column.name for column in CUSTOMER.columns]
    tables = [ModelTable(CUSTOMER, fields, PARTS), ModelTable(ORDERS, ["Id", "Buyer"], [])]
    return model_json("Customer 360", tables, CATALOG, form or Format(), NOW)


@pytest.mark.parametrize("form", [Format(), Format(quotes=Quotes.ALL, delimiter="\t"), Format(FileType.PARQUET)])
def test_it_is_what_the_official_schema_asks_for(form):
    document = json.loads(json.dumps(_document(form=form)))
    assert list(VALIDATOR.iter_errors(document)) == []


def test_the_schema_can_refuse():
    document = _document()
    document["entities"][0]["attributes"][0]["dataType"] = "text"
    assert list(VALIDATOR.iter_errors(document))


def test_tables_types_keys_links_and_files():
    document = _document()
    customer, orders = document["entities"]
    types = {attribute["name"]: attribute["dataType"] for attribute in customer["attributes"]}
    assert types == {
        "text": "string",
        "integer": "int64",
        "decimal": "decimal",
        "number": "double",
        "boolean": "boolean",
        "date": "date",
        "time": "time",
        "timestamp": "dateTimeOffset",
        "binary": "string",
        "nested": "json",
    }
    assert customer["attributes"][0]["annotations"] == [
        {"name": "sendoff:source", "value": "Customer.text"},
        {"name": "sendoff:meaning", "value": "email"},
    ]
    assert customer["annotations"] == [{"name": "sendoff:primaryKey", "value": "integer"}]
    assert orders["partitions"] == []
    [part] = customer["partitions"]
    assert part["location"] == PARTS[0].location
    assert part["fileFormatSettings"]["csvStyle"] == "CsvStyle.QuoteAfterDelimiter"
    [link] = document["relationships"]
    assert link["fromAttribute"] == {"entityName": "Orders", "attributeName": "Buyer"}
    assert link["toAttribute"] == {"entityName": "Customer", "attributeName": "integer"}
    assert document["modifiedTime"] == "2026-03-12T06:00:07Z"


def test_files_of_changed_rows_say_which():
    told = replace(PARTS[0], which=Rows.ADDED)
    document = model_json("Lake", [ModelTable(CUSTOMER, ["text"], [told, PARTS[0]])], CATALOG, Format(), NOW)
    assert list(VALIDATOR.iter_errors(json.loads(json.dumps(document)))) == []
    added, whole = document["entities"][0]["partitions"]
    assert added["annotations"] == [{"name": "sendoff:rows", "value": "added"}]
    assert "annotations" not in whole


def test_what_is_not_written_is_not_named():
    document = _document(["text", "gone"])
    assert [attribute["name"] for attribute in document["entities"][0]["attributes"]] == ["text"]
    assert "annotations" not in document["entities"][0]
    assert document["relationships"] == []


def test_files_that_are_not_csv_say_nothing_of_csv():
    [part] = _document(form=replace(Format(), type=FileType.PARQUET))["entities"][0]["partitions"]
    assert "fileFormatSettings" not in part


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16LE"), ("windows-1252", "windows-1252")],
)
def test_it_says_how_csv_is_written(encoding, said):
    form = Format(encoding=encoding, delimiter="|", header=False)
    [part] = _document(form=form)["entities"][0]["partitions"]
    told = part["fileFormatSettings"]
    assert (told["encoding"], told["delimiter"], told["columnHeaders"]) == (said, "|", False)


def test_it_says_how_dates_are_spelled_where_that_is_not_iso():
    def formats(form):
        attributes = _document(form=form)["entities"][0]["attributes"]
        return {
            attribute["name"]: note["value"]
            for attribute in attributes
            for note in attribute.get("annotations", [])
            if note["name"] == "sendoff:format"
        }

    german = formats(Format(dates=Dates.DOTTED))
    assert german == {"date": "dd.MM.yyyy", "timestamp": "dd.MM.yyyy HH:mm:ss"}
    assert formats(Format(FileType.JSON_LINES, dates=Dates.DOTTED)) == german
    assert formats(Format()) == formats(Format(FileType.PARQUET, dates=Dates.DOTTED)) == {}
    assert list(VALIDATOR.iter_errors(json.loads(json.dumps(_document(form=Format(dates=Dates.COMPACT)))))) == []
