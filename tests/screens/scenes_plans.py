"""Scenes of plans and of runs a guard held: the loyalty mailing, whose segment and match moved since it was sent."""

from __future__ import annotations

from app.core.guards import GuardKind
from app.core.runs import Status, Trigger
from app.jobs import JobContext
from app.ui.dialogs.held import HeldDialog
from tests.screens.registry import scene
from tests.screens.stage import Stage

EXPORT = "Loyalty mailing"


def _move(stage: Stage, tiers: list[str], **changes: object) -> None:
    """Let the segment be another one, and its export a mirror."""
    services = stage.services
    document = services.segments.document("Loyalty Gold and Platinum")
    rules = [{"all": [{"field": "Customer.LoyaltyTier", "is_one_of": tiers}]}]
    services.segments.save({**document, "rules": rules})
    services.exports.apply({**services.exports.document(EXPORT), "sync": "mirror", **changes})


@scene("16-plan", fresh=True)
def plan(stage: Stage) -> None:
    _move(stage, ["Gold", "Silver"], guard={"removed_percent": None, "empty_source": "allow"})
    page = stage.show("plan", EXPORT)
    stage.wait(lambda: page.send.isEnabled() and page.settled())
    stage.settle()


@scene("17-guard-held-run", fresh=True)
def held(stage: Stage) -> None:
    _move(stage, ["Gold"])
    (run,) = stage.services.runs.start([EXPORT], Trigger.SCHEDULE)
    (ended,) = stage.services.runs.wait([run.id], JobContext())
    assert ended.status is Status.HELD
    assert ended.held is not None
    assert ended.held.guard is GuardKind.REMOVED
    stage.session.changed("runs")
    page = stage.show("exports", EXPORT)
    stage.settle()
    (line,) = page.selected()
    page._actions.held(line)
    stage.settle()
    stage.window.findChild(HeldDialog).number.setText("12")
    stage.settle()
