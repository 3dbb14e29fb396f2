"""The page of runs: what was sent, and what was not."""

from __future__ import annotations

from app.ui.pages.runs.page import RunsPage

__all__ = ["RunsPage"]
