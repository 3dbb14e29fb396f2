"""What became of the members a run set out to send: `runs/{id}/changes/{segment}.parquet`, one file a segment and place.

Written when a plan is settled, also when a later run settles for one that died; written again it is the same. One row a
planned member: `segment`, `identifier` (what it is known by there), `member` (our key), `change` (what was planned: added,
changed, removed), `what` (what came of it, see `WHAT`), `reason` and `fields` (why it was planned; empty when not known),
`payload` and `before` (hashes of the values that were to be there and that were there), `key ...` columns with the fields
that identify it, and a short hash of each value (app/data/value_hashes.py). The files hold personal data and are readable
by their owner only.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from app.core.names import new_id
from app.data.engines.duckdb import Cursor, columns_of, listed, literal, quoted
from app.data.kept_files import known_of, write_parquet
from app.data.value_hashes import PART, VALUE, hashed
from app.jobs.drive import make_folder, put_in_place

SENDING, REFUSED, INVALID, THERE, NOT_SENT = "sending", "rejected", "invalid", "there", "not_sent"
"""Besides the outcomes: it is on its way, or in doubt; it was refused, there or by a rule of ours; it was there before and
left as it was; it never left."""

TOLD = ("added", "updated", "unchanged", "removed", REFUSED, INVALID, THERE, SENDING)
WHAT = (*TOLD, NOT_SENT)
WITHOUT_EFFECT = (REFUSED, INVALID, NOT_SENT)

KEY = "key "  # before the target's field, in the names of columns
RELEASED = "released"
"""Planned beside the changes: it left the segment, but somebody else sends it to the same place, so only our note goes."""

_MOST_SPANS = 64
_OPTIONAL = {
    "reason": "VARCHAR",
    "fields": "VARCHAR[]",
    "before": "UUID",
    "in_doubt": "BOOLEAN",
}  # plans of earlier versions lack them


def run_folder(workspace: Path, run: str) -> Path | None:
    """The folder of a run, None when there is no run or its folder is gone."""
    folder = workspace / "runs" / run
    return folder if run and folder.is_dir() else None


def changes_path(run: Path, name: str) -> Path:
    """Where the changes of one segment at one place lie, in the folder of the run."""
    return run / "changes" / f"{name}.parquet"


def kept_changes(workspace: Path) -> list[Path]:
    """The changes of all runs."""
    return sorted((workspace / "runs").glob("*/changes/*.parquet"))


def changes_relation(run: Path) -> str | None:
    """A query of all changes of a run, by the folder of it; None when there are none."""
    files = sorted((run / "changes").glob("*.parquet"))
    return f"FROM read_parquet([{listed(map(str, files))}], union_by_name = true)" if files else None


def rejected_of(workspace: Path, run: str) -> str:
    """A query of `member` and `identifier` of those who were refused in a run."""
    folder = run_folder(workspace, run)
    relation = None if folder is None else changes_relation(folder)
    if relation is None:
        return "SELECT NULL::VARCHAR AS member, NULL::VARCHAR AS identifier WHERE false"
    return f"SELECT member, identifier FROM ({relation}) WHERE what IN ('{REFUSED}', '{INVALID}')"  # noqa: S608 - our own query


def write_changes(cursor: Cursor, plan: Path, told: Path | None, to: Path) -> None:
    """Write down what became of the members of a plan."""
    make_folder(to.parent)
    unfinished = to.with_suffix(".part")
    segment = known_of(cursor, plan, "segment")
    query = f"SELECT {literal(segment)} AS segment, * FROM ({changes_query(cursor, plan, told)})"  # noqa: S608 - our own query
    write_parquet(cursor, query, unfinished, {})
    put_in_place(unfinished, to)  # the plan they were made of goes next


def changes_query(cursor: Cursor, plan: Path, told: Path | None) -> str:
    """A query of what became of the members of a plan by now."""
    source = f"read_parquet({literal(plan)}, file_row_number = true)"
    names = columns_of(cursor, f"FROM {source}")
    optional = [name if name in names else f"NULL::{kind} AS {name}" for name, kind in _OPTIONAL.items()]
    keys = [quoted(name) for name in names if name.startswith(KEY)]
    # Not a list of changes: DuckDB would think them few, and build the join on their wide rows in place of the numbers.
    planned = f"change <> '{RELEASED}'"
    values = (name.removeprefix(VALUE) for name in names if name.startswith(VALUE))
    hashes = [f"{hashed(field)} AS {quoted(PART + field)}" for field in values]
    columns = ", ".join(["identifier", "member", "change", "payload", *optional, *keys, *hashes])
    if told is None:
        return f"SELECT {columns}, '{NOT_SENT}' AS what FROM {source} WHERE {planned}"  # noqa: S608 - our own names
    spans = told_spans(told)
    if spans is not None:
        cases = "".join(f" WHEN file_row_number BETWEEN {a} AND {b} THEN '{word}'" for a, b, word in spans)
        return f"SELECT {columns}, CASE{cases} ELSE '{NOT_SENT}' END AS what FROM {source} WHERE {planned}"  # noqa: S608 - as above
    what = f"coalesce(what, '{NOT_SENT}') AS what"
    joined = f"{source} LEFT JOIN {_fates(cursor, told)} ON file_row_number = row"
    return f"SELECT {columns}, {what} FROM {joined} WHERE {planned}"  # noqa: S608 - as above


def open_rows(cursor: Cursor, plan: Path, told: Path | None) -> str:
    """A query of `row`, `identifier`, `change`, `gone` and `doubt` of those members of a plan of whom no outcome is known.

    Who is `gone` has left in this run. In doubt is who is gone, and who was on the way when the plan was made.
    """
    source = f"read_parquet({literal(plan)}, file_row_number = true)"
    if told is None:
        return f"SELECT file_row_number AS row, identifier, change, false AS gone, in_doubt AS doubt FROM {source}"  # noqa: S608 - our own names
    gone = f"coalesce(what = '{SENDING}', false)"
    joined = f"{source} LEFT JOIN {_fates(cursor, told)} ON file_row_number = row"
    unknown = f"coalesce(what, '{NOT_SENT}') IN ('{NOT_SENT}', '{SENDING}')"
    return f"SELECT file_row_number AS row, identifier, change, {gone} AS gone, in_doubt OR {gone} AS doubt FROM {joined} WHERE {unknown}"  # noqa: S608 - as above


def outcome_rows(cursor: Cursor, plan: Path, told: Path | None) -> str:
    """A query of `row`, `removal` and `what` of the members of a plan that were told of: a word of `OutcomeKind`, or `SENDING`."""
    source = f"read_parquet({literal(plan)}, file_row_number = true)"
    if told is None:
        return "SELECT NULL::BIGINT AS row, NULL::BOOLEAN AS removal, NULL::VARCHAR AS what WHERE false"
    word = f"CASE what WHEN '{THERE}' THEN 'unchanged' ELSE what::VARCHAR END AS what"
    return (
        f"SELECT row, change = 'removed' AS removal, {word} FROM {_fates(cursor, told)} JOIN {source} "  # noqa: S608 - our own names
        f"ON file_row_number = row WHERE change <> '{RELEASED}'"
    )


def _fates(cursor: Cursor, told: Path) -> str:
    """Make a table of what became of each row that was told of; its name."""
    lines = (
        f"read_csv({literal(told)}, auto_detect = false, header = false, delim = ',', null_padding = true, "
        "ignore_errors = true, strict_mode = false, quote = '', escape = '', "  # torn lines, and what a power cut leaves
        "columns = {'first': 'BIGINT', 'last': 'BIGINT', 'what': 'VARCHAR'})"
    )
    each = f"SELECT unnest(range(first, last + 1)) AS row, what FROM {lines} WHERE what IN ({listed(TOLD)})"  # noqa: S608 - our own names
    # A table of its own: in one query with what follows the memory of a run is not enough for a million.
    fates = f"fate_{new_id()}"
    known = f"coalesce(max(what) FILTER (what <> '{SENDING}'), '{SENDING}')::ENUM ({listed(WHAT)})"
    cursor.execute(f"CREATE TEMP TABLE {fates} AS SELECT row, {known} AS what FROM ({each}) GROUP BY row")  # noqa: S608 - as above
    return fates


def told_spans(told: Path) -> list[tuple[int, int, str]] | None:
    """What was told as few spans of rows, which is what a run without trouble comes to; the first that holds a row counts.

    Each is its first and last row and the word. None when there are many, or rows of which several outcomes were told.
    """
    outcomes: list[tuple[int, int, str]] = []
    sending: list[tuple[int, int, str]] = []
    for line in told.read_text("utf-8", errors="replace").splitlines():
        first, last, word = (*line.split(","), "", "")[:3]
        if word in TOLD and first.isdecimal() and last.isdecimal():
            (sending if word == SENDING else outcomes).append((int(first), int(last), word))
    spans = _joined_spans(outcomes)
    if any(later[0] <= earlier[1] for earlier, later in pairwise(spans)):
        return None
    spans += _joined_spans(sending)
    return spans if 0 < len(spans) <= _MOST_SPANS else None


def _joined_spans(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    joined: list[tuple[int, int, str]] = []
    for first, last, word in sorted(found):
        if joined and joined[-1][2] == word and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last, word)
        else:
            joined.append((first, last, word))
    return joined
