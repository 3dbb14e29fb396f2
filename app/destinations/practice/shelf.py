"""Where the vendor keeps what it holds: a small database in a folder, and a CSV file of each audience to look at.

Every request is one transaction on a connection of its own, so that threads and programs may ask at once, and a process
that dies leaves whole requests behind.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from app.core.errors import FixSettings, SendoffError, TryAgain
from app.jobs.drive import flush_file, make_folder, put_in_place

FILE = "practice.sqlite"
_PATIENCE_SECONDS = 30.0
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audiences (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, members INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0, written INTEGER NOT NULL DEFAULT -1, UNIQUE (kind, name)
);
CREATE TABLE IF NOT EXISTS members (
    audience INTEGER NOT NULL, identifier TEXT NOT NULL, fields TEXT NOT NULL, added TEXT NOT NULL, updated TEXT NOT NULL,
    PRIMARY KEY (audience, identifier)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, audience INTEGER NOT NULL, request TEXT NOT NULL, due REAL NOT NULL, results TEXT
);
"""


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience; `kind` is contact or company."""

    id: int
    name: str
    kind: str
    members: int


class Shelf:
    """The folder; thread safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def open(self) -> Iterator[Held]:
        """One transaction; what is done in it counts when the block ends well. Raises FixSettings and TryAgain."""
        try:
            make_folder(self.folder)
            with closing(sqlite3.connect(self.folder / FILE, _PATIENCE_SECONDS, isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                # What was answered is held, also after a loss of power: whoever sent it does not send it again.
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN IMMEDIATE")
                if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchone() is None:
                    for statement in filter(str.strip, _SCHEMA.split(";")):
                        database.execute(statement)
                yield Held(database)
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise _told(error, self.folder) from error

    def write_down(self, audience: str, kind: str) -> None:
        """Write the audience as a CSV file beside the database, unless the newest is there already."""
        with self.open() as held:
            if held.changes_to_write(audience, kind):
                try:
                    self._write(held.columns(audience, kind), held.rows(audience, kind), self._file(audience, kind))
                except OSError as error:
                    raise _told(error, self.folder) from error

    def _file(self, audience: str, kind: str) -> Path:
        safe = _UNSAFE.sub("_", audience).strip(" .")[:100] or "_"
        return self.folder / f"{safe} ({'companies' if kind == 'company' else 'people'}).csv"

    @staticmethod
    def _write(columns: Sequence[str], rows: Iterator[Sequence[str]], to: Path) -> None:
        unfinished = to.with_name(f".{to.name}.{token_hex(4)}")
        try:
            with unfinished.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(rows)
            flush_file(unfinished)
            put_in_place(unfinished, to)
        finally:
            unfinished.unlink(missing_ok=True)


class Held:
    """What the vendor holds, inside one transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    # The account's own numbers

    def number(self, name: str) -> float:
        """A number kept under that name; 0 at first."""
        found = self._database.execute("SELECT value FROM account WHERE name = ?", (name,)).fetchone()
        return 0.0 if found is None else float(found[0])

    def keep(self, name: str, value: float) -> None:
        """Keep a number under that name."""
        self._database.execute("INSERT OR REPLACE INTO account VALUES (?, ?)", (name, value))

    def count(self, name: str) -> int:
        """One more of that name; how many there are now."""
        number = int(self.number(name)) + 1
        self.keep(name, number)
        return number

    # Audiences

    def audiences(self) -> list[Audience]:
        """All of them, by name."""
        rows = self._database.execute("SELECT id, name, kind, members FROM audiences ORDER BY name, kind")
        return [Audience(*row) for row in rows]

    def audience(self, audience_id: int) -> Audience | None:
        """The audience of that id."""
        row = self._database.execute("SELECT id, name, kind, members FROM audiences WHERE id = ?", (audience_id,))
        found = row.fetchone()
        return None if found is None else Audience(*found)

    def make(self, name: str, kind: str) -> Audience:
        """The audience of that name and kind, made when there is none."""
        self._database.execute("INSERT OR IGNORE INTO audiences (name, kind) VALUES (?, ?)", (name, kind))
        return next(each for each in self.audiences() if (each.name, each.kind) == (name, kind))

    # Members

    def known(self, audience: int, identifiers: Sequence[str]) -> dict[str, str]:
        """The fields of those that are there, as JSON by identifier."""
        query = "SELECT identifier, fields FROM members WHERE audience = ? AND identifier IN (SELECT value FROM json_each(?))"
        return dict(self._database.execute(query, (audience, json.dumps(identifiers))).fetchall())

    def put(self, audience: int, members: Mapping[str, Mapping[str, str]], added: int, now: str) -> None:
        """Write members by their identifiers; so many of them are new."""
        self._database.executemany(
            "INSERT INTO members VALUES (?1, ?2, ?3, ?4, ?4) "
            "ON CONFLICT DO UPDATE SET fields = excluded.fields, updated = excluded.updated",
            [(audience, identifier, json.dumps(fields), now) for identifier, fields in members.items()],
        )
        self._changed(audience, added)

    def take_out(self, audience: int, identifiers: Sequence[str]) -> None:
        """Take members out; who is not there is not missed."""
        query = "DELETE FROM members WHERE audience = ? AND identifier IN (SELECT value FROM json_each(?))"
        gone = self._database.execute(query, (audience, json.dumps(identifiers))).rowcount
        self._changed(audience, -gone)

    def page(self, audience: int, after: str, number: int) -> list[tuple[str, str]]:
        """So many identifiers after that one with their fields as JSON."""
        query = (
            "SELECT identifier, fields FROM members WHERE audience = ? AND identifier > ? ORDER BY identifier LIMIT ?"
        )
        return self._database.execute(query, (audience, after, number)).fetchall()

    # Jobs

    def add_job(self, audience: int, request: str, due: float) -> int:
        """Keep a request for later; the number of the job."""
        query = "INSERT INTO jobs (audience, request, due) VALUES (?, ?, ?)"
        return self._database.execute(query, (audience, request, due)).lastrowid or 0

    def due_jobs(self, now: float) -> list[tuple[int, int, str]]:
        """Jobs whose time has come: number, audience, request; the oldest first."""
        query = "SELECT id, audience, request FROM jobs WHERE results IS NULL AND due <= ? ORDER BY id"
        return self._database.execute(query, (now,)).fetchall()

    def end_job(self, job: int, results: str) -> None:
        """Keep what came of a job in the place of its request."""
        self._database.execute("UPDATE jobs SET request = '', results = ? WHERE id = ?", (results, job))

    def job(self, job: int) -> tuple[bool, str | None]:
        """Whether there is such a job, and its results once it ended."""
        found = self._database.execute("SELECT results FROM jobs WHERE id = ?", (job,)).fetchone()
        return found is not None, None if found is None else found[0]

    # Writing down

    def changes_to_write(self, audience: str, kind: str) -> bool:
        """Whether the audience changed since this was asked; from now on it did not."""
        query = "UPDATE audiences SET written = changes WHERE name = ? AND kind = ? AND written <> changes"
        return self._database.execute(query, (audience, kind)).rowcount > 0

    def columns(self, audience: str, kind: str) -> list[str]:
        """All fields that any member of the audience has, then the two times."""
        query = (
            "SELECT DISTINCT key FROM members, json_each(fields) "
            "WHERE audience = (SELECT id FROM audiences WHERE name = ? AND kind = ?) ORDER BY key"
        )
        return [*(row[0] for row in self._database.execute(query, (audience, kind))), "added", "updated"]

    def rows(self, audience: str, kind: str) -> Iterator[Sequence[str]]:
        """The members in the order of `columns`."""
        fields = self.columns(audience, kind)[:-2]
        query = (
            "SELECT fields, added, updated FROM members "
            "WHERE audience = (SELECT id FROM audiences WHERE name = ? AND kind = ?) ORDER BY identifier"
        )
        for known, added, updated in self._database.execute(query, (audience, kind)):
            values = json.loads(known)
            yield [*(values.get(field, "") for field in fields), added, updated]

    def _changed(self, audience: int, members: int) -> None:
        query = "UPDATE audiences SET members = members + ?, changes = changes + 1 WHERE id = ?"
        self._database.execute(query, (members, audience))


def _told(error: OSError | sqlite3.Error, folder: Path) -> SendoffError:
    """What a fault of the folder or the database means for a person."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return TryAgain(
            "The practice account is busy.",
            "Another run writes into its folder.",
            "Wait for it to end, then try again.",
            code="busy",
        )
    if isinstance(error, sqlite3.Error):
        return FixSettings(
            "The practice account cannot be read.",
            f"“{folder / FILE}” is damaged, not a database of Sendoff, or its drive is full or read-only.",
            "Remove the file to begin anew, or choose another folder in the connection.",
            code="practice_file",
        )
    return FixSettings(
        f"The folder “{folder}” cannot be used.",
        "It cannot be made or written: a part of its path is missing, is a file, or is not yours.",
        "Choose another folder in the connection.",
        code="practice_folder",
    )
