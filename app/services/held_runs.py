"""Runs that a guard held: a person sends them anyway, or cancels them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from app.core.errors import FixData, TryAgain
from app.core.guards import SENT, Approval, Held
from app.core.plans import Changes
from app.core.roles import Action, may
from app.core.runs import Run, Status, Trigger
from app.delivery.run_state import utc_now
from app.services.finding import connection_of_run
from app.services.roles import RoleService
from app.services.runs import RunService
from app.store.store import Store

_SEPARATORS = re.compile(r"[\s.,'’٬\u202f\u00a0]")


def is_number(typed: str, number: int) -> bool:
    """Whether somebody typed that number, with or without separators."""
    digits = _SEPARATORS.sub("", typed)
    return digits.isdecimal() and int(digits) == number


class HeldRunService:
    """Answers for held runs. Thread safe."""

    def __init__(
        self, store: Store, roles: RoleService, runs: RunService, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._store = store
        self._roles = roles
        self._runs = runs
        self._clock = clock

    def reviewed(self, changes: Changes | None = None, *, members: int | None = None) -> Approval:
        """What this person looked at before sending: the changes of a plan, or how many members; it passes no guard."""
        return Approval(self._roles.person(), self._clock(), changes, members=members)

    def agreed(self) -> dict[str, Approval]:
        """What agreeing to all that is held now comes to, by the export's id: no more than those runs would have done."""
        newest = self._runs.latest_per_export()
        return {export: self._agreed_to(run.held) for export, run in newest.items() if run.held and _waits(run)}

    def may_answer(self, run: Run) -> bool:
        """Whether this person may send or cancel it."""
        connection = connection_of_run(self._store, run)
        return may(self._roles.role(), Action.RUN_EXPORTS, connection.access if connection else None)

    def send_anyway(self, run_id: str, typed: str) -> Run:
        """Start a run that may do what the held one would have; it plans again first and is held again when that grew.

        `typed` is the number the guard asks for, with or without separators. Raises FixData when it is another one, TryAgain
        when a newer run has begun or the export is gone, NotAllowed.
        """
        run, held = self._waiting(run_id)
        if not is_number(typed, held.number):
            raise FixData(
                "The number does not match.",
                f"The plan has {held.number:,}.",
                "Look at the plan, then type that number.",
                code="number",
            )
        export = self._store.exports.by_id(run.export_id)
        if export is None:
            raise TryAgain("The export is gone.", "It was removed after it was held.", "Cancel the run.", code="gone")
        (started,) = self._runs.start([export.name], Trigger.PERSON, self._agreed_to(held))
        self._runs.answer_held(replace(run, held=replace(held, answer=SENT)))
        return started

    def cancel(self, run_id: str) -> Run:
        """End a held run as cancelled; nothing was sent, and the next run checks again. Raises as `send_anyway`."""
        run, held = self._waiting(run_id)
        cancelled = replace(run, status=Status.CANCELLED, held=replace(held, answer=Status.CANCELLED.value))
        self._runs.answer_held(cancelled)
        return cancelled

    def _agreed_to(self, held: Held) -> Approval:
        person, now = self._roles.person(), self._clock()
        return Approval(person, now, held.changes, anyway=True, fewer=held.fewer, each=held.each)

    def _waiting(self, run_id: str) -> tuple[Run, Held]:
        run = self._runs.get(run_id)
        connection = connection_of_run(self._store, run)
        self._roles.demand(Action.RUN_EXPORTS, connection.access if connection else None)
        newest = self._store.runs.list(run.export_id, 1)
        if run.held is None or not _waits(run) or newest[0].id != run.id:
            raise TryAgain(
                "This run does not wait any more.",
                "It was answered, or a newer run of its export has begun.",
                "Look at the newest run.",
                code="not_held",
            )
        return run, run.held


def _waits(run: Run) -> bool:
    return run.status is Status.HELD and run.held is not None and run.held.waits
