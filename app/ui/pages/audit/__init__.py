"""The audit trail, a page of Settings."""

from __future__ import annotations

from app.ui.pages.audit.page import AuditPage

__all__ = ["AuditPage"]
