"""Bringing a database to the newest schema, with a copy put aside first. Alembic is imported only when there is work."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.drive import flush_folder, make_folder
from app.store.database import Database
from app.store.faults import as_ours, damaged, newer
from app.store.schema import HEAD

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

KEPT_COPIES = 5


def bring_up_to_date(path: Path) -> None:
    """Migrate the database at `path` to the newest revision, all or nothing.

    Safe with several processes at once. Raises SendoffError for a file that is damaged, from a newer version or may not
    be written; such a file is left as it is.
    """
    revision = _revision(path)
    if revision is None:
        raise damaged(path)
    if revision == HEAD:
        return
    if revision not in known_revisions():
        raise newer(path, revision)
    _check_whole(path)
    copy_aside(path, revision)
    upgrade(path)


def upgrade(path: Path, to: str = "head") -> None:
    """Run the migrations from whatever the file holds, an empty file included, up to `to`."""
    from alembic import command

    _run(path, lambda config: command.upgrade(config, to))


def downgrade(path: Path, to: str) -> None:
    """Run the migrations backwards; only for going back to an older version by hand and for tests."""
    from alembic import command

    _run(path, lambda config: command.downgrade(config, to))


def known_revisions() -> tuple[str, ...]:
    """All revisions this version knows, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config(None))
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def copy_aside(path: Path, revision: str) -> Path:
    """Copy the database into `backups/` beside it and keep only the newest copies."""
    folder = path.parent / "backups"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    copy = folder / f"{path.stem}-{moment}-{revision}.db"
    try:
        make_folder(folder, 0o777)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        flush_folder(folder)
    except (sqlite3.Error, OSError) as error:
        copy.unlink(missing_ok=True)
        raise as_ours(error, path) from None
    for old in sorted(folder.glob(f"{path.stem}-*.db"))[:-KEPT_COPIES]:
        old.unlink(missing_ok=True)
    return copy


def _run(path: Path, work: Callable[[Config], None]) -> None:
    # Foreign keys can't be switched inside a transaction, and rebuilding a table with them on would delete what refers to it.
    database = Database(path, enforce_keys=False)
    try:
        with database.write() as connection:
            work(_config(connection))
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise damaged(path)
    finally:
        database.close()


def _config(connection: Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    # Beside this file also in a frozen app; configparser reads a single % as its own sign.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revision(path: Path) -> str | None:
    """The revision written in the file, or None when it is a database, but not one of ours."""
    try:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # no such table
            return None
        raise as_ours(error, path) from None
    except sqlite3.Error as error:
        raise as_ours(error, path) from None
    return None if row is None else str(row[0])


def _check_whole(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise as_ours(error, path) from None
    if answer is None or answer[0] != "ok":
        raise damaged(path)
