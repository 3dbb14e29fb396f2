"""What a run of a segment export would do now; sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from app.core.counts import Count
from app.core.errors import FixSettings
from app.core.evidence import Measured
from app.core.exports import Export
from app.core.guards import judge as judge_plan
from app.core.phrases import Phrase
from app.core.plans import Plan, PlannedMember, SegmentPlan, left_out_of
from app.delivery.forecasts import forecast
from app.delivery.guard import measured
from app.delivery.judge import NOBODY, Judge, NothingSent
from app.delivery.ports import Deps, Opened
from app.delivery.replacing import places_of, who_is_there
from app.delivery.segment_checks import check_match, check_sync_mode, chosen_segments
from app.destinations.contract import SegmentDestination, TargetField
from app.jobs import JobContext


def make_plan(export: Export, opened: Opened, deps: Deps, ctx: JobContext, first: int = 0) -> Plan:
    """Count, check and compare as a run does; `first` members of each change in each segment come with their values.

    Raises FixSettings for what is written as files, and what a run would raise before it sends.
    """
    return _plan(export, opened, deps, ctx, first=first).plan


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A plan with everybody in it, by the files it lies in (each with its segment), and the target's fields."""

    plan: Plan
    files: Mapping[Path, str]
    fields: Mapping[str, TargetField]


def look_at_plan(export: Export, opened: Opened, deps: Deps, ctx: JobContext) -> LookedAt:
    """As `make_plan`, with who is unchanged and who is left out; whoever looks deletes the files."""
    return _plan(export, opened, deps, ctx, whole=True)


def _plan(
    export: Export, opened: Opened, deps: Deps, ctx: JobContext, first: int = 0, *, whole: bool = False
) -> LookedAt:
    description = opened.description
    destination = opened.open(lambda _seconds, _words: None, lambda _exchange: None)
    if not isinstance(destination, SegmentDestination):
        raise FixSettings(
            f"There is no plan for {description.name}.",
            "Files are written whole with every run, so there is nothing to compare.",
            "Look at the preview of this export instead.",
            code="no_plan",
        )
    check_sync_mode(export, description)
    segments = chosen_segments(export, deps.segments)
    fields = {field.id: field for field in destination.fields(export.target, ctx)}
    check_match(export, description, fields, deps.catalog)
    source = deps.members(export, description, tuple(fields.values()))
    counts: dict[str, Count] = {}
    skipped: dict[str, Phrase] = {}

    def counted(count: Count) -> None:
        counts[count.segment] = count

    judge = Judge(export, description, deps.catalog, source, counted, skipped.__setitem__)
    with suppress(NothingSent):
        judge.allowed(segments, ctx)
    plans: list[SegmentPlan] = []
    members: list[PlannedMember] = []
    going = [segment for segment in segments if segment.name not in skipped]
    places = places_of(export, destination, going, ctx)
    there = who_is_there(export, destination, places, ctx)
    planned: list[Measured] = []
    files: dict[Path, str] = {}
    with ExitStack() as looked_at:
        made = source.plan(places, ctx, there=there, whole=whole)
        by_segment = {s.name: looked_at.enter_context(plan) for (s, _place), plan in zip(places, made, strict=True)}
        for segment in segments:
            plan = by_segment.get(segment.name)
            if plan is None:
                plans.append(SegmentPlan(segment.name, skipped=skipped[segment.name]))
                continue
            left_out = left_out_of(counts[segment.name])
            if not plan.changes.to_send and not plan.changes.unchanged:
                plans.append(SegmentPlan(segment.name, left_out=left_out, skipped=NOBODY))
                continue
            planned += measured([(segment, plan)])
            plans.append(SegmentPlan(segment.name, plan.changes, left_out, basis=plan.basis))
            members += plan.first(first, ctx) if first else []
            if whole:
                files[plan.keep()] = segment.name
    held = judge_plan(export.guard, export.sync, planned)
    takes = forecast(description, destination, [each.changes for each in plans if not each.skipped], ctx)
    return LookedAt(Plan(export.name, export.sync, tuple(plans), tuple(members), held, takes), files, fields)
