"""Runs, and the rule that a connection is used by one live run at a time, over all processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.core.runs import Run, Status
from app.store.codec import plain
from app.store.database import Database
from app.store.schema import beats, claims, runs

_UNFINISHED = tuple(status.value for status in Status if not status.ended)


# Names for what the class calls by `list`, which inside it is a method.
Runs = list[Run]
Ids = list[str]


class RunRepository:
    """What happened; thread safe, each method its own short transaction.

    A run belongs to the process named by `Run.owner` from `add` on: only that process saves it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codec = plain(Run)

    def add(self, run: Run) -> None:
        """Keep a new run."""
        with self._database.write() as transaction:
            transaction.execute(insert(runs).values(id=run.id, cancel_requested=False, **self._values(run)))

    def save(self, run: Run) -> None:
        """Keep the run's new state; an ended run gives its connection free."""
        with self._database.write() as transaction:
            self._update(transaction, run)

    def reopen(self, run: Run) -> None:
        """Keep a run that ended and is to go on; wishes to cancel it are forgotten."""
        with self._database.write() as transaction:
            self._update(transaction, run)
            transaction.execute(update(runs).where(runs.c.id == run.id).values(cancel_requested=False))

    def by_id(self, id: str) -> Run | None:  # noqa: A002 - the word of the field
        """The run, or None."""
        found = self._read(select(runs.c.body).where(runs.c.id == id))
        return found[0] if found else None

    def list(self, export_id: str | None = None, limit: int = 200, before: datetime | None = None) -> Runs:
        """The newest first, by the time they were queued; `before` continues a list."""
        query = select(runs.c.body).order_by(runs.c.queued_at.desc(), runs.c.id).limit(limit)
        if export_id is not None:
            query = query.where(runs.c.export_id == export_id)
        if before is not None:
            query = query.where(runs.c.queued_at < before)
        return self._read(query)

    def latest_per_export(self) -> dict[str, Run]:
        """The newest run of each export, by the export's id."""
        place = func.row_number().over(partition_by=runs.c.export_id, order_by=(runs.c.queued_at.desc(), runs.c.id))
        ranked = select(runs.c.body, place.label("place")).subquery()
        return {run.export_id: run for run in self._read(select(ranked.c.body).where(ranked.c.place == 1))}

    def running(self) -> Runs:
        """All runs that have not ended, those that wait included, oldest first."""
        return self._read(select(runs.c.body).where(runs.c.status.in_(_UNFINISHED)).order_by(runs.c.queued_at))

    def claim(self, run_id: str, connection_id: str, owner: str) -> bool:
        """Take the connection for this run, in one step over all processes; False while another run holds it.

        The run is running and the owner's from then on. A dead process's run is set aside by `interrupt_orphans`.
        """
        with self._database.write() as transaction:
            holder = select(claims.c.run_id).where(claims.c.connection_id == connection_id)
            held_by = transaction.execute(holder).scalar_one_or_none()
            if held_by is not None:
                return bool(held_by == run_id)
            run = self._locked(transaction, run_id)
            if run is None or run.status.ended:
                return False
            transaction.execute(insert(claims).values(connection_id=connection_id, run_id=run_id))
            started = run.started_at or datetime.now(UTC)
            self._update(transaction, replace(run, status=Status.RUNNING, owner=owner, started_at=started))
        return True

    def interrupt_orphans(self, is_alive: Callable[[str], bool], named: Callable[[Run], Run]) -> Runs:
        """Keep the unfinished runs of dead processes as `named` gives them, ended, free their connections and return them."""
        dead = [run.id for run in self.running() if not is_alive(run.owner)]
        # Read once more: a process may have kept the last of a run just before it died.
        orphans = [run for run in map(self.by_id, dead) if run is not None and not run.status.ended]
        found = {run.id: (run.owner, named(run)) for run in orphans}
        ended = []
        if found:
            with self._database.write() as transaction:
                for run_id, (owner, run) in found.items():
                    now = self._locked(transaction, run_id)
                    if now is None or now.status.ended or now.owner != owner:
                        continue  # another process was quicker
                    self._update(transaction, run)
                    # A computer that was only asleep must not go on with it when it wakes.
                    transaction.execute(update(runs).where(runs.c.id == run_id).values(cancel_requested=True))
                    ended.append(run)
        return ended

    def beat(self, owner: str, at: datetime) -> None:
        """Give a sign of life."""
        sign = sqlite_insert(beats).values(owner=owner, at=at)
        with self._database.write() as transaction:
            transaction.execute(sign.on_conflict_do_update(index_elements=[beats.c.owner], set_={"at": at}))

    def beats(self) -> dict[str, datetime]:
        """The last sign of life of each owner that has given one and has runs that have not ended."""
        waiting = select(runs.c.owner).where(runs.c.status.in_(_UNFINISHED))
        with self._database.read() as transaction:
            found = transaction.execute(select(beats.c.owner, beats.c.at).where(beats.c.owner.in_(waiting))).all()
        return {row.owner: row.at for row in found}

    def request_cancel(self, run_id: str) -> bool:
        """Ask the process that runs it to stop; False when the run has ended or is unknown."""
        open_run = update(runs).where(runs.c.id == run_id, runs.c.status.in_(_UNFINISHED))
        with self._database.write() as transaction:
            return transaction.execute(open_run.values(cancel_requested=True)).rowcount > 0

    def cancel_requested(self, run_id: str) -> bool:
        """Whether somebody asked to stop this run."""
        with self._database.read() as transaction:
            return bool(transaction.execute(select(runs.c.cancel_requested).where(runs.c.id == run_id)).scalar())

    def purge(self, before: datetime) -> Ids:
        """Delete the ended runs queued before that moment and return their ids, so that their files can go too."""
        self._forget_old_signs(before)
        old = delete(runs).where(runs.c.queued_at < before, runs.c.status.not_in(_UNFINISHED)).returning(runs.c.id)
        with self._database.write() as transaction:
            return [*transaction.execute(old).scalars()]

    def _forget_old_signs(self, before: datetime) -> None:
        with self._database.write() as transaction:
            transaction.execute(delete(beats).where(beats.c.at < before))

    def _read(self, query: Select[Any]) -> Runs:
        with self._database.read() as transaction:
            bodies = transaction.execute(query).scalars().all()
        return [self._codec.decode(body) for body in bodies]

    def _locked(self, transaction: Connection, run_id: str) -> Run | None:
        body = transaction.execute(select(runs.c.body).where(runs.c.id == run_id)).scalar_one_or_none()
        return None if body is None else self._codec.decode(body)

    def _update(self, transaction: Connection, run: Run) -> None:
        transaction.execute(update(runs).where(runs.c.id == run.id).values(**self._values(run)))
        if run.status.ended:
            transaction.execute(delete(claims).where(claims.c.run_id == run.id))

    def _values(self, run: Run) -> dict[str, Any]:
        return {
            "export_id": run.export_id,
            "connection_id": run.connection_id,
            "status": run.status.value,
            "queued_at": run.queued_at,
            "owner": run.owner,
            "body": self._codec.encode(run),
        }
