"""Exports: made from documents and wizards, listed with what is known of them, changed, removed and put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.audit import Subject
from app.core.connections import Access, Connection, Consent
from app.core.counts import Count, Limits, LimitScope
from app.core.errors import FixData, FixSettings, SendoffError
from app.core.export_documents import Where, from_document, to_document
from app.core.exports import Export, ExportKind, SyncMode
from app.core.matching import MatchGuess, Wanted, guess_matches
from app.core.names import checked_name, fold, name_taken, new_id
from app.core.partner_keys import PartnerKey
from app.core.roles import Action, Role, may
from app.core.runs import Run, Status, export_status
from app.core.schedules import next_due
from app.core.segments import SegmentOf
from app.core.tables import Catalog
from app.delivery.encryption import read_key
from app.destinations.description import Description
from app.jobs import JobContext
from app.services.destinations import DestinationService
from app.services.export_checks import Surroundings, blocking, warnings
from app.services.finding import export_named, no_connection
from app.services.key_files import key_of_file, with_key_of_file
from app.services.known_counts import matched_keys
from app.services.roles import RoleService
from app.services.trail import Trail
from app.store import Store

if TYPE_CHECKING:  # they load the engine
    from app.services.export_views import ExportViews, Preview, PreviewFile, TreeNode

CachedCount = Callable[[str, str, str, Mapping[str, str]], Count | None]
"""The newest count of a segment (its name) for a destination, its audience type (their ids) and the keys matched."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An export as a list shows it; numbers are None while they are not known.

    `members` adds up the newest counts of its segments, `rows` those of its tables. `limit` is how many of these members may
    go; of several segments that have a limit each it is None. `permission` is "edit" or "view".
    """

    export: Export
    description: Description
    connection: Connection | None
    latest: Run | None
    status: Status | None
    members: int | None
    rows: int | None
    limit: int | None
    next_due: datetime | None
    permission: str

    @property
    def keys(self) -> dict[str, str]:
        """By which of the matched fields the destination knows its members."""
        return matched_keys(self.description.key_fields, self.export.match)


class ExportService:
    """Exports of the workspace; thread safe."""

    def __init__(
        self,
        store: Store,
        roles: RoleService,
        destinations: DestinationService,
        trail: Trail,
        *,
        views: Callable[[], ExportViews] | None = None,
        cached_count: CachedCount = lambda _segment, _destination, _audience, _keys: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._roles = roles
        self._destinations = destinations
        self._trail = trail
        self._views = views
        self._cached_count = cached_count
        self._clock = clock

    # Looking

    def all(self) -> list[ExportRow]:
        """All exports, by name; everybody sees them."""
        look = _Look(
            role=self._roles.role(),
            connections={connection.id: connection for connection in self._store.connections.all()},
            latest=self._store.runs.latest_per_export(),
            catalog=self._store.tables.catalog(),
            now=self._clock(),
        )
        return [self._row(export, look) for export in self._store.exports.all()]

    def get(self, name: str) -> ExportRow:
        """The export of that name; raises FixData with code "no_export"."""
        wanted = export_named(self._store, name).id
        return next(row for row in self.all() if row.export.id == wanted)

    def document(self, name: str) -> dict[str, Any]:
        """The export as its file would be."""
        export = export_named(self._store, name)
        connection = self._connection(export.connection)
        return to_document(export, None if connection is None else connection.name)

    def problems(self, export: str | Export) -> list[str]:
        """What keeps an export, saved or not, from running, then what a person should know; empty when all is well."""
        export = self._given(export)
        try:
            around = self._around(export)
        except SendoffError as error:  # its destination is not installed any more
            return [str(error)]
        return [*blocking(export, around), *warnings(export, around)]

    def coverage(self, export: str | Export, ctx: JobContext) -> dict[str, float]:
        """For each matched target field the share of members, 0 to 1, with a usable value."""
        return self._looks().coverage(self._given(export), ctx)

    def preview(self, export: str | Export, rows: int, ctx: JobContext, *, masked: bool = True) -> Preview:
        """Exactly what a run would send for the first `rows` members or rows, made by the code that sends; sends nothing.

        Personal values are masked unless told otherwise, which a viewer may not. Raises FixSettings without a connection.
        """
        export = self._given(export)
        connection = self._connection(export.connection)
        if not masked:
            self._roles.demand(Action.SHOW_PERSONAL_VALUES)
        self._demand(Action.CHANGE_EXPORTS if connection is None else Action.RUN_EXPORTS, export)
        shown = self._looks().preview(export, connection, rows, ctx, masked=masked)
        if not masked:
            self._trail.audit.values_shown(Subject.EXPORT, export.name, subject_id=export.id, note="Preview")
        return shown

    def tree(self, export: str | Export, now: datetime | None = None) -> list[TreeNode]:
        """Where the files of a run at that moment would land; raises FixSettings for a layout that can't be used."""
        given = self._given(export)

        def members(segment: str) -> int | None:
            count = self._cached_count(segment, given.destination, "", {})
            return None if count is None else count.to_send

        return self._looks().tree(given, now or self._clock(), members)

    def metadata(self, export: str | Export, now: datetime | None = None) -> list[PreviewFile]:
        """The documents about its tables that a run at that moment would leave, `model.json` the first of them.

        Addresses are as its connection has them, for those who may run it. Raises FixData, FixSettings, NotAllowed.
        """
        given = self._given(export)
        connection = self._connection(given.connection)
        self._demand(Action.CHANGE_EXPORTS if connection is None else Action.RUN_EXPORTS, given)
        return self._looks().metadata(given, connection, now or self._clock())

    def partner_key(self, text: str) -> PartnerKey:
        """What stands in a public OpenPGP key; raises FixSettings when nothing should be encrypted with it now."""
        return read_key(text, self._clock())

    def read_partner_key(self, path: Path) -> str:
        """The public key in a file, binary or as text, as text; raises FixSettings for anything else."""
        return key_of_file(path)

    # Making and changing

    def apply(self, document: Mapping[str, Any]) -> Export:
        """Create or change the export a document names; raises FixData for the document, FixSettings, NotAllowed."""
        return self.apply_all([document])[0]

    def apply_all(self, documents: Sequence[Mapping[str, Any]], base: Path | None = None) -> list[Export]:
        """Create or change the exports of all documents; none is saved when one of them is wrong.

        Files that they name lie below `base`.
        """
        exports = [self._checked(self._read(with_key_of_file(document, base))) for document in documents]
        names = [fold(export.name) for export in exports]
        twice = next((export.name for export in exports if names.count(fold(export.name)) > 1), None)
        if twice is not None:
            raise FixData(
                f"“{twice}” is defined twice.", "Each export stands once.", "Remove one.", code="export_document"
            )
        before = [self._store.exports.by_id(export.id) for export in exports]
        self._schedules_begin(exports)
        saved = self._store.exports.save_all(exports)
        for was, export in zip(before, saved, strict=True):
            self._trail.export_saved(was, export)
        return saved

    def save(self, export: Export) -> Export:
        """Save a new or changed export; a consent that was given for the same connection stays as it was.

        Raises FixSettings with code "export" for the first thing that is wrong, NotAllowed, and the store's errors.
        """
        before = self._store.exports.by_id(export.id)
        if before is not None and before.connection == export.connection and before.consent and export.consent:
            export = replace(export, consent=before.consent)
        export = self._checked(export)
        self._schedules_begin([export])
        return self._save(before, export)

    def copy(self, name: str, new_name: str) -> Export:
        """The same export under a new name, without its schedule, so that nothing is sent twice by surprise."""
        export = export_named(self._store, name)
        self._demand(Action.CHANGE_EXPORTS, export)
        copied = replace(
            export,
            id=new_id(),
            revision=0,
            name=checked_name(new_name, "export"),
            created_at=self._clock(),
            created_by=self._roles.person(),
            schedule=None,
        )
        return self._save(None, copied, f"Copy of {export.name}")

    def rename(self, name: str, new_name: str) -> Export:
        """Give the export another name; its folders at a storage follow with the next run."""
        export = export_named(self._store, name)
        self._demand(Action.CHANGE_EXPORTS, export)
        return self._save(export, replace(export, name=checked_name(new_name, "export")))

    def detach(self, name: str) -> Export:
        """Take its connection off; it keeps its schedule, paused. A run must have ended."""
        export = export_named(self._store, name)
        self._demand(Action.DETACH_CONNECTION, export)
        self._demand_idle(export)
        return self._save(export, replace(export, connection=None))

    def attach(self, name: str, connection: str, *, agreed: bool = False) -> Export:
        """Give it a connection of the same destination; raises FixSettings for another one.

        A consent counts for the connection it was given for. To another one this person agrees anew, or the export has no
        consent: `problems` says so, and it does not run.
        """
        export = export_named(self._store, name)
        given = self._connection_named(connection)
        self._demand(Action.CHANGE_EXPORTS, export)
        self._roles.demand(Action.CHANGE_EXPORTS, given.access)
        if given.destination != export.destination:
            wanted, other = (self._destinations.shown(id_).name for id_ in (export.destination, given.destination))
            raise FixSettings(
                f"“{given.name}” can't carry “{export.name}”.",
                f"The export is made for {wanted}; the connection goes to {other}.",
                f"Choose a connection to {wanted}, or make a new export.",
                code="other_destination",
            )
        consent = Consent(self._roles.person(), self._clock()) if agreed else None
        if export.connection == given.id:
            consent = export.consent or consent
        attached = replace(export, connection=given.id, consent=consent)
        self._schedules_begin([attached])
        return self._save(export, attached)

    def remove(self, name: str) -> Export:
        """Remove an export and return it for `put_back`; what the target holds stays there. A run must have ended."""
        export = export_named(self._store, name)
        self._demand(Action.CHANGE_EXPORTS, export)
        self._demand_idle(export)
        removed = self._store.exports.remove(export.id)
        self._trail.export_removed(removed)
        return removed

    def put_back(self, export: Export) -> Export:
        """Bring back what `remove` returned."""
        self._demand(Action.CHANGE_EXPORTS, export)
        self._schedules_begin([export])
        stored = self._store.exports.save(export)
        self._trail.export_put_back(stored)
        return stored

    def purge_removed(self, lapsed: datetime) -> list[str]:
        """Delete for good what was removed before that moment; the ids of the exports that are gone."""
        gone = [export.id for export in self._store.exports.removed(lapsed)]
        for export_id in gone:
            self._store.exports.purge(export_id)
        return gone

    def auto_match(self, segments: Sequence[str], fields: Sequence[Wanted]) -> dict[str, MatchGuess]:
        """Guess which column fills which target field, from the table whose rows are the members of the segments."""
        catalog = self._store.tables.catalog()
        wanted = {fold(name) for name in segments}
        of = next((s.of for s in self._store.segments.all() if fold(s.name) in wanted), SegmentOf.CUSTOMERS)
        table = catalog.by_role(of.role)
        return {} if table is None else guess_matches(fields, table)

    def _save(self, before: Export | None, export: Export, note: str = "") -> Export:
        saved = self._store.exports.save(export)
        self._trail.export_saved(before, saved, note)
        return saved

    def _read(self, document: Mapping[str, Any]) -> Export:
        name = document.get("name")
        existing = self._store.exports.get(name) if isinstance(name, str) else None
        if existing is not None:
            self._demand(Action.CHANGE_EXPORTS, existing)
        now, person = self._clock(), self._roles.person()
        base = existing or Export(new_id(), "", ExportKind.SEGMENT, "", None, now, person)
        return from_document(document, base, self._where, now, person)

    def _where(self, connection: str | None, destination: str | None) -> Where:
        if connection is not None:
            given = self._connection_named(connection)
            if destination is not None and destination != given.destination:
                raise FixData(
                    f"“{given.name}” is not a connection to {destination}.",
                    f"It goes to {given.destination}.",
                    "Leave the destination out, or correct the connection.",
                    code="export_document",
                )
            return self._usually(given.destination, given.id)
        if destination is None:
            raise FixData(
                "The export names no connection.",
                "A connection tells where it goes; an export without one names its destination.",
                "Add connection: NAME, or destination: ID.",
                code="export_document",
            )
        return self._usually(destination, None)

    def _usually(self, destination: str, connection: str | None) -> Where:
        of = self._destinations.get(destination)
        sync = next(iter(of.sync_modes), SyncMode.UPDATE)
        return Where(of.id, connection, sync, of.usual_format, of.usual_layout)

    def _checked(self, export: Export) -> Export:
        """The export, once this role may save it and nothing is wrong with it."""
        export = replace(export, name=checked_name(export.name, "export"))
        before = self._store.exports.by_id(export.id)
        self._demand(Action.CHANGE_EXPORTS, export if before is None else before)
        connection = self._connection(export.connection)
        if export.connection is not None and connection is None:
            raise FixSettings(
                f"“{export.name}” was not saved.",
                "Its connection was removed meanwhile.",
                "Choose another connection.",
                code="export",
            )
        self._demand(Action.CHANGE_EXPORTS, export)
        if connection is not None and connection.destination != export.destination:
            raise FixSettings(
                f"“{export.name}” was not saved.",
                f"“{connection.name}” goes to another destination.",
                "Choose a connection of the export's destination.",
                code="other_destination",
            )
        wrong = blocking(export, self._around(export))
        if wrong:
            raise FixSettings(f"“{export.name}” was not saved.", wrong[0], "Change it and save again.", code="export")
        same = self._store.exports.get(export.name)
        if same is not None and same.id != export.id:
            raise name_taken(export.name, "export")
        return export

    def _schedules_begin(self, exports: Sequence[Export]) -> None:
        """Let schedules that are new here, changed or no longer paused count from now: no earlier due time is caught up."""
        for export in exports:
            before = self._store.exports.by_id(export.id)
            same = before is not None and (before.schedule, before.connection) == (export.schedule, export.connection)
            if export.schedule is not None and not same:
                self._store.schedule_marks.set(export.id, self._clock())

    def _around(self, export: Export) -> Surroundings:
        return Surroundings(
            self._destinations.get(export.destination).for_target(export.target),
            self._store.tables.catalog(),
            self._store.segments.all(),
            self._clock(),
        )

    def _row(self, export: Export, look: _Look) -> ExportRow:
        connection = look.connections.get(export.connection or "")
        description = self._destinations.shown(export.destination).for_target(export.target)
        if connection is not None:
            description = description.for_connection(connection.settings)
        latest = look.latest.get(export.id)
        status = export_status(latest, attached=connection is not None)
        due = next_due(export.schedule, look.now) if export.schedule is not None and connection is not None else None
        allowed = may(look.role, Action.CHANGE_EXPORTS, None if connection is None else connection.access)
        shown = connection if connection is None or look.role is Role.ADMIN else _without_details(connection)
        return ExportRow(
            export=export,
            description=description,
            connection=shown,
            latest=latest,
            status=status,
            members=self._members(export, description) if export.kind is ExportKind.SEGMENT else None,
            rows=_rows(export, look.catalog) if export.kind is ExportKind.DATA_OUT else None,
            limit=_limit(export, description.limits),
            next_due=due,
            permission="edit" if allowed else "view",
        )

    def _members(self, export: Export, description: Description) -> int | None:
        keys, audience = matched_keys(description.key_fields, export.match), description.audience_id
        counts = [self._cached_count(name, export.destination, audience, keys) for name in export.segments]
        known = [count.to_send for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    def _demand(self, action: Action, export: Export) -> None:
        connection = self._connection(export.connection)
        self._roles.demand(action, None if connection is None else connection.access)

    def _demand_idle(self, export: Export) -> None:
        if any(run.export_id == export.id for run in self._store.runs.running()):
            raise FixSettings(
                f"“{export.name}” is running or waits for its turn.",
                "Its connection is needed until it ends.",
                "Cancel the run or wait for its end, then try again.",
                code="running",
            )

    def _given(self, export: str | Export) -> Export:
        return export_named(self._store, export) if isinstance(export, str) else export

    def _looks(self) -> ExportViews:
        if self._views is None:
            raise RuntimeError("this service was made without an engine")
        return self._views()

    def _connection(self, connection_id: str | None) -> Connection | None:
        return None if connection_id is None else self._store.connections.by_id(connection_id)

    def _connection_named(self, name: str) -> Connection:
        admin = self._roles.role() is Role.ADMIN
        seen = [each for each in self._store.connections.all() if admin or each.access is not Access.ADMINS]
        connection = next((each for each in seen if fold(each.name) == fold(name)), None)
        if connection is None:
            raise no_connection(name, (each.name for each in seen))
        return connection


@dataclass(frozen=True, slots=True)
class _Look:
    """What all rows of one list are made from."""

    role: Role
    connections: Mapping[str, Connection]
    latest: Mapping[str, Run]
    catalog: Catalog
    now: datetime


def _rows(export: Export, catalog: Catalog) -> int | None:
    tables = [catalog.table(choice.name) for choice in export.tables]
    known = [table.rows for table in tables if table is not None]
    return sum(known) if known and len(known) == len(tables) else None


def _without_details(connection: Connection) -> Connection:
    return replace(connection, settings={}, secrets=frozenset())


def _limit(export: Export, limits: Limits) -> int | None:
    each = limits.scope is LimitScope.PER_SEGMENT and len(export.segments) > 1
    return None if each else limits.maximum
