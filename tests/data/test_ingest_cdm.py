"""Folders with a `model.json` as sources, and what our own exports wrote."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.core.errors import FixData
from app.core.file_formats import Compression, FileType, Format, Quotes, extension
from app.core.model_json import ModelTable, Partition, model_json
from app.core.tables import Catalog, ColumnType, Link, Meaning
from app.data.table_files import TableRows, write
from app.jobs import JobContext
from tests.data.ingesting import Desk, names
from tests.data.rows import WHEN, add_table

CSV = {"$type": "CsvFormatSettings", "columnHeaders": True, "delimiter": ","}


def attributes(**types: str) -> list[dict[str, object]]:
    return [{"name": name, "dataType": kind} for name, kind in types.items()]


def entity(name: str, columns: list[dict[str, object]], *locations: str, told: object = CSV, **more: object) -> dict:
    parts = [{"name": f"p{n}", "location": place, "fileFormatSettings": told} for n, place in enumerate(locations)]
    return {"$type": "LocalEntity", "name": name, "attributes": columns, "partitions": parts} | more


def lake(desk: Desk, *entities: dict, **more: object) -> Path:
    """The folder with a `model.json` of the entities; files are written by the test."""
    document = {"name": "Lake", "version": "1.0", "entities": list(entities)} | more
    return desk.file("lake/model.json", json.dumps(document)).parent


def one_column(desk: Desk, kind: str, *cells: str, **more: object) -> tuple[ColumnType, list[object], tuple[str, ...]]:
    """Type, values and notes of a column that is declared to be of the kind."""
    desk.file("lake/t.csv", "n,x\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(cells)))
    table = desk.one(lake(desk, entity("T", attributes(n="int64", x=kind), "t.csv"), **more))
    return table.columns[1].type, [row[1] for row in desk.rows(table)], table.notes


# model.json


def test_entities_become_tables_of_the_declared_types(desk):
    desk.file(
        "lake/Customer/1.csv", 'Id,Name,Born,Spent,At,Gone\n007,"",1990-05-01,12.50,2026-01-31T10:00:00+02:00,true\n'
    )
    desk.file("lake/Orders.csv", "1;7\n2;7\n")
    types = {"Born": "date", "Spent": "decimal", "At": "dateTimeOffset", "Gone": "boolean"}
    customer = entity("Customer", attributes(Id="string", Name="string", **types), "Customer/1.csv")
    orders = entity("Orders", attributes(Id="int64", Buyer="string"), "Orders.csv", told={"delimiter": ";"})
    first, second = desk.read(lake(desk, customer, orders))
    moment = dt.datetime.fromisoformat("2026-01-31T08:00:00")
    assert desk.rows(first) == [("007", "", dt.date(1990, 5, 1), Decimal("12.50"), moment, True)]
    assert desk.rows(second) == [(1, "7"), (2, "7")]
    assert (second.name, names(second), second.within, second.source) == (
        "Orders",
        ["Id", "Buyer"],
        "Orders",
        str(desk.folder / "lake"),
    )
    assert second.paths == (desk.folder / "lake",), "the folder is what is read again"


def test_one_entity_is_read_again_by_its_name_and_the_document_may_be_named_itself(desk):
    desk.file("lake/a.csv", "x\n1\n")
    desk.file("lake/b.csv", "x\n2\n")
    folder = lake(desk, entity("A", attributes(x="int64"), "a.csv"), entity("B", attributes(x="int64"), "b.csv"))
    assert desk.rows(desk.one(folder, within="B")) == [(2,)]
    assert [table.name for table in desk.read(folder / "model.json", taken=["a"])] == ["A_2", "B"]


@pytest.mark.parametrize(
    "location",
    [
        "https://lake.dfs.core.windows.net/data/Sales%20EU/1.csv?snapshot=2026-01-01T00:00:00Z",
        "abfss://data@lake.dfs.core.windows.net/lake/Sales EU/1.csv",
        "adls:/Sales EU/1.csv",
        "local:/Sales EU/1.csv",
        "file:///C:/exports/lake/Sales%20EU/1.csv",
        "C:\\exports\\lake\\Sales EU\\1.csv",
        "/mnt/elsewhere/lake/Sales EU/1.csv",
        "./Sales EU/1.csv",
    ],
)
def test_a_file_is_found_by_the_end_of_its_address(desk, location):
    desk.file("lake/Sales EU/1.csv", "x\n5\n")
    desk.file("lake/1.csv", "x\n6\n")
    assert desk.rows(desk.one(lake(desk, entity("T", attributes(x="int64"), location)))) == [(5,)]


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("../secret.csv", "cdm_outside"),
        ("a/../../secret.csv", "cdm_outside"),
        ("SECRET", "cdm_outside"),
        ("link.csv", "cdm_outside"),
        ("gone.csv", "cdm_no_file"),
        ("sub", "cdm_no_file"),
        ("https://lake.example/other/9.csv?sv=1&sig=s3cr3t", "cdm_elsewhere"),
        ("a\x00b", "cdm_place"),
        ("/", "cdm_place"),
    ],
)
def test_what_lies_elsewhere_is_refused_with_what_to_do(desk, location, code):
    secret = desk.file("secret.csv", "x\n1\n")
    (desk.folder / "lake" / "sub").mkdir(parents=True)
    (desk.folder / "lake" / "link.csv").symlink_to(secret)
    folder = lake(desk, entity("T", attributes(x="int64"), location.replace("SECRET", str(secret))))
    with pytest.raises(FixData) as caught:
        desk.read(folder)
    assert caught.value.code == code
    assert "s3cr3t" not in str(caught.value), "a shared access signature is a secret"


def test_entities_of_other_models_are_left_out_and_named(desk):
    desk.file("lake/a.csv", "x\n1\n")
    away = {"$type": "ReferenceEntity", "name": "Orders", "source": "Orders", "modelId": "m"}
    table = desk.one(lake(desk, away, entity("A", attributes(x="int64"), "a.csv")))
    assert table.notes == ("Left out, because other models keep them: Orders.",)
    with pytest.raises(FixData, match="kept in other models: Orders"):
        desk.read(lake(desk, away))


def test_files_have_a_header_only_where_the_model_says_so(desk):
    desk.file("lake/t.csv", "1,2\n3,4\n")
    desk.file("lake/h.csv", "b,a\n2,1\n")
    types = attributes(a="int64", b="int64")
    bare = desk.one(lake(desk, entity("T", types, "t.csv", told={"columnHeaders": False})))
    assert desk.rows(bare) == [(1, 2), (3, 4)]
    default = desk.one(lake(desk, entity("T", types, "t.csv", told={"delimiter": ","})))
    assert desk.rows(default) == [(1, 2), (3, 4)], "without a word there is none, as the schema's default is"
    headed = desk.one(lake(desk, entity("T", types, "h.csv")))
    assert names(headed) == ["b", "a"], "a header tells the order"
    assert desk.rows(headed) == [(2, 1)]
    desk.file("lake/t.csv", "A,B\n1,2\n")
    assert desk.rows(desk.one(lake(desk, entity("T", types, "t.csv", told=None)))) == [(1, 2)], "no settings: looked at"


def test_partitions_may_be_written_differently_and_compressed(desk):
    desk.file("lake/1.csv", "a,b\n1,x\n")
    desk.file("lake/2.csv.gz", gzip.compress(b"2|y\n"))
    desk.file("lake/4.csv", "4;ä\n".encode("utf-16"))
    with pa.output_stream(desk.file("lake/3.csv.zst", b""), compression="zstd") as packed:
        packed.write(b"a,b\n3,z\n")
    desk.file("lake/5.csv", b"")
    table = entity("T", attributes(a="int64", b="string"), "1.csv", "2.csv.gz", "3.csv.zst", "4.csv", "5.csv")
    table["partitions"][1]["fileFormatSettings"] = {"columnHeaders": False, "delimiter": "|"}
    table["partitions"][3]["fileFormatSettings"] = {"columnHeaders": "false", "delimiter": ";", "encoding": "UTF-16"}
    assert sorted(desk.rows(desk.one(lake(desk, table)))) == [(1, "x"), (2, "y"), (3, "z"), (4, "ä")]


def test_damaged_zstandard_is_refused(desk):
    desk.file("lake/t.csv.zst", b"(\xb5/\xfd no more")
    with pytest.raises(FixData, match="damaged or cut off"):
        desk.read(lake(desk, entity("T", attributes(a="int64"), "t.csv.zst")))


def test_parquet_and_json_lines_keep_their_columns_and_take_the_declared_types(desk):
    (desk.folder / "lake").mkdir()
    pq.write_table(pa.table({"id": [1, 2], "big": ["1", "2"], "odd": ["1", "x"]}), desk.folder / "lake" / "t.parquet")
    types = attributes(id="int64", big="int64", odd="int64")
    table = desk.one(lake(desk, entity("T", types, "t.parquet")))
    assert desk.rows(table) == [(1, 1, "1"), (2, 2, "x")]
    assert table.notes == ("Column odd is declared as integer, but not every value is one; it was kept as it is.",)
    desk.file("lake/t.jsonl.gz", gzip.compress(b'{"id": 1, "big": "5"}\n'))
    assert desk.rows(desk.one(lake(desk, entity("T", types[:2], "t.jsonl.gz")))) == [(1, 5)]
    with pytest.raises(FixData, match="several formats"):
        desk.read(lake(desk, entity("T", types, "t.jsonl.gz", "t.parquet")))


def test_empty_entities_have_their_columns_and_no_rows(desk):
    desk.file("lake/t.csv", "")
    types = attributes(a="int64", b="date", c="json", d="decimal")
    table = desk.one(lake(desk, entity("T", types, "t.csv")))
    assert (table.rows, [c.type.value for c in table.columns]) == (0, ["integer", "date", "nested", "decimal"])
    assert table.notes == ("Its files are empty.",)
    assert desk.one(lake(desk, entity("T", types))).notes == ("The model names no file for it, so it has no rows.",)
    desk.file("lake/t.csv", "a,b,c,d\n")
    assert desk.one(lake(desk, entity("T", types, "t.csv"))).rows == 0


def test_an_entity_that_says_nothing_is_left_out(desk):
    desk.file("lake/a.csv", "x\n1\n")
    table = desk.one(lake(desk, entity("Nothing", []), entity("A", attributes(x="int64"), "a.csv")))
    assert table.notes == ("Nothing was left out: the model names neither its columns nor its files.",)
    with pytest.raises(FixData, match="neither its columns nor its files"):
        desk.read(lake(desk, entity("Nothing", [])))


# Types


@pytest.mark.parametrize(
    ("kind", "cells", "type_", "values"),
    [
        ("int64", ["007", "+5", ""], ColumnType.INTEGER, [7, 5, None]),
        ("int64", ["1", "2.5"], ColumnType.TEXT, ["1", "2.5"]),
        ("int64", ["99999999999999999999"], ColumnType.TEXT, ["99999999999999999999"]),
        ("decimal", ["1.50", "-22", ".5"], ColumnType.DECIMAL, [Decimal("1.50"), Decimal(-22), Decimal("0.50")]),
        ("decimal", ["1" * 39], ColumnType.TEXT, ["1" * 39]),
        ("decimal", ["1e5"], ColumnType.TEXT, ["1e5"]),
        ("double", ["1e5", "0.1"], ColumnType.NUMBER, [1e5, 0.1]),
        ("boolean", ["True", "false", "1"], ColumnType.BOOLEAN, [True, False, True]),
        ("boolean", ["True", "maybe"], ColumnType.TEXT, ["True", "maybe"]),
        ("time", ["09:30:00", "9:30 PM"], ColumnType.TEXT, ["09:30:00", "9:30 PM"]),
        ("time", ["9:30 AM", "9:30 PM"], ColumnType.TIME, [dt.time(9, 30), dt.time(21, 30)]),
        ("guid", ["0007"], ColumnType.TEXT, ["0007"]),
        ("unclassified", ["1", "2"], ColumnType.INTEGER, [1, 2]),
        ("unclassified", ["1", "x"], ColumnType.TEXT, ["1", "x"]),
    ],
)
def test_a_declared_type_is_taken_where_every_value_fits(desk, kind, cells, type_, values):
    found, got, notes = one_column(desk, kind, *cells)
    assert (found, got) == (type_, values)
    assert len(notes) == (type_ is ColumnType.TEXT and kind not in {"guid", "unclassified"})


def test_one_value_behind_many_that_fit_keeps_the_column_text(desk):
    assert one_column(desk, "date", *["2026-01-01"] * 2500, "1.2.2026")[0] is ColumnType.TEXT
    assert one_column(desk, "date", *[""] * 2500, "1.2.2026")[1][-1] == dt.date(2026, 2, 1)
    assert one_column(desk, "decimal", *["1.5"] * 2500, "x")[0] is ColumnType.TEXT


@pytest.mark.parametrize(
    ("culture", "cell", "day"),
    [
        ("en-US", "3/4/2026", dt.date(2026, 3, 4)),
        ("en-GB", "3/4/2026", dt.date(2026, 4, 3)),
        ("de-DE", "3.4.2026", dt.date(2026, 4, 3)),
        ("", "2026-04-03", dt.date(2026, 4, 3)),
        ("", "2026-04-03T00:00:00", dt.date(2026, 4, 3)),
        ("en-US", "4/3/2026 12:00:00 AM", dt.date(2026, 4, 3)),
        ("", "3/4/2026", "3/4/2026"),
        ("en-US", "13/4/2026", "13/4/2026"),
        ("", "2026-04-03T10:00:00", "2026-04-03T10:00:00"),
        ("", "2026-02-30", "2026-02-30"),
    ],
)
def test_days_are_read_by_the_culture_and_stay_text_where_nobody_can_know(desk, culture, cell, day):
    assert one_column(desk, "date", cell, culture=culture)[1] == [day]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00"),
        ("2026-01-31 10:00:00Z", "2026-01-31T10:00:00"),
        ("2026-01-31T10:00:00.250", "2026-01-31T10:00:00.250"),
        ("1/31/2026 1:05:09 PM", "2026-01-31T13:05:09"),
        ("1/31/2026", "2026-01-31T00:00:00"),
    ],
)
def test_moments_are_kept_in_utc(desk, cell, moment):
    found = one_column(desk, "dateTime", cell, culture="en-US")
    assert found[:2] == (ColumnType.TIMESTAMP, [dt.datetime.fromisoformat(moment)])


# Keys, links and meanings


@pytest.mark.parametrize(
    "marked",
    [
        {"annotations": [{"name": "sendoff:primaryKey", "value": "id"}]},
        {"annotations": [{"name": "c360:PrimaryKey", "value": "Id"}]},
        {"cdm:traits": [{"traitReference": "is.identifiedBy", "arguments": [{"value": "T/hasAttributes/Id"}]}]},
        {"attributes": [{"name": "Id", "dataType": "int64", "isPrimaryKey": True}, {"name": "x"}]},
        {"attributes": [{"name": "Id", "annotations": [{"name": "PrimaryKey", "value": "true"}]}, {"name": "x"}]},
    ],
)
def test_the_key_is_the_declared_one(desk, marked):
    desk.file("lake/t.csv", "Id,x\n1,1\n")
    assert desk.one(lake(desk, entity("T", attributes(Id="int64", x="int64"), "t.csv") | marked)).key == "Id"


def test_a_key_of_several_columns_or_of_an_unknown_one_is_none(desk):
    desk.file("lake/t.csv", "Id,x\n1,1\n")
    types = attributes(Id="int64", x="int64")
    both = [column | {"isPrimaryKey": True} for column in types]
    unknown = [{"name": "primaryKey", "value": "gone"}]
    assert desk.one(lake(desk, entity("T", both, "t.csv"))).key is None
    assert desk.one(lake(desk, entity("T", types, "t.csv", annotations=unknown))).key is None


def test_relationships_become_links(desk):
    desk.file("lake/t.csv", "Id\n1\n")
    relationship = {
        "$type": "SingleKeyRelationship",
        "fromAttribute": {"entityName": "Orders", "attributeName": "Buyer"},
        "toAttribute": {"entityName": "Customer", "attributeName": "Id"},
    }
    folder = lake(
        desk, entity("Customer", attributes(Id="int64"), "t.csv"), relationships=[relationship, {"$type": "x"}]
    )
    assert desk.one(folder).links == (Link("Customer", "Id", "Orders", "Buyer"),)


def test_meanings_come_from_traits_data_types_and_our_own_notes(desk):
    desk.file("lake/t.csv", "1,2,3,4\n")
    columns = [
        {"name": "a", "dataType": "string", "cdm:traits": ["means.identity.service.email"]},
        {"name": "b", "dataType": "phone"},
        {"name": "c", "dataType": "string", "annotations": [{"name": "sendoff:meaning", "value": "consent"}]},
        {"name": "d", "dataType": "string", "annotations": [{"name": "sendoff:meaning", "value": "unheard of"}]},
    ]
    table = desk.one(lake(desk, entity("T", columns, "t.csv", told={"columnHeaders": False})))
    told = [(column.meaning, column.confirmed) for column in table.columns]
    assert told == [(Meaning.EMAIL, True), (Meaning.PHONE, True), (Meaning.CONSENT, True), (Meaning.NONE, False)]


# Documents that are none


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe{",
        b"[" * 100_000,
        b"{}",
        b'{"entities": 5}',
        b'{"entities": [5, {"$type": "LocalEntity"}]}',
        b'{"entities": [{"name": "T", "attributes": [{}]}]}',
        b'{"entities": [{"name": "T", "attributes": [{"name": 5}]}]}',
    ],
)
def test_documents_that_are_none_are_refused_with_their_name(desk, content):
    folder = desk.file("lake/model.json", content).parent
    with pytest.raises(FixData, match=r"model\.json was not read"):
        desk.read(folder)


def test_rows_that_do_not_fit_the_model_are_refused_with_file_and_reason(desk):
    desk.file("lake/t.csv", "a,b\n1,2\n3\n")
    with pytest.raises(FixData, match="Row 3 has 1 field"):
        desk.read(lake(desk, entity("T", attributes(a="int64", b="int64"), "t.csv")))
    with pytest.raises(FixData, match="has 2 columns where the model names 1"):
        desk.read(lake(desk, entity("T", attributes(a="int64"), "t.csv")))


# What we write ourselves

OURS = pa.table(
    {
        "Id": pa.array([1, 2, 3], pa.int64()),
        "Mail": ['a,"b"\n@example.com', "", None],
        "Price": pa.array([Decimal("1.50"), None, Decimal("-2.00")], pa.decimal128(8, 2)),
        "Share": [0.1, 1e300, None],
        "Yes": [True, False, None],
        "Day": pa.array([dt.date(2025, 3, 1), None, None], pa.date32()),
        "Clock": pa.array([dt.time(9, 30), None, None], pa.time64("us")),
        "At": pa.array([dt.datetime.fromisoformat("2025-03-01T12:30:00.000250"), None, None], pa.timestamp("us")),
        "Photo": pa.array([b"\x00\xff,", None, b"x"], pa.binary()),
        "Tags": [["x", 'y,"z"'], None, []],
    }
)
FORMATS = [
    Format(),
    Format(compression=Compression.GZIP, header=False, delimiter=";"),
    Format(compression=Compression.ZSTD, quotes=Quotes.ALL, delimiter="\t"),
    Format(encoding="utf-16"),
    Format(FileType.JSON_LINES, Compression.ZSTD),
    Format(FileType.PARQUET, Compression.SNAPPY),
]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.type}-{form.compression}-{form.encoding}")
def test_what_a_data_out_export_wrote_comes_back_as_it_was(desk, form):
    form = replace(form, rows_per_file=2)
    customer = add_table(desk.engine, "Customer", OURS, key="Id", meanings={"Mail": Meaning.EMAIL})
    orders = add_table(desk.engine, "Orders", pa.table({"OrderId": ["O-1"], "Buyer": [1]}), key="OrderId")
    link = Link("Customer", "Id", "Orders", "Buyer")
    folder = desk.folder / "lake"
    written = []
    for table in (customer, orders):
        (folder / table.name).mkdir(parents=True)
        fields = tuple(column.name for column in table.columns)
        parts = []
        source = TableRows(desk.engine, table, fields)
        for number, file in enumerate(write(desk.engine, source, form, folder / table.name, JobContext())):
            arrived = file.path.rename(folder / table.name / f"{number}{extension(form)}")
            parts.append(Partition(str(number), f"https://lake.example/c/{table.name}/{arrived.name}", WHEN))
        written.append(ModelTable(table, fields, parts))
    document = model_json("Lake", written, Catalog((customer, orders), (link,)), form, WHEN)
    desk.file("lake/model.json", json.dumps(document))

    back, back_orders = desk.read(folder)
    assert [(c.name, c.type, c.meaning) for c in back.columns] == [
        (c.name, c.type, c.meaning) for c in customer.columns
    ]
    assert (back.key, back_orders.key, back.links, back.notes) == ("Id", "OrderId", (link,), ())
    rows = [dict(zip(names(back), row, strict=True)) for row in desk.rows(back)]
    for row in rows:
        row["Tags"] = json.loads(row["Tags"]) if isinstance(row["Tags"], str) else row["Tags"]
    assert rows == OURS.to_pylist()
