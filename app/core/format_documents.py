"""The part of an export file that says how files are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.document_reader import DocumentReader
from app.core.file_formats import (
    COMPRESSIONS,
    ENCODINGS,
    LEAST_BYTES,
    MOST_IN_GROUP,
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

_SAME_ENCODING = {
    "utf8": "utf-8",
    "utf-8-bom": "utf-8-sig",
    "utf16": "utf-16",
    "utf-16le": "utf-16-le",
    "cp1252": "windows-1252",
}
KEY_BEGINS = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def format_document(format: Format) -> dict[str, Any]:  # noqa: A002 - the field's word
    """A format as it stands in a document."""
    return {
        "type": format.type.value,
        "delimiter": format.delimiter,
        "compression": format.compression.value,
        "header": format.header,
        "encoding": format.encoding,
        "unencodable": format.unencodable.value,
        "quotes": format.quotes.value,
        "line_ends": format.line_ends.value,
        "dates": format.dates.value,
        "row_group": format.row_group,
        "rows_per_file": format.rows_per_file,
        "bytes_per_file": format.bytes_per_file,
        "partition": None if format.partition is None else _partition_document(format.partition),
        "pgp_key": format.pgp_key or None,
    }


def read_format(document: Mapping[str, Any], subject: str, usual: Format | None = None) -> Format:
    """A format from its part of a document; `subject` begins the sentence of an error, what is not named is as `usual`."""
    reader = DocumentReader(f"{subject}, format", document)
    usual = usual or Format()
    reader.only(*format_document(usual))
    kind = reader.choice("type", FileType, usual.type)
    usually = usual.compression if kind is usual.type else COMPRESSIONS[kind][0]
    compression = reader.choice("compression", Compression, usually)
    if compression not in COMPRESSIONS[kind]:
        reader.wrong("compression", compression, " or ".join(COMPRESSIONS[kind]) + f" for {kind}")
    return Format(
        type=kind,
        compression=compression,
        delimiter=_delimiter(reader, usual.delimiter),
        header=reader.flag("header", default=usual.header),
        encoding=_encoding(reader, usual.encoding),
        unencodable=reader.choice("unencodable", Unencodable, usual.unencodable),
        quotes=reader.choice("quotes", Quotes, usual.quotes),
        line_ends=reader.choice("line_ends", LineEnds, usual.line_ends),
        dates=reader.choice("dates", Dates, usual.dates),
        row_group=_row_group(reader, usual.row_group),
        rows_per_file=reader.whole_number("rows_per_file") if reader.has("rows_per_file") else usual.rows_per_file,
        bytes_per_file=_bytes_per_file(reader, usual.bytes_per_file),
        partition=_partition(reader) if reader.has("partition") else usual.partition,
        pgp_key=_pgp_key(reader),
    )


def _delimiter(reader: DocumentReader, usual: str) -> str:
    delimiter = reader.text("delimiter", usual)
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(delimiter) != 1 or delimiter.isalnum() or delimiter in "\"'\r\n\0 .-+" or not delimiter.isascii():
        reader.wrong("delimiter", delimiter, "one character such as , ; | or tab")
    return delimiter


def _encoding(reader: DocumentReader, usual: str) -> str:
    written = reader.text("encoding", usual).lower()
    encoding = _SAME_ENCODING.get(written, written)
    return encoding if encoding in ENCODINGS else reader.wrong("encoding", written, " or ".join(ENCODINGS))


def _bytes_per_file(reader: DocumentReader, usual: int | None) -> int | None:
    return reader.whole_number("bytes_per_file", LEAST_BYTES) if reader.has("bytes_per_file") else usual


def _row_group(reader: DocumentReader, usual: int) -> int:
    rows = reader.whole_number("row_group", none=f"{usual:,}") or usual
    return rows if rows <= MOST_IN_GROUP else reader.wrong("row_group", rows, f"at most {MOST_IN_GROUP:,}")


def _partition(reader: DocumentReader) -> PartitionBy | None:
    document = reader.mapping_or_none("partition")
    if document is None:
        return None
    inner = DocumentReader(f"{reader.subject}, partition", document)
    inner.only("field", "by", "folders")
    return PartitionBy(
        inner.text("field"), inner.choice("by", Grain, Grain.VALUE), inner.choice("folders", Folders, Folders.PLAIN)
    )


def _partition_document(partition: PartitionBy) -> dict[str, str]:
    return {"field": partition.field, "by": partition.grain.value, "folders": partition.folders.value}


def _pgp_key(reader: DocumentReader) -> str:
    key = (reader.optional_text("pgp_key") or "").strip()
    if key and not key.startswith(KEY_BEGINS):
        reader.wrong("pgp_key", key, f"a public key, which begins with {KEY_BEGINS}")
    return f"{key}\n" if key else ""
