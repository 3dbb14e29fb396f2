"""Who runs when: several runs at once, but one on each connection, over all processes that use the workspace."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.core.errors import SendoffError
from app.core.runs import Run, Status
from app.jobs import CancelToken, Pools
from app.services.live_runs import LiveRuns
from app.store.owners import BEAT_SECONDS
from app.store.runs import RunRepository

POLL_SECONDS = 1.0
"""How often other processes are heeded: their claims on connections and their wishes to cancel."""

logger = logging.getLogger(__name__)

Execute = Callable[[Run, CancelToken], Run]
SetAside = Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Active:
    run: Run
    token: CancelToken


class RunQueue:
    """Starts waiting runs in the order they came. Thread safe.

    One watching thread lives while there is anything to run. It claims connections in the store, so that a run of
    another process on the same connection is waited for, and looks for cancels that other processes asked for.
    """

    def __init__(
        self,
        runs: RunRepository,
        live: LiveRuns,
        pools: Pools,
        execute: Execute,
        set_aside_dead: SetAside,
        *,
        owner: str,
        clock: Callable[[], datetime],
        at_once: int = 4,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._runs = runs
        self._live = live
        self._pools = pools
        self._execute = execute
        self._set_aside_dead = set_aside_dead
        self._owner = owner
        self._clock = clock
        self._at_once = at_once
        self._poll = poll_seconds
        self._changed = threading.Condition()
        self._stirred = False
        self._waiting: dict[str, Run] = {}
        self._active: dict[str, _Active] = {}
        self._watcher: threading.Thread | None = None
        self._closed = False
        self._last_sign: float | None = None

    def add(self, run: Run) -> None:
        """Let the run start as soon as its connection is free; raises RuntimeError after `close`."""
        with self._changed:
            if self._closed:
                raise RuntimeError("the queue is closed")
            self._waiting[run.id] = run
            self._stir()
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="sendoff-run-queue", daemon=True)
                self._watcher.start()

    @property
    def closed(self) -> bool:
        """Whether no run can be added any more."""
        with self._changed:
            return self._closed

    def waiting_for(self, export_id: str) -> Run | None:
        """The run of that export that has not begun."""
        with self._changed:
            return next((r for r in self._waiting.values() if r.export_id == export_id), None)

    def cancel(self, run_id: str) -> bool:
        """Stop the run after the batch in flight, or take it out of the queue; False when it is not ours."""
        with self._changed:
            waiting = self._waiting.pop(run_id, None)
            active = self._active.get(run_id)
            self._stir()
        if waiting is not None:
            self._end_unbegun(waiting)
        if active is not None:
            active.token.cancel()
        return waiting is not None or active is not None

    def close(self, timeout: float) -> list[Run]:
        """Take no more, cancel everything, wait that many seconds, and give back what still runs."""
        with self._changed:
            self._closed = True
            ids = [*self._waiting, *self._active]
        for run_id in ids:
            self.cancel(run_id)
        with self._changed:
            self._changed.wait_for(lambda: not self._active, timeout)
            return [active.run for active in self._active.values()]

    def _stir(self) -> None:
        self._stirred = True
        self._changed.notify_all()

    def _watch(self) -> None:
        while True:
            with self._changed:
                if self._closed or not (self._waiting or self._active):
                    self._watcher = None
                    return
                self._stirred = False
            try:
                self._live.keep_late()
                self._give_sign_of_life()
                self._heed_cancels()
                self._start_what_is_free()
            except SendoffError as error:  # the database is busy or the drive full: look again in a moment
                logger.warning("The queue of runs could not be read: %s", error)
            except Exception:
                logger.exception("The queue of runs failed")
            with self._changed:
                self._changed.wait_for(lambda: self._stirred, self._poll)

    def _give_sign_of_life(self) -> None:
        """Processes of other computers on a shared drive can't see ours."""
        now = time.monotonic()
        if self._last_sign is None or now - self._last_sign >= BEAT_SECONDS:
            self._runs.beat(self._owner, self._clock())
            self._last_sign = now

    def _heed_cancels(self) -> None:
        with self._changed:
            ids = [*self._waiting, *self._active]
        for run_id in ids:
            if self._runs.cancel_requested(run_id):
                self.cancel(run_id)

    def _start_what_is_free(self) -> None:
        with self._changed:
            waiting = list(self._waiting.values())
            taken = {a.run.connection_id: a.run.export_name for a in self._active.values()}
        for run in waiting:
            in_front = taken.get(run.connection_id)
            if in_front is None and self._claimed(run):
                self._start(run)
            else:
                self._wait(run, in_front)
            # Whoever comes later on the same connection waits behind this one.
            taken.setdefault(run.connection_id, run.export_name)

    def _claimed(self, run: Run) -> bool:
        with self._changed:
            if len(self._active) >= self._at_once:
                return False
        return run.connection_id is not None and self._runs.claim(run.id, run.connection_id, self._owner)

    def _start(self, run: Run) -> None:
        begun = replace(run, status=Status.RUNNING, started_at=run.started_at or self._clock(), waits_for="")
        token = CancelToken()
        with self._changed:
            if self._waiting.pop(run.id, None) is None:
                return  # cancelled meanwhile, which gave the connection free
            self._active[run.id] = _Active(begun, token)
        self._live.update(begun)
        try:
            self._pools.submit("exports", self._work, begun, token)
        except RuntimeError:  # the program ends
            self._done(run.id)
            self._end_unbegun(run)

    def _work(self, run: Run, token: CancelToken) -> None:
        try:
            self._live.end(self._execute(run, token))
        finally:
            self._done(run.id)

    def _done(self, run_id: str) -> None:
        with self._changed:
            self._active.pop(run_id, None)
            self._stir()

    def _wait(self, run: Run, in_front: str | None) -> None:
        """Say whose end the run waits for; when a dead process holds the connection, take it from it."""
        if in_front is None:
            self._set_aside_dead()
            holders = (r for r in self._runs.running() if r.connection_id == run.connection_id and r.id != run.id)
            in_front = next((r.export_name for r in holders if r.status is Status.RUNNING), "")
        if in_front == run.waits_for:
            return
        waits = replace(run, waits_for=in_front)
        with self._changed:
            if run.id not in self._waiting:
                return
            self._waiting[run.id] = waits
        self._live.update(waits)

    def _end_unbegun(self, run: Run) -> None:
        self._live.end(replace(run, status=Status.CANCELLED, ended_at=self._clock(), waits_for=""))
