"""Tables: bringing data into the workspace, refreshing it, and saying what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from app.core.audit import Deed, Subject
from app.core.errors import FixData, FixSettings, SendoffError
from app.core.names import did_you_mean, name_taken
from app.core.roles import Action, CurrentRole, demand
from app.core.table_changes import Requeried, TableChange, columns_changed
from app.core.table_profiles import ColumnProfile
from app.core.tables import Column, Meaning, Table, TableRole
from app.data.catalog import is_unique
from app.data.engines.duckdb import DuckDBEngine, generation_folder, rows_in
from app.data.ingest import Incoming, ReadOptions
from app.data.linked_samples import LinkedSamples
from app.data.looking import empties_of, profile, rows_of
from app.data.table_rows import LOOKED_AT, looked_at
from app.jobs import Cancelled, CancelToken, JobContext
from app.services.server_tables import ServerTables, kept_meanings, table_name
from app.services.table_intake import TableIntake, declared_by
from app.services.table_keys import column_named, demand_key
from app.services.table_links import TableLinks
from app.services.table_refresh import (
    HeldRefresh,
    Missing,
    Move,
    Refreshed,
    RefreshedAll,
    TableUsers,
    change_between,
    demand_links,
    offers_for,
)
from app.services.table_sources import TableSource, Waiting, remember_source, source_of
from app.services.table_values import TableValues
from app.services.trail import Trail
from app.store import Store

_PUT_BACK_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TableSample:
    """Some rows of a table; `empties` is the part of all rows, 0 to 1, in which each column is empty, where it was asked."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    empties: Mapping[str, float]
    masked: bool


class TableService:
    """Everything about tables. Thread safe; methods with a `ctx` take their time."""

    def __init__(self, store: Store, engine: DuckDBEngine, roles: CurrentRole, trail: Trail) -> None:
        self._store = store
        self._engine = engine
        self._roles = roles
        self._trail = trail
        self._users = TableUsers(store)
        self._intake = TableIntake(store, engine)
        self._samples = LinkedSamples(engine)
        self.server = ServerTables(store, engine, roles, trail)
        """Tables that stay on the workspace's server."""
        self.values = TableValues(store, engine, roles, trail, self.get)
        """What values of tables mean."""
        self.links = TableLinks(store, engine, roles, trail, self.get, self._sample)
        """Which rows belong together."""

    def all(self) -> list[Table]:
        """All tables by name."""
        return list(self._store.tables.all())

    def get(self, name: str) -> Table:
        """The table of that name, regardless of case; raises FixSettings when there is none."""
        table = self._store.tables.get(name)
        if table is None:
            raise FixSettings(
                f"There is no table named “{name}”.",
                "It was removed, or the name is spelled differently.",
                did_you_mean(name, (each.name for each in self.all()), "Look at the list of tables."),
                code="no_table",
            )
        return table

    def add(
        self, paths: Sequence[Path], name: str | None, ctx: JobContext, options: ReadOptions | None = None
    ) -> list[Table]:
        """Read files or folders as new tables: all of them or none.

        Raises FixData naming file, row and reason, FixSettings when the name is taken, TryAgain when the drive is full.
        """
        demand(self._roles.role(), Action.CHANGE_TABLES)
        if name is not None:
            name = table_name(name)
            if self._store.tables.get(name) is not None:
                raise name_taken(name, "table")
        files = [path.expanduser().resolve() for path in paths]
        added = self._intake.add(files, name, options or ReadOptions(), ctx)
        for table in added:
            self._trail.table_added(table)
        self._sample(ctx.token)
        return added

    def refresh(
        self, name: str, ctx: JobContext, *, renamed: Mapping[str, str] | None = None, anyway: bool = False
    ) -> Refreshed:
        """Read the table's source again; the old rows stay until the new ones are whole and the key is still unique.

        When columns went or changed so that a key, link, segment or export would stop working, nothing is replaced and what
        comes back is `held`. Then `renamed` puts columns of the source in place of the table's, everywhere they are used;
        `anyway` takes the columns as they are. Raises as `add` does, FixData also for the key.
        """
        demand(self._roles.role(), Action.CHANGE_TABLES)
        table = self.get(name)
        if table.server is not None:
            return self._describe_anew(table, ctx, renamed or {}, anyway=anyway)
        source = self._source(table)
        with self._intake.staging() as staging:
            new = self._intake.read_again(table, source, staging, ctx)
            move = self._users.move(table, new.columns, renamed or {})
            after = replace(
                move.table,
                columns=kept_meanings(move.table, new.columns),
                rows=new.rows,
                refreshed_at=datetime.now(UTC),
            )
            if not anyway and self._users.broken(move, after):
                return self._hold(table, move, source, new, ctx)
            demand_key(self._engine, after, ctx.token, rows_in(new.files))
            demand_links(self._engine, move, after, ctx, rows_in(new.files))
            change = change_between(self._engine, table, after, new.files, ctx)
            if after.key is None and self._newly_declared_key(after, source, new, ctx):
                after, change = replace(after, key=new.key), replace(change, key=new.key)
            refreshed = self._intake.put(after, new, lambda whole: self._users.save(move, whole))
            change = replace(change, links=self._intake.newly_declared(refreshed, source, new, ctx))
            source = replace(source, notes=new.notes, change=change, waiting=None, declared=declared_by(new))
            remember_source(self._store, table.id, source)
        for link in change.links:
            self._trail.linked(link, there=True)
        self._trail.table_refreshed(table, refreshed)
        self._sample(ctx.token)
        return Refreshed(refreshed, change)

    def refresh_all(self, ctx: JobContext) -> RefreshedAll:
        """Refresh one table after another; what fails or waits does not keep the others. Raises NotAllowed and `Cancelled`."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        done: list[Refreshed] = []
        failed: dict[str, SendoffError] = {}
        for table in self.all():
            ctx.check()
            try:
                done.append(self.refresh(table.name, ctx))
            except SendoffError as error:
                failed[table.name] = error
        return RefreshedAll(tuple(done), failed)

    def _describe_anew(self, table: Table, ctx: JobContext, renamed: Mapping[str, str], *, anyway: bool) -> Refreshed:
        """A refresh of a table that stays on the server: its rows are always those of now, what is known of it is renewed."""
        columns, rows = self.server.described(table, ctx)
        move = self._users.move(table, columns, renamed)
        after = replace(
            move.table,
            columns=kept_meanings(move.table, columns),
            rows=rows,
            generation=table.generation + 1,
            refreshed_at=datetime.now(UTC),
        )
        source = source_of(self._store, table) or TableSource((), None, ReadOptions(), ())
        if not anyway and self._users.broken(move, after):
            waiting = Waiting(after.refreshed_at, columns)
            remember_source(self._store, table.id, replace(source, waiting=waiting))
            return Refreshed(table, held=self._users.held(move, waiting))
        demand_key(self._engine, after, ctx.token)
        demand_links(self._engine, move, after, ctx)
        changed = columns_changed(table.columns, after.columns)
        change = TableChange(after.refreshed_at, table.rows, after.rows, columns=changed)
        refreshed = self._users.save(move, after)
        remember_source(self._store, table.id, replace(source, change=change, waiting=None))
        self._trail.table_refreshed(table, refreshed)
        return Refreshed(refreshed, change)

    def held(self, name: str) -> HeldRefresh | None:
        """The last refresh, when it waits for a decision: what it would break as things are now."""
        table = self.get(name)
        source = source_of(self._store, table)
        if source is None or source.waiting is None:
            return None
        return self._users.held(self._users.move(table, source.waiting.columns, {}), source.waiting)

    def waiting(self) -> frozenset[str]:
        """Names of the tables whose last refresh waits for a decision."""
        found = ((table.name, source_of(self._store, table)) for table in self._store.tables.all())
        return frozenset(name for name, source in found if source is not None and source.waiting is not None)

    def keep_old(self, name: str) -> None:
        """Let the refresh that waits go; the table stays as it is until the next one."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        table = self.get(name)
        remember_source(self._store, table.id, replace(self._source(table), waiting=None))

    def missing(self, name: str) -> Missing | None:
        """What needs columns that the table does not have; None when nothing does."""
        return self._users.missing(self.get(name))

    def requeried(self, name: str, renamed: Mapping[str, str]) -> tuple[Requeried, ...]:
        """What `refresh` and `use_columns` would write otherwise in the queries of segments, to be looked at before."""
        return self._users.requeried(self.get(name), renamed)

    def use_columns(self, name: str, renamed: Mapping[str, str], ctx: JobContext) -> Table:
        """Put columns of the table in place of missing ones, in every segment, export and link that needs them.

        Raises FixData for a column that is not missing or not there, and for a link that would join what does not belong
        together; what the store raises when somebody changed one of them meanwhile.
        """
        demand(self._roles.role(), Action.CHANGE_TABLES)
        table = self.get(name)
        there = next((old for old in renamed if table.column(old) is not None), None)
        if there is not None:
            raise FixData(
                f"{table.name} has the column {there}.",
                "Only columns that are missing are replaced.",
                "Edit the segments and exports that use it.",
                code="not_missing",
            )
        move = self._users.move(table, table.columns, renamed)
        demand_links(self._engine, move, table, ctx)
        saved = self._users.save(move, table)
        self._trail.audit.record(
            Deed.TABLE_CHANGED,
            Subject.TABLE,
            saved.name,
            subject_id=saved.id,
            before={f"column {old}": old for old in renamed},
            after={f"column {old}": new for old, new in renamed.items()},
        )
        return saved

    def last_change(self, name: str) -> TableChange | None:
        """What the last refresh changed, or None before the first."""
        source = source_of(self._store, self.get(name))
        return None if source is None else source.change

    def remove(self, name: str) -> Table:
        """Take the table out of the workspace; what it returns can be put back for seven days. Its source stays."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        removed = self._store.tables.remove(self.get(name).id)
        self._trail.table_removed(removed)
        return removed

    def put_back(self, table: Table) -> Table:
        """Put a removed table back, with its rows and links; raises FixData when its rows were cleared away since."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        if table.server is None:
            self._engine.table_files(table)
        stored = self._store.tables.save(table)
        self._trail.table_put_back(stored)
        return stored

    def set_role(self, name: str, role: TableRole, key: str | None) -> Table:
        """Say what a row is and which column identifies it; raises FixData when the key is not unique or has gaps."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        table = self.get(name)
        holder = self._store.tables.catalog().by_role(role) if role is not TableRole.OTHER else None
        if holder is not None and holder.id != table.id:
            raise FixSettings(
                f"The table {holder.name} holds the {role}s already.",
                "Only one table can, because segments need to know whom they count.",
                f"Set {holder.name} to other first.",
                code="role_taken",
            )
        if role is not TableRole.OTHER and key is None:
            raise FixData(
                f"{table.name} needs a key to hold {role}s.",
                "The key tells one of them from the next.",
                "Name the column that identifies a row.",
                code="no_key",
            )
        changed = replace(table, role=role, key=None if key is None else column_named(table, key).name)
        demand_key(self._engine, changed, CancelToken())
        said = self._say(table, changed)
        self._sample(CancelToken())
        return said

    def set_meaning(self, name: str, column: str, meaning: Meaning) -> Table:
        """Say what a column holds."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        table = self.get(name)
        before = column_named(table, column)
        means = before.means if meaning is before.meaning else ()  # they were words for the other meaning
        confirmed = replace(before, meaning=meaning, confirmed=True, means=means)
        return self._say(table, table.with_column(confirmed))

    def confirm_meanings(self, name: str) -> Table:
        """Say that every meaning of the table's columns is right as it is guessed."""
        demand(self._roles.role(), Action.CHANGE_TABLES)
        table = self.get(name)
        columns = tuple(replace(c, confirmed=c.confirmed or c.meaning is not Meaning.NONE) for c in table.columns)
        return self._say(table, replace(table, columns=columns))

    def sample(
        self, name: str, rows: int, ctx: JobContext, *, masked: bool = True, empties: bool = False
    ) -> TableSample:
        """The first rows, personal values masked unless told otherwise, which a Viewer may not.

        With `empties` all rows are read to tell how empty the columns are. Of a table on a server only some rows are looked
        at, in `profile` too.
        """
        if not masked:
            demand(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        table = self.get(name)
        with self._engine.cursor(ctx.token) as cursor:
            source, looked = looked_at(self._engine, cursor, table, LOOKED_AT, ctx.token)
            found = rows_of(cursor, looked, source, rows, hide_personal=masked)
            empty = empties_of(cursor, looked, source) if empties else {}
        if not masked:
            note = f"{len(found):,} rows"
            self._trail.audit.values_shown(Subject.TABLE, table.name, subject_id=table.id, note=note)
        return TableSample(table.columns, found, empty, masked)

    def profile(self, name: str, ctx: JobContext) -> tuple[ColumnProfile, ...]:
        """For each column how many values are empty and distinct, and the most frequent ones unless they are personal."""
        table = self.get(name)
        with self._engine.cursor(ctx.token) as cursor:
            source, looked = looked_at(self._engine, cursor, table, LOOKED_AT, ctx.token)
            return profile(cursor, looked, source)

    def size(self) -> int:
        """Bytes that the rows of all tables take on the drive, without generations that are only kept for a while."""
        folders = (generation_folder(self._engine.folder, table) for table in self._store.tables.all())
        return sum(file.stat().st_size for folder in folders for file in folder.glob("*.parquet"))

    def notes(self, name: str) -> tuple[str, ...]:
        """Sentences about what was decided when the table was last read: its encoding, renamed columns, a missing header."""
        table = self.get(name)
        return () if table.server is not None else self._source(table).notes

    def used_by(self, name: str) -> list[str]:
        """Names of the segments, then of the exports, that need the table."""
        return self._users.needing(self.get(name))

    def clear_away(self, now: datetime) -> None:
        """Delete for good what was removed more than seven days ago, and what a crash left in staging a day ago."""
        for table in self._store.tables.removed(before=now - _PUT_BACK_FOR):
            if self._store.tables.purge(table.id):
                self._intake.forget(table)
        self._intake.clear_staging(now)

    def _sample(self, token: CancelToken) -> None:
        """Have what estimates of linked conditions ask; without it they only take longer, so nothing fails for want of it."""
        with suppress(SendoffError, Cancelled):
            self._samples.make(self._store.tables.catalog(), token)

    def _newly_declared_key(self, table: Table, source: TableSource, new: Incoming, ctx: JobContext) -> bool:
        """Whether the source names a key since it was last read that tells rows apart."""
        before = source.declared
        if before is None or new.key is None or new.key == before.key or table.column(new.key) is None:
            return False
        with self._engine.cursor(ctx.token) as cursor:
            return is_unique(cursor, rows_in(new.files), new.key)

    def _hold(self, table: Table, move: Move, source: TableSource, new: Incoming, ctx: JobContext) -> Refreshed:
        """Remember the reading without its rows, with what may stand for the columns that went."""
        whole = self._users.held(self._users.move(table, new.columns, {}), Waiting(datetime.now(UTC), new.columns))
        waiting = Waiting(whole.at, new.columns, offers_for(self._engine, table, whole, new.files, ctx))
        remember_source(self._store, table.id, replace(source, waiting=waiting))
        return Refreshed(table, held=self._users.held(move, waiting))

    def _say(self, before: Table, after: Table) -> Table:
        saved = self._store.tables.save(after)
        self._trail.table_changed(before, saved)
        return saved

    def _source(self, table: Table) -> TableSource:
        source = source_of(self._store, table)
        if source is None:
            raise FixSettings(
                f"The source of {table.name} is not known.", "", "Add the table again from its file.", code="no_source"
            )
        return source
