"""Small files about the files of one run: its SHA-256 sums, and the pointer to the newest run."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.core.row_deltas import Rows


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that arrived at the storage: its path below the connection's folder, and its SHA-256 in lower-case hex.

    `item` is the table or segment whose rows it holds, and `which` says which of them; empty for a file about others.
    """

    item: str
    path: str
    rows: int
    bytes: int
    sha256: str
    which: Rows = Rows.ALL


def sums_text(sums: Mapping[str, str], sums_path: str) -> str:
    """What `sha256sum -c` reads in the folder of `sums_path`: each file below it, by its path from there, with its SHA-256.

    Format: GNU coreutils' `sha256sum`, binary mode; paths hold no backslash and no line end, which it would escape.
    """
    folder = posixpath.dirname(sums_path)
    below = f"{folder}/" if folder else ""
    return "".join(f"{sum_} *{path.removeprefix(below)}\n" for path, sum_ in sums.items() if path.startswith(below))


def latest_document(
    export: str,
    run: str,
    moment: datetime,
    files: Sequence[SentFile],
    latest_path: str,
    tops: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The pointer to a run, ready for `json.dumps`; folders are named as seen from the pointer's own.

    `folder` is the deepest folder that holds everything of the run, `tables` names that of each table or segment, and `content`
    says which of its rows are there: all of them, or those that changed since the run before. `tops` are the folders of tables
    above those of their partitions: a run whose rows are all of one year lies in the same folder as the next.
    """
    here, tops = posixpath.dirname(latest_path), tops or {}
    by_item: dict[str, list[str]] = {}
    for file in files:
        if file.item:
            top, folder = tops.get(file.item), posixpath.dirname(file.path)
            inside = top is not None and f"{folder}/".startswith(f"{top}/")
            by_item.setdefault(file.item, []).append(top if top is not None and inside else folder)
    content = {item: sorted({file.which.value for file in files if file.item == item}) for item in by_item}
    tables: Mapping[str, str] = {item: _from(here, folders) for item, folders in by_item.items()}
    return {
        "export": export,
        "run": run,
        "started_at": moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "folder": _from(here, [folder for folders in by_item.values() for folder in folders]),
        "tables": tables,
        "content": content,
        "rows": sum(file.rows for file in files),
        "files": len(files),
        "bytes": sum(file.bytes for file in files),
    }


def _from(here: str, folders: Sequence[str]) -> str:
    """The deepest folder above all of these, seen from `here`; a point for `here` itself."""
    shared = posixpath.commonpath(folders) if folders else here
    return posixpath.relpath(shared or ".", here or ".")
