"""What the command line prints, and the exit status it ends with.

People's text goes to stderr, results to stdout; with `--json` stdout holds one JSON document and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime, time
from enum import Enum, IntEnum
from pathlib import PurePath
from typing import Any, Self

import orjson
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError
from app.jobs import JobContext, Progress


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


@dataclass(frozen=True, slots=True)
class Options:
    """The options every command takes, wherever they stand."""

    workspace: str | None = None
    json: bool = False
    quiet: bool = False
    debug: bool = False


class Output:
    """Prints results for people or for machines."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._people = Console(stderr=True, highlight=False, soft_wrap=True)
        self._results = Console(highlight=False, soft_wrap=True)

    def say(self, sentence: str) -> None:
        """A sentence for people; silent with `--quiet`."""
        if not self.options.quiet:
            self._people.print(sentence, markup=False)

    def error(self, error: SendoffError) -> None:
        """The three sentences of an error; with `--json` also as the document."""
        self._people.print(str(error), markup=False)
        if self.options.json:
            self.document({"error": error.as_dict()})

    def document(self, value: object) -> None:
        """The one JSON document."""
        text = orjson.dumps(plain(value), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
        sys.stdout.write(text.decode("utf-8") + "\n")
        sys.stdout.flush()

    def result(self, value: Mapping[str, Any], sentence: str) -> None:
        """The document with `--json`, else a sentence on stdout."""
        if self.options.json:
            self.document(value)
        else:
            self._results.print(sentence, markup=False)

    def rows(
        self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]], documents: Iterable[object]
    ) -> None:
        """A list: with `--json` `{name: [documents]}`, else a table."""
        if self.options.json:
            self.document({name: list(documents)})
            return
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row))
        self._results.print(table)

    def text(self, text: str) -> None:
        """Text as it is, on stdout."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def progress(self) -> ProgressPrinter:
        """A listener for a job: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`."""
        return ProgressPrinter(self._people, quiet=self.options.quiet)


class ProgressPrinter:
    """Shows the progress of one job on stderr; a context manager."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = console
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._last_line = ""

    def __enter__(self) -> Self:
        if not self._quiet and self._console.is_terminal:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f}"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
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
            percent = f" {progress.share:.0%}" if progress.share is not None else ""
            line = f"{progress.stage}{percent}"
            if line != self._last_line:
                self._last_line = line
                self._console.print(line, markup=False)
            return
        if self._task is None:
            self._task = self._bar.add_task(progress.stage, total=progress.total)
        self._bar.update(self._task, description=progress.stage, completed=progress.done, total=progress.total)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(value)


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """The value as JSON knows it: dataclasses as objects, enums as their value, times as ISO 8601."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(item) for key, item in asdict(value).items()}
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
