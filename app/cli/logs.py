"""Warnings of the program on stderr while a command runs; secrets are masked in every line."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from app.secrets.redaction import RedactingFilter, Redactor

if TYPE_CHECKING:
    from app.cli.options import Options
    from app.cli.session import Session

logger = logging.getLogger(__name__)


class ConsoleLog(logging.StreamHandler[TextIO]):
    """A handler that knows the secrets of the open workspace, and leaves tracebacks to `--debug`."""

    def __init__(self, options: Options, session: Session) -> None:
        super().__init__(sys.stderr)
        self._debug = options.debug
        self._session = session
        self._shapes = RedactingFilter(Redactor())
        self.setLevel(logging.DEBUG if options.debug else logging.CRITICAL if options.quiet else logging.WARNING)
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s" if options.debug else "%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, masked."""
        if not self._debug:
            record = logging.makeLogRecord(vars(record) | {"exc_info": None, "exc_text": None, "stack_info": None})
        known = self._session.redactor
        (self._shapes if known is None else RedactingFilter(known)).filter(record)
        super().emit(record)

    def traceback(self, error: BaseException) -> None:
        """Write where an error comes from; for `--debug`."""
        text = "".join(traceback.format_exception(error)).rstrip("\n")
        self.handle(logging.makeLogRecord({"name": __name__, "levelno": logging.ERROR, "msg": text}))


@contextmanager
def console_log(options: Options, session: Session) -> Iterator[ConsoleLog]:
    """Send what the program logs to stderr, also faults of threads that nobody caught, until the block ends."""
    log = ConsoleLog(options, session)
    root, before = logging.getLogger(), threading.excepthook

    def caught(told: threading.ExceptHookArgs) -> None:
        error = told.exc_value or told.exc_type()
        logger.critical("Something unexpected went wrong (%s).", type(error).__name__, exc_info=error)

    root.addHandler(log)
    threading.excepthook = caught
    try:
        yield log
    finally:
        threading.excepthook = before
        root.removeHandler(log)
