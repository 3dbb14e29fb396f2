"""The suppression list: its sources, its entries, and what changed it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "suppression_sources",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hashed", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.Text()),
    )
    op.create_table(
        "suppression_entries",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "source_id", sa.Integer(), sa.ForeignKey("suppression_sources.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("removed_at", sa.Text()),
        sa.PrimaryKeyConstraint("hash", "source_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suppression_changes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("generation", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    for name in ("suppression_changes", "suppression_entries", "suppression_sources"):
        op.drop_table(name)
