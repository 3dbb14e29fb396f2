"""Two runs of one export side by side."""

from __future__ import annotations

from app.ui.pages.compare.page import ComparePage

__all__ = ["ComparePage"]
