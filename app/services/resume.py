"""Runs that were interrupted: what is known of them, resuming them, and sending rejected members again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from app.core.batches import Batch, numbers_of
from app.core.configurations import configuration_document, differences
from app.core.connections import Connection
from app.core.errors import FixData, FixSettings
from app.core.exports import Export
from app.core.interruptions import DoubtRoad, Interruption
from app.core.runs import PhaseName, Run, Status, Totals, Trigger
from app.core.schedules import next_due
from app.data.run_changes import changes_relation
from app.delivery.files import RunFolder
from app.delivery.journal import read_journal
from app.delivery.journal_completion import by_journal, complete_journal
from app.destinations.description import Description, Repeat
from app.services.finding import connection_of
from app.services.runs import RunService
from app.store.store import Store
from app.version import VERSION


class ResumeService:
    """Thread safe; each call works in the calling thread and asks no destination."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        runs: RunService,
        describe: Callable[[str], Description],
        clock: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._store = store
        self._runs = runs
        self._describe = describe
        self._clock = clock

    def batches(self, run_id: str) -> tuple[Batch, ...]:
        """The batches of a run in the order of sending; none of one that sends files. FixData for an unknown run."""
        return read_journal(RunFolder(self._folder, run_id), ended=self._runs.get(run_id).status.ended)

    def look(self, run_id: str) -> Interruption:
        """What is known of an interrupted run; FixData for any other."""
        run = self._runs.get(run_id)
        if run.status is not Status.INTERRUPTED:
            raise FixData(
                "This run was not interrupted.",
                "It came to its end, or it has not ended yet.",
                "Run the export again instead.",
                code="not_interrupted",
            )
        batches = self.batches(run_id)
        description = self._describe(run.destination)
        export = self._store.exports.by_id(run.export_id)
        schedule = None if export is None else export.schedule
        return Interruption(
            run=run,
            stopped_at=run.ended_at or run.queued_at,
            batches=batches,
            numbers=numbers_of(batches),
            road=_road(description),
            destination=description.name,
            hindrance=self._hindrance(run, export),
            replaces_files=description.any_field,
            next_due=None if schedule is None else next_due(schedule, self._clock()),
        )

    def resume(self, run_id: str, trigger: Trigger, *, send_again: bool = False) -> Run:
        """Go on with an interrupted run and its plan; it waits its turn as any other.

        With `send_again` members in doubt are sent also where that may reach them twice. Raises FixData, FixSettings when it
        can't be resumed, NotAllowed.
        """
        found = self.look(run_id)
        if found.hindrance:
            raise FixSettings(
                "This run can't be resumed.",
                found.hindrance,
                f"Run “{found.run.export_name}” again: that finds out what is missing.",
                code="not_resumable",
            )
        batches = complete_journal(self._folder, found.run)
        run = by_journal(found.run, batches)
        begun = any(each.name is PhaseName.SEND and each.started_at for each in run.phases)
        if not run.interruptions and not begun and not any(batch.left_at for batch in batches):
            return self._runs.again(self._anew(run, trigger))
        return self._runs.again(
            replace(
                run,
                trigger=trigger,
                interruptions=(*run.interruptions, found.stopped_at),
                send_again=send_again,
            )
        )

    def leave(self, run_id: str) -> None:
        """Leave an interrupted run as it is; it does not open itself any more. The next run finds out what is missing."""
        self._runs.mark_seen(run_id)

    def to_open(self) -> Run | None:
        """The newest interrupted run nobody has looked at yet; it counts as looked at from now on."""
        waiting = [run for run in self._runs.list(limit=50) if run.status is Status.INTERRUPTED and not run.seen]
        found = next((run for run in waiting if self._is_newest(run)), None)
        for run in waiting:
            self._runs.mark_seen(run.id)
        return found

    def send_rejected_again(self, run_id: str, trigger: Trigger) -> Run:
        """Send the rejected members of a run again at once, with their newest values, and nobody else.

        Raises FixData when nobody was rejected, who it was is not kept, or the export is gone; NotAllowed.
        """
        run = self._runs.get(run_id)
        if not run.status.ended or not run.totals.rejected or run.unit != "members":
            raise FixData(
                "There is nobody to send again.",
                "No member of this run was rejected." if run.status.ended else "This run has not ended.",
                "Look at another run.",
                code="no_rejects",
            )
        if changes_relation(RunFolder(self._folder, run.id).path) is None:
            raise FixData(
                "Who was rejected is not known any more.",
                "Whom runs changed is kept for as many days as Settings say.",
                "Run the export: it sends whoever was rejected before, and whoever else changed.",
                code="not_kept",
            )
        export = self._store.exports.by_id(run.export_id)
        if export is None:
            raise FixData(
                f"“{run.export_name}” is gone.", "The export was removed.", "Make it again.", code="no_export"
            )
        return self._runs.start([export.name], trigger, retries=run.id)[0]

    def _anew(self, run: Run, trigger: Trigger) -> Run:
        """A run that died before it sent anything has no plan to go on with: it counts, checks and plans once more."""
        RunFolder(self._folder, run.id).remove_members()  # whom it left out is found, and written, again
        return replace(
            run, trigger=trigger, totals=Totals(), done=0, total=None, skipped=(), phases=(), interruptions=()
        )

    def _hindrance(self, run: Run, export: Export | None) -> str:
        """Why a run can't be resumed."""
        description = self._describe(run.destination)
        if export is None:
            return "The export was removed since then."
        if description.any_field:
            return "Files are written whole, so there is no half to go on from."
        if run.undoes:
            return "It takes back what another run did; undo that one again to take back what is left."
        if not self._is_newest(run):
            return "The export was run again since then."
        connection = connection_of(self._store, export)
        if connection is None or connection.id != run.connection_id:
            return "The export has another connection now, or none."
        if self._differs(run, export, connection):
            return "The export was changed since then, so the plan of this run does not fit it any more."
        return ""

    def _is_newest(self, run: Run) -> bool:
        newest = self._store.runs.latest_per_export().get(run.export_id)
        return newest is None or newest.id == run.id

    def _differs(self, run: Run, export: Export, connection: Connection) -> bool:
        """Whether the export is not what this run was told to do; who is in its segments may change."""
        try:
            before = msgspec.json.decode(RunFolder(self._folder, run.id).configuration.read_bytes())
            now = configuration_document(export, connection.name, self._store.segments.all(), VERSION)
            return any(not name.startswith("segment ") for name in differences(before, now))
        except FileNotFoundError:  # it died before it read what it was told to do
            return False
        except (OSError, msgspec.DecodeError, KeyError, TypeError):
            return True


def _road(description: Description) -> DoubtRoad:
    if description.asks:
        return DoubtRoad.ASK
    return DoubtRoad.SEND_AGAIN if description.repeat is Repeat.HARMLESS else DoubtRoad.LEAVE
