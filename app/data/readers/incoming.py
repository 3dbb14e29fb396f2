"""What every reader takes and gives back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from app.core.errors import FixData
from app.core.tables import Column, Link
from app.data.engines.duckdb import Cursor, DuckDBEngine
from app.jobs import JobContext, Progress


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a person knows better than we can guess; None means look at the file.

    `record_end` is for files whose records end in more than a line break, such as `&|` and a line break; such files have
    no quotes. `header` False means the first row is data. `quote` is one character, or empty for files without quotes.
    """

    delimiter: str | None = None
    record_end: str | None = None
    encoding: str | None = None
    header: bool | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A table read whole into staging: `files` are its Parquet files in `folder`, `notes` sentences about what was decided.

    `paths` and `within` (the table of a book or a folder that holds several) are what reads the same table again. `key` and
    `links` are what the source itself declares; links name tables as `within` does.
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    folder: Path
    files: tuple[Path, ...]
    source: str
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    within: str | None = None
    key: str | None = None
    links: tuple[Link, ...] = ()


class ReadJob:
    """One reading: the engine, where to stage, and progress in bytes of all sources together. Belongs to one thread."""

    def __init__(
        self,
        engine: DuckDBEngine,
        staging: Path,
        ctx: JobContext,
        options: ReadOptions,
        total_bytes: int,
        only: str | None = None,
    ) -> None:
        self.engine = engine
        self.staging = staging
        self.ctx = ctx
        self.options = options
        self.only = only
        """The one table wanted of a book, or None for all."""
        self._total = total_bytes
        self._done = 0
        self._numbers = count(1)

    def folder(self, prefix: str = "table") -> Path:
        """A new empty folder in staging."""
        folder = self.staging / f"{prefix}-{next(self._numbers)}"
        folder.mkdir(parents=True)
        return folder

    def report(self, source: str, extra: int = 0) -> None:
        """Tell how far the reading is, `extra` bytes into the source at hand; raises Cancelled when asked to stop."""
        self.ctx.check()
        done = min(self._done + extra, self._total)
        self.ctx.report(Progress(f"Reading {source}", done, self._total, "bytes"))

    def finished(self, size: int) -> None:
        """Count a source of that many bytes as read."""
        self._done += size

    @contextmanager
    def following(self, cursor: Cursor, source: str, size: int, share: tuple[float, float]) -> Iterator[None]:
        """Report the query's progress while the block runs, as the part `share` of a source of `size` bytes."""
        cursor.execute("SET enable_progress_bar = true")
        cursor.execute("SET enable_progress_bar_print = false")
        done = threading.Event()
        start, end = share

        def follow() -> None:
            while not done.wait(0.2):
                percent = max(0.0, cursor.query_progress())
                bytes_done = int(size * (start + (end - start) * percent / 100))
                done_now = min(self._done + bytes_done, self._total)
                self.ctx.report(Progress(f"Reading {source}", done_now, self._total, "bytes"))

        thread = threading.Thread(target=follow, name="sendoff-read-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def refused(source: str, why: str, fix: str, code: str) -> FixData:
    """The error for a file that is not read; nothing of it is kept."""
    return FixData(f"{source} was not read.", why, fix, code=code)
