from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.exports import Layout
from app.core.file_formats import Compression, FileType, Format
from app.core.file_rules import FileRules

STRICT = FileRules(
    types=(FileType.CSV,),
    compressions=(Compression.NONE, Compression.GZIP),
    delimiters=",\t",
    header=True,
    one_file=True,
    plain_names=True,
    columns="[A-Z]+",
    columns_message="capital letters only.",
)
FORMAT, LAYOUT = Format(rows_per_file=None), Layout(plain_names=True)


def test_what_fits_breaks_nothing():
    assert STRICT.broken("There", FORMAT, LAYOUT, ["EMAIL"]) == []
    assert FileRules().broken("There", Format(FileType.PARQUET, header=False), Layout(), ["any name"]) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"type": FileType.PARQUET}, "There reads CSV, not Parquet."),
        ({"delimiter": ";"}, "There takes “,” or a tab between the values."),
        ({"compression": Compression.ZIP}, "There reads no compression or gzip, not zip."),
        ({"header": False}, "There needs the names of the columns in the first line."),
        (
            {"rows_per_file": 5},
            "There takes each segment or table in one file: leave rows and size per file empty, and no partition.",
        ),
    ],
)
def test_formats_that_do_not_fit(changes, sentence):
    assert STRICT.broken("There", replace(FORMAT, **changes), LAYOUT, ["EMAIL"]) == [sentence]


def test_names_that_do_not_fit():
    (sentence,) = STRICT.broken("There", FORMAT, Layout(), ["EMAIL"])
    assert "plain letters" in sentence
    assert STRICT.broken("There", FORMAT, LAYOUT, ["EMAIL", "mail", "x"]) == [
        "The column “mail” can't have this name: capital letters only."
    ]
