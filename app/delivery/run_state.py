"""The run as it evolves: an immutable `Run` after each step, told to a listener not too often."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from app.core.guards import Held
from app.core.phrases import Phrase
from app.core.row_deltas import RowChanges
from app.core.runs import Phase, PhaseName, PhaseState, Run, RunError, SkippedSegment, SpeedPoint, Status, Totals
from app.delivery.speed import SpeedMeter
from app.destinations.batches import OutcomeKind

UPDATE_SECONDS = 0.25


def utc_now() -> datetime:
    """The computer's clock."""
    return datetime.now(UTC)


class RunState:
    """Builds the `Run` of one delivery step by step.

    `on_update` gets a new `Run` after each change of phase or status at once, and for progress at most four times a second.
    `on_end` gets the ended one before anybody hears of the end.
    Thread safe: a destination may report a slow-down or a host from a thread of its own.
    """

    def __init__(
        self,
        run: Run,
        on_update: Callable[[Run], None],
        clock: Callable[[], datetime] = utc_now,
        phases: Iterable[PhaseName] = PhaseName,
        on_end: Callable[[Run], None] = lambda _run: None,
    ) -> None:
        self._clock = clock
        self._on_end = on_end
        self._on_update = on_update
        self._lock = threading.RLock()
        self._told = 0.0
        self._speed: SpeedMeter | None = None
        self._held = False
        self._run = replace(
            run,
            status=Status.RUNNING,
            started_at=run.started_at or clock(),
            ended_at=None,
            error=None,
            waits_for="",
            phases=tuple(Phase(name) for name in phases),
        )
        self._tell(at_once=True)

    @property
    def run(self) -> Run:
        """The run as it is now."""
        with self._lock:
            return replace(self._run, speed=self._points())

    @property
    def totals(self) -> Totals:
        """What was done so far."""
        with self._lock:
            return self._run.totals

    @property
    def phase(self) -> PhaseName:
        """The phase that runs, or the last one that did."""
        with self._lock:
            begun = [p.name for p in self._run.phases if p.started_at is not None]
            return begun[-1] if begun else PhaseName.PREPARE

    def begin(self, name: PhaseName) -> None:
        """Close the phase that runs and open this one."""
        with self._lock:
            now = self._clock()
            self._close_open_phase(now)
            self._set_phase(Phase(name, PhaseState.RUNNING, started_at=now))
            if name is PhaseName.SEND:
                self._speed = SpeedMeter(now)
            self._tell(at_once=True)

    def set_total(self, total: int, unit: str) -> None:
        """Say what the run sets out to send."""
        with self._lock:
            self._run = replace(self._run, total=total, unit=unit)
            self._tell(at_once=True)

    def skip(self, segment: str, why: Phrase) -> None:
        """Leave a segment out as a whole."""
        with self._lock:
            self._run = replace(self._run, skipped=(*self._run.skipped, SkippedSegment.because(segment, why)))
            self._tell(at_once=True)

    def hold(self, held: Held) -> None:
        """Say why nothing is sent."""
        with self._lock:
            self._run = replace(self._run, held=held)

    def left_out(self, number: int, *, suppressed: int = 0) -> None:
        """Count members or rows not sent by our choice, some of them because of the suppression list."""
        with self._lock:
            totals = self._run.totals
            totals = replace(totals, left_out=totals.left_out + number, suppressed=totals.suppressed + suppressed)
            self._run = replace(self._run, totals=totals)
            self._tell()

    def unchanged(self, number: int) -> None:
        """Count members the target holds as they are, who are not sent."""
        with self._lock:
            totals = self._run.totals
            self._run = replace(self._run, totals=replace(totals, unchanged=totals.unchanged + number))
            self._tell()

    def kept_values(self, members: int) -> None:
        """Note how many members keep the values that the run which is taken back gave them."""
        with self._lock:
            self._run = replace(self._run, kept_values=members)

    def holds(self, members: int | None) -> None:
        """Note how many members of a segment its place holds now; None makes the whole unknown."""
        with self._lock:
            known = self._run.audience if self._held else 0
            self._held = True
            total = None if known is None or members is None else known + members
            self._run = replace(self._run, audience=total)

    def settled(self, kinds: Iterable[OutcomeKind]) -> None:
        """Count the outcomes of a batch, one per member; numbers by kind will do."""
        with self._lock:
            counted = Counter(kinds)
            totals = self._run.totals
            self._advance(
                counted.total(),
                replace(
                    totals,
                    added=totals.added + counted[OutcomeKind.ADDED],
                    updated=totals.updated + counted[OutcomeKind.UPDATED],
                    unchanged=totals.unchanged + counted[OutcomeKind.UNCHANGED],
                    removed=totals.removed + counted[OutcomeKind.REMOVED],
                    rejected=totals.rejected + counted[OutcomeKind.REJECTED] + counted[OutcomeKind.INVALID],
                    invalid=totals.invalid + counted[OutcomeKind.INVALID],
                ),
            )

    def stored(self, *, rows: int, files: int, bytes_: int) -> None:
        """Count a file that arrived."""
        with self._lock:
            totals = self._run.totals
            self._run = replace(
                self._run,
                totals=replace(
                    totals, rows=totals.rows + rows, files=totals.files + files, bytes=totals.bytes + bytes_
                ),
            )
            self._tell()

    def compared(self, changes: RowChanges, *, removed: int) -> None:
        """Count what changed in a table whose changed rows were written; `removed` are those the place was told of."""
        with self._lock:
            totals = self._run.totals
            self._run = replace(
                self._run,
                totals=replace(
                    totals,
                    added=totals.added + changes.added,
                    updated=totals.updated + changes.changed,
                    removed=totals.removed + removed,
                    unchanged=totals.unchanged + changes.unchanged,
                ),
            )
            self._tell()

    def advance(self, amount: int) -> None:
        """Move on by members or rows, which is also what the speed is measured in."""
        with self._lock:
            self._advance(amount, self._run.totals)

    def sent(self, bytes_: int) -> None:
        """Count bytes of a file that left."""
        with self._lock:
            self._run = replace(self._run, bytes_sent=self._run.bytes_sent + bytes_)
            self._tell()

    def slowed(self) -> None:
        """The target asked to slow down; the phase is marked, also after it ended well."""
        with self._lock:
            for phase in self._run.phases:
                if phase.state is PhaseState.RUNNING:
                    self._set_phase(replace(phase, state=PhaseState.SLOWED, slowed_at=self._clock()))
            self._tell(at_once=True)

    def reached(self, host: str) -> None:
        """Note a host that was contacted."""
        with self._lock:
            if host not in self._run.hosts:
                self._run = replace(self._run, hosts=(*self._run.hosts, host))
                self._tell()

    def finish(self, status: Status, error: RunError | None = None) -> Run:
        """End the run; the open phase counts as failed unless the run ended by itself or by a wish."""
        with self._lock:
            now = self._clock()
            self._close_open_phase(now, failed=status is Status.FAILED)
            speed = self._points(now)
            self._speed = None
            self._run = replace(self._run, status=status, error=error, ended_at=now, speed=speed)
            self._on_end(self._run)
            self._tell(at_once=True)
            return self._run

    def _advance(self, amount: int, totals: Totals) -> None:
        self._run = replace(self._run, done=self._run.done + amount, totals=totals)
        if self._speed is not None:
            self._speed.add(amount, self._clock())
        self._tell()

    def _points(self, now: datetime | None = None) -> tuple[SpeedPoint, ...]:
        if self._speed is None:
            return self._run.speed
        return self._speed.points(now or self._clock())

    def _set_phase(self, phase: Phase) -> None:
        phases = tuple(phase if p.name is phase.name else p for p in self._run.phases)
        self._run = replace(self._run, phases=phases)

    def _close_open_phase(self, now: datetime, *, failed: bool = False) -> None:
        for phase in self._run.phases:
            if phase.started_at is None or phase.ended_at is not None:
                continue
            kept = PhaseState.SLOWED if phase.state is PhaseState.SLOWED else PhaseState.DONE
            self._set_phase(replace(phase, state=PhaseState.FAILED if failed else kept, ended_at=now))

    def _tell(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self._told >= UPDATE_SECONDS:
            self._told = now
            self._on_update(replace(self._run, speed=self._points()))


def outcome_status(totals: Totals, skipped: tuple[SkippedSegment, ...], skip_status: Status | None) -> Status:
    """How a run that came to its end is named.

    Rejects weigh more than a skipped segment, and a skipped one more than success: whoever looks at one word must not
    believe that everybody arrived.
    """
    if totals.rejected:
        return Status.COMPLETED_WITH_REJECTS
    if skipped and skip_status is not None:
        return skip_status
    return Status.SUCCESSFUL
