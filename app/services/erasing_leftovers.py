"""A person's traces in what a workspace keeps though nobody works with it: what was removed or replaced, and what runs noted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from app.core import segment_documents
from app.core.erasing import Found, Person, Trace
from app.core.errors import FixData
from app.core.segments import Segment
from app.data import erasing
from app.data.engines.duckdb import Cursor, DuckDBEngine, generation_folder
from app.data.last_seen import kept_seen
from app.data.workspace_rows import LISTS
from app.delivery.files import RunFolder
from app.jobs.drive import remove, remove_folder, write_whole
from app.store.store import Store


class Leftovers:
    """Used by one thread, while no export runs where something is erased."""

    def __init__(self, folder: Path, store: Store, engine: DuckDBEngine, cursor: Cursor, country: str) -> None:
        self._folder = folder
        self._store = store
        self._engine = engine
        self._cursor = cursor
        self._country = country

    def rows(self, person: Person) -> dict[Path, tuple[str, list[str]]]:
        """The folders of rows that were replaced or whose table was removed: the table's name and the person's keys there."""
        old = [each for table in self._store.tables.all() for each in erasing.earlier_rows(self._folder, table)]
        found = {}
        for table in (*old, *self._store.tables.removed()):
            with suppress(FixData):  # its rows are gone
                keys = erasing.keys_in_table(self._engine, self._cursor, table, person, self._country)
                if keys:
                    found[generation_folder(self._folder, table)] = table.name, keys
        return found

    def clear_unfinished(self) -> None:
        """Delete what processes that died left half written, which may name anybody; nothing goes on with it."""
        runs, sent, written = (self._folder / name for name in ("runs", "sent", "written"))
        half = (
            *runs.rglob("*.part"),
            *sent.rglob("*.tmp"),
            *sent.rglob("*.part"),
            *runs.rglob("*.tmp"),
            *written.rglob("*.tmp"),
            *written.glob("*/*/tables/*.next"),
        )
        for file in half:
            remove(file)
        for staging in runs.glob("*/staging"):
            remove_folder(staging)

    def traces(self, person: Person, rows: Mapping[Path, tuple[str, list[str]]], *, erase: bool) -> Iterator[Found]:
        """What is found where, one of a kind and name; what was removed goes as a whole and can't be put back any more."""
        numbers: Counter[tuple[Trace, str]] = Counter()
        for name, keys in rows.values():
            numbers[Trace.REMOVED, name] += len(keys)
        for name in self._removed(person, erase=erase):
            numbers[Trace.REMOVED, name] += 1
        for name in self._noted_rules(person, erase=erase):
            numbers[Trace.NOTED_RULES, name] += 1
        # Rows that were replaced go whoever stands there: they may name the person in any column, and serve but the reasons
        # that the next run tells.
        old = [each for table in self._store.tables.all() for each in erasing.earlier_rows(self._folder, table)]
        for folder in {*rows, *(generation_folder(self._folder, table) for table in old)} if erase else ():
            remove_folder(folder)
        yield from (Found(trace, name, number) for (trace, name), number in numbers.items())

    def _removed(self, person: Person, *, erase: bool) -> Iterator[str]:
        """The names of removed segments, lists nobody uses, and copies of the database before an update that name the person."""
        for segment in self._store.segments.removed():
            if names(segment, person):
                yield segment.name
                if erase:
                    self._store.segments.purge(segment.id)
        used = {segment.list_file for segment in self._store.segments.all()}
        for file in (self._folder / "data" / LISTS).glob("*.parquet"):
            if file.name not in used and erasing.listed_keys(self._cursor, file, person):
                yield "list"
                if erase:
                    remove(file)
        for file in (self._folder / "backups").glob("*.db"):
            if person.named_in(file.read_text("utf-8", errors="ignore")):
                yield file.name
                if erase:
                    remove(file)

    def _noted_rules(self, person: Person, *, erase: bool) -> Iterator[str]:
        """The exports with files that tell the rules of a segment that named the person; those lose the name."""
        for file, name in self._noted():
            text = file.read_text("utf-8")
            if not person.named_in(text):
                continue
            yield name
            if erase:
                write_whole(file, [person.blanked(text).encode()])

    def _noted(self) -> Iterator[tuple[Path, str]]:
        """The files with what segments were like, each with the name of its export."""
        for folder in (self._folder / "runs").glob("*"):
            file = RunFolder(self._folder, folder.name).configuration
            if file.is_file():
                run = self._store.runs.by_id(folder.name)
                yield file, "" if run is None else run.export_name
        for file in kept_seen(self._folder):
            export = self._store.exports.by_id(file.parents[2].name)
            yield file, "" if export is None else export.name


def names(segment: Segment, person: Person) -> bool:
    """Whether the rules of a segment name one of the person's values or keys."""
    document = segment_documents.to_document(segment)
    return person.named_in(json.dumps(document, ensure_ascii=False, default=str))
