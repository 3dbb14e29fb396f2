"""What a run leaves behind as files: `rejects.jsonl`, `log.jsonl`, `batches.jsonl` and more in `runs/{id}/` of the workspace.

One JSON object a line, appended and flushed at once, so that a run that was killed keeps what it wrote. All files are
readable by their owner only: rejects hold the value as it would have been sent, because a person needs it to correct it.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from app.core.runs import LogLine, Reject, RejectPage
from app.data.appended import AppendedFile
from app.jobs.drive import flush, put_in_place, remove

T = TypeVar("T")

MASK = "•••"
LINES_AT_ONCE = 1000
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would else write \r\n for \n
_EMAIL = re.compile(r"(?P<place>//)?[\w.!#$%&'*+=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")
_NUMBER_LIKE = re.compile(r"[+-]?[0-9][0-9 ().,/-]*")


def mask_addresses(text: str) -> str:
    """The text with each e-mail address replaced by dots; the user of a server (`sftp://user@host`) is none."""
    return _EMAIL.sub(lambda found: found[0] if found["place"] else MASK, text)


class JsonLines(Generic[T]):
    """A file of one JSON object a line, made when the first one comes; a context manager, used by one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: AppendedFile | None = None
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, items: Iterable[T]) -> None:
        """Append the items; they are in the operating system's hands when this returns."""
        lines = (self._encoder.encode(item) + b"\n" for item in items)
        while chunk := b"".join(islice(lines, LINES_AT_ONCE)):
            self._append(chunk)

    def _append(self, chunk: bytes) -> None:
        if self._file is None:
            self._file = AppendedFile(self._path)
        self._file.write(chunk)

    def sync(self) -> None:
        """What was appended is on the disk when this returns, and would be there after a loss of power; thread safe."""
        if self._file is not None:
            self._file.sync()

    def close(self) -> None:
        """Bring everything onto the disk and close."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()


class RunFolder:
    """The folder of one run."""

    def __init__(self, workspace: Path, run_id: str) -> None:
        self.path = workspace / "runs" / run_id

    @property
    def staging(self) -> Path:
        """Where files wait until they are sent; empty after the run."""
        return self.path / "staging"

    @property
    def receipt(self) -> Path:
        """The receipt, written when the run closes."""
        return self.path / "receipt.json"

    @property
    def ledger_path(self) -> Path:
        """What the receipt has to know, until it is written; see delivery/ledger.py."""
        return self.path / "ledger.jsonl"

    def ledger_writer(self) -> JsonLines[Any]:
        """The ledger of the run, to be appended to."""
        return JsonLines(self.ledger_path)

    @property
    def changes(self) -> Path:
        """The folder of who was added, changed and removed, a file for each segment."""
        return self.path / "changes"

    @property
    def configuration(self) -> Path:
        """What the run was told to do."""
        return self.path / "configuration.json"

    @property
    def rejects_path(self) -> Path:
        """Who was refused, by name."""
        return self.path / "rejects.jsonl"

    @property
    def left_out_path(self) -> Path:
        """Who was not sent by our choice, by name."""
        return self.path / "left_out.jsonl"

    def rejects_writer(self) -> JsonLines[Reject]:
        """Members the target or a rule refused."""
        return JsonLines(self.rejects_path)

    def left_out_writer(self) -> JsonLines[Reject]:
        """Members not sent by our choice."""
        return JsonLines(self.path / "left_out.jsonl")

    @property
    def log_path(self) -> Path:
        """What happened, in plain words."""
        return self.path / "log.jsonl"

    def log_writer(self) -> JsonLines[LogLine]:
        """What happened, in plain words."""
        return JsonLines(self.log_path)

    @property
    def journal_path(self) -> Path:
        """Each batch before it left and after; see delivery/journal.py."""
        return self.path / "batches.jsonl"

    def journal_writer(self) -> JsonLines[Any]:
        """The batches of the run, to be appended to."""
        return JsonLines(self.journal_path)

    def remove_members(self) -> None:
        """Delete everything personal; numbers and log stay."""
        for name in ("rejects.jsonl", "left_out.jsonl"):
            remove(self.path / name)

    def blank_members(
        self, file: Path, theirs: Callable[[Reject], bool], blanked: Callable[[Reject], Reject] | None
    ) -> int:
        """How many lines of a file of rejects are theirs; with `blanked` those lines are written in that form instead."""
        rejects = list(read_lines(file, Reject))
        number = sum(map(theirs, rejects))
        if number and blanked is not None:
            unfinished = file.with_name(f"{file.name}.part")
            with JsonLines[Reject](unfinished) as lines:
                lines.write(blanked(each) if theirs(each) else each for each in rejects)
            put_in_place(unfinished, file)
        return number

    def remove_changes(self) -> None:
        """Delete who was added, changed and removed; numbers and log stay."""
        rmtree(self.changes, ignore_errors=True)

    def remove(self, *, keep_receipt: bool = False) -> None:
        """Delete everything of a run that is gone; its receipt may stay longer, and goes by `clear_receipts`."""
        if not keep_receipt or not self.receipt.exists():
            rmtree(self.path, ignore_errors=True)
            return
        for each in self.path.iterdir():
            if each.is_dir():
                rmtree(each, ignore_errors=True)
            elif each != self.receipt:
                remove(each)

    def all_rejects(self) -> Iterator[Reject]:
        """Every reject, one after another."""
        return read_lines(self.rejects_path, Reject)

    def rejects(self, offset: int = 0, limit: int = 200, field: str | None = None) -> RejectPage:
        """One page of rejects, of one field only when asked; reads the file once, in constant memory."""
        return _page(self.all_rejects(), offset, limit, field)

    def left_out(self, offset: int = 0, limit: int = 200, field: str | None = None) -> RejectPage:
        """One page of the members left out, as `rejects`."""
        return _page(read_lines(self.path / "left_out.jsonl", Reject), offset, limit, field)

    def log(self, last: int | None = None) -> tuple[LogLine, ...]:
        """The last lines of the log, or all of them, oldest first."""
        return tuple(deque(read_lines(self.log_path, LogLine), maxlen=last))

    def save_rejects(self, path: Path) -> int:
        """Write all rejects as CSV for a spreadsheet and say how many, as `save_csv`."""
        head = ("Member", "Segment", "Field", "Value", "Reason", "Fix", "Refused by")
        rows = (
            (
                each.member,
                each.segment,
                each.field,
                each.value,
                each.reason,
                each.fix,
                "target" if each.by_target else "rule",
            )
            for each in self.all_rejects()
        )
        return save_csv(path, head, rows)


def old_folders(workspace: Path, before: datetime) -> Iterator[str]:
    """The runs that have more than a receipt, none of it written since that moment."""
    for folder in (workspace / "runs").glob("*"):
        with suppress(OSError):
            written = [each.stat().st_mtime for each in folder.iterdir() if each.name != "receipt.json"]
            if written and max(written) < before.timestamp():
                yield folder.name


def save_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write rows with personal values for a spreadsheet and say how many; the file is whole or not there. Raises OSError.

    UTF-8 with a byte order mark, because Excel takes the local code page without it. Readable by its owner only.
    """
    temporary = path.with_name(f".{path.name}.part")
    number = 0
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600)
        with os.fdopen(file, "w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(head)
            for row in rows:
                writer.writerow([harmless_cell(text) for text in row])
                number += 1
            stream.flush()
            flush(stream.fileno())
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return number


def harmless_cell(text: str) -> str:
    """The text as a spreadsheet shows it without running it.

    A cell that starts like a formula gets an apostrophe in front (OWASP, CSV injection). Phone numbers and negative
    numbers stay as they are: digits and signs alone can call nothing, and people copy them back to the source.
    """
    if text.startswith(_FORMULA_START) and not _NUMBER_LIKE.fullmatch(text):
        return f"'{text}"
    return text


def read_lines(path: Path, kind: type[T]) -> Iterator[T]:
    """The lines of a file, none when there is none; what a killed process left half written is passed over."""
    decoder = msgspec.json.Decoder(kind)
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        for line in stream:
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                continue


def _page(rejects: Iterator[Reject], offset: int, limit: int, field: str | None) -> RejectPage:
    by_field: Counter[str] = Counter()
    chosen: list[Reject] = []
    matching = 0
    for reject in rejects:
        by_field[reject.field] += 1
        if field is None or reject.field == field:
            if offset <= matching < offset + limit:
                chosen.append(reject)
            matching += 1
    return RejectPage(tuple(chosen), offset, by_field.total(), dict(by_field))
