"""What the last finished run saw of a segment at a place, kept beside what that place holds: `seen.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from app.core.evidence import Seen, seen
from app.core.segments import Segment
from app.core.tables import Table
from app.data.engines.duckdb import DuckDBEngine, generation_folder
from app.data.identity import Identity
from app.data.suppression import list_file
from app.data.workspace_rows import Scope
from app.jobs.drive import write_whole

_NAME = "seen.json"


def read_seen(folder: Path) -> Seen | None:
    """What was kept there; None when no run has finished yet, or it can't be read."""
    try:
        return read((folder / _NAME).read_text("utf-8"))
    except OSError:
        return None


def write_seen(folder: Path, known: Seen) -> None:
    """Keep it, whole or not at all."""
    write_whole(folder / _NAME, [written(known).encode()])  # the rules of a segment may name somebody


def kept_seen(workspace: Path) -> list[Path]:
    """The files of what runs saw, of all places."""
    return sorted((workspace / "sent").glob(f"*/*/*/{_NAME}"))


def written(known: Seen) -> str:
    """What was seen as a text, as a plan keeps it too: a run that is resumed sees nothing anew."""
    return json.dumps(asdict(known) | {"at": None if known.at is None else known.at.isoformat()}, ensure_ascii=False)


def read(text: str) -> Seen | None:
    """What was seen, of such a text; None when it is none."""
    try:
        found = json.loads(text)
        at = None if found["at"] is None else datetime.fromisoformat(found["at"])
        known = Seen(int(found["members"]), dict(found["rows"]), found["rules"], found["consent"], at)
        generations = dict(found.get("generations", {}))  # earlier versions kept neither these nor what follows
        match = dict(found.get("match", {}))
        return replace(
            known, keys=found.get("keys", ""), generations=generations, listed=found.get("listed", ""), match=match
        )
    except (ValueError, KeyError, TypeError):
        return None


def seen_now(scope: Scope, segment: Segment, identity: Identity, members: int) -> Seen:
    """What is seen of a segment with so many members to send."""
    known = seen(segment, scope.catalog, scope.segments, members, str(identity.consent or ""))
    return replace(
        known,
        at=scope.now,
        keys=", ".join(f"{target}: {matched.field}" for target, matched in identity.keys),
        generations={table.id: table.generation for table in scope.catalog.tables},
        listed="" if scope.suppression is None else scope.suppression.generation,
    )


def rows_then(engine: DuckDBEngine, scope: Scope, last: Seen) -> Scope | None:
    """The workspace as that run saw it, with the segments of now; None when the rows of a table are no longer as they were.

    The suppression list is empty where it is the one of now, which spares hashing all addresses, and where it is not kept.
    """
    tables = []
    for table in scope.catalog.tables:
        number = last.generations.get(table.id)
        if table.server is None and number != table.generation:
            then = None if number is None else replace(table, generation=number)
            if then is None or not generation_folder(engine.folder, then).is_dir():
                return None
            if not _columns(engine, table) <= _columns(engine, then):
                return None
            table = then
        tables.append(table)
    if last.at is None:
        return None
    listed, facts = None, scope.suppression
    if (
        facts is not None
        and last.listed not in {"", facts.generation}
        and list_file(engine.folder, last.listed).exists()
    ):
        listed = replace(facts, generation=last.listed)
    return replace(scope, catalog=replace(scope.catalog, tables=tuple(tables)), now=last.at, suppression=listed)


def _columns(engine: DuckDBEngine, table: Table) -> set[tuple[str, str]]:
    return {(column.name, column.native_type) for column in engine.describe(engine.table_files(table))}
