"""Making the plan of a run to one place: what differs between those who may be sent now and those who are held there.

A plan is a Parquet file, one row a member: `change` (added, changed, removed, or `RELEASED`), `member` (our key),
`identifier` (what it is known by there), `payload` and `before` (the hashes of its values now and of those it has there),
`in_doubt`, `reason` and `fields` (app/data/reasons.py), its `key ...` and `value ...` by the target's fields, and for each field
whether something unusable stood in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.exports import REMOVING, SyncMode
from app.core.names import new_id
from app.core.plans import TOLD, Basis, Change, Changes
from app.core.reasons import Says
from app.data.engines.duckdb import Cursor, columns_of, listed, literal, quoted
from app.data.kept_files import write_parquet
from app.data.reasons import Why, explained
from app.data.run_changes import KEY, RELEASED
from app.data.sent import Held, short_hash
from app.data.there import STRANGER, seen
from app.data.undoing import ADDED, REMOVED
from app.data.value_hashes import PART, VALUE, is_part
from app.jobs.drive import make_folder, put_in_place, remove

FORMAT = 2
"""Raised when the hash is made in another way: then everybody counts as changed once."""


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
    basis: Basis | None = None


def compare(
    cursor: Cursor,
    found: Found,
    held: Held | None,
    mode: SyncMode,
    to: Path,
    *,
    kept: Mapping[str, str],
    why: Why,
    there: Path | None = None,
    left_out: str | None = None,
    only: str | None = None,
) -> Difference:
    """Write a plan, with the cursor that can read `found`; `held` is None when the place is not there yet and so holds nobody.

    `kept` are texts that are kept with it: the `segment` and the `run` that sends it. What differs is found first and
    explained after, so that nothing is asked of those who stay as they are. `there` is a file of who is there
    (app/data/there.py), which the sync mode replace goes by in place of what we know. With a query of those who are `left_out`
    the plan is one to be looked at: it holds them, and who is unchanged as well. `only` is a query of `member` and
    `identifier`: then nobody else is planned, or counted as unchanged. What others send to the same place is heeded after
    this (app/data/shared_places.py).
    """
    mapping = _mapping_of(found.fields)
    before = _before(cursor, held, there, found.keys)
    basis = None if held is None or before is None else _basis(cursor, held, before, mapping)
    keys = [] if before is None else [name for name in columns_of(cursor, before) if name.startswith(KEY)]
    whole = left_out is not None
    if not whole and before is not None and found.keys and set(found.keys) <= set(found.fields):
        found, before = _without_equals(cursor, found, mapping, before)
    rows = _compared(found, mapping, before, keys, mode, whole=whole)
    if only is not None:
        either = f"member IN (SELECT member FROM ({only})) OR identifier IN (SELECT identifier FROM ({only}))"  # noqa: S608 - our own query
        rows = f"SELECT * FROM ({rows}) WHERE {either}"  # noqa: S608 - as above
    make_folder(to.parent)
    differing = to.with_suffix(".differing.tmp")
    try:
        if before is not None:
            write_parquet(cursor, rows, differing, {})
            rows = f"SELECT * FROM read_parquet({literal(differing)}, file_row_number = true)"  # noqa: S608 - a literal
        earlier = None if held is None else held.earlier(cursor)
        query = explained(cursor, rows, before, found.fields, why, earlier, basis)
        if left_out is not None:
            query = f"{query} UNION ALL BY NAME {left_out}"
        changes, sent_empty = _write(cursor, query, to, {"mapping": mapping, **kept}, found)
    finally:
        remove(differing)
    if only is not None:
        changes = replace(changes, unchanged=0)
    return Difference(changes, sent_empty, basis if changes.changed else None)


def take_back(cursor: Cursor, found: Found, held: Held, changes: Path, to: Path, kept: Mapping[str, str]) -> Difference:
    """Write the plan that undoes the changes of a run to one segment: `found` is everybody who may be sent now.

    Whom that run added and we still hold is removed; whom it removed is added with the values of now. Changed ones stay: what
    they were before is not kept.
    """
    before = held.everybody(cursor)
    mapping = held.mapping(cursor) or _mapping_of(found.fields)
    undone = f"SELECT identifier FROM read_parquet({literal(changes)}) WHERE"  # noqa: S608 - a literal
    added, removed = f"{undone} {ADDED}", f"{undone} {REMOVED}"
    usual = "false AS in_doubt, NULL::VARCHAR[] AS fields"
    rows = (
        f"SELECT 'added' AS change, {usual}, NULL::UUID AS before, '{Says.PUT_BACK}' AS reason, n.* "  # noqa: S608 - our own names
        f"FROM ({_now(found, mapping)}) n WHERE n.identifier IN ({removed})"
    )
    if before is not None:
        keys = "".join(f", h.{quoted(name)}" for name in columns_of(cursor, before) if name.startswith(KEY))
        empty = ", ".join([f"NULL::VARCHAR AS {quoted(VALUE + name)}" for name in found.fields])
        # Whose removal was never acknowledged may be gone there.
        rows += f" AND n.identifier NOT IN (SELECT identifier FROM ({before}) WHERE NOT doubt)"  # noqa: S608 - our own query
        rows += (
            f" UNION ALL BY NAME SELECT 'removed' AS change, {usual}, h.payload AS before, "  # noqa: S608 - as above
            f"'{Says.TAKEN_OUT}' AS reason, h.member, h.identifier, NULL::UUID AS payload{keys}, {empty} "
            f"FROM ({before}) h WHERE h.identifier IN ({added})"
        )
    make_folder(to.parent)
    planned, sent_empty = _write(cursor, rows, to, {"mapping": mapping, **kept}, found)
    return Difference(replace(planned, unchanged=0), sent_empty)


def identifier_of(found: Found) -> str:
    """What a member is known by at the target: the first key field that has a value, and which one that is."""
    named = [f"{literal(f'{name}:')} || k{i}" for i, name in enumerate(found.keys)]
    return f"coalesce({', '.join(named)})" if named else "member"


def _before(cursor: Cursor, held: Held | None, there: Path | None, keys: Sequence[str]) -> str | None:
    """A query of everybody held until now, `missing` those who are not there by the place's own word; None for nobody."""
    before = None if held is None else held.everybody(cursor)
    if there is not None:
        return seen(cursor, there, before, keys)
    return None if before is None else f"SELECT *, false AS missing FROM ({before})"  # noqa: S608 - our own query


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
    # Who is not there by the place's own word can't be taken out; nor may who was there before us and was left as they were.
    not_ours = "h.missing OR (h.payload IS NULL AND NOT h.doubt)" if mode is SyncMode.MIRROR else "h.missing"
    gone = f"CASE WHEN {not_ours} THEN '{RELEASED}' ELSE 'removed' END"
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
        f"SELECT {', '.join(selected)} FROM ({now}) n {join} JOIN ({held}) h ON n.identifier = h.identifier "  # noqa: S608 - our own names
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


def _payload(found: Found, mapping: str) -> str:
    """The hash of all values, no two lists of which look alike; no value is not the same as an empty one.

    DuckDB's own `hash()` changes with its versions, MD5 stays. A value is written as its length, a colon and itself, none as
    a dash: `concat` leaves out what is NULL. The sum as a number, which reads it from its last byte on, costs a quarter less
    than the same one by its digits.
    """
    values = [f"v{i}" for _name, i in sorted((name, i) for i, name in enumerate(found.fields))]
    written = [f"length({value}), CASE WHEN {value} IS NULL THEN '-' ELSE ':' END, {value}" for value in values]
    return f"md5_number(concat({', '.join([literal(short_hash(mapping)), *written])}))::UUID"


def _write(
    cursor: Cursor, query: str, to: Path, kept: Mapping[str, str], found: Found
) -> tuple[Changes, dict[str, int]]:
    """Write the plan, all of it or nothing, and count what is in it."""
    unfinished = to.with_suffix(".tmp")
    write_parquet(cursor, query, unfinished, kept)
    put_in_place(unfinished, to)
    return _numbers(cursor, to, found)


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


def _basis(cursor: Cursor, held: Held, before: str, mapping: str) -> Basis | None:
    """What the hashes of those who are held were made by, when that is another thing than now."""
    then = held.mapping(cursor)
    if then is not None and then != mapping:
        fields = json.loads(mapping)["fields"]
        return Basis.MATCH if then and json.loads(then)["fields"] != fields else Basis.FORMAT
    parts = [name for name in columns_of(cursor, before) if is_part(name)]
    return Basis.ENGINE if parts and not any(name.startswith(PART) for name in parts) else None


def _mapping_of(fields: Sequence[str]) -> str:
    """What the hash is made of, as it is kept beside it."""
    return json.dumps({"format": FORMAT, "fields": sorted(fields)})
