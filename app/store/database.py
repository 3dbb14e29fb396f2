"""One SQLite file used by many threads and processes: short transactions, patience, and errors people understand."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from app.store.faults import as_ours, is_busy

BUSY_TIMEOUT_MS = 10_000
PATIENCE_SECONDS = 60.0
"""How long a transaction waits for its turn: SQLite's own waiting is not fair, so one try may lose against many others."""


class Database:
    """The file in WAL mode; thread safe. `read` and `write` are one short transaction each.

    A writer takes the write lock at once (BEGIN IMMEDIATE), so what it reads can't change before it writes.
    """

    def __init__(self, path: Path, *, enforce_keys: bool = True) -> None:
        self.path = path
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
        )
        self._enforce_keys = enforce_keys
        self._watcher: Connection | None = None
        self._watcher_lock = threading.Lock()
        event.listen(self._engine, "connect", self._configure)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of the moment; raises SendoffError."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All or nothing; raises SendoffError and rolls back on any exception."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def use_wal(self) -> None:
        """Make a new file a WAL database, which it stays for good."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except (DBAPIError, sqlite3.Error) as error:
            raise as_ours(getattr(error, "orig", error), self.path) from None

    def changes(self) -> int:
        """A number that differs after any committed change, by this or another process."""
        # PRAGMA data_version moves for changes by other connections: the watcher never writes, so all are others.
        try:
            with self._watcher_lock:
                if self._watcher is None:
                    self._watcher = self._engine.connect()
                return int(self._watcher.exec_driver_sql("PRAGMA data_version").scalar_one())
        except (DBAPIError, sqlite3.Error) as error:
            raise as_ours(getattr(error, "orig", error), self.path) from None

    def fold(self) -> None:
        """Fold the WAL into the file and empty it, as far as nobody else reads it at the moment."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        except (DBAPIError, sqlite3.Error) as error:
            raise as_ours(getattr(error, "orig", error), self.path) from None

    def close(self) -> None:
        """Close all connections; the last one of the last process folds the WAL into the file."""
        with self._watcher_lock:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:  # leaving it any other way than by commit rolls back
                self._begin(connection, begin)
                yield connection
                connection.commit()
        except (DBAPIError, sqlite3.Error) as error:
            raise as_ours(getattr(error, "orig", error), self.path) from None

    @staticmethod
    def _begin(connection: Connection, begin: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                connection.exec_driver_sql(begin)
                # BEGIN alone takes no snapshot; this does, so that a busy moment is met here, where waiting is possible.
                connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").all()
            except DBAPIError as error:
                connection.rollback()
                if not is_busy(error.orig) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def _configure(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun here, not by the driver's guess
        connection.execute(f"PRAGMA foreign_keys = {'ON' if self._enforce_keys else 'OFF'}")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten: it may have named a person
        connection.execute("PRAGMA synchronous = FULL")  # a committed change outlives a power cut
        # ... on macOS too, whose drives otherwise keep it in their own memory
        connection.execute("PRAGMA fullfsync = ON")
