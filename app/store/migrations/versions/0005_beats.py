"""Signs of life of the processes that run exports, for those that can't look at each other's processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "beats",
        sa.Column("owner", sa.Text(), primary_key=True),
        sa.Column("at", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("beats")
