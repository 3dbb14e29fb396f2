"""The window's log and what happens to a fault nobody caught; secrets are masked in every handler."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

if TYPE_CHECKING:
    from app.secrets.redaction import Redactor

log = logging.getLogger(__name__)

FILE_BYTES = 2_000_000
FILES = 3


class Logbook(QObject):
    """Owns the handlers of the root logger while the window is open.

    `fault(object)` comes in the main thread with an exception nobody caught, from whichever thread.
    """

    fault = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._handlers: list[logging.Handler] = []
        self._before: tuple[Callable[..., object], Callable[..., object]] | None = None

    def open(self) -> None:
        """Log into the folder from now on; without a writable folder to the standard error output alone."""
        from app.secrets.redaction import RedactingFilter, Redactor

        handlers: list[logging.Handler] = [logging.StreamHandler()]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handlers.append(
                RotatingFileHandler(
                    self.folder / "sendoff.log", maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8", delay=True
                )
            )
        except OSError:
            log.warning("The log folder %s can't be written.", self.folder)
        form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        for handler in handlers:
            handler.setFormatter(form)
            handler.setLevel(logging.WARNING if type(handler) is logging.StreamHandler else logging.INFO)
            handler.addFilter(RedactingFilter(Redactor()))
            logging.getLogger().addHandler(handler)
        self._handlers = handlers
        logging.getLogger("app").setLevel(logging.INFO)

    def mask(self, redactor: Redactor) -> None:
        """Also mask the secrets this redactor knows: those of the open workspace."""
        from app.secrets.redaction import RedactingFilter

        for handler in self._handlers:
            handler.addFilter(RedactingFilter(redactor))

    def catch_faults(self) -> None:
        """Log what nobody caught, in any thread, and tell `fault`; until `close`."""
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._on_uncaught
        threading.excepthook = lambda told: self._on_uncaught(
            told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
        )

    def close(self) -> None:
        """Take the handlers and hooks away again."""
        if self._before is not None:
            sys.excepthook, threading.excepthook = self._before
            self._before = None
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()
        self._handlers = []

    def connect_fault(self, slot: Callable[[BaseException], None]) -> None:
        """Call the slot in the main thread with each fault."""
        self.fault.connect(slot, Qt.ConnectionType.QueuedConnection)

    def _on_uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt | SystemExit):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("A fault nobody caught.", exc_info=(kind, error, trace))
        self.fault.emit(error)
