"""`sendoff doctor`: checks the computer and says what to do about what is missing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import typer

from app.cli.output import Exit
from app.cli.session import Session, session_of
from app.core.errors import SendoffError, as_sendoff_error
from app.jobs import JobContext

ENOUGH_DISK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    sentence: str


def doctor(context: typer.Context) -> None:
    """Check Qt, the keyring, the engine, the disk and the network to each connection."""
    session = session_of(context)
    checks = [
        _check("window", session.check_window),
        _check("keyring", lambda: _keyring(session)),
        _check("engine", lambda: _engine(session)),
        _check("disk", lambda: _disk(session)),
        *(
            _check(f"connection {row.connection.name}", partial(_connection, session, row.connection.name))
            for row in session.services.connections.all()
        ),
    ]
    session.output.rows(
        "checks",
        ("Check", "Result", "Details"),
        [(c.name, "ok" if c.ok else "problem", c.sentence) for c in checks],
        map(asdict, checks),
    )
    if not all(c.ok for c in checks):
        session.status = Exit.FAILED


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, sentence=look())
    except SendoffError as error:
        return Check(name, ok=False, sentence=str(error))
    except ImportError as error:
        return Check(name, ok=False, sentence=f"A library is missing: {error}. Install Sendoff again.")
    except Exception as error:  # noqa: BLE001 - a doctor reports every fault and goes on
        return Check(name, ok=False, sentence=str(as_sendoff_error(error)))


def _keyring(session: Session) -> str:
    return f"Secrets can be stored in {session.services.connections.secret_store().name}."


def _engine(session: Session) -> str:
    begun = time.perf_counter()
    version = session.services.engine_version()
    return f"{version} answered in {(time.perf_counter() - begun) * 1000:.0f} ms."


def _disk(session: Session) -> str:
    free = shutil.disk_usage(session.services.workspace.folder).free
    if free < ENOUGH_DISK:
        raise SendoffError(
            f"Only {free / 1e9:.1f} GB are free where the workspace lies.", "", "Free some space.", code="disk_low"
        )
    return f"{free / 1e9:.1f} GB free."


def _connection(session: Session, name: str) -> str:
    result = session.services.connections.test(name, JobContext())
    return f"Reached {result.reached} in {result.milliseconds:,} ms."
