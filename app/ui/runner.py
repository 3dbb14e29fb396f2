"""The bridge from background work to the window: plain Python jobs, one long-lived QObject, one mailbox signal.

    job = runner.submit("queries", "Test Mailchimp EU", lambda ctx: service.test(connection, ctx),
                        on_progress=self._on_test_progress, on_finished=self._on_test_finished)
    job.cancel()

The function runs in a thread of the named pool, gets a `JobContext` and returns a value or raises; it never touches a QObject.
Both callbacks run in the main thread. Why one QObject and one `Signal(object)`: a QObject per job, with a parent and
`deleteLater`, crashed in every measured run, and counts lose their value in `Signal(int)` past 2**31.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import FunctionType
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from shiboken6 import isValid

from app.core.errors import SendoffError, TellUs
from app.jobs import Cancelled, CancelToken, JobContext, Pools, Progress

log = logging.getLogger(__name__)

Work = Callable[[JobContext], Any]


class Outcome(Enum):
    """How a job ended."""

    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Finished:
    """The end of a job: `value` when done, `error` when failed."""

    outcome: Outcome
    value: Any = None
    error: BaseException | None = None


class Job:
    """A piece of work in flight; a plain object, safe to keep or to forget. Main thread only."""

    def __init__(self, number: int, pool: str, name: str, key: str | None) -> None:
        self.number = number
        self.pool = pool
        self.name = name
        self.key = key
        self.token = CancelToken()
        self.progress: Progress | None = None
        self.finished: Finished | None = None

    def cancel(self) -> None:
        """Ask it to stop; `on_finished` comes with CANCELLED, or with DONE when it was already past the last check."""
        self.token.cancel()

    @property
    def running(self) -> bool:
        """Whether the end has not been told yet."""
        return self.finished is None


@dataclass
class _Entry:
    job: Job
    work: Work
    on_progress: Callable[[Progress], None] | None
    on_finished: Callable[[Finished], None] | None


class JobRunner(QObject):
    """Runs work in named pools and tells the main thread.

    Signals:
        jobs_changed: a job began or ended (for the activity block); read `jobs()`.

    Args:
        pools: the threads; the runner closes them in `close()`.
    """

    jobs_changed = Signal()
    _mailbox = Signal(object)

    def __init__(self, pools: Pools, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pools = pools
        self._numbers = itertools.count(1)
        self._entries: dict[int, _Entry] = {}
        self._futures: dict[int, Future[None]] = {}
        self._keys: dict[str, deque[_Entry]] = {}
        self._stopping = False
        self._mailbox.connect(self._on_message, Qt.ConnectionType.QueuedConnection)

    def submit(
        self,
        pool: str,
        name: str,
        work: Work,
        *,
        on_progress: Callable[[Progress], None] | None = None,
        on_finished: Callable[[Finished], None] | None = None,
        key: str | None = None,
    ) -> Job:
        """Start `work(ctx)` in the named pool.

        Args:
            pool: "exports", "queries" or "store"; KeyError otherwise.
            name: in words, for the log and the activity block.
            work: runs in a worker thread.
            on_progress: gets each `Progress` in the main thread, at most ten a second.
            on_finished: gets one `Finished` in the main thread.
            key: jobs of the same key run one after another, e.g. the connection's id.

        During shutdown nothing starts: the job comes back cancelled and no callback follows.
        """
        job = Job(next(self._numbers), pool, name, key)
        if self._stopping:
            job.finished = Finished(Outcome.CANCELLED)
            return job
        entry = _Entry(job, work, on_progress, on_finished)
        if key is not None and key in self._keys:
            self._keys[key].append(entry)
        else:
            # Started before it is listed: a pool that refuses leaves nothing behind, and no message can overtake us, as
            # the mailbox is only read by the event loop.
            self._start(entry)
            if key is not None:
                self._keys[key] = deque()
        self._entries[job.number] = entry
        self.jobs_changed.emit()
        return job

    def abandon(self, job: Job) -> None:
        """Cancel a job and hear nothing more of it."""
        job.cancel()
        entry = self._entries.get(job.number)
        if entry is not None:
            entry.on_progress = entry.on_finished = None

    def jobs(self, pool: str | None = None) -> tuple[Job, ...]:
        """Return the jobs that run or wait, oldest first."""
        return tuple(e.job for e in self._entries.values() if pool is None or e.job.pool == pool)

    def begin_shutdown(self) -> None:
        """Refuse new work, cancel everything and mute every callback. Returns at once; ask `is_idle()` by a timer."""
        self._stopping = True
        for entry in self._entries.values():
            entry.on_progress = entry.on_finished = None
            entry.job.cancel()
        self._keys.clear()
        waiting = [number for number in self._entries if number not in self._futures]
        for number in waiting:
            self._entries.pop(number).job.finished = Finished(Outcome.CANCELLED)

    def is_idle(self) -> bool:
        """Whether no thread works for the window any more."""
        for number in [number for number, future in self._futures.items() if future.cancelled()]:
            # The pool was closed before it began: it never tells its end.
            del self._futures[number]
            entry = self._entries.pop(number, None)
            if entry is not None:
                entry.job.finished = Finished(Outcome.CANCELLED)
        return not self._entries and all(f.done() for f in self._futures.values())

    def wait_idle(self, seconds: float) -> bool:
        """Block until every job has ended and been told, at most that long; for tests and the last step of closing."""
        deadline = time.monotonic() + seconds
        while True:
            wait(list(self._futures.values()), timeout=max(0.0, deadline - time.monotonic()))
            QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)
            if self.is_idle():
                return True
            if time.monotonic() >= deadline:
                return False

    def close(self, *, wait_for_threads: bool = True) -> None:
        """Shut down and give the threads back."""
        self.begin_shutdown()
        self._pools.close(wait=wait_for_threads)

    def _start(self, entry: _Entry) -> None:
        self._futures[entry.job.number] = self._pools.submit(entry.job.pool, self._run, entry.job, entry.work)

    def _start_waiting(self, entry: _Entry) -> None:
        try:
            self._start(entry)
        except (KeyError, RuntimeError) as error:
            self._post(entry.job.number, Finished(Outcome.FAILED, error=error))

    def _run(self, job: Job, work: Work) -> None:
        """Run in a worker thread; the one place where everything a job may raise is caught."""
        context = JobContext(job.token, lambda progress: self._post(job.number, progress))
        try:
            job.token.check()
            finished = Finished(Outcome.DONE, work(context))
        except Cancelled:
            finished = Finished(Outcome.CANCELLED)
        except BaseException as error:
            # What a person can meet is told to them: the trace would only hide faults of ours among the lines of the log.
            ours = not isinstance(error, SendoffError) or isinstance(error, TellUs)
            if ours:
                log.error("%s failed.", job.name, exc_info=error)
            else:
                log.warning("%s failed. %s", job.name, error)
            finished = Finished(Outcome.FAILED, error=error)
        self._post(job.number, finished)

    def _post(self, number: int, message: Progress | Finished) -> None:
        try:
            self._mailbox.emit((number, message))
        except RuntimeError:
            # The window is gone and the C++ object with it: nobody is left to tell.
            log.debug("Job %d reported after the window closed.", number)

    def _on_message(self, envelope: tuple[int, Progress | Finished]) -> None:
        number, message = envelope
        entry = self._entries.get(number)
        if entry is None:
            self._futures.pop(number, None)
            return
        if isinstance(message, Finished):
            self._finish(entry, message)
        else:
            entry.job.progress = message
            if entry.on_progress is not None and _hears(entry.on_progress):
                entry.on_progress(message)

    def _finish(self, entry: _Entry, finished: Finished) -> None:
        job = entry.job
        del self._entries[job.number]
        self._futures.pop(job.number, None)
        job.finished = finished
        if job.key is not None and job.key in self._keys:
            waiting = self._keys[job.key]
            if waiting:
                self._start_waiting(waiting.popleft())
            else:
                del self._keys[job.key]
        if entry.on_finished is not None and _hears(entry.on_finished):
            entry.on_finished(finished)
        self.jobs_changed.emit()


def _hears(callback: Callable[[Any], None]) -> bool:
    """Whether whoever is called is still there: a page, a wizard or a dialog may be gone before its job ends."""
    owner = _owner(callback)
    return not isinstance(owner, QObject) or isValid(owner)


def _owner(callback: Callable[[Any], None]) -> object:
    """Whose method it is, or in whose method it was written."""
    while isinstance(callback, partial):
        callback = callback.func
    method_of = getattr(callback, "__self__", None)
    if method_of is not None:
        return method_of
    if not isinstance(callback, FunctionType) or "self" not in callback.__code__.co_freevars:
        return None
    return callback.__closure__[callback.__code__.co_freevars.index("self")].cell_contents


class QueryState(Enum):
    """What a live query is doing."""

    IDLE = "idle"
    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class LiveQuery(QObject):
    """A question asked again and again while the person types: only the newest answer is ever delivered.

    Signals:
        ready(object): the newest answer.
        failed(object): the exception of the newest question.
        progressed(object): `Progress` of the newest question.
        state_changed(object): a `QueryState`.

    `value` keeps the last answer, so it can stay on screen dimmed while the next one is counted. Main thread only.
    """

    ready = Signal(object)
    failed = Signal(object)
    progressed = Signal(object)
    state_changed = Signal(object)

    def __init__(
        self,
        runner: JobRunner,
        name: str = "Count",
        *,
        delay_ms: int = 300,
        pool: str = "queries",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._name = name
        self._pool = pool
        self._work: Work | None = None
        self._job: Job | None = None
        self.state = QueryState.IDLE
        self.value: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(self._on_delay_passed)

    def ask(self, work: Work, *, at_once: bool = False) -> None:
        """Ask a new question; an older one is cancelled now and its answer never comes."""
        self._drop()
        self._work = work
        self._set_state(QueryState.WAITING)
        if at_once:
            self._timer.stop()
            self._on_delay_passed()
        else:
            self._timer.start()

    def cancel(self) -> None:
        """Ask nothing any more; the last value stays."""
        self._timer.stop()
        self._drop()
        self._work = None
        self._set_state(QueryState.IDLE)

    def _drop(self) -> None:
        if self._job is not None:
            self._runner.abandon(self._job)
            self._job = None

    def _on_delay_passed(self) -> None:
        work, self._work = self._work, None
        if work is None:
            return
        self._set_state(QueryState.RUNNING)
        self._job = self._runner.submit(
            self._pool, self._name, work, on_progress=self.progressed.emit, on_finished=self._on_finished
        )

    def _on_finished(self, finished: Finished) -> None:
        self._job = None
        if finished.outcome is Outcome.DONE:
            self.value = finished.value
            self._set_state(QueryState.READY)
            self.ready.emit(finished.value)
        elif finished.outcome is Outcome.FAILED:
            self._set_state(QueryState.FAILED)
            self.failed.emit(finished.error)
        else:
            self._set_state(QueryState.IDLE)

    def _set_state(self, state: QueryState) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)
