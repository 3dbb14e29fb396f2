"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NAMED = ("data_tables", "segments", "connections", "exports")


def upgrade() -> None:
    op.create_table(
        "workspace",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
    )
    op.create_table(
        "settings",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    for name in _NAMED:
        op.create_table(
            name,
            sa.Column("id", sa.Text(), primary_key=True),
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("folded", sa.Text(), nullable=False),
            sa.Column("revision", sa.Integer(), nullable=False),
            sa.Column("removed_at", sa.Text()),
            sa.Column("body", sa.Text(), nullable=False),
        )
        op.create_index(
            f"{name}_unique_name", name, ["folded"], unique=True, sqlite_where=sa.text("removed_at IS NULL")
        )
    op.create_table(
        "links",
        sa.Column("one_table", sa.Text(), nullable=False),
        sa.Column("one_column", sa.Text(), nullable=False),
        sa.Column("many_table", sa.Text(), nullable=False),
        sa.Column("many_column", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("one_table", "one_column", "many_table", "many_column"),
    )
    op.create_table(
        "counts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("segment_id", sa.Text(), sa.ForeignKey("segments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("counts_newest", "counts", ["segment_id", "signature", "counted_at"])
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("export_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("runs_by_export", "runs", ["export_id", "queued_at"])
    op.create_index("runs_by_time", "runs", ["queued_at"])
    op.create_index("runs_by_status", "runs", ["status"])
    op.create_table(
        "claims",
        sa.Column("connection_id", sa.Text(), primary_key=True),
        sa.Column("run_id", sa.Text(), sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "schedule_marks",
        sa.Column("export_id", sa.Text(), primary_key=True),
        sa.Column("checked_at", sa.Text()),
        sa.Column("claimed_due", sa.Text()),
    )


def downgrade() -> None:
    for name in ("schedule_marks", "drafts", "claims", "runs", "counts", "links", *_NAMED, "settings", "workspace"):
        op.drop_table(name)
