"""What stands between the lines and the drive: encoding, compression, and the hash of the bytes that are written."""

from __future__ import annotations

import codecs
import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any, Protocol

import pyarrow as pa
from isal import igzip

from app.core.errors import FixData
from app.core.file_formats import ENCODINGS, Compression, FileType, Format, Unencodable

Encode = Callable[[bytes | memoryview], bytes | memoryview]
"""UTF-8 in, what is written out; called with whole lines, one after another."""

HELD_BACK = 1 << 18
"""Bytes that a compressor may hold back at most, as measured with gzip, zip and zstd at their fast levels."""

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same rows give the same bytes


class Sink(Protocol):
    """What takes bytes."""

    def write(self, data: bytes | memoryview) -> Any:  # noqa: ANN401 - what it says of it is not asked
        """Take all of it; OSError when the drive is full."""
        ...


class HashedFile:
    """A file that hashes and counts what is written; only what a stream needs."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.written = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write all of it; OSError when the drive is full."""
        size = memoryview(data).nbytes
        self._file.write(data)
        self.sha256.update(data)
        self.written += size
        return size

    def tell(self) -> int:
        """Bytes written so far."""
        return self.written

    def flush(self) -> None:
        """Hand over to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Left to who opened the file."""

    def readable(self) -> bool:
        """Never."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never: what is written is hashed at once."""
        return False


def compressed(stack: ExitStack, file: HashedFile, compression: Compression, inside: str) -> Sink:
    """What lines are written to; closed with the stack. `inside` is the name of the file in a zip file."""
    if compression is Compression.GZIP:
        gzip: Any = igzip.IGzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0)  # type: ignore[no-untyped-call] # isal has no types
        packed: Sink = stack.enter_context(gzip)
        return packed
    if compression is Compression.ZSTD:
        zstd: Sink = stack.enter_context(pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), "zstd"))
        return zstd
    if compression is Compression.ZIP:
        archive = stack.enter_context(zip_file(file))
        return stack.enter_context(zip_member(archive, inside))
    if compression is Compression.NONE:
        return file
    raise FixData(
        f"{compression.value} compresses Parquet only.",
        "CSV and JSON lines can be plain, gzip, zstd or zip.",
        "Choose another compression.",
        code="compression",
    )


def zip_file(file: HashedFile) -> zipfile.ZipFile:
    """A zip file that is written from its beginning to its end."""
    return zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)


@contextmanager
def zip_member(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A file in the archive, of any size."""
    about = zipfile.ZipInfo(name, _FIXED_TIME)
    about.compress_type = zipfile.ZIP_DEFLATED
    about._compresslevel = 1  # type: ignore[attr-defined] # noqa: SLF001 - open() takes it from nowhere else
    with archive.open(about, "w", force_zip64=True) as member:
        yield member


def encoder(format: Format) -> Encode:  # noqa: A002 - the field's word
    """What turns lines into what is written; it raises FixData for a sign the encoding has not, unless “?” may stand for it."""
    if format.type is not FileType.CSV or format.encoding == "utf-8":
        return lambda lines: lines
    known = ENCODINGS.get(format.encoding)
    if known is None:
        raise FixData(
            f"The encoding {format.encoding} is not known.",
            f"There are {', '.join(ENCODINGS)}.",
            "Choose utf-8.",
            code="encoding",
        )
    errors = "replace" if format.unencodable is Unencodable.REPLACE else "strict"
    writer = codecs.getincrementalencoder(known[0])(errors)

    def encode(lines: bytes | memoryview) -> bytes:
        try:
            return writer.encode(str(lines, "utf-8"))
        except UnicodeEncodeError as error:
            sign = error.object[error.start]
            raise FixData(
                f"A value holds “{sign}” (U+{ord(sign):04X}), which {format.encoding} can't write.",
                "The encoding has no sign for it. Nothing was published.",
                "Choose utf-8 as encoding, or let “?” stand for such signs.",
                code="encoding",
            ) from None

    return encode
