"""Keeping an open workspace tidy: what is deleted for good, at once, and then daily for as long as it is open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.core.errors import SendoffError
from app.core.retention import Retention

if TYPE_CHECKING:  # they load the engine
    from app.services.connections import ConnectionService
    from app.services.exports import ExportService
    from app.services.runs import RunService
    from app.services.segments import SegmentService
    from app.services.suppression import SuppressionService
    from app.services.tables import TableService

UNDO_FOR = timedelta(hours=24)
"""How long something removed can be put back."""
EVERY = timedelta(days=1)
LOOK_SECONDS = 600.0
"""How often it is looked whether a day has passed, by the computer's clock: it may have been asleep."""
END_SECONDS = 15.0

logger = logging.getLogger(__name__)


def tidied(
    runs: RunService,
    connections: ConnectionService,
    exports: ExportService,
    segments: SegmentService,
    suppression: SuppressionService,
    tables: TableService,
    keep: Retention,
    now: datetime,
) -> bool:
    """Delete for good what can't be put back any more and what is older than it is kept; whether that was done.

    It is not while an export runs, in this process or another one: it may use what goes. A keyring that can't be reached is
    no error here: its secrets wait for the next time.
    """
    if runs.active():
        return False
    with suppress(SendoffError):
        connections.purge_removed(UNDO_FOR)
    lapsed = now - UNDO_FOR
    for export_id in exports.purge_removed(lapsed):
        runs.forget(export_id)
    segments.purge_removed(lapsed)
    segments.clear_away(lapsed)
    suppression.tidy(lapsed)
    tables.clear_away(now)
    runs.tidy(keep)
    return True


class Tidying:
    """Tidies on a thread of its own from `start` to `stop`; thread safe.

    `tidy` says whether it did: while an export runs it does not, and is asked again at the next look, as after an error.
    """

    def __init__(
        self, tidy: Callable[[], bool], clock: Callable[[], datetime], look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._tidy = tidy
        self._clock = clock
        self._look_seconds = look_seconds
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; starting twice is harmless."""
        with self._lock:
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(target=self._go_on, name="sendoff-tidying", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End it for good; waits for what is being tidied."""
        with self._lock:
            self._over.set()
            thread = self._thread
        if thread is not None:
            thread.join(END_SECONDS)

    def _go_on(self) -> None:
        last: datetime | None = None
        while not self._over.is_set():
            now = self._clock()
            if (last is None or abs(now - last) >= EVERY) and self._done():
                last = now
            self._over.wait(self._look_seconds)

    def _done(self) -> bool:
        try:
            return self._tidy()
        except SendoffError as error:  # the database is busy or the drive full
            logger.warning("The workspace could not be tidied: %s", error)
        except Exception:
            logger.exception("Tidying the workspace failed")
        return False
