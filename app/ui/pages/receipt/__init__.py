"""The receipt of a run."""

from __future__ import annotations

from app.ui.pages.receipt.page import ReceiptPage

__all__ = ["ReceiptPage"]
