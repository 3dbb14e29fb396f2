"""The store of one workspace: its database, opened, and the repositories on it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from app.core.connections import Connection
from app.core.errors import as_sendoff_error
from app.core.exports import Export
from app.core.names import checked_name, new_id
from app.core.segments import Segment
from app.core.tables import Link, Table
from app.core.workspaces import Audience, WorkspaceInfo
from app.jobs.drive import make_folder, put_in_place
from app.store import faults, schema
from app.store.audit import AuditRepository
from app.store.codec import plain, segment_codec
from app.store.database import Database
from app.store.migrate import bring_up_to_date, upgrade
from app.store.named import NamedRepository, TableRepository
from app.store.runs import RunRepository
from app.store.small import CountRepository, DraftRepository, ScheduleMarkRepository, WorkspaceRepository
from app.store.suppression import SuppressionRepository

FILE_NAME = "workspace.db"


class Store:
    """The repositories of one workspace. Thread safe; several processes may have the same workspace open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.workspace = WorkspaceRepository(database)
        self.tables = TableRepository(database, schema.data_tables, plain(Table), "table")
        self.segments = NamedRepository(database, schema.segments, segment_codec(), "segment")
        self.connections = NamedRepository(database, schema.connections, plain(Connection), "connection")
        self.exports = NamedRepository(database, schema.exports, plain(Export), "export")
        self.counts = CountRepository(database)
        self.runs = RunRepository(database)
        self.drafts = DraftRepository(database)
        self.schedule_marks = ScheduleMarkRepository(database)
        self.suppression = SuppressionRepository(database)
        self.audit = AuditRepository(database)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the workspace in that folder, migrating its database when an older version wrote it.

        Raises:
            FixSettings: there is none, it is damaged, a newer version wrote it, or the folder can't be written.
            TryAgain: the drive is full or the database stayed busy.
        """
        path = folder / FILE_NAME
        try:
            if not path.is_file():
                raise faults.no_workspace(path)
        except PermissionError:
            raise faults.read_only(path) from None
        bring_up_to_date(path)
        if not os.access(path, os.W_OK) or not os.access(folder, os.W_OK):
            raise faults.read_only(path)
        return cls(Database(path))

    @classmethod
    def create(cls, folder: Path, name: str, audience: Audience, country_code: str = "US") -> Store:
        """Make a workspace in that folder, which may exist but holds none yet, and open it.

        Raises FixSettings when the folder holds one already or can't be written, FixData for a name that can't be one.
        """
        path = folder / FILE_NAME
        info = WorkspaceInfo(new_id(), checked_name(name, "workspace"), audience, datetime.now(UTC), country_code)
        unfinished = folder / f".{new_id()}.db"
        try:
            if path.exists():
                raise faults.workspace_exists(path)
            make_folder(folder, 0o777)
            _make(unfinished, info)
            put_in_place(unfinished, path)  # whole or not at all: a crash leaves no half workspace
        except OSError as error:
            raise faults.read_only(path) if isinstance(error, PermissionError) else as_sendoff_error(error) from None
        finally:
            with suppress(OSError):
                for leftover in folder.glob(f"{unfinished.name}*"):
                    leftover.unlink()
        return cls.open(folder)

    def save_together(
        self,
        table: Table,
        segments: Sequence[Segment] = (),
        exports: Sequence[Export] = (),
        links: Mapping[Link, Link] | None = None,
    ) -> Table:
        """Save a table with what hangs on its columns, all or nothing; `links` maps old ones to those in their place.

        Returns the table as stored and raises as `NamedRepository.save`.
        """
        with self._database.write() as transaction:
            for segment in segments:
                self.segments.save_in(transaction, segment)
            for export in exports:
                self.exports.save_in(transaction, export)
            for old, new in (links or {}).items():
                self.tables.replace_link_in(transaction, old, new)
            return self.tables.save_in(transaction, table)

    def changes(self) -> int:
        """A number that differs after any change by this or another process; cheap enough to ask every second."""
        return self._database.changes()

    def tidy_file(self) -> None:
        """Take what was written beside the database's file into it, so that nothing of what was deleted stays there."""
        self._database.fold()

    def close(self) -> None:
        """Close the database; the store can't be used afterwards."""
        self._database.close()


def _make(path: Path, info: WorkspaceInfo) -> None:
    database = Database(path)
    try:
        database.use_wal()
        upgrade(path)
        WorkspaceRepository(database).begin(info)
    finally:
        database.close()
