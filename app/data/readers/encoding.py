"""Which bytes stand for which letters: a whole pass over a text file before anything is read from it."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from charset_normalizer import from_bytes

from app.core.errors import FixData
from app.data.readers.incoming import ReadJob, refused

BLOCK: Final = 4 << 20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Where the detection may look; without a bound it prefers old DOS and Mac code pages for short samples.
_CANDIDATES: Final = [
    *(
        "cp1252",
        "iso8859_15",
        "cp1250",
        "iso8859_2",
        "cp1251",
        "koi8_r",
        "cp1253",
        "cp1254",
        "cp1255",
        "cp1256",
        "cp1257",
    ),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file that was looked through: `encoding` is Python's name; `plain` when it is UTF-8 already."""

    path: Path
    encoding: str
    size: int

    @property
    def plain(self) -> bool:
        """Whether DuckDB can read it as it is."""
        return self.encoding in ("utf-8", "utf-8-sig")

    @property
    def zipped(self) -> bool:
        """Whether it is compressed with gzip."""
        return is_gzip(self.path)


def is_gzip(path: Path) -> bool:
    """Whether the file begins as gzip does, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked; raises FixData when the gzip is damaged."""
    try:
        if is_gzip(path):
            with gzip.open(path, "rb") as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            with path.open("rb") as file:
                yield file
    except (gzip.BadGzipFile, EOFError) as error:
        raise refused(path.name, "The compressed file is damaged or cut off.", "Get the file again.", "gzip") from error


def examine(job: ReadJob, path: Path, encoding: str | None = None) -> TextFile:
    """Look at every byte: find the encoding, refuse an empty file and one with NUL characters (the line is named).

    An `encoding` that is given, here or with the job, is believed.
    """
    told = encoding or job.options.encoding
    size = path.stat().st_size
    with opened(path) as file:
        start = file.read(BLOCK)
        if not start:
            raise refused(path.name, "The file is empty.", "Check how it was written, then add it again.", "empty_file")
        if told is not None:
            return TextFile(path, _known(told), size)
        marked = next((name for mark, name in _MARKS if start.startswith(mark)), None) or _wide(start)
        if marked is not None and marked != "utf-8-sig":
            return TextFile(path, marked, size)
        scan = _Utf8Scan(path.name)
        block = start
        while block:
            job.report(path.name, _raw_position(file) // 10)
            scan.feed(block)
            block = file.read(BLOCK)
        scan.feed(b"", final=True)
    if not scan.broken:
        return TextFile(path, marked or "utf-8", size)
    return TextFile(path, _guess(start[:200_000] + b"\n" + scan.around), size)


def transcoded(job: ReadJob, text: TextFile) -> Iterator[str]:
    """The file's text in blocks; raises FixData with the line where bytes do not fit the encoding."""
    decoder = codecs.getincrementaldecoder(text.encoding)("strict")
    line = 1
    with opened(text.path) as file:
        while True:
            block = file.read(BLOCK)
            job.report(text.path.name, _raw_position(file) // 10)
            try:
                decoded = decoder.decode(block, final=not block)
            except UnicodeError as error:
                start = error.start if isinstance(error, UnicodeDecodeError) else 0
                line += block[:start].count(b"\n")
                raise refused(
                    text.path.name,
                    f"The bytes in line {line} are not text in {text.encoding}.",
                    "Say which encoding the file has, or save it as UTF-8.",
                    "encoding",
                ) from error
            if "\x00" in decoded:
                raise _nul(text.path.name, line + decoded.count("\n", 0, decoded.index("\x00")))
            line += decoded.count("\n")
            if decoded:
                yield decoded
            if not block:
                return


class _Utf8Scan:
    """Checks bytes for UTF-8 and for NUL, block by block."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._lines = 0
        self.broken = False
        self.around = b""

    def feed(self, block: bytes, *, final: bool = False) -> None:
        nul = block.find(b"\x00")
        if nul >= 0:
            raise _nul(self._source, self._lines + block.count(b"\n", 0, nul) + 1)
        self._lines += block.count(b"\n")
        if self.broken:
            return
        try:
            self._decoder.decode(block, final=final)
        except UnicodeDecodeError as error:
            self.broken = True
            self.around = block[max(0, error.start - 2_000) : error.start + 100_000]


def _nul(source: str, line: int) -> FixData:
    return refused(
        source,
        f"Line {line} holds a NUL character, which no text has.",
        "The file may be damaged or not be text; write it again.",
        "nul",
    )


def _wide(start: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of mostly western text is NUL."""
    head = start[:4000]
    if len(head) < 4 or b"\x00" not in head:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.1 * half:
        return "utf-16-be"
    return None


def _guess(sample: bytes) -> str:
    """The likeliest of many; Windows' western encoding where it is as likely as the best, and where nothing can be told."""
    matches = from_bytes(sample, cp_isolation=_CANDIDATES)
    best = matches.best()
    if best is None:
        return "cp1252"
    western = (match for match in matches if "cp1252" in match.could_be_from_charset)
    if any(match.chaos <= best.chaos and match.coherence >= best.coherence for match in western):
        return "cp1252"
    return best.encoding


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        codecs.getincrementaldecoder(name)("strict").decode(b"")
    except (LookupError, TypeError) as error:
        raise refused(
            "The file", f"There is no encoding {encoding}.", "Use a name such as utf-8 or cp1252.", "encoding"
        ) from error
    else:
        return name


def _raw_position(file: IO[bytes]) -> int:
    """How many bytes of the file on the drive were read."""
    raw = getattr(file, "fileobj", None)  # gzip.GzipFile keeps the packed file there
    return int(raw.tell()) if raw is not None else file.tell()
