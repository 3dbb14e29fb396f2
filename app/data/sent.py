"""What a target holds as far as we know, and what is told of a run there while it happens.

Each place a segment is sent to has a folder, `sent/{export}/{place}/{segment}/`, used by one run at a time:

- `{number}.parquet`, immutable, the highest number counts: everybody the target holds, by what identifies them there, with
  a hash of the values it has. The hash is empty when the values there are not known.
- `plan.parquet`: the members a run sets out to send, each with the reason, and the run's id.
- `told.csv`: what became of them, `first,last,what` by their rows in the plan, appended as it happens. A line may be torn
  when the process or the computer died.

Only what was acknowledged counts as held. A batch that was on its way when everything stopped is *in doubt*: it is sent
again when it is still wanted and removed when it is not, so that nobody stays behind at the target. A refused member is left
as it was. Merging plan and outcomes makes the run's changes (data/run_changes.py) and of them the next snapshot; doing it
twice changes nothing.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from app.core.exports import SyncMode
from app.data.appended import AppendedFile
from app.data.engines.duckdb import Cursor, DuckDBEngine, columns_of, listed, literal, quoted
from app.data.kept_files import known_of, write_parquet
from app.data.run_changes import (
    KEY,
    RELEASED,
    SENDING,
    THERE,
    WITHOUT_EFFECT,
    changes_path,
    changes_query,
    run_folder,
    write_changes,
)
from app.data.value_hashes import PART, is_part
from app.jobs import CancelToken
from app.jobs.drive import flush_folder, put_in_place, remove, remove_folder

PLAN = "plan.parquet"
"""The name of the file in which the plan of a run waits."""
_UNKNOWN = str(UUID(int=0))
"""The payload of somebody who is ours and whose values are not known: it differs from every other."""


class Held:
    """One segment of one export at one place, by its folder. Used by one thread at a time.

    `orphans` are folders that this one is about to take over, see `inherit`; until then it counts as if it had.
    """

    def __init__(self, engine: DuckDBEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.orphans: Sequence[Path] = ()

    @classmethod
    def of(cls, engine: DuckDBEngine, export_id: str, place: str, segment: str) -> Held:
        """A segment by its name; `place` names it among all places of all connections."""
        return cls(engine, engine.folder / "sent" / export_id / short_hash(place) / _segment_name(segment))

    @classmethod
    def newest(cls, engine: DuckDBEngine, export_id: str, segment: str) -> Held | None:
        """What an export sent last of a segment, wherever that is; None when it never sent any of it."""
        places = (engine.folder / "sent" / export_id).glob(f"*/{_segment_name(segment)}")
        written = [(newest.stat().st_mtime_ns, folder) for folder in places if (newest := _newest(folder)) is not None]
        return cls(engine, max(written)[1]) if written else None

    @property
    def name(self) -> str:
        """What names the segment in the files of runs."""
        return self.folder.name

    @property
    def known(self) -> bool:
        """Whether anything was ever sent there, also by a run that did not come to its end."""
        return _newest(self.folder) is not None or pending(self.folder)[1] is not None

    @property
    def plan_path(self) -> Path:
        """Where the plan of a run lies."""
        return _plan_path(self.folder)

    def forget(self) -> None:
        """Drop everything: the target is known not to have it any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def left_behind(self, segments: Iterable[str]) -> list[Path]:
        """The folders at this place of segments the export sent once, and which are not among those of these names."""
        names = {_segment_name(segment) for segment in segments}
        return sorted(f for f in self.folder.parent.glob("*") if f.is_dir() and f.name not in names)

    @property
    def was(self) -> Path:
        """The folder that tells what the last run saw: this one, or of a segment that was renamed the one it had."""
        return self.folder if self.folder.exists() or not self.orphans else self.orphans[0]

    def inherit(self, token: CancelToken) -> None:
        """Take over what the `orphans` hold; broken off at any moment, it can be done again."""
        for orphan in self.orphans:
            Held(self.engine, orphan).settle(token)
            if not self.folder.exists():
                put_in_place(orphan, self.folder)
        self.orphans = [orphan for orphan in self.orphans if orphan.exists()]
        if not self.orphans:
            return
        self.settle(token)
        with self.engine.cursor(token) as cursor:
            everybody, newest = self.everybody(cursor), _newest(self.folder)
            if everybody is not None:
                mapping = self.mapping(cursor) or ""
                run = "" if newest is None else known_of(cursor, newest, "run")
                self._write_snapshot(cursor, everybody, {"mapping": mapping, "run": run})
        for orphan in self.orphans:
            # An error stops the run: what is left would be taken over again, with whom this run is about to take out.
            remove_folder(orphan)
        flush_folder(self.folder.parent)  # nor may a loss of power bring it back
        self.orphans = ()

    def settle(self, token: CancelToken) -> None:
        """Make what was told part of what is held, and clear away what a run left behind; nothing is ever half done."""
        if not self.folder.exists():
            return
        for leftover in self.folder.glob("*.tmp"):
            remove(leftover)
        plan, told = pending(self.folder)
        if plan is not None:
            with self.engine.cursor(token) as cursor:
                changes = self._write_changes(cursor, plan, told)
                if told is not None or _releases(cursor, plan):
                    merged = _merged(cursor, _snapshot(self.folder), plan, f"FROM read_parquet({literal(changes)})")
                    kept = {name: known_of(cursor, plan, name) for name in ("mapping", "run")}
                    self._write_snapshot(cursor, merged, kept)
            if changes.parent == self.folder:
                remove(changes)
        remove(_told_path(self.folder))
        remove(self.plan_path)

    def note(self, token: CancelToken) -> None:
        """Keep with its run what became of the members so far: it stopped, and what it did may have to be taken back.

        The plan and what was told stay for whoever settles them.
        """
        plan, told = pending(self.folder)
        if plan is None or told is None:
            return
        with self.engine.cursor(token) as cursor:
            changes = self._write_changes(cursor, plan, told)
        if changes.parent == self.folder:
            remove(changes)

    def numbers(self, token: CancelToken) -> tuple[int, int] | None:
        """How many this segment has at the place as far as we know, and how many whoever sent them; None while some are in doubt."""
        with self.engine.cursor(token) as cursor:
            own = self.everybody(cursor)
            if own is None:
                return 0, 0
            query = f"SELECT count(*), count(*) FILTER (doubt) FROM ({own})"  # noqa: S608 - our own query
            ((number, doubtful),) = cursor.execute(query).fetchall()
            everybody = number
            others = list(filter(None, (other.identifiers(cursor) for other in self.others())))
            if others:
                both = f"SELECT identifier FROM ({own}) UNION ({' UNION ALL '.join(others)})"  # noqa: S608 - our own queries
                ((everybody,),) = cursor.execute(f"SELECT count(*) FROM ({both})").fetchall()  # noqa: S608 - as above
            return None if doubtful else (int(number), int(everybody))

    def everybody(self, cursor: Cursor) -> str | None:
        """A query of everybody held there, what a dead run was told included; None when that is nobody.

        `identifier`, `member`, `payload`, `doubt`, the `key ...` columns and the short hashes of the values.
        """
        everybody = _relation(cursor, self.folder)
        for orphan in self.orphans:
            more = _relation(cursor, orphan)
            if everybody is None or more is None:
                everybody = everybody or more
                continue
            more = f"SELECT o.* FROM ({more}) o ANTI JOIN ({everybody}) h ON o.identifier = h.identifier"  # noqa: S608 - our own queries
            everybody = f"SELECT * FROM ({everybody}) UNION ALL BY NAME {more}"  # noqa: S608 - as above
        return everybody

    def mapping(self, cursor: Cursor) -> str | None:
        """What the hashes of those who are held were made of; None when nothing was ever sent there."""
        for folder in (self.folder, *self.orphans):
            newest = _newest(folder)
            if newest is not None:
                return known_of(cursor, newest, "mapping")
        return None

    def identifiers(self, cursor: Cursor) -> str | None:
        """A query of the identifiers that this segment has at the place as far as we know; None for nobody."""
        own = self.everybody(cursor)
        return None if own is None else f"SELECT identifier FROM ({own})"  # noqa: S608 - our own query

    def others(self) -> list[Held]:
        """What other segments and exports have sent to the same place."""
        place = self.folder.parent
        folders = sorted(place.parent.parent.glob(f"*/{place.name}/*"))
        return [Held(self.engine, folder) for folder in folders if folder not in {self.folder, *self.orphans}]

    def _write_changes(self, cursor: Cursor, plan: Path, told: Path | None) -> Path:
        """What became of the plan's members, kept with its run; beside the plan when that is gone or was never noted."""
        run = run_folder(self.engine.folder, known_of(cursor, plan, "run"))
        to = self.folder / "changes.tmp" if run is None else changes_path(run, self.folder.name)
        write_changes(cursor, plan, told, to)
        return to

    def earlier(self, cursor: Cursor) -> str | None:
        """A query of what became of the plan of the last run that told of anything; None when that is not kept."""
        plan, told = pending(self.folder)
        if plan is not None:
            return changes_query(cursor, plan, told)
        newest = _newest(self.folder)
        run = None if newest is None else run_folder(self.engine.folder, known_of(cursor, newest, "run"))
        changes = None if run is None else changes_path(run, self.folder.name)
        return None if changes is None or not changes.exists() else f"FROM read_parquet({literal(changes)})"

    def _write_snapshot(self, cursor: Cursor, query: str, kept: Mapping[str, str]) -> None:
        newest = _newest(self.folder)
        number = 1 if newest is None else int(newest.stem) + 1
        unfinished = self.folder / f"{number:06}.tmp"
        write_parquet(cursor, query, unfinished, kept)
        # On the drive before what it was made of goes, or a loss of power could leave neither.
        put_in_place(unfinished, self.folder / f"{number:06}.parquet")
        if newest is not None:
            remove(newest)


class Told:
    """Writes down what becomes of a plan's members while it happens. Thread safe."""

    def __init__(self, held: Held, mode: SyncMode) -> None:
        self._mode = mode
        self._lock = threading.Lock()
        self._file = AppendedFile(_told_path(held.folder))

    def close(self) -> None:
        """Nothing more is told."""
        self._file.close()

    def sending(self, rows: Sequence[int]) -> None:
        """These are about to leave: it is on the drive when this returns, so that a loss of power can't hide it."""
        self._write(_ranges(rows, SENDING, {}))
        self._file.sync()

    def settled(self, rows: Sequence[int], what: str, others: Mapping[int, str]) -> None:
        """What became of them, by the words of `OutcomeKind`: the same of all but `others`, known by their places.

        It is on the drive when this returns, before the journal tells of it: else a loss of power could leave a batch that
        counts as answered and is sent again.
        """
        words = {place: self._word(other) for place, other in others.items()}
        self._write(_ranges(rows, self._word(what), words))
        self._file.sync()

    def _word(self, what: str) -> str:
        return THERE if self._mode is SyncMode.ADD and what == "unchanged" else what

    def _write(self, told: Iterable[tuple[int, int, str]]) -> None:
        lines = b"".join(f"{first},{last},{what}\n".encode() for first, last, what in told)
        with self._lock:
            self._file.write(lines)


def _segment_name(segment: str) -> str:
    """The name of a segment's folder at a place, and of its changes in the folder of a run."""
    return short_hash(segment.casefold())


def _plan_path(folder: Path) -> Path:
    return folder / PLAN


def _told_path(folder: Path) -> Path:
    return folder / "told.csv"


def pending(folder: Path) -> tuple[Path | None, Path | None]:
    """The plan of a run that did not come to its end, and what it was told, if anything; no plan when nothing was begun."""
    plan, told = _plan_path(folder), _told_path(folder)
    if not plan.exists() or not told.exists():
        return None, None
    return plan, told if told.stat().st_size else None


def _relation(cursor: Cursor, folder: Path) -> str | None:
    """A query of everybody held at a place, what a dead run was told included; None when that is nobody."""
    plan, told = pending(folder)
    if plan is None:
        return _snapshot(folder)
    return _merged(cursor, _snapshot(folder), plan, changes_query(cursor, plan, told))


def _releases(cursor: Cursor, plan: Path) -> bool:
    query = f"SELECT count(*) FROM read_parquet({literal(plan)}) WHERE change = '{RELEASED}'"  # noqa: S608 - our own names
    return bool(cursor.execute(query).fetchall()[0][0])


def kept_members(workspace: Path) -> list[Path]:
    """Every file that holds members: what places hold, and the plans that wait there, which are called `PLAN`."""
    sent = workspace / "sent"
    return sorted([*sent.glob("*/*/*/[0-9]*.parquet"), *sent.glob(f"*/*/*/{PLAN}")])


def others_since(workspace: Path, export_id: str, moment: float) -> bool:
    """Whether another export sent to a place of this one after that moment (seconds since 1970), to its end or not."""
    sent = workspace / "sent"
    places = {place.name for place in (sent / export_id).glob("*") if place.is_dir()}
    return any(
        written.stat().st_mtime > moment
        for place in places
        for kind in ("[0-9]*.parquet", "told.csv")
        for written in sent.glob(f"*/{place}/*/{kind}")
        if written.parents[2].name != export_id
    )


def forget_export(folder: Path, export_id: str) -> None:
    """Drop what the targets of an export hold, in the workspace of that folder."""
    shutil.rmtree(folder / "sent" / export_id, ignore_errors=True)


def _merged(cursor: Cursor, snapshot: str | None, plan: Path, changes: str) -> str:
    """Everybody who is held after the changes of a plan came to what was held before."""
    names = columns_of(cursor, changes)
    keys = "".join(f", {quoted(name)}" for name in names if name.startswith(KEY))
    hashes = ["payload", *(quoted(name) for name in names if name.startswith(PART))]
    columns = f"change, identifier, member, {', '.join(hashes)}, in_doubt{keys}"
    gone = "".join(f", NULL AS {name}" for name in hashes)
    released = (
        f"SELECT change, identifier, member{gone}, false AS in_doubt{keys}, '{RELEASED}' AS what FROM read_parquet({literal(plan)}) "  # noqa: S608 - our own names
        f"WHERE change = '{RELEASED}'"
    )
    done = f"SELECT {columns}, what FROM ({changes}) WHERE what NOT IN ({listed(WITHOUT_EFFECT)}) UNION ALL {released}"  # noqa: S608 - as above
    known = f"CASE WHEN what NOT IN ('{SENDING}', '{THERE}') THEN"
    # Who was on the way before may be there by us, and so is ours to take out; what they hold is not known.
    ours = f"WHEN what = '{THERE}' AND in_doubt THEN {literal(_UNKNOWN)}::UUID"
    payload = ", ".join(f"{known} {name} {ours if name == 'payload' else ''} END AS {name}" for name in hashes)
    doubt = f"what = '{SENDING}' AS doubt"
    there = f"change <> '{RELEASED}' AND (change <> 'removed' OR what = '{SENDING}')"
    new = f"SELECT identifier, member, {payload}, {doubt}{keys} FROM ({done}) WHERE {there}"  # noqa: S608 - as above
    if snapshot is None:
        return new
    stay = ", ".join(
        f"h.{quoted(name)}" for name in columns_of(cursor, snapshot) if not is_part(name) or name.startswith(PART)
    )
    kept = f"SELECT {stay} FROM ({snapshot}) h ANTI JOIN ({done}) d ON h.identifier = d.identifier"  # noqa: S608 - as above
    return f"{kept} UNION ALL BY NAME {new}"


def _newest(folder: Path) -> Path | None:
    """The newest snapshot of a place."""
    return max(folder.glob("[0-9]*.parquet"), default=None)


def _snapshot(folder: Path) -> str | None:
    newest = _newest(folder)
    return None if newest is None else f"SELECT * FROM read_parquet({literal(newest)})"  # noqa: S608 - a literal


def short_hash(text: str) -> str:
    """What stands for a text where it would be too long, or hold what a file's name can't."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _ranges(rows: Sequence[int], usual: str, others: Mapping[int, str]) -> Iterator[tuple[int, int, str]]:
    """Neighbouring rows of which the same was told, together; the rows only rise."""
    if not others and rows and rows[-1] - rows[0] == len(rows) - 1:
        yield rows[0], rows[-1], usual
        return
    first = last = -1
    what = ""
    for place, row in enumerate(rows):
        now = others.get(place, usual)
        if row == last + 1 and now == what:
            last = row
            continue
        if what:
            yield first, last, what
        first, last, what = row, row, now
    if what:
        yield first, last, what
