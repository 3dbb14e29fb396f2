"""`sendoff doctor`: checks the computer and says what to do about what is missing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import typer

from app.cli.output import Exit
from app.cli.session import Session, session_of
from app.core.errors import SendoffError, TryAgain, as_sendoff_error
from app.core.roles import Role
from app.jobs import JobContext
from app.services.places import config_folder

ENOUGH_DISK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    sentence: str


def doctor(context: typer.Context) -> None:
    """Check Qt, the keyring, the engine, the disk and the network to each connection; also without a workspace."""
    from app.services.computer import check_engine, check_keyring

    session = session_of(context)
    checks = [
        _check("window", session.check_window),
        _check("keyring", lambda: f"Secrets can be kept in {check_keyring()}."),
        _check("engine", lambda: _timed(check_engine)),
        _check("disk", lambda: _disk(session.folder or config_folder())),
    ]
    if session.folder is not None:
        checks += _of_workspace(session)
    session.output.rows(
        "checks",
        ("Check", "Result", "Details"),
        [(c.name, "ok" if c.ok else "problem", c.sentence) for c in checks],
        map(asdict, checks),
    )
    if not all(c.ok for c in checks):
        session.status = Exit.FAILED


def _of_workspace(session: Session) -> list[Check]:
    opened = _check("workspace", lambda: f"“{session.services.workspace.info().name}” can be read.")
    if not opened.ok:
        return [opened]
    if session.services.roles.role() is not Role.ADMIN:  # only an admin may reach a target by hand
        return [opened]
    server = [] if session.services.servers.address() is None else [_check("server", lambda: _server(session))]
    names = [row.connection.name for row in session.services.connections.all()]
    return [opened, *server, *(_check(f"connection {name}", partial(_connection, session, name)) for name in names)]


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, sentence=look())
    except SendoffError as error:
        return Check(name, ok=False, sentence=str(error))
    except ImportError as error:
        return Check(name, ok=False, sentence=f"A library is missing: {error}. Install Sendoff again.")
    except Exception as error:  # noqa: BLE001 - a doctor reports every fault and goes on
        return Check(name, ok=False, sentence=str(as_sendoff_error(error)))


def _timed(look: Callable[[], str]) -> str:
    begun = time.perf_counter()
    found = look()
    return f"{found} answered in {(time.perf_counter() - begun) * 1000:,.0f} ms."


def _disk(folder: Path) -> str:
    place = next(each for each in (folder.resolve(), *folder.resolve().parents) if each.exists())
    free = shutil.disk_usage(place).free
    if free < ENOUGH_DISK:
        raise TryAgain(
            f"Only {free / 1e9:.1f} GB are free on the drive of {place}.", "", "Free some space.", code="disk_low"
        )
    return f"{free / 1e9:.1f} GB are free on the drive of {place}."


def _server(session: Session) -> str:
    tested = session.services.servers.test(JobContext())
    address = session.services.servers.address()
    title = "The server" if address is None else address.kind.label
    return f"{title} {tested.version} answered in {tested.milliseconds:,} ms."


def _connection(session: Session, name: str) -> str:
    result = session.services.connections.test(name, JobContext())
    return f"Reached {result.reached} in {result.milliseconds:,} ms."
