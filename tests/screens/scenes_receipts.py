"""What runs leave behind: their receipts, and what differs between two of them."""

from __future__ import annotations

from app.core.runs import Run
from tests.screens.registry import scene
from tests.screens.stage import Stage


def newest(stage: Stage, export_name: str) -> Run:
    return stage.services.runs.list(export_name, 1)[0]


@scene("18-run-receipt")
def receipt(stage: Stage) -> None:
    stage.show("receipt", newest(stage, "Loyalty mailing").id)
