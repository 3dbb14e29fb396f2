"""The page of segments."""

from __future__ import annotations

from app.ui.pages.segments.page import SegmentsPage

__all__ = ["SegmentsPage"]
