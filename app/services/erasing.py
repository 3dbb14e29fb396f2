"""Erasing a person from everything the workspace keeps beside its tables: the right to erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.audit import Deed, Subject
from app.core.connections import Connection
from app.core.erasing import ERASED, Erasure, Found, Person, Remains, Trace, person_of
from app.core.errors import FixData, TryAgain
from app.core.exports import REMOVING, Export, OnlyChanges
from app.core.names import new_id
from app.core.roles import Action
from app.core.runs import Reject
from app.core.tables import TableRole
from app.data import erasing
from app.data.engines.duckdb import Cursor, DuckDBEngine
from app.data.plan_rows import clear_looks
from app.data.run_changes import kept_changes
from app.data.sent import PLAN, kept_members
from app.data.workspace_rows import LISTS
from app.delivery.files import RunFolder
from app.jobs import JobContext, Progress
from app.jobs.drive import flush_names, remove
from app.services.audit import AuditService
from app.services.erasing_leftovers import Leftovers, names
from app.services.finding import connection_of
from app.services.roles import RoleService
from app.services.suppression import SuppressionService
from app.store.store import Store

SOURCE = "Erased on request"


def _also(person: Person, keys: set[str]) -> Person:
    """The person with the keys that were found by a value."""
    return person.also(keys) if person.kind is not None else person


class EraseService:
    """For admins. Thread safe; works in the calling thread.

    Tables are not touched: they are copies of a source that would bring the person back, which is told. Receipts name nobody.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        engine: Callable[[], DuckDBEngine],
        roles: RoleService,
        suppression: SuppressionService,
        audit: AuditService,
    ) -> None:
        self._folder = folder
        self._store = store
        self._engine = engine
        self._roles = roles
        self._suppression = suppression
        self._audit = audit

    def look(self, value: str, ctx: JobContext) -> Erasure:
        """Where the person behind an address, a phone number or a key is found; changes nothing.

        Raises FixData without a value, NotAllowed, Cancelled.
        """
        return self._work(value, ctx, erase=False, at_once=False)

    def erase(self, value: str, ctx: JobContext, *, suppress: bool, at_once: bool = False) -> Erasure:
        """Erase the person, and say what was found where and what is left. The value itself is kept nowhere.

        `suppress` puts an address or number on the suppression list first (as a salted hash), so that nobody sends it again and
        mirrored exports take the person out. Our note of whom such an export has to take out stays until its next run; with
        `at_once` it goes too, and the destination has to be cleaned by hand. Raises as `look`, TryAgain while exports run.
        """
        if self._store.runs.running():
            raise TryAgain(
                "Nobody was erased.",
                "An export is running, and would write the person down again.",
                "Wait until it has ended.",
                code="running",
            )
        listed = False
        person = self._person(value)
        if suppress and person.kind is not None:
            self._suppression.import_text(value, ctx, name=SOURCE, kind=person.kind)
            listed = True
        done = replace(self._work(value, ctx, erase=True, at_once=at_once), suppressed=listed)
        note = f"{done.number:,} entries in {len(done.found):,} places"
        self._audit.record(Deed.PERSON_ERASED, Subject.WORKSPACE, note=note)
        return done

    def _person(self, value: str) -> Person:
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        if not value.strip():
            raise FixData(
                "There is nobody to look for.",
                "No value was given.",
                "Give an e-mail address, a phone number or a key.",
                code="no_value",
            )
        return person_of(value, self._store.workspace.info().country_code)

    def _work(self, value: str, ctx: JobContext, *, erase: bool, at_once: bool) -> Erasure:
        person, country = self._person(value), self._store.workspace.info().country_code
        engine, found = self._engine(), list[Found]()
        with engine.cursor(ctx.token) as cursor:
            ctx.report(Progress("Find the person"))
            leftovers = Leftovers(self._folder, self._store, engine, cursor, country)
            person, with_them = self._in_tables(engine, cursor, person, country)
            rows = leftovers.rows(person)
            person = _also(person, {key for _table, keys in rows.values() for key in keys})
            tables = self._with_linked(engine, cursor, person, with_them)
            files = [*kept_members(self._folder), *kept_changes(self._folder)]
            person = erasing.known_as(cursor, files, person)
            ctx.report(Progress("Look into the runs"))
            found += self._changes(cursor, person, erase=erase)
            found += self._lines(person, ctx, erase=erase)
            sent, remains = self._sent(cursor, person, erase=erase, at_once=at_once)
            written, held = self._written(cursor, person, erase=erase, at_once=at_once)
            found += [*sent, *written]
            remains += held
            found += self._lists(cursor, person, erase=erase)
            found += leftovers.traces(person, rows, erase=erase)
            interrupted = self._interrupted(cursor, person)
        if erase:
            leftovers.clear_unfinished()
            clear_looks(self._folder, datetime.now(UTC) + timedelta(days=1))
            self._store.tidy_file()
            flush_names(self._folder)  # or a loss of power could bring back what was deleted
        rules = tuple(segment.name for segment in self._store.segments.all() if names(segment, person))
        return Erasure(tuple(found), remains, tables, rules, interrupted, listable=person.kind is not None)

    def _in_tables(
        self, engine: DuckDBEngine, cursor: Cursor, person: Person, country: str
    ) -> tuple[Person, list[str]]:
        keys: set[str] = set()
        with_them = []
        for table in self._store.tables.all():
            with suppress(FixData):  # its rows are gone, so that nobody stands there
                theirs = erasing.keys_in_table(engine, cursor, table, person, country)
                keys |= set(theirs)
                with_them += [table.name] if theirs else []
        return _also(person, keys), with_them

    def _with_linked(
        self, engine: DuckDBEngine, cursor: Cursor, person: Person, with_them: list[str]
    ) -> tuple[str, ...]:
        """The tables with a row of the person, and those with rows that are linked to one, or were."""
        catalog = self._store.tables.catalog()
        people = [table.name for table in catalog.tables if table.role is not TableRole.OTHER]
        linked = erasing.tables_linked(engine, cursor, catalog, [*with_them, *people], person.keys)
        return tuple(dict.fromkeys([*with_them, *linked]))

    def _interrupted(self, cursor: Cursor, person: Person) -> tuple[str, ...]:
        """The exports with a plan that waits to be resumed and names the person."""
        found = []
        for file in kept_members(self._folder):
            if file.name == PLAN and erasing.rows_of(cursor, file, person):
                export = self._store.exports.by_id(file.parents[2].name)
                found.append(_name(export))
        return tuple(dict.fromkeys(found))

    def _changes(self, cursor: Cursor, person: Person, *, erase: bool) -> Iterator[Found]:
        numbers: dict[str, int] = {}
        for file in kept_changes(self._folder):
            number = erasing.rows_of(cursor, file, person)
            if number and erase:
                erasing.blank(cursor, file, person)
            if number:
                name = self._export_of_run(file.parents[1].name)
                numbers[name] = numbers.get(name, 0) + number
        yield from (Found(Trace.CHANGES, name, number) for name, number in numbers.items())

    def _lines(self, person: Person, ctx: JobContext, *, erase: bool) -> Iterator[Found]:
        """Rejects and members left out, by export."""
        numbers: dict[tuple[Trace, str], int] = {}

        def theirs(reject: Reject) -> bool:
            return reject.member in person.keys or person.is_value(reject.value)

        def blanked(reject: Reject) -> Reject:
            return replace(reject, member=ERASED, value="", reason=reject.reason if not reject.by_target else "")

        for path in (self._folder / "runs").glob("*"):
            ctx.check()
            files = RunFolder(self._folder, path.name)
            for trace, file in ((Trace.REJECTS, files.rejects_path), (Trace.LEFT_OUT, files.left_out_path)):
                number = files.blank_members(file, theirs, blanked if erase else None)
                if number:
                    key = trace, self._export_of_run(path.name)
                    numbers[key] = numbers.get(key, 0) + number
        yield from (Found(trace, name, number) for (trace, name), number in numbers.items())

    def _sent(
        self, cursor: Cursor, person: Person, *, erase: bool, at_once: bool
    ) -> tuple[list[Found], tuple[Remains, ...]]:
        found, remains = dict[str, int](), dict[str, Remains]()
        for file in kept_members(self._folder):
            number = erasing.rows_of(cursor, file, person)
            if not number:
                continue
            export = self._store.exports.by_id(file.parents[2].name)
            name = _name(export)
            found[name] = found.get(name, 0) + number
            by_run = export is not None and export.sync in REMOVING and export.connection is not None
            if export is not None:
                remains[name] = Remains(name, self._connection(export), by_run and not at_once)
            waits = file.name == PLAN  # of an interrupted run, which its rows belong to
            if erase and not waits and (at_once or not by_run):
                erasing.take_out(cursor, file, person)
        return [Found(Trace.SENT, name, number) for name, number in found.items()], tuple(remains.values())

    def _written(
        self, cursor: Cursor, person: Person, *, erase: bool, at_once: bool
    ) -> tuple[list[Found], tuple[Remains, ...]]:
        """The person's keys among those of rows that exports of changed rows have written, from tables of people."""
        tables = {table.id for table in self._store.tables.all() if table.role is not TableRole.OTHER}
        found, remains = dict[str, int](), dict[str, Remains]()
        for file in sorted((self._folder / "written").glob("*/*/tables/*.parquet")):
            number = erasing.keys_held(cursor, file, person) if file.stem in tables else 0
            if not number:
                continue
            export = self._store.exports.by_id(file.parents[2].name)
            name = _name(export)
            found[name] = found.get(name, 0) + number
            tells = export is not None and export.layout.only_changes is OnlyChanges.THREE_FILES
            by_run = tells and export is not None and export.connection is not None
            if export is not None:
                remains[name] = Remains(name, self._connection(export), by_run and not at_once)
            if erase and (at_once or not by_run):
                erasing.without_keys_held(cursor, file, person)
        return [Found(Trace.SENT, name, number) for name, number in found.items()], tuple(remains.values())

    def _lists(self, cursor: Cursor, person: Person, *, erase: bool) -> Iterator[Found]:
        for segment in self._store.segments.all():
            if segment.list_file is None:
                continue
            file = self._folder / "data" / LISTS / segment.list_file
            number = erasing.listed_keys(cursor, file, person) if file.is_file() else 0
            if number and erase:
                # Under another name: what is known of a list is remembered by its name.
                name = f"{new_id()}.parquet"
                erasing.without_keys(cursor, file, file.with_name(name), person)
                self._store.segments.save(replace(segment, list_file=name))
                if all(other.list_file != file.name for other in self._store.segments.all()):
                    remove(file)
            if number:
                yield Found(Trace.FIXED_LIST, segment.name, number)

    def _connection(self, export: Export) -> str:
        return _name(connection_of(self._store, export))

    def _export_of_run(self, run_id: str) -> str:
        run = self._store.runs.by_id(run_id)
        return "" if run is None else run.export_name


def _name(of: Export | Connection | None) -> str:
    """Its name; empty when it is gone."""
    return "" if of is None else of.name
