"""The suppression list: entries by source, bulk imports, and a record of every change. Holds hashes, never a value."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Select, bindparam, delete, insert, literal_column, select, text, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.core.names import new_id
from app.core.suppression import (
    SALT_BYTES,
    Change,
    ContactKind,
    ListFacts,
    Listing,
    Numbers,
    Source,
)
from app.store import schema
from app.store.codec import plain
from app.store.database import Database

BATCH = 50_000
_SALT = "suppression.salt"

_COUNTED = """
SELECT count(*), sum(email), sum(phone), sum(first >= :recent) FROM (
    SELECT max(kind = 'email') AS email, max(kind = 'phone') AS phone, min(added_at) AS first
    FROM suppression_entries AS e JOIN suppression_sources AS s ON s.id = e.source_id
    WHERE e.removed_at IS NULL AND s.removed_at IS NULL GROUP BY e.hash
)
"""

_ONLY_IN = """
SELECT count(DISTINCT e.hash) FROM suppression_entries AS e
WHERE e.source_id IN :ids AND e.removed_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM suppression_entries AS o JOIN suppression_sources AS s ON s.id = o.source_id
    WHERE o.hash = e.hash AND o.source_id NOT IN :ids AND o.removed_at IS NULL AND s.removed_at IS NULL
)
"""

_ADD_NEW = """
INSERT OR IGNORE INTO suppression_entries (hash, source_id) SELECT ?, ? WHERE NOT EXISTS (
    SELECT 1 FROM suppression_entries AS e JOIN suppression_sources AS s ON s.id = e.source_id
    WHERE e.hash = ? AND s.read_back_from = ? AND s.removed_at IS NULL
)
"""

_entries, _sources, _changes = schema.suppression_entries, schema.suppression_sources, schema.suppression_changes


class SuppressionRepository:
    """Thread safe; each change is one transaction with its record, and gives the list a new generation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codec = plain(Change)

    def salt(self) -> bytes:
        """The workspace's salt, made when it is first asked for."""
        setting = schema.settings
        query = select(setting.c.value).where(setting.c.key == _SALT)
        with self._database.read() as transaction:
            found = transaction.execute(query).scalar_one_or_none()
        if found is None:
            made = upsert(setting).values(key=_SALT, value=secrets.token_hex(SALT_BYTES))
            with self._database.write() as transaction:  # another process may have been quicker; the first one holds
                transaction.execute(made.on_conflict_do_nothing())
                found = transaction.execute(query).scalar_one()
        return bytes.fromhex(found)

    def facts(self) -> ListFacts | None:
        """The list as it stands, without its entries; None when it is empty."""
        query = select(_sources.c.kind, _sources.c.hashed).where(_sources.c.removed_at.is_(None))
        with self._database.read() as transaction:
            sources = transaction.execute(query).all()
            if not sources or transaction.execute(_listed().limit(1)).first() is None:
                return None
            generation = transaction.execute(_newest_generation()).scalar_one()
        unsure = any(row.hashed for row in sources)
        kinds = frozenset(ContactKind) if unsure else frozenset(ContactKind(row.kind) for row in sources)
        return ListFacts(generation, self.salt(), kinds)

    @contextmanager
    def snapshot(self) -> Iterator[tuple[str, Iterator[list[bytes]]]]:
        """The generation of a list that is not empty, and its entries in order, each once, in lists: one view of one moment."""
        with self._database.read() as transaction:
            generation = transaction.execute(_newest_generation()).scalar_one()
            found = transaction.execution_options(yield_per=BATCH).execute(_listed())
            yield generation, ([row.hash for row in part] for part in found.partitions())

    def numbers(self, recent_from: datetime) -> Numbers:
        """How many entries there are; `recent` are those that stand in no source from before that time."""
        moment = recent_from.astimezone(UTC).isoformat(timespec="microseconds")
        with self._database.read() as transaction:
            entries, emails, phones, recent = transaction.execute(text(_COUNTED), {"recent": moment}).one()
        return Numbers(entries, emails or 0, phones or 0, recent or 0)

    def sources(self) -> tuple[Source, ...]:
        """Where the entries come from, the newest first."""
        c, e = _sources.c, _entries.c
        per_source = (
            select(e.source_id, literal_column("count(*)").label("number"))
            .where(e.removed_at.is_(None))
            .group_by(e.source_id)
            .subquery()
        )
        query = (
            select(c.id, c.name, c.kind, c.added_at, c.added_by, c.read_back_from, per_source.c.number)
            .join_from(_sources, per_source, per_source.c.source_id == c.id, isouter=True)
            .where(c.removed_at.is_(None))
            .order_by(c.id.desc())
        )
        with self._database.read() as transaction:
            rows = transaction.execute(query).all()
        found: dict[object, Source] = {}
        for row in rows:
            kind, number, back = ContactKind(row.kind), row.number or 0, row.read_back_from
            source = Source(row.id, row.name, kind, number, row.added_at, row.added_by, read_back=back is not None)
            one = back or row.id  # all that was read back from one connection is one source, whenever it came
            newer = found.get(one)
            found[one] = source if newer is None else replace(newer, entries=newer.entries + number)
        return tuple(found.values())

    def changes(self, n: int) -> tuple[Change, ...]:
        """The last changes, newest first."""
        query = select(_changes.c.body).order_by(_changes.c.id.desc()).limit(n)
        with self._database.read() as transaction:
            return tuple(self._codec.decode(body) for body in transaction.execute(query).scalars())

    def find(self, entry: bytes) -> Listing | None:
        """Since when that entry is on the list; of several sources the first."""
        c, e = _sources.c, _entries.c
        query = (
            select(c.added_at, c.name, c.kind)
            .join_from(_entries, _sources)
            .where(e.hash == entry, e.removed_at.is_(None), c.removed_at.is_(None))
            .order_by(c.id)
            .limit(1)
        )
        with self._database.read() as transaction:
            row = transaction.execute(query).first()
        return None if row is None else Listing(row.added_at, row.name, ContactKind(row.kind))

    def add(self, change: Change, entries: Iterable[list[bytes]], *, hashed: bool) -> tuple[int, Change]:
        """Add a source with these entries (best in order: a million take seconds).

        Returns its id and the change as recorded, with how many entries are new and how many the list knew.
        """
        statement = "INSERT OR IGNORE INTO suppression_entries (hash, source_id) VALUES (?, ?)"
        with self._database.write() as transaction:
            source = {"name": change.source, "kind": change.kind, "hashed": hashed}
            made = transaction.execute(
                insert(_sources).values(**source, added_at=change.at, added_by=change.by)
            ).inserted_primary_key
            source_id = int(made[0]) if made else 0
            number = 0
            for part in entries:
                # Past SQLAlchemy's own executemany, which takes four times as long.
                rows = [(entry, source_id) for entry in part]
                number += transaction.exec_driver_sql(statement, rows).rowcount
            new = _only_in(transaction, [source_id])
            change = replace(change, entries=new, known=number - new)
            self._record(transaction, change)
        return source_id, change

    def add_read_back(self, change: Change, entries: Sequence[bytes], connection_id: str) -> tuple[int, Change] | None:
        """Add what a connection's destination told and did not tell before; None, and no change, when that is nothing.

        Each time makes a source of its own, so that it is known since when; `sources` tells them as one. What was told
        before and taken off the list since stays off.
        """
        with self._database.write() as transaction:
            source = {"name": change.source, "kind": change.kind, "hashed": False, "read_back_from": connection_id}
            made = transaction.execute(
                insert(_sources).values(**source, added_at=change.at, added_by=change.by)
            ).inserted_primary_key
            source_id = int(made[0]) if made else 0
            rows = [(entry, source_id, entry, connection_id) for entry in sorted(entries)]
            number = transaction.exec_driver_sql(_ADD_NEW, rows).rowcount if rows else 0
            if number == 0:
                transaction.execute(delete(_sources).where(_sources.c.id == source_id))
                return None
            new = _only_in(transaction, [source_id])
            change = replace(change, entries=new, known=number - new)
            self._record(transaction, change)
        return source_id, change

    def mark_source(self, source_id: int, change: Change, *, removed: bool) -> Change | None:
        """Remove a source with its entries, or put it back; None when it is not there (any more).

        Returns the change as recorded, by how many entries the list shrank or grew.
        """
        c = _sources.c
        was = c.removed_at.is_(None) if removed else c.removed_at.is_not(None)
        with self._database.write() as transaction:
            query = select(c.name, c.kind, c.read_back_from, c.removed_at).where(c.id == source_id, was)
            source = transaction.execute(query).first()
            if source is None:
                return None
            ids = [source_id]
            if source.read_back_from is not None:  # those that went together come back together
                same = (c.read_back_from == source.read_back_from, c.removed_at.is_not_distinct_from(source.removed_at))
                ids = [*transaction.execute(select(c.id).where(*same)).scalars()]
            number = _only_in(transaction, ids)
            transaction.execute(update(_sources).where(c.id.in_(ids)).values(removed_at=change.at if removed else None))
            number = -number if removed else number
            change = replace(change, source=source.name, kind=ContactKind(source.kind), entries=number)
            self._record(transaction, change)
            return change

    def take_off(self, entry: bytes, change: Change) -> bool:
        """Mark an entry as removed in every source; False when it was not on the list."""
        e = _entries.c
        live = select(_sources.c.id).where(_sources.c.removed_at.is_(None))
        where = (e.hash == entry, e.removed_at.is_(None), e.source_id.in_(live))
        with self._database.write() as transaction:
            marked = transaction.execute(update(_entries).where(*where).values(removed_at=change.at))
            if marked.rowcount:
                self._record(transaction, change)
            return marked.rowcount > 0

    def put_back(self, entry: bytes, taken_off_at: datetime, change: Change) -> bool:
        """Undo a `take_off` of that time; False when there is nothing to undo."""
        e = _entries.c
        with self._database.write() as transaction:
            where = (e.hash == entry, e.removed_at == taken_off_at)
            marked = transaction.execute(update(_entries).where(*where).values(removed_at=None))
            if marked.rowcount:
                self._record(transaction, change)
            return marked.rowcount > 0

    def purge(self, before: datetime) -> None:
        """Delete for good the sources and entries that were removed before that time."""
        with self._database.write() as transaction:
            gone = select(_sources.c.id).where(_sources.c.removed_at < before)
            if transaction.execute(gone.limit(1)).first() is not None:
                transaction.execute(delete(_entries).where(_entries.c.source_id.in_(gone)))
                transaction.execute(delete(_sources).where(_sources.c.removed_at < before))
            transaction.execute(delete(_entries).where(_entries.c.removed_at < before))

    def _record(self, transaction: Connection, change: Change) -> None:
        # The name is never used twice: a restored backup must not find files of a list it does not hold.
        values = {"generation": new_id(), "at": change.at, "body": self._codec.encode(change)}
        transaction.execute(insert(_changes).values(**values))


def _only_in(transaction: Connection, source_ids: Sequence[int]) -> int:
    """How many entries the list has from these sources only."""
    query = text(_ONLY_IN).bindparams(bindparam("ids", expanding=True))
    return int(transaction.execute(query, {"ids": list(source_ids)}).scalar_one())


def _newest_generation() -> Select[str]:
    return select(_changes.c.generation).order_by(_changes.c.id.desc()).limit(1)


def _listed() -> Select[bytes]:
    live = (_entries.c.removed_at.is_(None), _sources.c.removed_at.is_(None))
    return select(_entries.c.hash).distinct().join_from(_entries, _sources).where(*live).order_by(_entries.c.hash)
