"""The page of tables."""

from __future__ import annotations

from app.ui.pages.tables.page import TablesPage

__all__ = ["TablesPage"]
