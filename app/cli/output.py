"""What the command line prints, and the exit status it ends with.

People's text goes to stderr, results to stdout; with `--json` stdout holds one JSON document and nothing else.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum, IntEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self, TextIO

import orjson

from app.cli.options import Options
from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError
from app.core.sizes import size_text
from app.jobs import JobContext, Progress

if TYPE_CHECKING:  # rich is loaded when a table or a bar is drawn
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
PIPE_WIDTH = 10_000
"""Characters of a line that nobody folds: a table that goes into a file or a program keeps each row on one line."""
STEP = 0.1
"""The part of the work after which progress without a terminal gets another line."""


class Exit(IntEnum):
    """The exit statuses of the contract."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    WITH_REJECTS = 3
    NOT_RUN = 4
    CANCELLED = 5
    NOT_ALLOWED = 6


def exit_for(error: SendoffError) -> Exit:
    """The status an error ends with."""
    if isinstance(error, NotAllowed):
        return Exit.NOT_ALLOWED
    if isinstance(error, (FixData, FixSettings)):
        return Exit.WRONG_USE
    return Exit.FAILED


class Output:
    """Prints results for people or for machines."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def say(self, sentence: str) -> None:
        """A sentence for people; silent with `--quiet`."""
        if not self.options.quiet:
            _write(sys.stderr, sentence)

    def error(self, error: SendoffError) -> None:
        """The three sentences of an error; with `--json` also as the document."""
        _write(sys.stderr, str(error))
        if self.options.json:
            self.document({"error": error.as_dict()})

    def document(self, value: object) -> None:
        """The one JSON document; where the stream is not UTF-8, as in pipes on Windows, with the escapes JSON has for any sign."""
        text = orjson.dumps(plain(value), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode("utf-8")
        if codecs.lookup(sys.stdout.encoding or "utf-8").name != "utf-8":
            text = _NOT_ASCII.sub(lambda sign: json.dumps(sign[0])[1:-1], text)
        _write(sys.stdout, text)

    def result(self, value: Mapping[str, Any], sentence: str) -> None:
        """The document with `--json`, else a sentence on stdout."""
        if self.options.json:
            self.document(value)
        else:
            _write(sys.stdout, sentence)

    def rows(
        self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]], documents: Iterable[object]
    ) -> None:
        """A list: with `--json` `{name: [documents]}`, else a table."""
        if self.options.json:
            self.document({name: list(documents)})
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row))
        console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
        with console.capture() as drawn:
            console.print(table)
        _write(sys.stdout, "\n".join(line.rstrip() for line in drawn.get().splitlines()))

    def text(self, text: str) -> None:
        """Text as it is, on stdout."""
        _write(sys.stdout, text)

    def progress(self) -> ProgressPrinter:
        """A listener for a job: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`."""
        return ProgressPrinter(quiet=self.options.quiet)


def _write(stream: TextIO, text: str) -> None:
    """Write a line, also on a console that lacks some of its signs."""
    line = text if text.endswith("\n") else text + "\n"
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "replace").decode(encoding))
    stream.flush()


class ProgressPrinter:
    """Shows the progress of one job on stderr; a context manager. Reports may come from any one thread at a time."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._shown: tuple[str, int] = ("", -1)

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bar = _new_bar()
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def context(self) -> JobContext:
        """The job context that reports here."""
        return JobContext(listener=self.show)

    def show(self, progress: Progress) -> None:
        """Show how far the job is."""
        if self._quiet:
            return
        if self._bar is None:
            self._line(progress)
            return
        if self._task is None:
            self._task = self._bar.add_task(progress.stage, total=progress.total, bytes="")
        self._bar.update(
            self._task,
            description=progress.stage,
            completed=progress.done,
            total=progress.total,
            bytes=_bytes_words(progress),
        )

    def _line(self, progress: Progress) -> None:
        share = progress.share or 0.0
        shown = (progress.stage, int(share / STEP))
        if shown == self._shown:
            return
        self._shown = shown
        of = f": {progress.done:,} of {progress.total:,} {progress.unit}" if progress.total else ""
        words = [f"{progress.stage}{of}", _bytes_words(progress), _left_words(progress.seconds_left)]
        _write(sys.stderr, ", ".join(each for each in words if each))


def _bytes_words(progress: Progress) -> str:
    """The bytes that left and how fast: `45.2 MB, 3.1 MB/s`; empty where none do."""
    if not progress.bytes_done:
        return ""
    rate = progress.bytes_per_second
    size = size_text(progress.bytes_done)
    return size if rate is None else f"{size}, {size_text(round(rate))}/s"


def _left_words(seconds: float | None) -> str:
    if seconds is None or seconds < 1:
        return ""
    return f"{seconds:,.0f} s left" if seconds < 90 else f"{seconds / 60:,.0f} min left"


def _new_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TextColumn("{task.fields[bytes]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )


def of(number: int, noun: str) -> str:
    """A number with its noun: 1 file, 2,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _cell(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    # Values of a table may hold anything, also what makes a terminal do things.
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(value))


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """The value as JSON knows it: dataclasses as objects, enums as their value, times as ISO 8601.

    A field `phrase` is left out: what it says in any language stands beside it in English.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value) if field.name != "phrase"}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    return value


def printable(text: str) -> str:
    """Values of a table may hold anything, also what makes a terminal do things."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
