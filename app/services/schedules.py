"""Schedules: when exports run by themselves, and starting what is due, once, whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from apscheduler.schedulers.background import BackgroundScheduler
from tzlocal import get_localzone_name

from app.core.errors import FixSettings, SendoffError
from app.core.exports import Export
from app.core.roles import Action, CurrentRole, demand
from app.core.runs import Run, Status, Trigger
from app.core.schedules import Schedule, missed, next_due
from app.delivery.run_state import utc_now
from app.services.finding import connection_of, export_named
from app.services.runs import RunService
from app.services.trail import Trail
from app.store.store import Store

TICK_SECONDS = 15
FRESH = timedelta(seconds=60)
"""A mark younger than this is not written again, so that ticking costs the drive nothing."""
WRONG_CLOCK = timedelta(hours=26)
"""A mark further ahead than this comes from a clock that was wrong, not from one that was put right by a little."""

logger = logging.getLogger(__name__)


class ScheduleService:
    """Thread safe. Any number of processes may tick on one workspace: each due time is started once.

    A due time that passed while nothing ticked (sleep, no process) is started once as soon as possible, however many were
    missed. Exports without a connection are paused: their due times pass.
    """

    def __init__(
        self,
        store: Store,
        roles: CurrentRole,
        runs: RunService,
        trail: Trail,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._roles = roles
        self._runs = runs
        self._trail = trail
        self._clock = clock
        self._scheduler: BackgroundScheduler | None = None

    def set(self, names: Sequence[str], schedule: Schedule | None) -> dict[str, Schedule | None]:
        """Give these exports this schedule, or none, and return what each had, for `put_back`.

        All of them or none. Raises FixData, FixSettings for a time zone nobody knows, NotAllowed and TryAgain.
        """
        return self.put_back(dict.fromkeys(names, schedule))

    def put_back(self, schedules: Mapping[str, Schedule | None]) -> dict[str, Schedule | None]:
        """Give each export its own schedule; returns and raises as `set`."""
        now = self._clock()
        for schedule in schedules.values():
            _check(schedule, now)
        exports = [export_named(self._store, name) for name in schedules]
        for export in exports:
            connection = connection_of(self._store, export)
            demand(self._roles.role(), Action.CHANGE_EXPORTS, connection.access if connection else None)
        changed: list[tuple[Export, Export]] = []
        try:
            for export, schedule in zip(exports, schedules.values(), strict=True):
                # The mark goes first: a new schedule must not find due times of its own in the past.
                self._store.schedule_marks.set(export.id, now)
                changed.append((export, self._store.exports.save(replace(export, schedule=schedule))))
        except SendoffError:
            for before, after in changed:
                self._store.exports.save(replace(after, schedule=before.schedule))
            raise
        for before, after in changed:
            self._trail.export_saved(before, after)
        return {export.name: export.schedule for export in exports}

    def next_due(self, export: Export) -> datetime | None:
        """When the export runs next by itself (UTC); None without a schedule and while it is paused."""
        if export.schedule is None or export.connection is None:
            return None
        return next_due(export.schedule, self._clock())

    def local_zone(self) -> str:
        """This computer's time zone by its IANA name, such as Europe/Berlin; UTC when it has none."""
        try:
            return get_localzone_name() or "UTC"
        except (ZoneInfoNotFoundError, LookupError, OSError):
            return "UTC"

    def tick(self, now: datetime | None = None) -> list[Run]:
        """Start what is due at that moment, the shortest first, and return the runs; safe to call from many processes."""
        now = now or self._clock()
        due = [export.name for export in self._store.exports.all() if self._is_due(export, now)]
        if not due:
            return []
        sizes = {run.export_name: run.total or 0 for run in self._runs.latest_per_export().values()}
        started: list[Run] = []
        for name in sorted(due, key=lambda each: sizes.get(each, 0)):
            try:
                started += self._runs.start([name], Trigger.SCHEDULE)
            except SendoffError as error:
                logger.warning("The scheduled run of %s could not be started: %s", name, error)
        return started

    def start_ticking(self) -> None:
        """Tick every 15 seconds on a thread of its own until `stop`; starting twice is harmless."""
        if self._scheduler is not None:
            return
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(
            self.tick,
            "interval",
            seconds=TICK_SECONDS,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,  # after a sleep the tick is late, not pointless
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more; waits for a tick that is going on."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def _is_due(self, export: Export, now: datetime) -> bool:
        if export.schedule is None:
            return False
        try:
            due = self._newly_due(export, export.schedule, now)
        except (ZoneInfoNotFoundError, SendoffError) as error:
            logger.warning("The schedule of %s could not be read: %s", export.name, error)
            return False
        if due is None or not self._store.schedule_marks.claim_due(export.id, due):
            return False
        waiting = (r for r in self._runs.active() if r.export_id == export.id and r.status is Status.QUEUED)
        return next(waiting, None) is None

    def _newly_due(self, export: Export, schedule: Schedule, now: datetime) -> datetime | None:
        """The due time that came since the last look, which is remembered."""
        marks = self._store.schedule_marks
        looked = marks.get(export.id)
        if looked is None:
            marks.set(export.id, now)
            return None
        if looked > now:
            if looked - now > WRONG_CLOCK:
                marks.reset(export.id, now)
            else:
                marks.set(export.id, now)  # what was started stays claimed, so nothing runs twice
            return None
        due = missed(schedule, looked, now) if export.connection is not None else None
        if due is not None or now - looked >= FRESH:
            marks.set(export.id, now)
        return due


def _check(schedule: Schedule | None, now: datetime) -> None:
    if schedule is None:
        return
    try:
        next_due(schedule, now)
    except (ZoneInfoNotFoundError, ValueError):
        raise FixSettings(
            f"“{schedule.time_zone}” is not a time zone.",
            "This computer's list of time zones does not have it.",
            "Choose one such as Europe/Berlin.",
            code="time_zone",
        ) from None
