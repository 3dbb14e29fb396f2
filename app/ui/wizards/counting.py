"""Counts of all segments while people choose: each in its own job, known ones shown at once, and the total of the chosen ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.counts import Count, Total, Verdict
from app.core.errors import SendoffError, as_sendoff_error
from app.core.phrases import Phrase
from app.jobs import JobContext
from app.ui.phrase_words import said
from app.ui.runner import Finished, Job, Outcome

if TYPE_CHECKING:
    from app.bootstrap import Services
    from app.destinations.description import Description
    from app.ui.wizards.state import WizardState

TELL_MS = 250
"""Counts are merged to four updates a second."""


@dataclass(frozen=True)
class Counted:
    """What is known of one segment: `count` may be of earlier (`stale`), `about` is an estimate while it is counted."""

    count: Count | None = None
    stale: bool = False
    running: bool = False
    about: int | None = None
    error: SendoffError | None = None

    @property
    def sure(self) -> bool:
        """Whether the count is of now."""
        return self.count is not None and not self.stale

    @property
    def blocked(self) -> str:
        """Why the segment would be skipped, as far as is known; empty when it would go."""
        if self.count is None:
            return ""
        if self.count.verdict is Verdict.OK and not self.count.to_send:
            return said(Phrase("nobody"))
        return said(self.count.phrase, self.count.reason)


@dataclass(frozen=True)
class Target:
    """What is counted for: a destination, its type of audience, and the key fields that are matched."""

    destination: str
    audience: str
    match: tuple[tuple[str, str], ...]

    @property
    def keys(self) -> dict[str, str] | None:
        """The match, None where there is none yet."""
        return dict(self.match) or None


class SegmentCounts(QObject):
    """Counts for one destination and match; main thread only.

    Signals:
        changed: some counts or the total are news; read `of`, `total`, `total_is_old`.
    """

    changed = Signal()

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self._state = state
        self._known: dict[str, Counted] = {}
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._asked: tuple[object, ...] = ()
        self._total_asked: tuple[object, ...] = ()
        self._total: Total | None = None
        self._total_sure = False
        self._query = state.query("Add up the segments", delay_ms=80)
        self._query.ready.connect(self._on_total_ready)
        self._query.failed.connect(self._on_total_failed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TELL_MS)
        self._timer.timeout.connect(self.changed)
        self._starter = QTimer(self)
        self._starter.setInterval(0)
        self._starter.timeout.connect(self._start_next)
        self.counted_at: datetime | None = None

    def of(self, name: str) -> Counted:
        """What is known of a segment."""
        return self._known.get(name, Counted())

    @property
    def total(self) -> Total | None:
        """The chosen segments that will go, together; None before the first answer."""
        return self._total

    @property
    def total_sure(self) -> bool:
        """Whether the total is that of what is chosen now, and all of it is counted."""
        return self._total_sure and self._total is not None and self._total.complete

    def running(self) -> bool:
        """Whether a segment is being counted."""
        return bool(self._jobs or self._waiting)

    def count(
        self,
        names: Iterable[str],
        description: Description,
        match: Mapping[str, str],
        basis: object,
        *,
        again: bool = False,
    ) -> None:
        """Count these segments for a destination and its type of audience; `again` counts also what is known or under way.

        `basis` is what they are counted from; when it changed, so may every count.
        """
        wanted = tuple(names)
        row = self._state.connection
        # A connection may set limits of its own; then its counts are not those of the destination.
        to = row.connection.name if row is not None and description.limit_fields else description.id
        target = Target(to, description.audience_id, tuple(sorted(match.items())))
        asked = (wanted, target, basis)
        if asked == self._asked and not again:
            return
        if asked[1:] != self._asked[1:]:
            self._known = {name: replace(known, stale=True) for name, known in self._known.items()}
        self._asked = asked
        self._total_asked = ()
        for job in self._jobs.values():
            self._state.context.runner.abandon(job)
        self._jobs.clear()
        self._waiting.clear()
        services = self._state.context.services
        for name in wanted:
            self._known[name] = replace(
                self.of(name), running=True, error=None, about=None, stale=self.of(name).count is not None
            )
        self._state.submit(
            "store",
            "Read the counts of earlier",
            lambda _ctx: _cached(services, wanted, target),
            lambda finished: self._on_cached(finished, asked),
        )
        for name in wanted:
            self._waiting.append(partial(self._start, name, target, again=again))
        self._starter.start()
        self._tell()

    def add_up(self, names: Iterable[str]) -> None:
        """Ask for the total of these segments, when it is not the one asked for last."""
        chosen = tuple(name for name in names if not self.of(name).blocked)
        sure = all(self.of(name).sure for name in chosen)
        if (chosen, sure, *self._asked[1:]) == self._total_asked:
            return
        self._total_asked = (chosen, sure, *self._asked[1:])
        self._total_sure = False
        if not chosen:
            self._query.cancel()
            self._total, self._total_sure = None, True
            self._tell()
            return
        services, target = self._state.context.services, self._asked[1]
        assert isinstance(target, Target)
        self._query.ask(
            lambda ctx: services.counts.total(
                chosen, target.destination, ctx, match=target.keys, audience=target.audience
            )
        )

    def _start_next(self) -> None:
        """One a turn of the event loop: a thread that starts while others work takes its time."""
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._starter.stop()

    def _start(self, name: str, target: Target, *, again: bool) -> None:
        counts = self._state.context.services.counts

        def work(ctx: JobContext) -> Count:
            known = None if again else counts.current(name, target.destination, target.keys, target.audience)
            return known or counts.count(name, target.destination, ctx, match=target.keys, audience=target.audience)

        def guess(ctx: JobContext) -> int:
            return int(counts.estimate(name, ctx).members)

        if self.of(name).count is None:
            self._state.submit(
                "queries", f"Estimate {name}", guess, lambda finished: self._on_estimated(name, finished)
            )
        self._jobs[name] = self._state.submit(
            "queries", f"Count {name}", work, lambda finished: self._on_counted(name, finished)
        )

    def _on_cached(self, finished: Finished, asked: tuple[object, ...]) -> None:
        if finished.outcome is not Outcome.DONE or asked != self._asked:
            return
        for name, count in finished.value.items():
            if self.of(name).count is None:
                self._known[name] = replace(self.of(name), count=count, stale=True)
        self._tell()

    def _on_estimated(self, name: str, finished: Finished) -> None:
        if finished.outcome is Outcome.DONE and self.of(name).running:
            self._known[name] = replace(self.of(name), about=finished.value)
            self._tell()

    def _on_counted(self, name: str, finished: Finished) -> None:
        self._jobs.pop(name, None)
        if finished.outcome is Outcome.DONE:
            self._known[name] = Counted(finished.value)
            self.counted_at = finished.value.counted_at
        elif finished.outcome is Outcome.FAILED and finished.error is not None:
            before = self.of(name).count
            self._known[name] = Counted(before, stale=before is not None, error=as_sendoff_error(finished.error))
        else:
            self._known[name] = replace(self.of(name), running=False)
        self._tell()

    def _on_total_ready(self, total: Total) -> None:
        self._total = total
        chosen, sure = self._total_asked[:2]
        self._total_sure = bool(sure) and bool(chosen)
        self._tell()

    def _on_total_failed(self, _error: object) -> None:
        self._total_sure = False
        self._tell()

    def _tell(self) -> None:
        if not self._timer.isActive():
            self._timer.start()


def _cached(services: Services, names: Iterable[str], target: Target) -> dict[str, Count]:
    found = {name: services.counts.cached(name, target.destination, target.audience) for name in names}
    return {name: count for name, count in found.items() if count is not None}
