"""The tables of a workspace's database; migrations bring older ones here.

What is searched or must be unique is a column; the rest of each thing is its JSON `body` (app/store/codec.py).
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    text,
)

HEAD = "0005"
"""The newest revision in migrations/versions; known here so that opening a current database needs no alembic."""


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime as ISO text of fixed width, so that text order is time order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To text; a naive datetime is a fault of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("datetimes in the store are aware")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """From text."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()


def _named(name: str) -> Table:
    """A kind of thing with a name that is unique, regardless of case, among those not removed."""
    return Table(
        name,
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("folded", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("removed_at", UtcTime),
        Column("body", Text, nullable=False),
        Index(f"{name}_unique_name", "folded", unique=True, sqlite_where=text("removed_at IS NULL")),
    )


workspace = Table(
    "workspace",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("country_code", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

data_tables = _named("data_tables")
segments = _named("segments")
connections = _named("connections")
exports = _named("exports")

links = Table(
    "links",
    metadata,
    Column("one_table", Text, nullable=False),
    Column("one_column", Text, nullable=False),
    Column("many_table", Text, nullable=False),
    Column("many_column", Text, nullable=False),
    PrimaryKeyConstraint("one_table", "one_column", "many_table", "many_column"),
)

counts = Table(
    "counts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("segment_id", Text, ForeignKey("segments.id", ondelete="CASCADE"), nullable=False),
    Column("signature", Text, nullable=False),
    Column("counted_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
    Index("counts_newest", "segment_id", "signature", "counted_at"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("export_id", Text, nullable=False),  # no foreign key: a run is kept after its export is gone
    Column("connection_id", Text),
    Column("status", Text, nullable=False),
    Column("queued_at", UtcTime, nullable=False),
    Column("owner", Text, nullable=False),
    Column("cancel_requested", Boolean(create_constraint=False), nullable=False),
    Column("body", Text, nullable=False),
    Index("runs_by_export", "export_id", "queued_at"),
    Index("runs_by_time", "queued_at"),
    Index("runs_by_status", "status"),
)

claims = Table(
    "claims",
    metadata,
    Column("connection_id", Text, primary_key=True),  # one live run per connection, over all processes
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
)

beats = Table(
    "beats",
    metadata,
    Column("owner", Text, primary_key=True),  # app/store/owners.py
    Column("at", UtcTime, nullable=False),  # by the clock of the owner's computer
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("saved_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

schedule_marks = Table(
    "schedule_marks",
    metadata,
    Column("export_id", Text, primary_key=True),
    Column("checked_at", UtcTime),
    Column("claimed_due", UtcTime),
)

suppression_sources = Table(
    "suppression_sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hashed", Boolean(create_constraint=False), nullable=False),  # some values came already hashed
    Column("added_at", UtcTime, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("removed_at", UtcTime),
    Column("read_back_from", Text),  # the connection whose unsubscribes these are
)

suppression_entries = Table(
    "suppression_entries",
    metadata,
    Column("hash", LargeBinary, nullable=False),
    Column("source_id", Integer, ForeignKey("suppression_sources.id", ondelete="CASCADE"), nullable=False),
    Column("removed_at", UtcTime),  # taken off the list; kept so that it can be put back
    PrimaryKeyConstraint("hash", "source_id"),
    sqlite_with_rowid=False,  # half the size, and in the order of the hash
)

suppression_changes = Table(
    "suppression_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generation", Text, nullable=False),  # of the list after this change
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("deed", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("searched", Text, nullable=False),  # what a search looks in, folded
    Column("body", Text, nullable=False),
    Index("audit_by_time", "at"),
    Index("audit_by_subject", "subject_id"),
)
