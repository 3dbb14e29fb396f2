"""The suppression list, the second view of the segments page."""

from __future__ import annotations

from app.ui.pages.suppression.page import SuppressionPage

__all__ = ["SuppressionPage"]
