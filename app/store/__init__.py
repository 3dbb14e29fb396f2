"""The workspace's own database: tables, migrations, repositories. Holds no secret."""

from __future__ import annotations

from app.store.store import Store

__all__ = ["Store"]
