"""The process that is killed in a crash test: it opens a workspace and runs or resumes one export."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from app.bootstrap import open_workspace
from app.core.runs import Status, Trigger
from app.jobs import JobContext
from tests.fakes.secret_store import MemoryStore
from tests.vendors.mailchimp import KEY


class _OneKey(MemoryStore):
    """Each process has the key of every connection: what this is about is not the keyring."""

    def get(self, connection_id: str, field: str) -> str | None:
        return KEY if field == "api_key" else super().get(connection_id, field)


def run_export(folder: str, export: str, resume: bool, to: Connection) -> None:
    """Say "ready", run the export to its end or resume its newest run, and send the run's id, status and totals."""
    services = open_workspace(Path(folder), secrets=_OneKey())
    newest = next(iter(services.runs.list(export, limit=1)), None)
    to.send("ready")
    if resume and newest is not None and newest.status is Status.INTERRUPTED:
        run = services.resuming.resume(newest.id, Trigger.COMMAND_LINE)
    else:
        (run,) = services.runs.start([export], Trigger.COMMAND_LINE)
    (ended,) = services.runs.wait([run.id], JobContext())
    services.close()
    to.send((ended.id, ended.status.value, ended.totals, ended.error))
