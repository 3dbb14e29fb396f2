"""Files become tables: read into staging, understood, moved into place as a generation that never changes again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.errors import FixData
from app.core.names import new_id
from app.core.tables import Link, Table
from app.data.catalog import find_links, is_unique, understand
from app.data.engines.duckdb import DuckDBEngine, generation_folder, rows_in
from app.data.ingest import Incoming, ReadOptions, read
from app.data.table_rows import asking
from app.data.workspace_rows import note_key
from app.jobs import JobContext
from app.jobs.drive import flush_folder, flush_tree, make_folder, patiently
from app.services.server_tables import save_links
from app.services.table_sources import Declared, TableSource, remember_source, source_of
from app.store import Store

_STAGED_FOR = timedelta(days=1)


class TableIntake:
    """Reads files into the workspace. Thread safe; several processes may read the same table at once, and the first wins."""

    def __init__(self, store: Store, engine: DuckDBEngine) -> None:
        self._store = store
        self._engine = engine
        self._data = engine.folder / "data"

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder on the drive of the tables, gone after the block."""
        staging = self._data / f".staging-{new_id()}"
        staging.mkdir(parents=True)
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def add(self, files: Sequence[Path], name: str | None, options: ReadOptions, ctx: JobContext) -> list[Table]:
        """Read files or folders as new tables, all of them or none; raises as `app.data.ingest.read` does."""
        taken = [table.name for table in self._store.tables.all()]
        saved: list[Table] = []
        with self.staging() as staging:
            incoming = read(self._engine, files, staging, ctx, options=options, name=name, taken=taken)
            try:
                for one in incoming:
                    ctx.check()
                    saved.append(self._take_in(one, options, ctx))
                self._save_declared(incoming, saved, ctx)
                self._find_links(saved, ctx)
            except BaseException:
                for table in saved:
                    self._store.tables.remove(table.id)
                    self._store.tables.purge(table.id)
                    self.forget(table)
                raise
        return saved

    def read_again(self, table: Table, source: TableSource, staging: Path, ctx: JobContext) -> Incoming:
        """Read the one table that the source is of; FixData when it holds several by now."""
        paths = [Path(path) for path in source.paths]
        found = read(self._engine, paths, staging, ctx, options=source.options, name=table.name, within=source.within)
        if len(found) != 1:
            raise FixData(
                f"{table.name} was not refreshed.",
                f"Its source holds {len(found)} tables now, so it is not clear which one is meant.",
                "Put the files of one table into a folder of their own, or add them anew.",
                code="source_changed",
            )
        return found[0]

    def put(self, table: Table, new: Incoming, save: Callable[[Table], Table]) -> Table:
        """Move the rows, which its key tells apart, into place as a new generation, then let the table point at it with `save`.

        Without that they go.

        Two readings at once never touch each other's rows: each takes a number of its own, and the later `save` is refused.
        """
        before = table.generation
        note_key(new.folder, table.key)
        folder = generation_folder(self._engine.folder, table).parent
        make_folder(folder)
        flush_tree(new.folder)  # the record of the table counts on its rows
        numbers = [int(place.name) for place in folder.iterdir() if place.name.isdigit()]
        table = replace(table, generation=max([before, *numbers]) + 1)
        target = generation_folder(self._engine.folder, table)
        while not _moved(new.folder, target):
            table = replace(table, generation=table.generation + 1)
            target = generation_folder(self._engine.folder, table)
        flush_folder(folder)
        try:
            saved = save(table)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        # The generation before stays for counts and runs under way; what is newer may be another reading's.
        for number in numbers:
            if number < saved.generation and number != before:
                shutil.rmtree(folder / str(number), ignore_errors=True)
        return saved

    def forget(self, table: Table) -> None:
        """Delete the rows of a table that was removed for good."""
        remember_source(self._store, table.id, None)
        shutil.rmtree(self._data / table.id, ignore_errors=True)

    def clear_staging(self, now: datetime) -> None:
        """Delete what a crash left a day ago."""
        for left in self._data.glob(".staging-*"):
            if now.timestamp() - left.stat().st_mtime > _STAGED_FOR.total_seconds():
                shutil.rmtree(left, ignore_errors=True)

    def _take_in(self, one: Incoming, options: ReadOptions, ctx: JobContext) -> Table:
        with self._engine.cursor(ctx.token) as cursor:
            guessed = understand(
                cursor,
                one.name,
                one.columns,
                rows_in(one.files),
                one.rows,
                self._store.tables.catalog(),
                declared_key=one.key,
            )
        table = Table(
            id=new_id(),
            name=one.name,
            role=guessed.role,
            columns=guessed.columns,
            key=guessed.key,
            rows=one.rows,
            generation=0,
            source=one.source,
            refreshed_at=datetime.now(UTC),
        )
        paths = tuple(map(str, one.paths))
        remember_source(
            self._store, table.id, TableSource(paths, one.within, options, one.notes, declared=declared_by(one))
        )
        try:
            return self.put(table, one, self._store.tables.save)
        except BaseException:
            self.forget(table)
            raise

    def newly_declared(self, table: Table, source: TableSource, new: Incoming, ctx: JobContext) -> tuple[Link, ...]:
        """Keep the links that the source declares since it was last read, and return them by the tables' names here.

        One that a person removed is declared as before and does not come back.
        """
        before = source.declared
        fresh = [] if before is None else [link for link in new.links if link not in before.links]
        if not fresh:
            return ()
        others = ((other, source_of(self._store, other)) for other in self._store.tables.all() if other.id != table.id)
        tables = {known.within: other for other, known in others if known is not None and known.paths == source.paths}
        return self._keep_links(fresh, {**tables, source.within: table}, ctx)

    def _save_declared(self, incoming: Sequence[Incoming], saved: Sequence[Table], ctx: JobContext) -> None:
        """Keep the links the source declares, where both tables came with it."""
        tables = {one.within: table for one, table in zip(incoming, saved, strict=True)}
        self._keep_links([link for one in incoming for link in one.links], tables, ctx)

    def _keep_links(
        self, links: Sequence[Link], tables: Mapping[str | None, Table], ctx: JobContext
    ) -> tuple[Link, ...]:
        """Keep links by the names within a source, where both tables are there and the one side is unique."""
        kept: list[Link] = []
        there = set(self._store.tables.links())
        with self._engine.cursor(ctx.token) as cursor:
            for link in dict.fromkeys(links):
                one_side, many_side = tables.get(link.one_table), tables.get(link.many_table)
                if one_side is None or many_side is None or one_side.id == many_side.id:
                    continue
                one_column, many_column = one_side.column(link.one_column), many_side.column(link.many_column)
                if one_column is None or many_column is None or one_column.type is not many_column.type:
                    continue
                known = one_column.name == one_side.key
                if known or is_unique(cursor, rows_in(self._engine.table_files(one_side)), one_column.name):
                    ours = Link(one_side.name, one_column.name, many_side.name, many_column.name)
                    if ours not in there:
                        self._store.tables.save_link(ours)
                        kept.append(ours)
        return tuple(kept)

    def _find_links(self, tables: Sequence[Table], ctx: JobContext) -> None:
        for table in tables:
            with asking(self._engine, table, ctx.token) as (cursor, source):
                save_links(self._store, find_links(cursor, table, self._store.tables.catalog(), source))


def declared_by(new: Incoming) -> Declared:
    """What a reading's source says about its table."""
    return Declared(new.key, new.links)


def _moved(folder: Path, target: Path) -> bool:
    """Whether the folder could be moved there; False when another one stands there."""
    try:
        patiently(lambda: folder.rename(target))
    except OSError:
        if target.exists():
            return False
        raise
    return True
