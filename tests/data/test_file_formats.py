"""Every kind of file, read back by others: each value is the one that was in the table."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.json
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from app.core.errors import FixData
from app.core.file_formats import (
    COMPRESSIONS,
    DATE_SAMPLES,
    ENCODINGS,
    Compression,
    Dates,
    FileType,
    Folders,
    Format,
    Grain,
    LineEnds,
    PartitionBy,
    Quotes,
    Unencodable,
)
from app.core.partitions import NO_VALUE
from app.data.engines.duckdb import DuckDBEngine
from app.data.first_lines import first_rows
from app.data.table_files import TableRows, WrittenFile, write
from app.jobs import JobContext
from tests.data.rows import add_table

_numbers = count()
PATTERNS = {
    Dates.ISO: ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"),
    Dates.SPACED: ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"),
    Dates.COMPACT: ("%Y%m%d", "%Y%m%d%H%M%S"),
    Dates.DOTTED: ("%d.%m.%Y", "%d.%m.%Y %H:%M:%S"),
    Dates.DAY_FIRST: ("%d/%m/%Y", "%d/%m/%Y %H:%M:%S"),
    Dates.MONTH_FIRST: ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S"),
}
SCHEMA = pa.schema(
    {
        "Id": pa.int64(),
        "Text": pa.string(),
        "Number": pa.int64(),
        "Price": pa.decimal128(38, 10),
        "Whole": pa.decimal128(38, 0),
        "Part": pa.decimal128(38, 38),
        "Share": pa.float64(),
        "Yes": pa.bool_(),
        "Day": pa.date32(),
        "Clock": pa.time64("us"),
        "At": pa.timestamp("us"),
        "Moment": pa.timestamp("us", "UTC"),
        "Photo": pa.binary(),
        "Tags": pa.list_(pa.struct({"n": pa.int64(), "s": pa.string()})),
    }
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8) | st.sampled_from(
    [
        '"',
        ",",
        ";",
        "\t|",
        "\n",
        "\r\n",
        "\r",
        '","',
        " ",
        "",
        "NULL",
        "nan",
        "😀 \U0001f468\u200d\U0001f469",
        "_x0041_",
        "a\x01b",
        "<&>",
    ]
)
moments = st.datetimes(datetime(1600, 1, 1), datetime(9999, 12, 31))  # noqa: DTZ001 - what a clock on the wall shows
digits = st.integers(1 - 10**38, 10**38 - 1)
rows_strategy = st.lists(
    st.fixed_dictionaries(
        {
            "Text": st.none() | texts,
            "Number": st.none() | st.integers(-(2**63), 2**63 - 1),
            "Price": st.none() | st.decimals(-(10**27), 10**27, allow_nan=False, allow_infinity=False, places=10),
            "Whole": st.none() | digits.map(Decimal),
            "Part": st.none() | digits.map(lambda number: Decimal(f"{number}E-38")),
            "Share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "Yes": st.none() | st.booleans(),
            "Day": st.none() | st.dates(date(1600, 1, 1)),
            "Clock": st.none() | st.times(),
            "At": st.none() | moments,
            "Moment": st.none() | moments.map(lambda at: at.replace(tzinfo=UTC)),
            "Photo": st.none() | st.binary(max_size=6),
            "Tags": st.none()
            | st.lists(
                st.fixed_dictionaries({"n": st.none() | st.integers(-9, 9), "s": st.none() | texts}), max_size=2
            ),
        }
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path_factory.mktemp("formats") / "w", threads=1)
    yield engine
    engine.close()


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{"Id": number, **row} for number, row in enumerate(rows)], schema=SCHEMA)


def files(engine: DuckDBEngine, rows: pa.Table, wanted: Format, **named: Any) -> list[WrittenFile]:
    number = next(_numbers)
    table = add_table(engine, f"T{number}", rows, key="Id")
    folder = engine.folder / "out" / str(number)
    folder.mkdir(parents=True)
    return list(
        write(engine, TableRows(engine, table, tuple(rows.column_names)), wanted, folder, JobContext(), **named)
    )


def one(engine: DuckDBEngine, rows: pa.Table, wanted: Format) -> Path:
    [file] = files(engine, rows, wanted)
    return file.path


def unpacked(path: Path, compression: Compression) -> bytes:
    data = path.read_bytes()
    if compression is Compression.GZIP:
        return gzip.decompress(data)
    if compression is Compression.ZSTD:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if compression is Compression.ZIP:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            [name] = archive.namelist()
            return archive.read(name)
    return data


def moment(written: str, pattern: str) -> datetime:
    whole, _, part = written.removesuffix("Z").partition(".") if "%d." not in pattern else _after_year(written)
    return datetime.strptime(whole, pattern) + timedelta(microseconds=int(part.ljust(6, "0")) if part else 0)  # noqa: DTZ007 - as above


def _after_year(written: str) -> tuple[str, str, str]:
    return written[:19], written[19:20], written[20:]


def decoders(dates: Dates) -> dict[str, Callable[[str], Any]]:
    day, at = PATTERNS[dates]
    return {
        "Id": int,
        "Text": str,
        "Number": int,
        "Price": Decimal,
        "Whole": Decimal,
        "Part": Decimal,
        "Share": float,
        "Yes": {"true": True, "false": False}.__getitem__,
        "Day": lambda text: datetime.strptime(text, day).date(),  # noqa: DTZ007 - a day has no zone
        "Clock": time.fromisoformat,
        "At": lambda text: moment(text, at),
        "Moment": lambda text: moment(text, at).replace(tzinfo=UTC),
        "Photo": base64.b64decode,
        "Tags": json.loads,
    }


def decoded(found: list[dict[str, str | None]], dates: Dates) -> list[dict[str, Any]]:
    of = decoders(dates)
    return [{name: None if text is None else of[name](text) for name, text in row.items()} for row in found]


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """What a reader that takes nothing for an empty text can tell."""
    return {name: None if value in ("", b"") else value for name, value in row.items()}


formats = st.builds(
    Format,
    compression=st.sampled_from(COMPRESSIONS[FileType.CSV]),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from([each for each in ENCODINGS if each.startswith("utf")]),
    quotes=st.sampled_from(Quotes),
    line_ends=st.sampled_from(LineEnds),
    dates=st.sampled_from(Dates),
)
many = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to make a failing table smaller takes minutes
)


@many
@given(rows=rows_strategy, form=formats)
def test_csv_by_pythons_reader(engine: DuckDBEngine, rows: list[dict[str, Any]], form: Format) -> None:
    given_ = table_of(rows)
    text = unpacked(one(engine, given_, form), form.compression).decode(ENCODINGS[form.encoding][0])
    end = "\r\n" if form.line_ends is LineEnds.CRLF else "\n"
    assert text.endswith(end)
    found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=form.delimiter))
    read = decoded([{name: value or None for name, value in row.items()} for row in found], form.dates)
    assert read == [without_nulls(row) for row in given_.to_pylist()]


@many
@given(rows=rows_strategy, form=formats, encoding=st.sampled_from(["utf-8", "utf-8-sig"]))
def test_csv_by_arrow_polars_and_pandas(
    engine: DuckDBEngine, rows: list[dict[str, Any]], form: Format, encoding: str
) -> None:
    form = Format(
        compression=form.compression, delimiter=form.delimiter, encoding=encoding, quotes=form.quotes, dates=form.dates
    )
    given_ = table_of(rows)
    data = unpacked(one(engine, given_, form), form.compression)
    by_arrow = pa.csv.read_csv(
        pa.BufferReader(data),
        parse_options=pa.csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(SCHEMA.names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    assert decoded(by_arrow.to_pylist(), form.dates) == given_.to_pylist()  # nothing and an empty text are told apart
    by_polars = pl.read_csv(data, separator=form.delimiter, infer_schema=False)
    assert decoded(by_polars.to_dicts(), form.dates) == given_.to_pylist()
    by_pandas = pd.read_csv(io.BytesIO(data), sep=form.delimiter, dtype=str, keep_default_na=False, encoding=encoding)
    plain = [{name: value or None for name, value in row.items()} for row in by_pandas.to_dict("records")]
    assert decoded(plain, form.dates) == [without_nulls(row) for row in given_.to_pylist()]


@many
@given(rows=rows_strategy, compression=st.sampled_from(COMPRESSIONS[FileType.JSON_LINES]), dates=st.sampled_from(Dates))
def test_json_lines(engine: DuckDBEngine, rows: list[dict[str, Any]], compression: Compression, dates: Dates) -> None:
    given_ = table_of(rows)
    data = unpacked(
        one(engine, given_, Format(FileType.JSON_LINES, compression, encoding="utf-16", dates=dates)), compression
    )
    of = {name: read for name, read in decoders(dates).items() if name in {"Day", "Clock", "At", "Moment", "Photo"}}
    found = [json.loads(line, parse_float=Decimal) for line in data.decode("utf-8").split("\n")[:-1]]
    read = [
        {name: of[name](value) if name in of and value is not None else value for name, value in row.items()}
        for row in found
    ]
    for row in read:
        row["Share"] = None if row["Share"] is None else float(row["Share"])
    assert read == given_.to_pylist()
    if rows:
        assert pl.read_ndjson(data, infer_schema_length=None)["Text"].to_list() == given_["Text"].to_pylist()
        assert pa.json.read_json(pa.BufferReader(data))["Text"].to_pylist() == given_["Text"].to_pylist()


@many
@given(
    rows=rows_strategy,
    compression=st.sampled_from(COMPRESSIONS[FileType.PARQUET]),
    group=st.sampled_from([1, 4, 122_880]),
)
def test_parquet(engine: DuckDBEngine, rows: list[dict[str, Any]], compression: Compression, group: int) -> None:
    given_ = table_of(rows)
    path = one(engine, given_, Format(FileType.PARQUET, compression, row_group=group))
    read = pq.read_table(path)
    assert read.to_pylist() == given_.to_pylist()
    kinds = [
        str(read.schema.field(name).type).replace("Etc/UTC", "UTC").replace("element", "item") for name in SCHEMA.names
    ]
    assert kinds == [str(field.type) for field in SCHEMA]
    assert pl.read_parquet(path).to_dicts() == pl.from_arrow(given_).to_dicts()
    assert pd.read_parquet(path, dtype_backend="pyarrow").shape == (len(rows), len(SCHEMA))
    about = pq.ParquetFile(path).metadata
    assert [about.row_group(i).num_rows for i in range(about.num_row_groups)] == [
        min(group, len(rows) - begin) for begin in range(0, len(rows), group)
    ]


def as_excel(row: dict[str, Any]) -> dict[str, Any]:
    """What a cell can hold of each value; the rest is text."""
    shown = dict(row)
    for name in ("Number", "Price", "Whole", "Part"):
        value = row[name]
        if value is not None and len(f"{abs(Decimal(value)):f}".replace(".", "").lstrip("0")) > 15:
            shown[name] = f"{Decimal(value):f}"
    day, at, zoned = row["Day"], row["At"], row["Moment"]
    if day is not None:
        shown["Day"] = datetime.combine(day, time()) if day >= date(1900, 3, 1) else day.isoformat()
    for name, value in (("At", at), ("Moment", zoned)):
        if value is not None:
            naive = value.replace(tzinfo=None)
            if naive >= datetime(1900, 3, 1) and naive.microsecond % 1000 == 0:  # noqa: DTZ001 - as above
                shown[name] = naive
            else:
                text = naive.isoformat()
                shown[name] = (text.rstrip("0") if "." in text else text) + ("Z" if name == "Moment" else "")
    shown["Clock"] = None if row["Clock"] is None else row["Clock"].isoformat()
    if row["Clock"] is not None and row["Clock"].microsecond:
        shown["Clock"] = shown["Clock"].rstrip("0")
    shown["Photo"] = None if row["Photo"] is None else base64.b64encode(row["Photo"]).decode()
    return shown


@many
@given(rows=rows_strategy)
def test_excel(engine: DuckDBEngine, rows: list[dict[str, Any]]) -> None:
    given_ = table_of(rows)
    path = one(engine, given_, Format(FileType.EXCEL, encoding="windows-1252"))
    book = openpyxl.load_workbook(path)  # its read-only mode takes an empty text for an empty cell
    head, *found = list(book.active.iter_rows(values_only=True))
    assert list(head) == SCHEMA.names
    for cells, row in zip(found, given_.to_pylist(), strict=True):
        cells = [unescape(cell) if isinstance(cell, str) else cell for cell in cells]
        cells = dict(zip(SCHEMA.names, [*cells, *[None] * (len(SCHEMA) - len(cells))], strict=True))
        expected = as_excel(row)
        tags = cells.pop("Tags")
        assert (None if tags is None else json.loads(tags)) == expected.pop("Tags")
        for name, value in expected.items():
            cell = cells[name]
            if isinstance(value, Decimal | float) and cell is not None:
                assert float(cell) == float(value), name
            else:
                assert cell == value, name


def test_excel_is_what_pandas_reads_too(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": [1, 2], "Name <&>": ["a", None], "Day": [date(2026, 3, 12), None]})
    found = pd.read_excel(one(engine, rows, Format(FileType.EXCEL)))
    assert list(found.columns) == ["Id", "Name <&>", "Day"]
    assert found["Day"][0] == pd.Timestamp("2026-03-12")
    assert found["Name <&>"][0] == "a"


def test_a_text_that_no_cell_holds_stops_the_run(engine: DuckDBEngine) -> None:
    fits = pa.table({"Id": [1], "T": ["x" * 32_767]})
    assert openpyxl.load_workbook(one(engine, fits, Format(FileType.EXCEL))).active["B2"].value == "x" * 32_767
    with pytest.raises(FixData, match="32,768 signs"):
        files(engine, pa.table({"Id": [1], "T": ["x" * 32_768]}), Format(FileType.EXCEL))


@pytest.mark.parametrize("dates", list(Dates))
def test_the_samples_of_dates_are_what_is_written(engine: DuckDBEngine, dates: Dates) -> None:
    at = datetime(2026, 3, 12, 6, tzinfo=UTC)
    rows = pa.table({"Id": [1], "Day": [at.date()], "At": pa.array([at], pa.timestamp("us", "UTC"))})
    assert one(engine, rows, Format(dates=dates, header=False)).read_text().strip().split(",")[1:] == list(
        DATE_SAMPLES[dates]
    )


def test_parts_of_a_second_stay_in_every_form(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": [1], "At": pa.array([1_500_000_000_123_456_789], pa.timestamp("ns"))})
    found = {one(engine, rows, Format(dates=dates, header=False)).read_text().strip()[2:] for dates in Dates}
    assert all(text.endswith(".123456789") for text in found)
    assert len(found) == len(Dates)


def test_windows_1252_replaces_or_refuses(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": [1, 2], "T": ["Zoë €", "Łódź 😀"]})
    with pytest.raises(FixData, match=r"“Ł” \(U\+0141\), which windows-1252"):
        files(engine, rows, Format(encoding="windows-1252"))
    replaced = one(engine, rows, Format(encoding="windows-1252", unencodable=Unencodable.REPLACE))
    assert replaced.read_bytes().decode("cp1252").splitlines()[1:] == ["1,Zoë €", "2,?ódź ?".replace("ź", "?")]


def test_marks_at_the_beginning(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": [1]})
    begins = {name: one(engine, rows, Format(encoding=name)).read_bytes()[:3] for name in ENCODINGS}
    assert begins == {
        "utf-8": b"Id\n",
        "utf-8-sig": b"\xef\xbb\xbf",
        "utf-16": b"\xff\xfeI",
        "utf-16-le": b"I\x00d",
        "windows-1252": b"Id\n",
    }


NUMBERS = pa.table({"Id": range(30_000), "T": [f"{i * 7919 % 10007}-{'x' * (i % 50)}" for i in range(30_000)]})


@pytest.mark.parametrize("kind", list(FileType))
def test_no_file_grows_larger_than_asked(engine: DuckDBEngine, kind: FileType) -> None:
    limit = 150_000
    for compression in COMPRESSIONS[kind]:
        for encoding in ("utf-8", "utf-16") if kind is FileType.CSV else ("utf-8",):
            form = Format(
                kind, compression, encoding=encoding, rows_per_file=None, bytes_per_file=limit, row_group=2_000
            )
            found = files(engine, NUMBERS, form)
            assert len(found) > 1
            assert sum(file.rows for file in found) == 30_000
            slack = 1.05 if kind is FileType.PARQUET else 1
            assert max(file.bytes for file in found) <= limit * slack, (compression, encoding)


def test_room_is_left_for_the_seal_of_an_encrypted_file(engine: DuckDBEngine) -> None:
    found = files(engine, NUMBERS, Format(rows_per_file=None, bytes_per_file=150_000, pgp_key="whoever"))
    assert 140_000 < max(file.bytes for file in found) <= 150_000 - 4_096


def test_a_row_that_is_larger_alone_has_its_own_file(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": [1, 2, 3], "T": ["a", "x" * 5_000, "b"]})
    found = files(engine, rows, Format(bytes_per_file=1_000, header=False))
    assert [file.rows for file in found] == [1, 1, 1]


def test_a_zip_holds_the_file_under_its_own_name(engine: DuckDBEngine) -> None:
    wanted = Format(compression=Compression.ZIP, rows_per_file=1)
    found = files(engine, pa.table({"Id": [1, 2]}), wanted, inside=lambda number, _folders: f"Orders_{number}.csv")
    assert [zipfile.ZipFile(file.path).namelist() for file in found] == [["Orders_1.csv"], ["Orders_2.csv"]]
    assert pd.read_csv(found[1].path, compression="zip")["Id"].to_list() == [2]


COUNTRIES = pa.table(
    {
        "Id": range(8),
        "Country": ["DE", "AT", None, "DE", "a/b", "AT", "", "de"],
        "At": [datetime(2025 + i % 2, 1 + i % 3, 1) if i != 2 else None for i in range(8)],  # noqa: DTZ001 - as above
    }
)


@pytest.mark.parametrize("kind", [FileType.CSV, FileType.PARQUET, FileType.JSON_LINES, FileType.EXCEL])
def test_rows_of_one_value_lie_in_one_folder(engine: DuckDBEngine, kind: FileType) -> None:
    found = files(engine, COUNTRIES, Format(kind, partition=PartitionBy("Country"), rows_per_file=1))
    assert [(file.folders, file.rows) for file in found] == [
        (("AT",), 1),
        (("AT",), 1),
        (("DE",), 1),
        (("DE",), 1),
        (("a%2Fb",), 1),
        (("de",), 1),
        ((NO_VALUE,), 1),
        ((NO_VALUE,), 1),
    ]


def test_hive_folders_are_read_by_others(engine: DuckDBEngine, tmp_path: Path) -> None:
    by = PartitionBy("At", Grain.MONTH, Folders.HIVE)
    for number, file in enumerate(files(engine, COUNTRIES, Format(FileType.PARQUET, partition=by))):
        place = tmp_path.joinpath("t", *file.folders)
        place.mkdir(parents=True, exist_ok=True)
        file.path.rename(place / f"{number}.parquet")
    folders = sorted(
        str(path.parent.relative_to(tmp_path / "t")).replace("\\", "/") for path in tmp_path.rglob("*.parquet")
    )
    assert "year=2025/month=01" in folders
    assert f"year={NO_VALUE}/month={NO_VALUE}" in folders
    found = pa.dataset.dataset(tmp_path / "t", partitioning="hive").to_table().sort_by("Id")
    assert found.select(COUNTRIES.column_names).to_pylist() == COUNTRIES.to_pylist()
    assert found["year"].to_pylist() == [None if at is None else at.year for at in COUNTRIES["At"].to_pylist()]
    by_polars = pl.read_parquet(tmp_path / "t" / "**" / "*.parquet", hive_partitioning=True, try_parse_hive_dates=False)
    assert by_polars.sort("Id")["Id"].to_list() == list(range(8))


def test_a_value_as_folder_is_in_the_rows_too(engine: DuckDBEngine, tmp_path: Path) -> None:
    by = PartitionBy("Country", folders=Folders.HIVE)
    for number, file in enumerate(files(engine, COUNTRIES, Format(FileType.PARQUET, partition=by))):
        place = tmp_path.joinpath("t", *file.folders)
        place.mkdir(parents=True, exist_ok=True)
        file.path.rename(place / f"{number}.parquet")
    found = pa.dataset.dataset(tmp_path / "t", partitioning="hive").to_table().sort_by("Id")
    assert [value or None for value in found["Country"].to_pylist()] == [
        "DE",
        "AT",
        None,
        "DE",
        "a/b",
        "AT",
        None,
        "de",
    ]


def test_a_table_without_the_field_stays_whole_and_too_many_folders_stop(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    [file] = files(engine, pa.table({"Id": [1, 2]}), Format(partition=PartitionBy("Country")))
    assert (file.folders, file.rows) == ((), 2)
    monkeypatch.setattr("app.data.formats.feed.MOST_FOLDERS", 1)
    with pytest.raises(FixData, match="more than 1 different values"):
        files(engine, pa.table({"Id": [1, 2]}), Format(partition=PartitionBy("Id")))


def test_the_order_stays_within_a_folder(engine: DuckDBEngine) -> None:
    number = 50_000
    rows = pa.table({"Id": range(number), "C": [str(i % 3) for i in range(number)]})
    for file in files(engine, rows, Format(partition=PartitionBy("C"), header=False, rows_per_file=None)):
        ids = [int(line.split(",")[0]) for line in file.path.read_text().splitlines()]
        assert ids == list(range(int(file.folders[0]), number, 3))


def test_first_lines_follow_the_format(engine: DuckDBEngine) -> None:
    table = add_table(engine, f"T{next(_numbers)}", COUNTRIES, key="Id")
    source = TableRows(engine, table, ("Id", "Country", "At"))
    form = Format(
        delimiter="|", encoding="utf-16", quotes=Quotes.TEXTS, dates=Dates.DOTTED, line_ends=LineEnds.CRLF,
        compression=Compression.ZIP, partition=PartitionBy("Country"), bytes_per_file=1_000,
    )  # fmt: skip
    shown = first_rows(engine, source, form, 2, JobContext())
    assert shown.lines == ('"Id"|"Country"|"At"', '0|"DE"|01.01.2025 00:00:00', '3|"DE"|01.01.2026 00:00:00')
    assert shown.folders == ("DE",)
    assert shown.values[0] == ("0", "DE", "01.01.2025 00:00:00")
    excel = first_rows(engine, source, Format(FileType.EXCEL, delimiter="|"), 1, JobContext())
    assert excel.lines[0] == "Id,Country,At"


def test_numbers_that_are_none_stay_what_they_are(engine: DuckDBEngine) -> None:
    rows = pa.table({"Id": [1, 2], "N": [math.inf, math.nan]})
    sheet = openpyxl.load_workbook(one(engine, rows, Format(FileType.EXCEL))).active
    assert [sheet["B2"].value, sheet["B3"].value] == ["inf", "nan"]


def test_fractions_and_what_is_no_number_are_json_that_every_reader_takes(engine: DuckDBEngine) -> None:
    tiny, most = Decimal("-0.00000000000000000000000000000000000001"), Decimal("0." + "9" * 38)
    tricky = 'NaN:.5,"Infinity\\'
    rows = pa.table(
        {
            "Id": [1, 2, 3],
            "P": pa.array([tiny, most, None], pa.decimal128(38, 38)),
            "Q": pa.array([Decimal("-0.50"), Decimal("0.05"), None], pa.decimal128(2, 2)),
            "S": [tricky, ".5", None],
            "N": pa.array(
                [
                    {"f": [math.nan, -math.inf, 0.5], "d": Decimal("0.25"), tricky: tricky},
                    {"f": [math.inf], "d": Decimal("-0.25"), tricky: "[.5,"},
                    None,
                ],
                pa.struct({"f": pa.list_(pa.float64()), "d": pa.decimal128(2, 2), tricky: pa.string()}),
            ),
        }
    )
    lines = one(engine, rows, Format(FileType.JSON_LINES)).read_text("utf-8").splitlines()

    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    first, second, third = (json.loads(line, parse_float=Decimal, parse_constant=refused) for line in lines)
    assert (first["P"], second["P"], third["P"]) == (tiny, most, None)
    assert (first["Q"], second["Q"], third["Q"]) == (Decimal("-0.50"), Decimal("0.05"), None)
    assert (first["S"], second["S"], third["S"]) == (tricky, ".5", None)
    assert first["N"] == {"f": [None, None, Decimal("0.5")], "d": Decimal("0.25"), tricky: tricky}
    assert (second["N"], third["N"]) == ({"f": [None], "d": Decimal("-0.25"), tricky: "[.5,"}, None)

    text = one(engine, rows, Format(header=False)).read_text("utf-8")
    a, b, c = csv.reader(io.StringIO(text, newline=""))
    assert (a[1:3], b[1:3], c[1:3]) == (["-0." + "0" * 37 + "1", "-0.50"], ["0." + "9" * 38, "0.05"], ["", ""])
    assert json.loads(a[4], parse_constant=refused)["f"] == [None, None, 0.5]
    cells = list(openpyxl.load_workbook(one(engine, rows, Format(FileType.EXCEL))).active.iter_rows(values_only=True))
    assert [row[2] for row in cells[1:]] == [-0.5, 0.05, None]
