"""Alembic runs this for each upgrade; the connection and its transaction come from app/store/migrate.py."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():  # joins the caller's transaction
    context.run_migrations()
