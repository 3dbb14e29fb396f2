"""Looks for a secret that a test planted: in files, whatever they are wrapped in, and in running processes.

A test plants an unmistakable value, drives the product, and then asserts `search(...) == []`. A search that cannot look
where it was told to raises; it never passes quietly.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
import sqlite3
import tempfile
import urllib.parse
import zipfile
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHORTEST = 8
_PIECE = 16
_CHUNK = 4 * 1024 * 1024
_SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Hit:
    """A place where the secret stands: a file or process, and in which form."""

    where: str
    form: str


def search(paths: Iterable[Path], secret: str) -> list[Hit]:
    """Every file in or below `paths` that holds the secret in any form, each form once a file.

    Looks at raw bytes, UTF-16, base64 (inside longer base64 too), hex, URL and JSON escapes, also inside gzip and zip
    files, Parquet columns, and SQLite cells with what still stands in the write-ahead log. Names of files count too.

    Raises:
        FileNotFoundError: a path is not there.
        ValueError: the secret is too short to be told from chance.
    """
    forms = forms_of(secret)
    hits: dict[Hit, None] = {}
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            hits.update(dict.fromkeys(Hit(f"name of {file}", form) for form in _forms_in(str(file).encode(), forms)))
            if file.is_file():
                hits.update(dict.fromkeys(_in_file(file, forms)))
    return list(hits)


def search_processes(pids: Iterable[int], secret: str) -> list[Hit]:
    """Where the secret stands in the argument lists and environments of running processes (Linux: /proc).

    Raises:
        ProcessLookupError: a process has ended, so nothing can be said of it.
        ValueError: the secret is too short.
    """
    forms = forms_of(secret)
    hits = []
    for pid in pids:
        for name in ("cmdline", "environ"):
            place = Path(f"/proc/{pid}/{name}")
            try:
                content = place.read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                raise ProcessLookupError(f"process {pid} has ended") from None
            hits += [Hit(str(place), form) for form in _forms_in(content, forms)]
    return hits


def forms_of(secret: str) -> dict[str, set[bytes]]:
    """The byte strings that give the secret away, by the name of the form.

    A long secret is also looked for piece by piece, since a database page or a line break may cut it.
    """
    if len(secret) < _SHORTEST:
        raise ValueError(f"plant a secret of at least {_SHORTEST} characters")
    raw = secret.encode()
    forms: dict[str, set[bytes]] = {
        "raw": {raw},
        "utf-16": {secret.encode("utf-16-le"), secret.encode("utf-16-be")},
        "hex": {raw.hex().encode(), raw.hex().upper().encode()},
        "base64": _base64_cores(raw) | _base64_cores(secret.encode("utf-16-le")),
        "reversed": {secret[::-1].encode()},
    }
    url = {urllib.parse.quote(secret, safe=safe) for safe in ("", "/", ":/@")} | {urllib.parse.quote_plus(secret)}
    every = "".join(f"%{byte:02x}" for byte in raw)
    url |= {_lower_escapes(text) for text in url} | {every, every.upper()}
    forms["url"] = {text.encode() for text in url} - forms["raw"]
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    forms["json"] = {text.encode() for text in escaped} - forms["raw"]
    pieces = [secret[start : start + _PIECE] for start in range(0, len(secret) - _PIECE + 1, _PIECE)]
    if len(secret) >= 2 * _PIECE:
        forms["piece"] = {piece.encode() for piece in pieces}
    return {name: needles for name, needles in forms.items() if needles}


def _base64_cores(raw: bytes) -> set[bytes]:
    """What the bytes look like inside any longer base64 text: three alignments without their shared edges."""
    cores = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        first, last = -(-8 * shift // 6), 8 * (shift + len(raw)) // 6
        core = encoded[first:last]
        cores |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return cores


def _lower_escapes(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _forms_in(content: bytes, forms: dict[str, set[bytes]]) -> list[str]:
    return [name for name, needles in forms.items() if any(needle in content for needle in needles)]


def _in_file(file: Path, forms: dict[str, set[bytes]]) -> Iterator[Hit]:
    try:
        with file.open("rb") as stream:
            yield from _in_stream(str(file), stream, forms)
        if _starts_with(file, b"SQLite format 3\0"):
            yield from (Hit(f"{file} (cells)", form) for form in _forms_in_cells(file, forms))
        if _starts_with(file, b"PAR1"):
            yield from (Hit(f"{file} (columns)", form) for form in _forms_in_columns(file, forms))
    except FileNotFoundError:
        if not file.name.endswith(_SQLITE_COMPANIONS):  # those come and go with the connection that owns them
            raise


def _in_stream(where: str, stream: IO[bytes], forms: dict[str, set[bytes]]) -> Iterator[Hit]:
    longest = max(len(needle) for needles in forms.values() for needle in needles)
    head = stream.read(4)
    stream.seek(0)
    tail = b""
    while chunk := stream.read(_CHUNK):
        content = tail + chunk
        yield from (Hit(where, form) for form in _forms_in(content, forms))
        tail = content[-(longest - 1) :]
    stream.seek(0)
    if head.startswith(b"\x1f\x8b"):
        yield from _in_stream(f"{where} (gzip)", io.BytesIO(_unzipped(stream)), forms)
    elif head == b"PK\x03\x04":
        with zipfile.ZipFile(stream) as archive:
            for name in archive.namelist():
                yield from _in_stream(f"{where} ({name})", io.BytesIO(archive.read(name)), forms)


def _unzipped(stream: IO[bytes]) -> bytes:
    """What a gzip file holds; of one that is cut off, what can be had."""
    content = b""
    with gzip.GzipFile(fileobj=stream) as file:
        try:
            while chunk := file.read(64 * 1024):
                content += chunk
        except EOFError:
            stream.seek(0)
            return zlib.decompressobj(wbits=31).decompress(stream.read())
    return content


def _starts_with(file: Path, magic: bytes) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _forms_in_cells(file: Path, forms: dict[str, set[bytes]]) -> list[str]:
    """Reads a copy with its write-ahead log: opening the original could write to it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        shutil.copyfile(file, copy)
        log = file.with_name(file.name + "-wal")
        if log.exists():
            shutil.copyfile(log, copy.with_name("copy.db-wal"))
        with closing(sqlite3.connect(copy)) as database:
            database.text_factory = bytes
            content = io.BytesIO()
            names = [row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                quoted = name.replace('"', '""')
                for row in database.execute(f'SELECT * FROM "{quoted}"'):
                    for cell in row:
                        content.write(cell if isinstance(cell, bytes) else str(cell).encode())
                        content.write(b"\n")
        return _forms_in(content.getvalue(), forms)


def _forms_in_columns(file: Path, forms: dict[str, set[bytes]]) -> list[str]:
    import pyarrow.parquet  # 160 ms that most searches do not need

    found: dict[str, None] = {}
    parquet = pyarrow.parquet.ParquetFile(file)
    with closing(parquet):
        for batch in parquet.iter_batches():
            content = "\n".join(str(value) for column in batch.columns for value in column.to_pylist()).encode()
            found.update(dict.fromkeys(_forms_in(content, forms)))
    return list(found)
