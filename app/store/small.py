"""The small repositories: the workspace itself, counts, drafts and marks of the schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.core.counts import Count
from app.core.workspaces import Audience, WorkspaceInfo
from app.store import schema
from app.store.codec import plain
from app.store.database import Database

KEPT_COUNTS = 100
"""Counts kept of one segment under one signature; the history charts show fewer."""


class WorkspaceRepository:
    """What the workspace is and its settings; thread safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def info(self) -> WorkspaceInfo:
        """The workspace's own record."""
        with self._database.read() as transaction:
            row = transaction.execute(select(schema.workspace)).one()
        return WorkspaceInfo(row.id, row.name, Audience(row.audience), row.created_at, row.country_code)

    def begin(self, info: WorkspaceInfo) -> None:
        """Write the record of a new workspace."""
        with self._database.write() as transaction:
            transaction.execute(
                insert(schema.workspace).values(
                    id=info.id,
                    name=info.name,
                    audience=info.audience.value,
                    created_at=info.created_at,
                    country_code=info.country_code,
                )
            )

    def rename(self, name: str) -> WorkspaceInfo:
        """Give the workspace another name."""
        with self._database.write() as transaction:
            transaction.execute(update(schema.workspace).values(name=name))
        return replace(self.info(), name=name)

    def set_country(self, code: str) -> WorkspaceInfo:
        """Read phone numbers without a country as of this one (ISO 3166, two letters) from now on."""
        with self._database.write() as transaction:
            transaction.execute(update(schema.workspace).values(country_code=code))
        return replace(self.info(), country_code=code)

    def setting(self, key: str) -> str | None:
        """The value, or None when it was never set."""
        with self._database.read() as transaction:
            return transaction.execute(
                select(schema.settings.c.value).where(schema.settings.c.key == key)
            ).scalar_one_or_none()

    def set_setting(self, key: str, value: str | None) -> None:
        """Set a value, or forget it with None."""
        with self._database.write() as transaction:
            if value is None:
                transaction.execute(delete(schema.settings).where(schema.settings.c.key == key))
            else:
                _put(transaction, schema.settings, {"key": key}, {"value": value})


class CountRepository:
    """Counts by segment and signature (whatever tells one way of counting from another); thread safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codec = plain(Count)

    def save(self, segment_id: str, signature: str, count: Count) -> None:
        """Keep a count; nothing happens when the segment was removed for good meanwhile."""
        c = schema.counts.c
        with self._database.write() as transaction:
            if transaction.execute(select(schema.segments.c.id).filter_by(id=segment_id)).first() is None:
                return
            transaction.execute(
                insert(schema.counts).values(
                    segment_id=segment_id,
                    signature=signature,
                    counted_at=count.counted_at,
                    body=self._codec.encode(count),
                )
            )
            same = (c.segment_id == segment_id, c.signature == signature)
            newest = select(c.id).where(*same).order_by(c.counted_at.desc(), c.id.desc()).limit(KEPT_COUNTS)
            transaction.execute(delete(schema.counts).where(*same, c.id.not_in(newest)))

    def get(self, segment_id: str, signature: str) -> Count | None:
        """The newest count of that segment and signature, or None."""
        c = schema.counts.c
        query = select(c.body).where(c.segment_id == segment_id, c.signature == signature)
        with self._database.read() as transaction:
            body = transaction.execute(query.order_by(c.counted_at.desc(), c.id.desc()).limit(1)).scalar_one_or_none()
        return None if body is None else self._codec.decode(body)

    def history(self, segment_id: str, n: int, signature: str | None = None) -> list[Count]:
        """The last `n` counts of a segment, newest first; of one signature when given."""
        c = schema.counts.c
        query = select(c.body).where(c.segment_id == segment_id).order_by(c.counted_at.desc(), c.id.desc()).limit(n)
        if signature is not None:
            query = query.where(c.signature == signature)
        with self._database.read() as transaction:
            return [self._codec.decode(body) for body in transaction.execute(query).scalars()]


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A wizard left half way: `body` is the wizard's own JSON."""

    id: str
    kind: str
    body: str
    saved_at: datetime


class DraftRepository:
    """Drafts of wizards; thread safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, id: str, kind: str, body: str) -> None:  # noqa: A002 - the word of the field
        """Keep a draft, replacing an older one of that id."""
        with self._database.write() as transaction:
            values = {"kind": kind, "body": body, "saved_at": datetime.now(UTC)}
            _put(transaction, schema.drafts, {"id": id}, values)

    def get(self, id: str) -> StoredDraft | None:  # noqa: A002 - the word of the field
        """The draft, or None."""
        return next((draft for draft in self.all() if draft.id == id), None)

    def all(self) -> tuple[StoredDraft, ...]:
        """All drafts, the newest first."""
        query = select(schema.drafts).order_by(schema.drafts.c.saved_at.desc())
        with self._database.read() as transaction:
            rows = transaction.execute(query).all()
        return tuple(StoredDraft(row.id, row.kind, row.body, row.saved_at) for row in rows)

    def remove(self, id: str) -> None:  # noqa: A002 - the word of the field
        """Forget a draft; nothing happens when it is not there."""
        with self._database.write() as transaction:
            transaction.execute(delete(schema.drafts).where(schema.drafts.c.id == id))


class ScheduleMarkRepository:
    """How far the schedule of each export was looked at, so that a due time is started once; thread safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, export_id: str) -> datetime | None:
        """The last moment up to which due times were looked at, or None."""
        query = select(schema.schedule_marks.c.checked_at).filter_by(export_id=export_id)
        with self._database.read() as transaction:
            return transaction.execute(query).scalar_one_or_none()

    def set(self, export_id: str, when: datetime) -> None:
        """Remember that due times up to `when` were looked at."""
        with self._database.write() as transaction:
            _put(transaction, schema.schedule_marks, {"export_id": export_id}, {"checked_at": when})

    def reset(self, export_id: str, when: datetime) -> None:
        """Remember `when` and forget which due time was taken, because the clock that gave it was wrong."""
        with self._database.write() as transaction:
            _put(
                transaction, schema.schedule_marks, {"export_id": export_id}, {"checked_at": when, "claimed_due": None}
            )

    def claim_due(self, export_id: str, due: datetime) -> bool:
        """Take that due time for the caller; False when this or a later one was taken before, by any process."""
        c = schema.schedule_marks.c
        with self._database.write() as transaction:
            transaction.execute(upsert(schema.schedule_marks).values(export_id=export_id).on_conflict_do_nothing())
            free = or_(c.claimed_due.is_(None), c.claimed_due < due)
            taken = transaction.execute(
                update(schema.schedule_marks).where(c.export_id == export_id, free).values(claimed_due=due)
            )
            return taken.rowcount > 0


def _put(transaction: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert the row or change it when the key is there."""
    statement = upsert(table).values(**key, **values)
    transaction.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))
