from __future__ import annotations

import csv
import errno
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import FixData
from app.core.file_formats import Compression, FileType, Format, Quotes
from app.core.segments import FieldRef
from app.core.tables import Meaning, TableRole
from app.data.engines.duckdb import DuckDBEngine
from app.data.formats.outputs import HashedFile
from app.data.identity import Identity, MatchedField
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.suppression import ListedValues, SuppressedRows
from app.data.table_files import MemberRows, TableRows, WrittenFile, write
from app.jobs import Cancelled, JobContext
from tests.data.rows import add_list, add_table
from tests.data.test_counting import EMAIL, EVERYBODY, customers, scope_of

ROWS = pa.table(
    {
        "Id": pa.array([2, 1, 3], pa.int64()),
        "Text": ['a,"b"', "", None],
        "Price": pa.array([Decimal("1.50"), None, Decimal("-2.00")], pa.decimal128(8, 2)),
        "Share": [0.1, float("nan"), None],
        "Yes": [True, False, None],
        "Day": pa.array([date(2025, 3, 1), None, None], pa.date32()),
        "At": pa.array([datetime.fromisoformat("2025-03-01T12:30"), None, None], pa.timestamp("us")),
        "Tags": [["x", "y"], None, []],
    }
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path / "w", threads=1)
    yield engine
    engine.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def all_rows(engine: DuckDBEngine, rows: pa.Table = ROWS) -> TableRows:
    table = add_table(engine, "T", rows, key="Id")
    return TableRows(engine, table, tuple(rows.column_names))


def written(engine: DuckDBEngine, source: TableRows | MemberRows, wanted: Format, out: Path) -> list[WrittenFile]:
    files = list(write(engine, source, wanted, out, JobContext()))
    for file in files:
        data = file.path.read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return files


def test_csv_in_full(engine: DuckDBEngine, out: Path) -> None:
    (file,) = written(engine, all_rows(engine), Format(), out)
    assert file.rows == 3
    assert file.path.read_text("utf-8").splitlines() == [
        "Id,Text,Price,Share,Yes,Day,At,Tags",
        '2,"a,""b""",1.50,0.1,true,2025-03-01,2025-03-01T12:30:00,"[""x"",""y""]"',
        '1,"",,nan,false,,,',
        "3,,-2.00,,,,,[]",
    ]


def test_quotes_delimiter_header_and_encoding(engine: DuckDBEngine, out: Path) -> None:
    source = all_rows(engine, pa.table({"Id": [1, 2], "Näme": ["ü;x", None]}))
    wanted = Format(delimiter=";", quotes=Quotes.ALL, encoding="windows-1252")
    (file,) = written(engine, source, wanted, out)
    assert file.path.read_bytes() == '"Id";"Näme"\n"1";"ü;x"\n"2";\n'.encode("cp1252")
    (plain,) = written(engine, source, Format(header=False, encoding="utf-16"), out)
    assert plain.path.read_bytes().decode("utf-16") == "1,ü;x\n2,\n"


def test_a_sign_the_encoding_lacks(engine: DuckDBEngine, out: Path) -> None:
    source = all_rows(engine, pa.table({"Id": [1], "N": ["ł"]}))
    with pytest.raises(FixData, match="ł"):
        list(write(engine, source, Format(encoding="windows-1252"), out, JobContext()))
    with pytest.raises(FixData, match="klingon"):
        list(write(engine, source, Format(encoding="klingon"), out, JobContext()))
    with pytest.raises(FixData, match="Parquet only"):
        list(write(engine, source, Format(compression=Compression.SNAPPY), out, JobContext()))
    assert list(out.iterdir()) == []


def test_json_lines(engine: DuckDBEngine, out: Path) -> None:
    (file,) = written(engine, all_rows(engine), Format(FileType.JSON_LINES), out)
    first, second, _ = (json.loads(line) for line in file.path.read_text("utf-8").splitlines())
    assert first == {
        "Id": 2,
        "Text": 'a,"b"',
        "Price": 1.5,
        "Share": 0.1,
        "Yes": True,
        "Day": "2025-03-01",
        "At": "2025-03-01T12:30:00",
        "Tags": ["x", "y"],
    }
    assert (second["Text"], second["Share"], second["Price"]) == ("", None, None)


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.SNAPPY, Compression.ZSTD, Compression.GZIP])
def test_parquet_keeps_types(engine: DuckDBEngine, out: Path, compression: Compression) -> None:
    wanted = Format(FileType.PARQUET, compression)
    (file,) = written(engine, all_rows(engine), wanted, out)
    found = pq.read_table(file.path)
    assert found.column_names == ROWS.column_names
    assert found["Price"].to_pylist() == ROWS["Price"].to_pylist()
    assert found["Tags"].to_pylist() == ROWS["Tags"].to_pylist()
    used = pq.ParquetFile(file.path).metadata.row_group(0).column(0).compression
    assert used == ("UNCOMPRESSED" if compression is Compression.NONE else compression.value.upper())


@pytest.mark.parametrize("kind", list(FileType))
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_parts_hold_every_row_once(engine: DuckDBEngine, out: Path, kind: FileType, compression: Compression) -> None:
    source = all_rows(engine, pa.table({"Id": range(50_001), "N": [f"n{i}" for i in range(50_001)]}))
    wanted = Format(kind, compression, rows_per_file=20_000)
    files = written(engine, source, wanted, out)
    assert [file.rows for file in files] == [20_000, 20_000, 10_001]
    ids: list[int] = []
    for file in files:
        ids += read_ids(file.path, kind, compression)
    assert ids == list(range(50_001))


def read_ids(path: Path, kind: FileType, compression: Compression) -> list[int]:
    if kind is FileType.PARQUET:
        return pq.read_table(path)["Id"].to_pylist()
    if kind is FileType.EXCEL:
        return pd.read_excel(path)["Id"].to_list()
    data = path.read_bytes()
    if compression is Compression.GZIP:
        data = gzip.decompress(data)
    elif compression is Compression.ZSTD:
        data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    lines = data.decode().splitlines()
    if kind is FileType.CSV:
        return [int(row["Id"]) for row in csv.DictReader(lines)]
    return [json.loads(line)["Id"] for line in lines]


def test_the_same_rows_give_the_same_bytes(engine: DuckDBEngine, out: Path, tmp_path: Path) -> None:
    source = all_rows(engine)
    other = tmp_path / "other"
    other.mkdir()
    wanted = Format(compression=Compression.GZIP)
    assert written(engine, source, wanted, out)[0].sha256 == written(engine, source, wanted, other)[0].sha256


def test_no_rows_give_a_header(engine: DuckDBEngine, out: Path) -> None:
    source = all_rows(engine, pa.table({"Id": pa.array([], pa.int64())}))
    (file,) = written(engine, source, Format(), out)
    assert (file.rows, file.path.read_text("utf-8")) == (0, "Id\n")
    (parquet,) = written(engine, source, Format(FileType.PARQUET), out)
    assert pq.read_table(parquet.path).num_rows == 0


def test_members_as_files(engine: DuckDBEngine, out: Path) -> None:
    rows = customers(
        ("2", "B@x.de", "DE", True), ("1", "a@x.de", None, True), ("3", "b@x.de", "FR", True), ("4", "", "FR", True)
    )
    table = add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER)
    fields = {"E-mail": EMAIL, "Country": MatchedField(FieldRef("Customer", "Country"))}
    spec = MemberSpec(fields, Identity((("E-mail", EMAIL),)))
    source = MemberRows(Members(engine), scope_of(table), EVERYBODY, spec)
    (file,) = written(engine, source, Format(), out)
    assert file.path.read_text("utf-8") == "E-mail,Country\na@x.de,\nb@x.de,DE\n"


def test_cancel_and_a_full_drive_leave_no_half_file(
    engine: DuckDBEngine, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = all_rows(engine, pa.table({"Id": range(60_000)}))
    ctx = JobContext()
    files = write(engine, source, Format(rows_per_file=25_000), out, ctx)
    next(files)
    ctx.token.cancel()
    with pytest.raises(Cancelled):
        next(files)
    assert len(list(out.iterdir())) == 1

    def full(_file: Any, _data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(HashedFile, "write", full)
    with pytest.raises(OSError, match="No space"):
        list(write(engine, source, Format(), out, JobContext(), name="full"))
    assert not list(out.glob("full*"))


values = (
    st.none()
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
    | st.sampled_from(['"', ",", ";", "\n", "\r\n", '","', " "])
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(values, values), max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|", "a", "1"]),
    quotes=st.sampled_from(Quotes),
)
def test_csv_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, Any]], delimiter: str, quotes: Quotes
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    engine = DuckDBEngine(folder / "w", threads=1)
    try:
        data = pa.table(
            {
                "Id": range(len(rows)),
                "A": pa.array([r[0] for r in rows], pa.string()),
                "B": pa.array([r[1] for r in rows], pa.string()),
            }
        )
        (file,) = written(engine, all_rows(engine, data), Format(delimiter=delimiter, quotes=quotes), folder)
        text = io.StringIO(file.path.read_bytes().decode(), newline="")
        found = [tuple(row[1:]) for row in csv.reader(text, delimiter=delimiter)][1:]
        assert found == [(a or "", b or "") for a, b in rows]
    finally:
        engine.close()


def test_rows_on_the_suppression_list_stay_out_when_asked(engine: DuckDBEngine, out: Path) -> None:
    rows = pa.table(
        {"Id": [1, 2, 3, 4], "Mail": ["a@x.de", "B@x.de", None, "d@x.de"], "Tel": ["1", "", "030 123456", None]}
    )
    meanings = {"Mail": Meaning.EMAIL, "Tel": Meaning.PHONE}
    table = add_table(engine, "T", rows, key="Id", meanings=meanings)
    listed = SuppressedRows(ListedValues(engine), add_list(engine, ["b@x.de"], ["+4930123456"]), "DE")
    source = TableRows(engine, table, ("Tel", "Id"), listed)
    [file] = written(engine, source, Format(), out)
    assert (file.rows, file.path.read_text("utf-8")) == (2, "Tel,Id\n1,1\n,4\n")
    other = TableRows(engine, replace(table, columns=table.columns[:1]), ("Id",), listed)
    [file] = written(engine, other, Format(), out)
    assert file.rows == 4  # a table without such a column is whole


def test_the_order_stays_when_rows_are_left_out(engine: DuckDBEngine, out: Path) -> None:
    number = 300_000
    rows = pa.table({"Id": range(number), "Mail": [f"p{i}@x.de" for i in range(number)]})
    table = add_table(engine, "T", rows, key="Id", meanings={"Mail": Meaning.EMAIL})
    listed = SuppressedRows(ListedValues(engine), add_list(engine, [f"p{i}@x.de" for i in range(0, 3000, 3)]), "DE")
    files = written(engine, TableRows(engine, table, ("Id",), listed), Format(rows_per_file=None), out)
    ids = [int(line) for line in files[0].path.read_text("utf-8").splitlines()[1:]]
    assert ids == [i for i in range(number) if i % 3 or i >= 3000]
