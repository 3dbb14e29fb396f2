"""The page of connections."""

from __future__ import annotations

from app.ui.pages.connections.page import ConnectionsPage

__all__ = ["ConnectionsPage"]
