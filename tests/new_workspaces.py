"""New workspaces without the migrations, which most of the time of making one goes to: a database made by them is copied."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from app.store import migrate


class Template:
    """Stands in for `migrate.upgrade` with an empty database, as a new workspace has one. Not thread safe."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, path: Path) -> None:
        if not self._path.exists():
            migrate.upgrade(self._path)
        with closing(sqlite3.connect(self._path)) as made, closing(sqlite3.connect(path)) as new:
            made.backup(new)
            new.execute("PRAGMA journal_mode = WAL")
