"""The plan of a segment export, before it is sent."""

from __future__ import annotations

from app.ui.pages.plan.page import PlanPage
from app.ui.pages.plan.undo import UndoPlanPage

__all__ = ["PlanPage", "UndoPlanPage"]
