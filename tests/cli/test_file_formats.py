"""How files are written, by the document of an export: what it asks for is what lies there."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pysequoia
import pytest

from tests.cli.desk import LAKE, PARTNER, Desk

KEY_OWNER = "Partner <files@partner.example>"


def with_format(document: str, written: str) -> str:
    lines = [line for line in document.strip().splitlines() if not line.startswith("format:")]
    return "\n".join([*lines, f"format: {written}"])


def applied(shop: Desk, document: str, name: str = "export.yaml") -> str:
    """Apply the document; what `show` prints of it then, which applies to the same again."""
    shop.done("exports", "apply", shop.file(name, document))
    export = document.strip().splitlines()[0].removeprefix("name: ")
    shown = shop.done("exports", "show", export).out
    shop.done("exports", "apply", shop.file("again.yaml", shown))
    assert shop.done("exports", "show", export).out == shown
    return shown


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)).replace("\\", "/") for path in folder.rglob("*.*") if path.is_file())


def test_every_option_of_csv(shop: Desk) -> None:
    written = (
        '{type: csv, delimiter: "|", compression: zip, encoding: UTF-16, quotes: texts, line_ends: crlf, dates: dotted, '
        "header: false, rows_per_file: null}"
    )
    shown = applied(shop, with_format(LAKE, written))
    for line in ("encoding: utf-16", "line_ends: crlf", "dates: dotted", "quotes: texts", "compression: zip"):
        assert line in shown
    shop.told("exports", "run", "Lake")
    with zipfile.ZipFile(shop.drive / "Lake" / "Customer" / "Customer_1.csv.zip") as archive:
        assert archive.namelist() == ["Customer_1.csv"]
        text = archive.read("Customer_1.csv").decode("utf-16")
    assert text.startswith('"C-00000"|"DE"\r\n')
    assert len(text.split("\r\n")) == 61


def test_parts_by_a_field_in_folders_of_hive(shop: Desk) -> None:
    partition = "{field: Country, folders: hive}"
    applied(shop, with_format(LAKE, f"{{type: parquet, compression: zstd, row_group: 10, partition: {partition}}}"))
    run = shop.told("exports", "run", "Lake")["runs"][0]
    assert (run["status"], run["rows"]) == ("successful", 60)
    found = [name for name in files(shop.drive / "Lake" / "Customer") if name.endswith(".parquet")]
    assert all(name.startswith("Country=") for name in found)
    assert len({Path(name).name for name in found}) == len(found)  # numbers count on over the folders
    assert (
        sum(pq.read_table(shop.drive / "Lake" / "Customer" / name, partitioning=None).num_rows for name in found) == 60
    )


def test_members_as_excel_with_a_largest_size(shop: Desk) -> None:
    applied(shop, with_format(PARTNER, "{type: excel, bytes_per_file: 1000000}"))
    shop.told("exports", "run", "Partner")
    sheet = openpyxl.load_workbook(shop.drive / "Partner" / "Germany_1.xlsx").active
    assert sheet.title == "Germany_1"
    assert [cell.value for cell in sheet[1]] == ["mail", "name"]
    assert sheet.max_row == 16


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{type: excel, rows_per_file: 2000000, header: false}", ""),
        ("{partition: {field: Region}}", "None of the tables has a field “Region”"),
        ("{partition: {field: Country, by: month}}", "which is no date"),
        ("{partition: {field: Email}}", "not among its chosen fields"),
        ("{encoding: klingon}", "encoding can't be “klingon”"),
        ("{pgp_key: hello}", "pgp_key can't be “hello”"),
        ("{pgp_key_file: none.asc}", "can't be read"),
    ],
)
def test_what_can_not_be_is_said(shop: Desk, written: str, words: str) -> None:
    said = shop.do("exports", "apply", shop.file("export.yaml", with_format(LAKE, written)))
    assert said.status == (2 if words else 0)
    assert words in said.err


def test_files_are_encrypted_with_the_key_in_a_file(shop: Desk) -> None:
    owner = pysequoia.Tsk.generate(KEY_OWNER)
    shop.file("partner.asc", str(owner.extract_certificate()))
    shown = applied(shop, with_format(LAKE, "{compression: gzip, rows_per_file: null, pgp_key_file: partner.asc}"))
    assert "BEGIN PGP PUBLIC KEY BLOCK" in shown
    run = shop.told("exports", "run", "Lake")["runs"][0]
    assert (run["status"], run["rows"]) == ("successful", 60)
    folder = shop.drive / "Lake" / "Customer"
    assert files(folder) == ["Customer_1.csv.gz.pgp"]
    pysequoia.decrypt_file(str(folder / "Customer_1.csv.gz.pgp"), str(folder / "back.csv.gz"), owner.decryptor())
    text = gzip.decompress((folder / "back.csv.gz").read_bytes()).decode()
    assert len(list(csv.DictReader(io.StringIO(text)))) == 60


def test_a_key_that_expired_is_refused_before_anything_leaves(shop: Desk) -> None:
    owner = pysequoia.Tsk.generate(KEY_OWNER, validity_seconds=1)  # it counts from a minute ago
    shop.file("partner.asc", str(owner.extract_certificate()))
    said = shop.do("exports", "apply", shop.file("e.yaml", with_format(LAKE, "{pgp_key_file: partner.asc}")))
    assert said.status == 2
    assert "This key has expired." in said.err
