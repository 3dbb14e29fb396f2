"""The runs this process works on: their newest state, kept in the store and told to whoever listens."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from app.core.errors import SendoffError
from app.core.runs import Run, Status
from app.store.runs import RunRepository

KEEP_SECONDS = 1.0
"""How often the progress of a run is written; every change of status or phase is written at once."""
LAST_TRIES = 5

logger = logging.getLogger(__name__)

Listener = Callable[[Run], None]


class LiveRuns:
    """Thread safe; listeners are called in the thread that changes the run, outside the lock.

    `closing` gets each run that ends, before anybody hears of it.
    """

    def __init__(self, runs: RunRepository, closing: Listener = lambda _run: None) -> None:
        self._runs = runs
        self._closing = closing
        self._changed = threading.Condition()
        self._live: dict[str, Run] = {}
        self._unkept: dict[str, Run] = {}
        self._kept: dict[str, tuple[float, object]] = {}
        self._listeners: list[Listener] = []

    def add(self, run: Run) -> None:
        """Keep a new run and follow it until it ends; raises SendoffError when the store can't keep it."""
        self._runs.add(run)
        if run.status.ended:
            self._closing(run)
        with self._changed:
            if not run.status.ended:
                self._live[run.id] = run
        self._tell(run)

    def again(self, run: Run) -> None:
        """Follow a run that ended before and is to go on; raises SendoffError when the store can't keep it."""
        self._runs.reopen(run)
        with self._changed:
            self._live[run.id] = run
        self._tell(run)

    def update(self, run: Run) -> None:
        """Take a newer state of a run that has not ended; one that was given up is not changed any more."""
        with self._changed:
            if run.id not in self._live:
                return
            self._live[run.id] = run
            due = self._due(run)
        if due:
            self._keep(run)
        self._tell(run)

    def end(self, run: Run) -> None:
        """Keep the last state of a run, trying hard; nothing happens when it ended before."""
        if self.get(run.id) is None:
            return
        self._closing(run)
        with self._changed:
            if self._live.pop(run.id, None) is None:
                return
            self._kept.pop(run.id, None)
        for attempt in range(LAST_TRIES):
            if self._keep(run):
                break
            time.sleep(0.2 * 2**attempt)
        else:  # the drive is full, or the database locked for long: whoever asks here hears of the end all the same
            with self._changed:
                self._unkept[run.id] = run
        self._tell(run)
        with self._changed:
            self._changed.notify_all()

    def amend(self, run: Run) -> None:
        """Keep what became of a run that ended before, such as a held one that is cancelled; raises SendoffError."""
        if run.status is not Status.HELD:
            self._closing(run)
        self._runs.save(run)
        self._tell(run)

    def keep_late(self) -> None:
        """Keep the ends that could not be kept when they came."""
        with self._changed:
            waiting = list(self._unkept.values())
        for run in waiting:
            if self._keep(run):
                with self._changed:
                    self._unkept.pop(run.id, None)

    def get(self, run_id: str) -> Run | None:
        """The newest state of a run that has not ended, or whose end could not be kept yet."""
        with self._changed:
            return self._live.get(run_id) or self._unkept.get(run_id)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with each new state until the returned function is called."""
        with self._changed:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def wait_for_an_end(self, run_ids: Iterable[str], seconds: float) -> None:
        """Return when one of these runs ends here or the time is over."""
        wanted = set(run_ids)
        with self._changed:
            before = wanted & self._live.keys()
            self._changed.wait_for(lambda: not before or before - self._live.keys(), seconds)

    def _due(self, run: Run) -> bool:
        now = time.monotonic()
        stage = (run.status, run.waits_for, len(run.skipped), *((p.name, p.state) for p in run.phases))
        when, kept_stage = self._kept.get(run.id, (0.0, None))
        if stage == kept_stage and now - when < KEEP_SECONDS:
            return False
        self._kept[run.id] = (now, stage)
        return True

    def _keep(self, run: Run) -> bool:
        """A run goes on when its progress can't be written: members are on their way and the end is written again."""
        try:
            self._runs.save(run)
        except SendoffError as error:
            logger.warning("The state of run %s could not be kept: %s", run.id, error)
            return False
        return True

    def _tell(self, run: Run) -> None:
        with self._changed:
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(run)
            except Exception:
                logger.exception("A listener of runs failed")
