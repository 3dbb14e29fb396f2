from __future__ import annotations

import csv
import datetime as dt
import errno
import gzip
import io
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.core.errors import FixData, TryAgain
from app.data.ingest import ReadOptions
from app.jobs import Cancelled, JobContext
from tests.data.ingesting import names, types


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", "||", "+|", "::"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiter_and_line_end_are_found(desk, delimiter, end):
    lines = [["Id", "Name", "City"], ["1", "Anna", "Köln"], ["2", "Ben, Jr.", "Ulm"]]
    if delimiter == ",":
        lines[2][1] = '"Ben, Jr."'
    table = desk.csv(end.join(delimiter.join(line) for line in lines) + end)
    assert names(table) == ["Id", "Name", "City"]
    assert desk.rows(table) == [(1, "Anna", "Köln"), (2, "Ben, Jr.", "Ulm")]


def test_old_mac_line_ends(desk):
    assert desk.rows(desk.csv("Id,Name\r1,a\r2,b\r")) == [(1, "a"), (2, "b")]


def test_a_long_last_line_without_an_end_takes_no_time(desk):
    long = "x" * 1_000_000
    began = time.process_time()
    assert desk.rows(desk.csv(f"Id,Text\r\n1,a\n2,{long}")) == [(1, "a"), (2, long)]
    assert time.process_time() - began < 5


def test_mixed_line_ends_are_read_all_the_same(desk):
    assert desk.rows(desk.csv('Id,Name\r\n1,a\n2,"b\rc"\r\n3,d')) == [(1, "a"), (2, "b\rc"), (3, "d")]


def test_quotes_newlines_and_delimiters_within_fields(desk):
    table = desk.csv('Id,Note\n1,"a ""b"", c\nnext line"\n2,5" pipe\n')
    assert desk.rows(table) == [(1, 'a "b", c\nnext line'), (2, '5" pipe')]


def test_single_quotes_are_found(desk):
    assert desk.rows(desk.csv("'Id','Name'\n'1','O''Neil, P.'\n")) == [(1, "O'Neil, P.")]


def test_the_two_marks_of_bulk_copy_files_are_found(desk):
    text = "1+|ken@example.com+|<a>\nb</a>+|2020-01-07 00:00:00&|\n2+|terri@example.com+|+|2019-01-23 00:00:00&|\n"
    table = desk.csv(text.encode("utf-16"))
    assert desk.rows(table) == [
        (1, "ken@example.com", "<a>\nb</a>", dt.datetime.fromisoformat("2020-01-07")),
        (2, "terri@example.com", None, dt.datetime.fromisoformat("2019-01-23")),
    ]
    assert names(table) == ["Column_1", "Column_2", "Column_3", "Column_4"]
    assert any("first row" in note for note in table.notes)


def test_delimiter_and_record_end_can_be_told(desk):
    table = desk.csv("a<>b<END>1<>2<END>3<>4", options=ReadOptions(delimiter="<>", record_end="<END>", header=True))
    assert desk.rows(table) == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Id,Name\n1,a\n2,b\n", True),
        ("1,a\n2,b\n", False),
        ("Name,City\nAnna,Köln\n", True),
        ("AD,Andorra,2019-04-30 00:00:00.000\nAE,Emirates,2019-04-30 00:00:00.000\n", False),
        ("Name,2024,2025\nAnna,5,6\nBen,7,8\n", False),
        ("x@example.com,Anna\ny@example.com,Ben\n", False),
        ("Region,2024,2025,Total\nNorth,5,6,11\n", True),
        ("OnlyAHeader,Here\n", True),
    ],
)
def test_a_header_is_told_from_data(desk, text, header):
    table = desk.csv(text)
    assert (names(table)[0] != "Column_1") == header
    assert table.rows == text.count("\n") - header


def test_header_can_be_told(desk):
    assert desk.csv("a,b\nc,d\n", options=ReadOptions(header=False)).rows == 2
    assert names(desk.csv("1,2\n3,4\n", options=ReadOptions(header=True))) == ["1", "2"]


def test_a_file_with_a_header_only_is_a_table_without_rows(desk):
    table = desk.csv("Id,Name\n")
    assert (table.rows, names(table)) == (0, ["Id", "Name"])


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("a,b\n1,2\n3\n4,5\n", "ragged", "Row 3 has 1 field where the first row has 2."),
        ("a,b\n1,2\n3,4,5\n", "ragged", "Row 3 has 3 fields where the first row has 2."),
        ('a,b\n1,2\n3,"x"y\n4,5\n', "quotes", "Row 3 can't be read: text follows a closing quote \" within a field."),
        ('a,b\n1,2\n3,"x\n4,5\n', "quotes", "Row 3 can't be read: a quote is opened and never closed."),
        ("", "empty_file", "The file is empty."),
        ("\n\n \n", "empty_file", "The file holds only blanks."),
        ("a,b\n1,2\n3,\x00\n", "nul", "Line 3 holds a NUL character, which no text has."),
    ],
)
def test_what_is_wrong_is_refused_with_row_and_reason(desk, text, code, sentence):
    with pytest.raises(FixData) as caught:
        desk.csv(text)
    assert caught.value.code == code
    assert caught.value.why == sentence
    assert caught.value.what == "x.csv was not read."
    assert caught.value.fix


def test_what_is_wrong_in_another_encoding_is_refused_with_the_row(desk):
    for text, sentence in (("Id,Näme\n1,ä\n2\n", "Row 3 has 1 field"), ("Id,Näme\n1,\x00\n", "Line 2 holds a NUL")):
        with pytest.raises(FixData, match=sentence):
            desk.csv(text.encode("utf-16"))
    assert desk.rows(desk.csv('Id,Näme\r\n1,"ä\rö"\n2,ü\r\n'.encode("utf-16"))) == [(1, "ä\rö"), (2, "ü")]


def test_a_bad_row_far_behind_the_sample_is_found(desk):
    lines = ["Id,Name"] + [f"{n},name {n}" for n in range(200_000)]
    lines[150_000] += ",more"
    with pytest.raises(FixData, match=r"Row 150,001 has 3 fields where the first row has 2\."):
        desk.csv("\n".join(lines))


def test_repeated_and_empty_header_names(desk):
    table = desk.csv("Name,name,,Name_2, Name \nx,y,z,u,v\n")
    assert names(table) == ["Name", "name_3", "Column_3", "Name_2", "Name_4"]
    assert len(table.notes) == 3
    assert desk.rows(table) == [("x", "y", "z", "u", "v")]


def test_several_thousand_columns(desk):
    width = 3000
    rows = [",".join(f"c{n}" for n in range(width))] + [
        ",".join(str(n * row) for n in range(width)) for row in range(1, 4)
    ]
    table = desk.csv("\n".join(rows))
    assert len(table.columns) == width
    assert desk.rows(table)[2][2999] == 2999 * 3


def test_nothing_is_lost_by_types(desk):
    columns = {
        "zip": (["01234", "90210"], "VARCHAR"),
        "account": (["007", "8"], "VARCHAR"),
        "plus": (["+15", "16"], "VARCHAR"),
        "phone": (["4915112345678", "4917212345678"], "VARCHAR"),
        "whole": (["-5", "9223372036854775"], "BIGINT"),
        "big": (["92233720368547758070", "1"], "DECIMAL(38,0)"),
        "huge": (["9" * 45, "1"], "VARCHAR"),
        "price": (["1.50", "-0.125"], "DECIMAL(18,3)"),
        "comma": (["1,5", "2,5"], "VARCHAR"),
        "exponent": (["1.5e-7", "2.0"], "DOUBLE"),
        "hexish": (["12e5", "13e5"], "VARCHAR"),
        "flag": (["TRUE", "false"], "BOOLEAN"),
        "consent": (["Yes", "no"], "BOOLEAN"),
        "maybe": (["yes", "unknown"], "VARCHAR"),
        "truthy": (["yes", "true"], "VARCHAR"),
        "day": (["2026-01-31", "2026-02-28"], "DATE"),
        "no_day": (["2026-02-30", "2026-02-28"], "VARCHAR"),
        "german": (["31.01.2026", "1.2.2026"], "DATE"),
        "mixed": (["2026-01-31", "31.01.2026"], "VARCHAR"),
        "day_first": (["31/01/2026", "01/02/2026"], "DATE"),
        "month_first": (["01/31/2026", "02/01/2026"], "DATE"),
        "unclear": (["01/02/2026", "03/04/2026"], "VARCHAR"),
        "moment": (["2026-01-31 10:00:00", "2026-01-31T11:00"], "TIMESTAMP"),
        "zoned": (["2026-01-31T10:00:00+02:00", "2026-01-31T10:00:00Z"], "TIMESTAMP WITH TIME ZONE"),
        "time": (["10:30", "23:59:59"], "TIME"),
        "nanos": (["2026-01-31 10:00:00.123456789", "2026-01-31 10:00:00"], "VARCHAR"),
        "blank": ([" 5", "6"], "VARCHAR"),
        "empty": (["", ""], "VARCHAR"),
        "arabic": (["٣", "٤"], "VARCHAR"),
    }
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*(cells for cells, _ in columns.values()), strict=True))
    table = desk.csv(out.getvalue())
    assert types(table) == {name: native for name, (_, native) in columns.items()}
    row = dict(zip(names(table), desk.rows(table)[0], strict=True))
    assert row["big"] == Decimal(92233720368547758070)
    assert row["german"] == row["day_first"] == row["month_first"] == dt.date(2026, 1, 31)
    assert row["zoned"] == dt.datetime.fromisoformat("2026-01-31T08:00:00Z")
    assert row["zip"] == "01234"
    assert row["consent"] is True
    assert row["empty"] is None


def test_a_late_value_of_another_kind_makes_the_column_text(desk):
    lines = ["a,b,c"] + [f"{n},," for n in range(100_000)] + ["01,5,x"]
    table = desk.csv("\n".join(lines))
    assert types(table) == {"a": "VARCHAR", "b": "BIGINT", "c": "VARCHAR"}
    assert desk.rows(table)[-1] == ("01", 5, "x")


def test_compressed_files(desk):
    assert desk.rows(desk.csv(gzip.compress("Id,Näme\n1,ä\n".encode()), "x.csv.gz")) == [(1, "ä")]
    assert desk.rows(desk.csv(gzip.compress("Id,Näme\n1,ä\n".encode("utf-16")), "y.csv.gz")) == [(1, "ä")]


def test_a_cut_off_gzip_is_refused(desk):
    packed = gzip.compress(b"Id,Name\n" + b"1,abcdefgh\n" * 100_000)
    with pytest.raises(FixData) as caught:
        desk.csv(packed[: len(packed) // 2], "x.csv.gz")
    assert caught.value.code == "gzip"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1250", "cp1251", "cp932"],
)
def test_encodings_are_found(desk, encoding):
    texts = {
        "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy. Łódź, Kraków, Gdańsk, żółć, Růžena Šťastná",
        "cp1251": "Съешь ещё этих мягких французских булок, да выпей чаю. Москва, Санкт-Петербург, Иван Петров",
        "cp932": "東京都港区見本町三丁目の佐藤さくらさんは毎日散歩をします。株式会社サンプル",
    }
    text = texts.get(encoding, "Jürgen Müller aus Köln wohnt in der Größten Straße, François à Besançon, Señor Muñoz")
    table = desk.csv("".join(["Id;Text\n", *(f"{n};{text}\n" for n in range(1, 30))]).encode(encoding))
    assert desk.rows(table)[4] == (5, text)
    assert names(table) == ["Id", "Text"], "no byte order mark is left in the first name"


def test_an_umlaut_far_behind_the_first_megabyte_is_no_surprise(desk):
    lines = ["Id,Name"] + [f"{n},plain ascii name number {n}" for n in range(60_000)] + ["1,Jürgen Groß"]
    assert desk.rows(desk.csv("\n".join(lines).encode("cp1252")))[-1] == (1, "Jürgen Groß")


def test_an_encoding_can_be_told_and_must_fit(desk):
    assert desk.rows(desk.csv("Id,Name\n1,é\n".encode("cp850"), options=ReadOptions(encoding="cp850"))) == [(1, "é")]
    with pytest.raises(FixData) as caught:
        desk.csv("Id,Name\n1,a\n2,é\n".encode("cp1252"), options=ReadOptions(encoding="utf-8"))
    assert caught.value.code == "encoding"
    assert "line 3" in caught.value.why
    with pytest.raises(FixData):
        desk.csv("a,b\n1,2\n", options=ReadOptions(encoding="no-such"))


def test_parts_of_a_folder_are_one_table(desk):
    desk.file("Kunden/kunden_1.csv", "Id,Name\n1,a\n")
    desk.file("Kunden/kunden_2.csv", "Id;Name\n2;ä\n".encode("cp1252"))
    desk.file("Kunden/kunden_3.csv.gz", gzip.compress(b"Id,Name\n3,c\n"))
    desk.file("Kunden/_SUCCESS", "")
    table = desk.one(desk.folder / "Kunden")
    assert table.name == "Kunden"
    assert sorted(desk.rows(table)) == [(1, "a"), (2, "ä"), (3, "c")]


def test_a_part_with_other_columns_is_refused_by_name(desk):
    desk.file("Kunden/kunden_1.csv", "Id,Name\n1,a\n")
    desk.file("Kunden/kunden_2.csv", "Id,City\n2,b\n")
    with pytest.raises(FixData, match=r"kunden_2\.csv was not read"):
        desk.read(desk.folder / "Kunden")


def test_a_folder_of_different_files_is_several_tables(desk):
    desk.file("drop/Customer.csv", "Id,Name\n1,a\n")
    desk.file("drop/Orders.csv", "Id,Total\n1,5\n2,6\n")
    assert {t.name: t.rows for t in desk.read(desk.folder / "drop")} == {"Customer": 1, "Orders": 2}


def test_several_files_with_a_name_are_one_table(desk):
    paths = [desk.file("a.csv", "Id\n1\n"), desk.file("b.csv", "Id\n2\n")]
    table = desk.one(*paths, name="Both")
    assert (table.name, table.rows) == ("Both", 2)


def test_names_of_tables_are_safe(desk):
    expected = {"con.csv": "con_", "a.b.csv": "a_b", "-.csv": "Table", "x" * 150 + ".csv": "x" * 100}
    for name, safe in expected.items():
        assert desk.csv("a,b\n1,2\n", name).name == safe
    tables = desk.read(desk.file("1/T.csv", "a,b\n1,2\n"), desk.file("2/t.csv", "a,b\n1,2\n"), taken=["T_2"])
    assert [t.name for t in tables] == ["T", "t_3"]


@pytest.mark.parametrize("name", ["x.pdf", "x", "x.xls"])
def test_unknown_kinds_of_files_are_refused(desk, name):
    with pytest.raises(FixData) as caught:
        desk.csv("a,b\n", name)
    assert caught.value.code == "unknown_format"


def test_progress_is_in_bytes_and_ends_at_the_total(desk):
    seen = []
    file = desk.file("x.csv", "Id,Name\n" + "1,abc\n" * 50_000)
    desk.read(file, ctx=JobContext(listener=seen.append, interval=0))
    assert all(p.unit == "bytes" and p.total == file.stat().st_size for p in seen)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].total


def test_a_full_drive_is_said_so(desk, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.data.readers.delimited.transcoded", full)
    with pytest.raises(TryAgain) as caught:
        desk.csv("Id;Name\n1;ä\n".encode("utf-16"))
    assert caught.value.code == "disk_full"


def test_a_file_that_may_not_be_read_is_said_so(desk, monkeypatch):
    file = desk.file("x.csv", "a,b\n1,2\n")

    def forbidden(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(FixData, match=r"x\.csv was not read\. Permission denied\."):
        desk.read(file)


def test_a_cancel_stops_the_reading(desk):
    ctx = JobContext(interval=0)
    ctx.listener = lambda progress: ctx.token.cancel()
    with pytest.raises(Cancelled):
        desk.read(desk.file("x.csv", "Id,Name\n" + "1,abc\n" * 300_000), ctx=ctx)


# What csv.writer and any text file can hold: no NUL, no lone surrogates.
cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.integers(1, 5).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6)
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|", "^"]),
    quote=st.sampled_from(['"', "'"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_written_by_the_csv_module_comes_back(desk, data, delimiter, quote, quoting, end):
    # Python's writer leaves a return unquoted when lines end in line feeds, which nobody can read back.
    assume(quoting == csv.QUOTE_ALL or end == "\r\n" or not any("\r" in cell for row in data for cell in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=end)
    header = [f"t{n}" for n in range(len(data[0]))]
    # The letter keeps columns text: types are tested elsewhere.
    marked = [["§" + cell for cell in row] for row in data]
    writer.writerows([header, *marked])
    options = ReadOptions(delimiter=delimiter, quote=quote, header=True, encoding="utf-8")
    desk.folder.joinpath("x.csv").unlink(missing_ok=True)
    assert desk.rows(desk.csv(out.getvalue(), options=options)) == [tuple(row) for row in marked]


words = st.text(st.sampled_from("abcdeäß ,;|'\"\n"), min_size=1, max_size=10).map(lambda text: "x" + text)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(words, min_size=width, max_size=width), min_size=3, max_size=8)
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_nothing_needs_to_be_told_for_ordinary_files(desk, data, delimiter, encoding):
    out = io.StringIO(newline="")
    header = [f"name{n}" for n in range(len(data[0]))]
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *data])
    assert desk.rows(desk.csv(out.getvalue().encode(encoding))) == [tuple(row) for row in data]
