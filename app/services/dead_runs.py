"""Runs whose process died: each is named as what became of it as soon as anybody looks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shutil import rmtree

import msgspec

from app.core.errors import SendoffError
from app.core.receipts import Receipt
from app.core.runs import PhaseState, Run, RunError, Status
from app.services.audit import AuditService
from app.store.owners import SignsOfLife, this_process
from app.store.store import Store

logger = logging.getLogger(__name__)


class DeadRuns:
    """Thread safe; any number of processes may look, and only one of them names a run."""

    def __init__(self, folder: Path, store: Store, audit: AuditService, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._store = store
        self._audit = audit
        self._clock = clock
        self._signs = SignsOfLife(store.runs.beats, clock)

    def set_aside(self) -> bool:
        """Name the runs that dead processes left unfinished as interrupted; whether there were any.

        One whose receipt is written had ended, and ends as that says. Their connections are free from then on. With none it
        costs one look into the database; where that is busy or the drive full, they wait for the next look.
        """
        try:
            named = self._store.runs.interrupt_orphans(self._signs.is_alive, self._named)
        except SendoffError as error:
            logger.warning("Runs of dead processes could not be set aside: %s", error)
            return False
        for run in named:
            self._tell_audit(run)
            rmtree(self._folder / "runs" / run.id / "staging", ignore_errors=True)
        return bool(named)

    @staticmethod
    def may_be(run: Run) -> bool:
        """Whether the run is one that another process may have left unfinished."""
        return not run.status.ended and run.owner != this_process()

    def _named(self, run: Run) -> Run:
        from app.delivery.files import RunFolder  # these load the engine, which is not needed while nobody died
        from app.delivery.journal import last_moment
        from app.delivery.journal_completion import by_journal, complete_journal
        from app.delivery.receipts import read_receipt

        files = RunFolder(self._folder, run.id)
        with suppress(OSError, msgspec.DecodeError):
            written = read_receipt(files)
            if written is not None:
                return _as_told(run, written[0])
        counted = by_journal(run, complete_journal(self._folder, run))
        return interrupted(counted, last_moment(files) or self._clock())

    def _tell_audit(self, run: Run) -> None:
        from app.delivery.files import RunFolder
        from app.delivery.receipts import written_sum

        try:
            self._audit.run_ended(run, written_sum(RunFolder(self._folder, run.id)))
        except SendoffError as error:
            logger.warning("The end of run %s is missing in the audit trail: %s", run.id, error)


def _as_told(run: Run, receipt: Receipt) -> Run:
    """The run as its receipt tells of it; up to a second is missing in the record of a run that did not end itself."""
    answered = sum(batch.answered for batch in receipt.batches)
    phases = tuple(
        replace(
            each, ended_at=receipt.ended_at, state=PhaseState.DONE if each.state is PhaseState.RUNNING else each.state
        )
        if each.started_at is not None and each.ended_at is None
        else each
        for each in run.phases
    )
    return replace(
        run,
        status=receipt.status,
        started_at=receipt.started_at,
        ended_at=receipt.ended_at,
        totals=receipt.totals,
        total=receipt.planned,
        unit=receipt.unit,
        done=answered if receipt.unit == "members" else receipt.totals.rows,
        audience=receipt.held,
        skipped=receipt.skipped,
        error=receipt.error,
        phases=phases,
        waits_for="",
    )


def interrupted(run: Run, at: datetime) -> Run:
    """The run as it is told of when its process died at that moment."""
    how_far = f" after {run.done:,} of {run.total:,} {run.unit}" if run.done and run.total is not None else ""
    error = RunError(
        f"Interrupted{how_far}.",
        "Sendoff ended while this run was going.",
        "Run it again; nothing was replaced."
        if run.unit == "rows"
        else "Resume it, or run the export again; either sends only what is missing.",
        "try_again",
    )
    return replace(run, status=Status.INTERRUPTED, ended_at=at, error=error, waits_for="")
