"""The plan that takes back what one run did to audiences."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from app.core.errors import FixSettings
from app.core.exports import Export
from app.core.plans import Plan, SegmentPlan
from app.core.undoing import Undoable
from app.data.undoing import changed_segments, undoable
from app.delivery.files import RunFolder
from app.delivery.forecasts import forecast
from app.delivery.planner import LookedAt
from app.delivery.ports import Deps, Opened
from app.destinations.contract import SegmentDestination
from app.jobs import JobContext


def plan_undo(
    export: Export, opened: Opened, deps: Deps, undone: RunFolder, ctx: JobContext, *, whole: bool = False
) -> LookedAt:
    """What taking back would do now; sends nothing. The files are kept only for a `whole` one: whoever looks deletes them."""
    destination = opened.open(lambda _seconds, _words: None, lambda _exchange: None)
    if not isinstance(destination, SegmentDestination):
        raise FixSettings(
            "This run can't be undone.", "It wrote files.", "Remove them at the destination by hand.", code="no_undo"
        )
    names = changed_segments(undone.path)
    fields = {field.id: field for field in destination.fields(export.target, ctx)}
    source = deps.members(export, opened.description, tuple(fields.values()))
    plans: list[SegmentPlan] = []
    files: dict[Path, str] = {}
    segments = [segment for segment in deps.segments if segment.name in names]
    places = [(segment, destination.place(export.target, segment.name, ctx)) for segment in segments]
    with ExitStack() as looked_at:
        for segment, plan in zip(segments, source.undo(places, ctx, undone=undone.path.name), strict=True):
            looked_at.enter_context(plan)
            plans.append(SegmentPlan(segment.name, plan.changes))
            if whole:
                files[plan.keep()] = segment.name
    takes = forecast(opened.description, destination, [each.changes for each in plans], ctx)
    kept = (undoable(undone.path) or Undoable()).changed
    return LookedAt(Plan(export.name, export.sync, tuple(plans), forecast=takes, kept_values=kept), files, fields)
