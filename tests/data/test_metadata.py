"""What a data-out export says of its files is true of them: a manifest is read back, and rows are as their JSON Schema says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator

from app.core.cdm_manifest import entity_document, manifest
from app.core.file_formats import Dates, FileType, Format, extension
from app.core.model_json import ModelTable, Partition
from app.core.row_schemas import row_schema
from app.core.tables import Catalog, Link, Meaning
from app.data.table_files import TableRows, write
from app.jobs import JobContext
from tests.data.ingesting import Desk, names
from tests.data.rows import WHEN, add_table
from tests.data.test_ingest_cdm import FORMATS, OURS


def written(desk: Desk, folder: Path, form: Format, **tables: ModelTable) -> dict[str, ModelTable]:
    """The tables with their files, which lie below the folder."""
    result = {}
    for name, told in tables.items():
        (folder / name).mkdir(parents=True)
        source = TableRows(desk.engine, told.table, tuple(told.fields))
        parts = []
        for number, file in enumerate(write(desk.engine, source, form, folder / name, JobContext())):
            arrived = file.path.rename(folder / name / f"{number}{extension(form)}")
            parts.append(Partition(str(number), f"{name}/{arrived.name}", WHEN))
        result[name] = replace(told, partitions=parts)
    return result


def ours(desk: Desk) -> tuple[dict[str, ModelTable], Catalog]:
    meanings = {"Mail": Meaning.EMAIL}
    customer = add_table(desk.engine, "Customer", OURS, key="Id", meanings=meanings)
    orders = add_table(desk.engine, "Orders", pa.table({"OrderId": ["O-1"], "Buyer": [1]}), key="OrderId")
    catalog = Catalog((customer, orders), (Link("Customer", "Id", "Orders", "Buyer"),))
    tables = {each.name: ModelTable(each, [c.name for c in each.columns], []) for each in (customer, orders)}
    return tables, catalog


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.type}-{form.compression}-{form.encoding}")
def test_a_manifest_comes_back_as_it_was(desk: Desk, form: Format) -> None:
    form = replace(form, rows_per_file=2)
    tables, catalog = ours(desk)
    folder = desk.folder / "lake"
    tables = written(desk, folder, form, **tables)
    desk.file("lake/default.manifest.cdm.json", json.dumps(manifest("Lake", tables, catalog, form, WHEN)))
    for name, told in tables.items():
        desk.file(f"lake/{name}.cdm.json", json.dumps(entity_document(name, told)))

    back, back_orders = desk.read(folder)
    customer = tables["Customer"].table
    assert [(c.name, c.type, c.meaning) for c in back.columns] == [
        (c.name, c.type, c.meaning) for c in customer.columns
    ]
    assert (back.key, back_orders.key, back.links, back.notes) == ("Id", "OrderId", catalog.links, ())
    rows = [dict(zip(names(back), row, strict=True)) for row in desk.rows(back)]
    for row in rows:
        row["Tags"] = json.loads(row["Tags"]) if isinstance(row["Tags"], str) else row["Tags"]
    assert rows == OURS.to_pylist()


@pytest.mark.parametrize("dates", [Dates.ISO, Dates.DOTTED])
def test_rows_are_as_their_schema_says(desk: Desk, dates: Dates) -> None:
    form = Format(FileType.JSON_LINES, dates=dates)
    tables, catalog = ours(desk)
    folder = desk.folder / "lake"
    for name, told in written(desk, folder, form, **tables).items():
        schema = row_schema(told, catalog, form)
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        lines = "".join(file.read_text("utf-8") for file in sorted((folder / name).iterdir())).splitlines()
        assert len(lines) == told.table.rows
        for line in lines:
            assert [error.message for error in validator.iter_errors(json.loads(line))] == []
    assert schema["x-sendoff-key"] == "OrderId"
    assert schema["properties"]["Buyer"]["x-sendoff-references"] == "Customer.Id"
    assert list(validator.iter_errors({"OrderId": None, "Buyer": 1})), "a key is never null"
    assert list(validator.iter_errors({"OrderId": "O-2", "Buyer": "1"}))
    assert list(validator.iter_errors({"OrderId": "O-2", "Buyer": 1, "More": 1}))
