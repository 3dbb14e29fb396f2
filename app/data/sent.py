"""What a target holds as far as we know, and what a run changes there.

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
import json
import os
import shutil
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.core.exports import REMOVING, SyncMode
from app.core.names import new_id
from app.core.plans import TOLD, Change, Changes
from app.core.reasons import Says
from app.data.engines.duckdb import Cursor, DuckDBEngine, literal, quoted
from app.data.reasons import Why, explained
from app.data.run_changes import (
    KEY,
    RELEASED,
    SENDING,
    THERE,
    WITHOUT_EFFECT,
    changes_path,
    changes_query,
    columns_of,
    known_of,
    listed,
    run_folder,
    sync_folder,
    write_changes,
    write_parquet,
)
from app.data.there import STRANGER, not_there, seen
from app.data.undoing import ADDED, REMOVED
from app.data.value_hashes import PART, VALUE, is_part
from app.jobs import CancelToken, JobContext

FORMAT = 2
"""Raised when the hash is made in another way: then everybody counts as changed once."""

_READ_ROWS = 2_048
ALL = "true"
"""The condition every row of a plan meets."""


@dataclass(frozen=True, slots=True)
class Found:
    """A query of the members to be sent: `member`, for each field in order `v0` ..., `u0` ..., for each key field `k0` ...

    `among` gives that query for those alone whose `member` stands in a table of that name.
    """

    query: str
    fields: tuple[str, ...]
    keys: tuple[str, ...]
    number: int
    among: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a plan holds; `sent_empty` counts the values of each field that are there but unusable."""

    changes: Changes
    sent_empty: Mapping[str, int]
    other_match: bool = False


@dataclass(frozen=True, slots=True)
class PlanRows:
    """Members of a plan, column by column, with their rows there; the values of removed ones are those of the key fields.

    `known` are those the place holds already.
    """

    rows: list[int]
    members: list[str]
    known: list[bool]
    values: Mapping[str, list[str | None]]


class Held:
    """One segment at one place; `place` names it among all places of all connections. Used by one thread at a time."""

    def __init__(self, engine: DuckDBEngine, export_id: str, place: str, segment: str) -> None:
        self.engine = engine
        self._sent = engine.folder / "sent"
        self._place = _short(place)
        self.folder = self._sent / export_id / self._place / _short(segment.casefold())

    @classmethod
    def newest(cls, engine: DuckDBEngine, export_id: str, segment: str) -> Held | None:
        """What an export sent last of a segment, wherever that is; None when it never sent any of it."""
        held = cls(engine, export_id, "", segment)
        places = (held._sent / export_id).glob(f"*/{held.folder.name}")
        written = [(newest.stat().st_mtime_ns, folder) for folder in places if (newest := _newest(folder)) is not None]
        if not written:
            return None
        held.folder = max(written)[1]
        held._place = held.folder.parent.name
        return held

    @property
    def name(self) -> str:
        """What names the segment in the files of runs."""
        return self.folder.name

    @property
    def known(self) -> bool:
        """Whether anything was ever sent there."""
        return _newest(self.folder) is not None

    @property
    def plan_path(self) -> Path:
        """Where the plan of a run lies."""
        return _plan_path(self.folder)

    def forget(self) -> None:
        """Drop everything: the target is known not to have it any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def settle(self, token: CancelToken) -> None:
        """Make what was told part of what is held, and clear away what a run left behind; nothing is ever half done."""
        if not self.folder.exists():
            return
        for leftover in self.folder.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        plan, told = pending(self.folder)
        if plan is not None:
            with self.engine.cursor(token) as cursor:
                changes = self._write_changes(cursor, plan, told)
                if told is not None or _releases(cursor, plan):
                    merged = _merged(cursor, _snapshot(self.folder), plan, f"FROM read_parquet({literal(changes)})")
                    kept = {name: known_of(cursor, plan, name) for name in ("mapping", "run")}
                    self._write_snapshot(cursor, merged, kept)
            if changes.parent == self.folder:
                changes.unlink(missing_ok=True)
        _told_path(self.folder).unlink(missing_ok=True)
        self.plan_path.unlink(missing_ok=True)

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
            changes.unlink(missing_ok=True)

    def numbers(self, token: CancelToken) -> tuple[int, int] | None:
        """How many this segment has at the place as far as we know, and how many whoever sent them; None while some are in doubt."""
        with self.engine.cursor(token) as cursor:
            own = _relation(cursor, self.folder)
            if own is None:
                return 0, 0
            query = f"SELECT count(*), count(*) FILTER (doubt) FROM ({own})"  # noqa: S608 - our own query
            ((number, doubtful),) = cursor.execute(query).fetchall()
            everybody, others = number, self.others(cursor)
            if others is not None:
                both = f"SELECT identifier FROM ({own}) UNION {others}"  # noqa: S608 - our own queries
                ((everybody,),) = cursor.execute(f"SELECT count(*) FROM ({both})").fetchall()  # noqa: S608 - as above
            return None if doubtful else (int(number), int(everybody))

    def identifiers(self, cursor: Cursor) -> str | None:
        """A query of the identifiers that this segment has at the place as far as we know; None for nobody."""
        own = _relation(cursor, self.folder)
        return None if own is None else f"SELECT identifier FROM ({own})"  # noqa: S608 - our own query

    def others(self, cursor: Cursor) -> str | None:
        """A query of the identifiers that other segments and exports have sent to the same place."""
        queries = []
        for folder in sorted(self._sent.glob(f"*/{self._place}/*")):
            if folder != self.folder:
                relation = _relation(cursor, folder)
                queries += [] if relation is None else [f"SELECT identifier FROM ({relation})"]  # noqa: S608 - our own query
        return " UNION ALL ".join(queries) or None

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
        unfinished.replace(self.folder / f"{number:06}.parquet")
        sync_folder(self.folder)  # before what it was made of goes, or a loss of power could leave neither
        if newest is not None:
            newest.unlink(missing_ok=True)


def compare(
    cursor: Cursor,
    found: Found,
    held: Held | None,
    mode: SyncMode,
    to: Path,
    kept: Mapping[str, str],
    why: Why,
    there: Path | None = None,
    left_out: str | None = None,
    only: str | None = None,
) -> Difference:
    """Write a plan, with the cursor that can read `found`; None when the place is not there yet and so holds nobody.

    `kept` are texts that are kept with it: the `segment` and the `run` that sends it. What differs is found first and
    explained after, so that nothing is asked of those who stay as they are. `there` is a file of who is there
    (app/data/there.py), which the sync mode replace goes by in place of what we know. With a query of those who are `left_out`
    the plan is one to be looked at: it holds them, and who is unchanged as well. `only` is a query of `member` and
    `identifier`: then nobody else is planned, or counted as unchanged.
    """
    before = None if held is None else _relation(cursor, held.folder)
    if there is not None:
        before = seen(cursor, there, before, found.keys)
    elif before is not None:
        before = f"SELECT *, false AS missing FROM ({before})"  # noqa: S608 - our own query
    keys = [] if before is None else [name for name in columns_of(cursor, before) if name.startswith(KEY)]
    others = held.others(cursor) if held is not None and mode in REMOVING else None
    if there is not None and before is not None:
        others = " UNION ALL ".join(filter(None, (others, not_there(before))))
    mapping = _mapping_of(found.fields)
    newest = None if held is None else _newest(held.folder)
    other = newest is not None and known_of(cursor, newest, "mapping") != mapping
    to.parent.mkdir(parents=True, exist_ok=True)
    unfinished, differing = to.with_suffix(".tmp"), to.with_suffix(".differing.tmp")
    if left_out is None and before is not None and found.keys and set(found.keys) <= set(found.fields):
        found, before = _without_equals(cursor, found, mapping, before)
    rows = _compared(found, mapping, before, keys, others, mode, whole=left_out is not None)
    if only is not None:
        either = f"member IN (SELECT member FROM ({only})) OR identifier IN (SELECT identifier FROM ({only}))"  # noqa: S608 - our own query
        rows = f"SELECT * FROM ({rows}) WHERE {either}"  # noqa: S608 - as above
    try:
        if before is not None:
            write_parquet(cursor, rows, differing, {})
            rows = f"SELECT * FROM read_parquet({literal(differing)}, file_row_number = true)"  # noqa: S608 - a literal
        earlier = None if held is None else held.earlier(cursor)
        query = explained(cursor, rows, before, found.fields, why, earlier, other_match=other)
        if left_out is not None:
            query = f"{query} UNION ALL BY NAME {left_out}"
        write_parquet(cursor, query, unfinished, {"mapping": mapping, **kept})
    finally:
        differing.unlink(missing_ok=True)
    unfinished.replace(to)
    changes, sent_empty = _numbers(cursor, to, found)
    if only is not None:
        changes = replace(changes, unchanged=0)
    return Difference(changes, sent_empty, other and changes.changed > 0)


def take_back(cursor: Cursor, found: Found, held: Held, changes: Path, to: Path, kept: Mapping[str, str]) -> Difference:
    """Write the plan that undoes the changes of a run to one segment: `found` is everybody who may be sent now.

    Whom that run added and we still hold is removed, unless somebody else sends them to the same place; whom it removed is
    added with the values of now. Changed ones stay: what they were before is not kept.
    """
    before = _relation(cursor, held.folder)
    newest = _newest(held.folder)
    mapping = known_of(cursor, newest, "mapping") if newest is not None else _mapping_of(found.fields)
    others = held.others(cursor)
    gone = f"CASE WHEN h.identifier IN ({others}) THEN '{RELEASED}' ELSE 'removed' END" if others else "'removed'"
    undone = f"SELECT identifier FROM read_parquet({literal(changes)}) WHERE"  # noqa: S608 - a literal
    added, removed = f"{undone} {ADDED}", f"{undone} {REMOVED}"
    empty = ", ".join([f"NULL::VARCHAR AS {quoted(VALUE + name)}" for name in found.fields])
    usual = "false AS in_doubt, NULL::VARCHAR[] AS fields"
    rows = (
        f"SELECT 'added' AS change, {usual}, NULL::UUID AS before, '{Says.PUT_BACK}' AS reason, n.* "  # noqa: S608
        f"FROM ({_now(found, mapping)}) n WHERE n.identifier IN ({removed})"
    )
    if before is not None:
        keys = "".join(f", h.{quoted(name)}" for name in columns_of(cursor, before) if name.startswith(KEY))
        rows += f" AND n.identifier NOT IN (SELECT identifier FROM ({before}))"  # noqa: S608 - our own query
        rows += (
            f" UNION ALL BY NAME SELECT {gone} AS change, {usual}, h.payload AS before, "  # noqa: S608 - as above
            f"'{Says.TAKEN_OUT}' AS reason, h.member, h.identifier, NULL::UUID AS payload{keys}, {empty} "
            f"FROM ({before}) h WHERE h.identifier IN ({added})"
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    unfinished = to.with_suffix(".tmp")
    write_parquet(cursor, rows, unfinished, {"mapping": mapping, **kept})
    unfinished.replace(to)
    changes_, sent_empty = _numbers(cursor, to, found)
    return Difference(replace(changes_, unchanged=0), sent_empty)


class Told:
    """Writes down what becomes of a plan's members while it happens. Thread safe."""

    def __init__(self, held: Held, mode: SyncMode) -> None:
        self._mode = mode
        self._lock = threading.Lock()
        self._file = _told_path(held.folder).open("ab", buffering=0)
        sync_folder(held.folder)

    def close(self) -> None:
        """Nothing more is told."""
        self._file.close()

    def sending(self, rows: Sequence[int]) -> None:
        """These are about to leave: it is on the drive when this returns, so that a loss of power can't hide it."""
        self._write(_ranges(rows, SENDING, {}))
        os.fsync(self._file.fileno())

    def settled(self, rows: Sequence[int], what: str, others: Mapping[int, str]) -> None:
        """What became of them, by the words of `OutcomeKind`: the same of all but `others`, known by their places."""
        words = {place: self._word(other) for place, other in others.items()}
        self._write(_ranges(rows, self._word(what), words))

    def _word(self, what: str) -> str:
        return THERE if self._mode is SyncMode.ADD and what == "unchanged" else what

    def _write(self, told: Iterable[tuple[int, int, str]]) -> None:
        lines = b"".join(f"{first},{last},{what}\n".encode() for first, last, what in told)
        with self._lock:
            self._file.write(lines)


def look_path(folder: Path) -> Path:
    """Where a plan lies while it is only looked at, in the workspace of that folder."""
    return folder / "tmp" / f"plan-{new_id()}.parquet"


def clear_looks(folder: Path, before: datetime) -> None:
    """Delete plans that were looked at before that moment and left behind by a process that died."""
    for plan in (folder / "tmp").glob("plan-*"):
        with suppress(OSError):  # somebody else was quicker, or Windows still reads it
            if plan.stat().st_mtime < before.timestamp():
                plan.unlink()


def _plan_path(folder: Path) -> Path:
    return folder / "plan.parquet"


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


def forget_export(folder: Path, export_id: str) -> None:
    """Drop what the targets of an export hold, in the workspace of that folder."""
    shutil.rmtree(folder / "sent" / export_id, ignore_errors=True)


def read_plan(
    engine: DuckDBEngine, plan: Path, ctx: JobContext, *, removed: bool = False, where: str = ALL
) -> Generator[PlanRows, None, None]:
    """Those to be added or changed with all fields, or those to be removed with the key fields; in constant memory.

    Rows only rise. With `where` only those that meet a condition on the plan.
    """
    prefix = KEY if removed else VALUE
    wanted = (Change.REMOVED,) if removed else (Change.ADDED, Change.CHANGED)
    source = f"read_parquet({literal(plan)}, file_row_number = true)"
    with engine.cursor(ctx.token) as cursor:
        names = [name for name in columns_of(cursor, f"FROM {source}") if name.startswith(prefix)]
        columns = "".join(f", {quoted(name)}" for name in names)
        known = f"change <> '{Change.ADDED}'"
        query = f"SELECT file_row_number, member, {known}{columns} FROM {source} WHERE change IN ({listed(wanted)}) AND {where}"  # noqa: S608
        if where != ALL:  # a join with other rows would give them in any order
            query = f"{query} ORDER BY file_row_number"
        for batch in cursor.sql(query).to_arrow_reader(_READ_ROWS):
            ctx.check()
            rows, members, held, *values = (batch.column(i).to_pylist() for i in range(batch.num_columns))
            fields = (name.removeprefix(prefix) for name in names)
            yield PlanRows(rows, members, held, dict(zip(fields, values, strict=True)))


def _without_equals(cursor: Cursor, found: Found, mapping: str, before: str) -> tuple[Found, str]:
    """Both sides without those who are the same on both, told by the hash of their values, which hold what identifies them.

    Mostly that is nearly everybody: two numbers each are joined in place of wide rows, which would not fit in the memory of
    a run when there are ten millions of them.
    """
    table = f"differing_{new_id()}"
    now = f"SELECT member, {_payload(found, mapping)} AS payload FROM ({found.query})"  # noqa: S608 - our own query
    then = f"SELECT payload FROM ({before}) WHERE NOT (doubt OR missing) AND payload IS NOT NULL"  # noqa: S608 - as above
    cursor.execute(
        f"CREATE TEMP TABLE {table} AS SELECT n.member, h.payload FROM ({now}) n FULL JOIN ({then}) h "  # noqa: S608 - as above
        "ON n.payload = h.payload WHERE n.payload IS NULL OR h.payload IS NULL"
    )
    ((number,),) = cursor.execute(f"SELECT count(member) FROM {table}").fetchall()  # noqa: S608 - our own name
    if number > found.number // 2:  # other fields are matched, or most are new: to set the rest apart gains nothing
        cursor.execute(f"DROP TABLE {table}")
        return found, before
    known = f"SELECT payload FROM {table} WHERE payload IS NOT NULL"  # noqa: S608 - our own name
    rest = f"SELECT * FROM ({before}) WHERE doubt OR missing OR payload IS NULL OR payload IN ({known})"  # noqa: S608 - as above
    return replace(found, query=found.among(table)), rest


def _compared(
    found: Found,
    mapping: str,
    held: str | None,
    held_keys: Sequence[str],
    others: str | None,
    mode: SyncMode,
    *,
    whole: bool,
) -> str:
    """What is to be told the target, of those found now and those held until now; the `whole` also has who is unchanged."""
    now, unusable = _now(found, mapping), [f"u{i}" for i in range(len(found.fields))]
    if held is None:
        return f"SELECT 'added' AS change, false AS in_doubt, NULL::UUID AS before, * FROM ({now})"  # noqa: S608 - as above
    known = {KEY + name for name in found.keys}
    both = [f"{_either(name, known, held_keys)} AS {quoted(name)}" for name in dict.fromkeys([*known, *held_keys])]
    rest = [f"n.{quoted(VALUE + name)}" for name in found.fields] + [f"n.{name}" for name in unusable]
    gone = f"CASE WHEN h.identifier IN ({others}) THEN '{RELEASED}' ELSE 'removed' END" if others else "'removed'"
    differs = "false" if mode is SyncMode.ADD else "n.payload IS DISTINCT FROM h.payload"
    change = (
        "CASE WHEN h.identifier IS NULL OR ((h.doubt OR h.missing) AND n.identifier IS NOT NULL) THEN 'added' "
        f"WHEN n.identifier IS NULL THEN {gone} WHEN {differs} THEN 'changed' ELSE 'unchanged' END AS change"
    )
    either = ("coalesce(n.member, h.member) AS member", "coalesce(n.identifier, h.identifier) AS identifier")
    before = ("coalesce(h.doubt, false) AS in_doubt", "h.payload AS before")
    selected = [change, *before, *either, "n.payload", *both, *rest]
    wanted = "true" if whole else f"n.identifier IS NULL OR h.identifier IS NULL OR h.doubt OR h.missing OR {differs}"
    join = "FULL" if mode in REMOVING else "LEFT"
    return (
        f"SELECT {', '.join(selected)} FROM ({now}) n {join} JOIN ({held}) h ON n.identifier = h.identifier "  # noqa: S608
        f"WHERE {wanted}"
    )


def _now(found: Found, mapping: str) -> str:
    """Those found now as a plan has them: what identifies them there, the hash of their values, keys and values by their fields."""
    values = [f"v{i} AS {quoted(VALUE + name)}" for i, name in enumerate(found.fields)]
    keys = [f"k{i} AS {quoted(KEY + name)}" for i, name in enumerate(found.keys)]
    unusable = [f"u{i}" for i in range(len(found.fields))]
    columns = ["member", f"{identifier_of(found)} AS identifier", f"{_payload(found, mapping)} AS payload"]
    return f"SELECT {', '.join([*columns, *keys, *values, *unusable])} FROM ({found.query})"  # noqa: S608 - our own query


def _either(name: str, now: Collection[str], before: Collection[str]) -> str:
    """A key column of whoever is found now, else as it was sent before."""
    new = f"n.{quoted(name)}" if name in now else "NULL::VARCHAR"
    old = f"h.{quoted(name)}" if name in before else "NULL::VARCHAR"
    if list(before) == [name]:  # then the identifier holds it, and one column less has to be read of everybody
        start = f"{name.removeprefix(KEY)}:"
        old = f"CASE WHEN starts_with(h.identifier, {literal(start)}) THEN substr(h.identifier, {len(start) + 1}) END"
    return f"CASE WHEN n.identifier IS NULL THEN {old} ELSE {new} END"


def identifier_of(found: Found) -> str:
    """What a member is known by at the target: the first key field that has a value, and which one that is."""
    named = [f"{literal(f'{name}:')} || k{i}" for i, name in enumerate(found.keys)]
    return f"coalesce({', '.join(named)})" if named else "member"


def _payload(found: Found, mapping: str) -> str:
    """The hash of all values, no two lists of which look alike; no value is not the same as an empty one.

    DuckDB's own `hash()` changes with its versions, MD5 stays. A value is written as its length, a colon and itself, none as
    a dash: `concat` leaves out what is NULL. The sum as a number, which reads it from its last byte on, costs a quarter less
    than the same one by its digits.
    """
    values = [f"v{i}" for _name, i in sorted((name, i) for i, name in enumerate(found.fields))]
    written = [f"length({value}), CASE WHEN {value} IS NULL THEN '-' ELSE ':' END, {value}" for value in values]
    return f"md5_number(concat({', '.join([literal(_short(mapping)), *written])}))::UUID"


def _merged(cursor: Cursor, snapshot: str | None, plan: Path, changes: str) -> str:
    """Everybody who is held after the changes of a plan came to what was held before."""
    names = columns_of(cursor, changes)
    keys = "".join(f", {quoted(name)}" for name in names if name.startswith(KEY))
    hashes = ["payload", *(quoted(name) for name in names if name.startswith(PART))]
    columns = f"change, identifier, member, {', '.join(hashes)}{keys}"
    gone = "".join(f", NULL AS {name}" for name in hashes)
    released = (
        f"SELECT change, identifier, member{gone}{keys}, '{RELEASED}' AS what FROM read_parquet({literal(plan)}) "  # noqa: S608 - our own names
        f"WHERE change = '{RELEASED}'"
    )
    done = f"SELECT {columns}, what FROM ({changes}) WHERE what NOT IN ({listed(WITHOUT_EFFECT)}) UNION ALL {released}"  # noqa: S608 - as above
    known = f"CASE WHEN what NOT IN ('{SENDING}', '{THERE}') THEN"
    payload = ", ".join(f"{known} {name} END AS {name}" for name in hashes)
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


def _numbers(cursor: Cursor, plan: Path, found: Found) -> tuple[Changes, dict[str, int]]:
    changes = [f"count(*) FILTER (change = '{change}')" for change in TOLD]
    sent = f"change IN ({listed((Change.ADDED, Change.CHANGED))})"
    unusable = [f"sum(u{i}) FILTER ({sent})" for i in range(len(found.fields))]
    in_doubt = f"count(*) FILTER (in_doubt AND change <> '{RELEASED}')"
    strangers = f"count(*) FILTER (change = '{Change.REMOVED}' AND member = '{STRANGER}')"
    selected = ", ".join([*changes, in_doubt, strangers, *unusable])
    query = f"SELECT {selected} FROM read_parquet({literal(plan)})"  # noqa: S608 - our own names
    ((added, changed, removed, doubtful, unknown, *empty),) = cursor.execute(query).fetchall()
    unchanged = found.number - added - changed
    numbers = {name: int(number) for name, number in zip(found.fields, empty, strict=True) if number}
    return Changes(added, changed, removed, unchanged, doubtful, unknown), numbers


def _mapping_of(fields: Sequence[str]) -> str:
    """What the hash is made of, as it is kept beside it."""
    return json.dumps({"format": FORMAT, "fields": sorted(fields)})


def _newest(folder: Path) -> Path | None:
    """The newest snapshot of a place."""
    return max(folder.glob("[0-9]*.parquet"), default=None)


def _snapshot(folder: Path) -> str | None:
    newest = _newest(folder)
    return None if newest is None else f"SELECT * FROM read_parquet({literal(newest)})"  # noqa: S608 - a literal


def _short(text: str) -> str:
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
