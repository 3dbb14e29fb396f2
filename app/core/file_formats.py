"""How files are written: type, text, compression, how much goes into one file and what into one folder, for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class FileType(StrEnum):
    """File formats of data-out exports and of segments sent as files."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON_LINES = "json-lines"
    EXCEL = "excel"


class Compression(StrEnum):
    """How files are compressed; Parquet and Excel compress inside. A zip file holds one file."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    ZIP = "zip"
    SNAPPY = "snappy"


class Quotes(StrEnum):
    """Which CSV values are quoted: those that need it, all texts, or all values."""

    NEEDED = "needed"
    TEXTS = "texts"
    ALL = "all"


class LineEnds(StrEnum):
    """What ends a line of CSV."""

    LF = "lf"
    CRLF = "crlf"


class Dates(StrEnum):
    """How CSV and JSON lines spell dates and times; the samples are in `DATE_SAMPLES`.

    Moments are written in UTC. Of the forms for people and ISO's spaced one a moment does not say so; nothing of a second is lost.
    """

    ISO = "iso"
    SPACED = "spaced"
    COMPACT = "compact"
    DOTTED = "dotted"
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


DATE_PATTERNS: Mapping[Dates, tuple[str, str]] = MappingProxyType(
    {
        Dates.ISO: ("yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ss"),
        Dates.SPACED: ("yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss"),
        Dates.COMPACT: ("yyyyMMdd", "yyyyMMddHHmmss"),
        Dates.DOTTED: ("dd.MM.yyyy", "dd.MM.yyyy HH:mm:ss"),
        Dates.DAY_FIRST: ("dd/MM/yyyy", "dd/MM/yyyy HH:mm:ss"),
        Dates.MONTH_FIRST: ("MM/dd/yyyy", "MM/dd/yyyy HH:mm:ss"),
    }
)
"""The forms of a day and a moment as people write them; parts of a second follow after a point where there are any."""

DATE_SAMPLES: Mapping[Dates, tuple[str, str]] = MappingProxyType(
    {
        Dates.ISO: ("2026-03-12", "2026-03-12T06:00:00Z"),
        Dates.SPACED: ("2026-03-12", "2026-03-12 06:00:00"),
        Dates.COMPACT: ("20260312", "20260312060000"),
        Dates.DOTTED: ("12.03.2026", "12.03.2026 06:00:00"),
        Dates.DAY_FIRST: ("12/03/2026", "12/03/2026 06:00:00"),
        Dates.MONTH_FIRST: ("03/12/2026", "03/12/2026 06:00:00"),
    }
)
"""The same day, and the same moment, in each form."""


class Unencodable(StrEnum):
    """What becomes of a sign that the encoding has not: the run stops before anything is published, or “?” stands for it."""

    STOP = "stop"
    REPLACE = "replace"


class Grain(StrEnum):
    """By what rows are parted into folders: each value, or the year, month or day of a date."""

    VALUE = "value"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"


class Folders(StrEnum):
    """How the folders of a partition are called: `2026/03`, or `year=2026/month=03` as Hive, Spark and Athena read them."""

    PLAIN = "plain"
    HIVE = "hive"


@dataclass(frozen=True, slots=True)
class PartitionBy:
    """Rows of one value lie in one folder, in every table that has such a field; other tables are not parted."""

    field: str
    grain: Grain = Grain.VALUE
    folders: Folders = Folders.PLAIN


ROW_GROUP = 122_880
"""Rows of a Parquet row group unless told otherwise, as DuckDB writes them."""

MOST_IN_GROUP = 1_048_576
"""Rows of a row group at most, because all of one are in memory while it is written."""

LEAST_BYTES = 1_000
"""What a file may at least hold, where it has a limit."""

EXCEL_ROWS = 1_048_576
EXCEL_COLUMNS = 16_384
"""What a sheet holds at most, the header's row among them (Microsoft, “Excel specifications and limits”)."""

ENCODINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "utf-8": ("utf-8", "UTF-8"),
        "utf-8-sig": ("utf-8-sig", "UTF-8"),
        "utf-16": ("utf-16", "UTF-16"),
        "utf-16-le": ("utf-16-le", "UTF-16LE"),
        "windows-1252": ("cp1252", "windows-1252"),
    }
)
"""Text encodings of CSV: Python's name and the one in IANA's list. `utf-8-sig` and `utf-16` begin with a byte order mark."""

COMPRESSIONS: Mapping[FileType, tuple[Compression, ...]] = MappingProxyType(
    {
        FileType.CSV: (Compression.NONE, Compression.GZIP, Compression.ZSTD, Compression.ZIP),
        FileType.JSON_LINES: (Compression.NONE, Compression.GZIP, Compression.ZSTD, Compression.ZIP),
        FileType.PARQUET: (Compression.SNAPPY, Compression.ZSTD, Compression.GZIP, Compression.NONE),
        FileType.EXCEL: (Compression.NONE,),
    }
)
"""What each file type can be compressed with, the usual first."""


@dataclass(frozen=True, slots=True)
class Format:
    """How files are written; what belongs to one type only is ignored by the others.

    A file holds at most `rows_per_file` rows and is about `bytes_per_file` large; None for no limit. `pgp_key` is the public key,
    with its armour, of whom the files are encrypted for; empty for nobody.
    """

    type: FileType = FileType.CSV
    compression: Compression = Compression.NONE
    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    quotes: Quotes = Quotes.NEEDED
    rows_per_file: int | None = 500_000
    line_ends: LineEnds = LineEnds.LF
    dates: Dates = Dates.ISO
    unencodable: Unencodable = Unencodable.STOP
    row_group: int = ROW_GROUP
    bytes_per_file: int | None = None
    partition: PartitionBy | None = None
    pgp_key: str = ""

    @property
    def several_files(self) -> bool:
        """Whether a table may need more than one file."""
        return self.rows_per_file is not None or self.bytes_per_file is not None or self.partition is not None

    @property
    def sheet_rows(self) -> int:
        """How many rows fit on one sheet of Excel."""
        return EXCEL_ROWS - (1 if self.header else 0)


def sheet_problem(format: Format, item: str, rows: int, columns: int) -> str | None:  # noqa: A002 - the field's word
    """Why the rows of a table or segment can't be written as sheets of Excel, in a sentence; None when they can."""
    if format.type is not FileType.EXCEL:
        return None
    if columns > EXCEL_COLUMNS:
        return f"“{item}” has {columns:,} fields; a sheet of Excel holds {EXCEL_COLUMNS:,}."
    in_one = rows if format.rows_per_file is None else min(rows, format.rows_per_file)
    if in_one <= format.sheet_rows:
        return None
    room = f"{format.sheet_rows:,} and the header" if format.header else f"{format.sheet_rows:,}"
    return f"“{item}” would have {in_one:,} rows in one file; a sheet of Excel holds {room}."


def extension(format: Format) -> str:  # noqa: A002 - the field's word
    """What a file's name ends with: `.csv.gz`, `.parquet`, `.jsonl.zip.pgp` ..."""
    return plain_extension(format) + _packed(format) + (".pgp" if format.pgp_key else "")


def plain_extension(format: Format) -> str:  # noqa: A002 - the field's word
    """What its name ends with before it is compressed and encrypted."""
    return {FileType.CSV: ".csv", FileType.JSON_LINES: ".jsonl", FileType.PARQUET: ".parquet", FileType.EXCEL: ".xlsx"}[
        format.type
    ]


def _packed(format: Format) -> str:  # noqa: A002 - the field's word
    if format.type in {FileType.PARQUET, FileType.EXCEL}:
        return ""
    return {Compression.GZIP: ".gz", Compression.ZSTD: ".zst", Compression.ZIP: ".zip"}.get(format.compression, "")
