"""SQLite's errors in words people can act on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.core.errors import FixSettings, SendoffError, TellUs, TryAgain


def is_busy(error: BaseException | None) -> bool:
    """Whether another connection held the database at that moment."""
    return _primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def as_ours(error: BaseException | None, path: Path) -> SendoffError:
    """The error to raise instead of one of sqlite3; `path` is the database."""
    code = _primary_code(error)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(path)
    if code == sqlite3.SQLITE_FULL:
        return TryAgain(
            "The drive is full.",
            f"The change to the workspace in {path.parent} was not saved; everything saved before is still there.",
            "Free some space, then try again.",
            code="disk_full",
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return read_only(path)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return TryAgain(
            "The workspace is busy.",
            "Another Sendoff on this computer kept writing to it for a long time.",
            "Wait a moment, then try again.",
            code="workspace_busy",
        )
    if code == sqlite3.SQLITE_IOERR:
        return TryAgain(
            "The drive of the workspace could not be read or written.",
            f"The drive with {path.parent} reported a fault; it may have been disconnected.",
            "Check the drive, then open the workspace again.",
            code="drive_fault",
        )
    return TellUs(
        "The workspace could not be read or changed.",
        f"Its database answered with {getattr(error, 'sqlite_errorname', type(error).__name__)}.",
        "Try again; when it comes back, send us the log.",
        code="database",
    )


def damaged(path: Path) -> FixSettings:
    """The file is not a database any more."""
    return FixSettings(
        "This workspace can't be opened: its database is damaged.",
        f"The file {path.name} in {path.parent} is not whole.",
        f"Put back a copy from {path.parent / 'backups'} or from your own backup; the damaged file is left as it is.",
        code="workspace_damaged",
    )


def newer(path: Path, revision: str) -> FixSettings:
    """The file was written by a later version of the program."""
    return FixSettings(
        "This workspace can't be opened: a newer Sendoff has changed it.",
        f"The database in {path.parent} has revision {revision}, which this version does not know.",
        "Install the newest Sendoff on this computer; nothing was changed.",
        code="workspace_newer",
    )


def read_only(path: Path) -> FixSettings:
    """The folder or the file may not be written."""
    return FixSettings(
        "This workspace can't be changed.",
        f"Sendoff may not write to {path.parent}.",
        "Give your account the right to write there, or move the workspace to another folder.",
        code="workspace_read_only",
    )


def no_workspace(path: Path) -> FixSettings:
    """There is no database in that folder."""
    return FixSettings(
        f"There is no workspace in {path.parent}.",
        f"The folder holds no {path.name}.",
        "Choose another folder, or create a workspace there.",
        code="no_workspace",
    )


def workspace_exists(path: Path) -> FixSettings:
    """A second workspace was asked for in one folder."""
    return FixSettings(
        f"There is already a workspace in {path.parent}.",
        "A folder holds one workspace.",
        "Open it, or choose another folder.",
        code="workspace_exists",
    )


def _primary_code(error: BaseException | None) -> int | None:
    # The low byte is the kind of error, the rest says which case of it (sqlite.org/rescode.html).
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
