"""What services tell the audit trail about the things people name: as facts, and with what puts them back."""

from __future__ import annotations

import json
from collections.abc import Collection

from app.core.audit import Deed, Subject, facts, names_nobody, segment_facts, table_facts
from app.core.connections import Connection
from app.core.export_documents import to_document
from app.core.exports import Export
from app.core.segments import Segment
from app.core.tables import Link, Table
from app.services.audit import AuditService
from app.store import Store
from app.store.codec import plain, segment_codec

REPLACED = "replaced"
"""Stands for a secret that another one took the place of; what it is never leaves the keyring."""


class Trail:
    """Thread safe. `before` None means that the thing is new; a save that changed nothing leaves no entry."""

    def __init__(self, store: Store, audit: AuditService) -> None:
        self.audit = audit
        self._store = store
        self._exports = plain(Export)
        self._connections = plain(Connection)
        self._segments = segment_codec()

    def export_saved(self, before: Export | None, after: Export, note: str = "") -> None:
        """An export was added or changed."""
        deed = Deed.EXPORT_ADDED if before is None else Deed.EXPORT_CHANGED
        self.audit.record(
            deed,
            Subject.EXPORT,
            after.name,
            subject_id=after.id,
            before=None if before is None else self._export_facts(before),
            after=self._export_facts(after),
            note=note,
            former="" if before is None else self._exports.encode(before),
        )

    def export_removed(self, export: Export) -> None:
        """An export was removed; `export` as the store returned it."""
        facts_, former = self._export_facts(export), self._exports.encode(export)
        self.audit.record(
            Deed.EXPORT_REMOVED, Subject.EXPORT, export.name, subject_id=export.id, before=facts_, former=former
        )

    def export_put_back(self, export: Export) -> None:
        """A removed export is there again."""
        self.audit.record(Deed.EXPORT_PUT_BACK, Subject.EXPORT, export.name, subject_id=export.id)

    def connection_saved(self, before: Connection | None, after: Connection, secrets: Collection[str] = ()) -> None:
        """A connection was added or changed; `secrets` are the fields whose secret was typed."""
        told = _connection_facts(after) | {f"secret.{name}": REPLACED for name in secrets if before is not None}
        self.audit.record(
            Deed.CONNECTION_ADDED if before is None else Deed.CONNECTION_CHANGED,
            Subject.CONNECTION,
            after.name,
            subject_id=after.id,
            before=None if before is None else _connection_facts(before),
            after=told,
            former="" if before is None or secrets else self._connections.encode(before),
        )

    def connection_removed(self, connection: Connection, note: str = "") -> None:
        """A connection was removed; `connection` as the store returned it."""
        self.audit.record(
            Deed.CONNECTION_REMOVED,
            Subject.CONNECTION,
            connection.name,
            subject_id=connection.id,
            before=_connection_facts(connection),
            note=note,
            former=self._connections.encode(connection),
        )

    def connection_put_back(self, connection: Connection) -> None:
        """A removed connection is there again."""
        self.audit.record(Deed.CONNECTION_PUT_BACK, Subject.CONNECTION, connection.name, subject_id=connection.id)

    def segment_saved(self, before: Segment | None, after: Segment) -> None:
        """A segment was added or changed."""
        if before == after:
            return
        catalog = self._store.tables.catalog()
        told = segment_facts(after, catalog)
        was = None if before is None else segment_facts(before, catalog)
        known = before is not None and names_nobody(before, catalog)
        self.audit.record(
            Deed.SEGMENT_ADDED if before is None else Deed.SEGMENT_CHANGED,
            Subject.SEGMENT,
            after.name,
            subject_id=after.id,
            before=None if was == told else was,
            after=told,
            note="A value that is not told here" if was == told else "",
            former=self._segments.encode(before) if before is not None and known else "",
        )

    def segment_removed(self, segment: Segment) -> None:
        """A segment was removed; `segment` as the store returned it."""
        catalog = self._store.tables.catalog()
        self.audit.record(
            Deed.SEGMENT_REMOVED,
            Subject.SEGMENT,
            segment.name,
            subject_id=segment.id,
            before=segment_facts(segment, catalog),
            former=self._segments.encode(segment) if names_nobody(segment, catalog) else "",
        )

    def segment_put_back(self, segment: Segment) -> None:
        """A removed segment is there again."""
        self.audit.record(Deed.SEGMENT_PUT_BACK, Subject.SEGMENT, segment.name, subject_id=segment.id)

    def table_added(self, table: Table) -> None:
        """A table was added."""
        after = table_facts(table)
        self.audit.record(Deed.TABLE_ADDED, Subject.TABLE, table.name, subject_id=table.id, after=after)

    def table_changed(self, before: Table, after: Table) -> None:
        """What is said about a table was changed."""
        told = table_facts(before), table_facts(after)
        self.audit.record(
            Deed.TABLE_CHANGED, Subject.TABLE, after.name, subject_id=after.id, before=told[0], after=told[1]
        )

    def table_refreshed(self, before: Table, after: Table) -> None:
        """A table was read again."""
        more = after.rows - before.rows
        note = f"{after.rows:,} rows, {more:+,}" if more else f"{after.rows:,} rows"
        self.audit.record(Deed.TABLE_REFRESHED, Subject.TABLE, after.name, subject_id=after.id, note=note)

    def table_removed(self, table: Table) -> None:
        """A table was removed; `table` as the store returned it."""
        former = json.dumps({"id": table.id})
        before = table_facts(table)
        self.audit.record(
            Deed.TABLE_REMOVED, Subject.TABLE, table.name, subject_id=table.id, before=before, former=former
        )

    def table_put_back(self, table: Table) -> None:
        """A removed table is there again."""
        self.audit.record(Deed.TABLE_PUT_BACK, Subject.TABLE, table.name, subject_id=table.id)

    def linked(self, link: Link, *, there: bool) -> None:
        """Two tables were linked, or are not any more."""
        words = {"link": f"{link.one_table}.{link.one_column} → {link.many_table}.{link.many_column}"}
        table = self._store.tables.get(link.one_table)
        self.audit.record(
            Deed.TABLE_CHANGED,
            Subject.TABLE,
            link.one_table,
            subject_id="" if table is None else table.id,
            before={} if there else words,
            after=words if there else {},
        )

    def _export_facts(self, export: Export) -> dict[str, str]:
        connection = None if export.connection is None else self._store.connections.by_id(export.connection)
        return facts(to_document(export, None if connection is None else connection.name))


def _connection_facts(connection: Connection) -> dict[str, str]:
    told = {"name": connection.name, "destination": connection.destination, "access": connection.access.value}
    told |= {f"setting.{name}": value for name, value in connection.settings.items()}
    return told | {f"secret.{name}": "stored" for name in sorted(connection.secrets)}
