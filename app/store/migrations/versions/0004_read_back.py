"""Sources of the suppression list that were read back from a destination."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("suppression_sources", sa.Column("read_back_from", sa.Text()))


def downgrade() -> None:
    op.drop_column("suppression_sources", "read_back_from")
