"""What a run writes down while it goes: log lines, rejects and members left out, all cleaned of secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Self

from app.core.runs import LogLine, PhaseName, Reject
from app.delivery.files import RunFolder, mask_addresses
from app.delivery.run_state import utc_now


class RunLog:
    """The open files of one run; a context manager. `redact` takes out the secrets it knows.

    Thread safe: several batches may be on their way at once.
    """

    def __init__(
        self,
        folder: RunFolder,
        redact: Callable[[str], str],
        phase: Callable[[], PhaseName],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._redact = redact
        self._phase = phase
        self._clock = clock
        self._lock = threading.Lock()
        self._files = ExitStack()
        self._log = self._files.enter_context(folder.log_writer())
        self._rejects = self._files.enter_context(folder.rejects_writer())
        self._left_out = self._files.enter_context(folder.left_out_writer())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def info(self, text: str) -> None:
        """Something went as it should."""
        self._write("info", text)

    def warning(self, text: str) -> None:
        """Something a person may want to know."""
        self._write("warning", text)

    def error(self, text: str) -> None:
        """What stopped the run."""
        self._write("error", text)

    def rejects(self, rejects: Sequence[Reject]) -> None:
        """Members the target or a rule refused; on the drive when this returns, as their outcomes are."""
        with self._lock:
            self._rejects.write(rejects)
        self._rejects.sync()

    def left_out(self, members: Iterable[Reject]) -> None:
        """Members not sent by our choice; on the drive when this returns: a run that goes on does not note them again."""
        with self._lock:
            self._left_out.write(members)
        self._left_out.sync()

    def clean(self, text: str) -> str:
        """The text without secrets and addresses."""
        return mask_addresses(self._redact(text))

    def _write(self, level: str, text: str) -> None:
        line = LogLine(self._clock(), self._phase(), level, self.clean(text))
        with self._lock:
            self._log.write([line])
