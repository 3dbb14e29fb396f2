"""A plan as the contract prints it, and in lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.cli.output import of, plain, printable
from app.core.forecasts import Forecast
from app.core.guards import Held
from app.core.plans import Basis, Changes, LeftOut, Plan, SegmentPlan

LEFT_OUT = {
    LeftOut.NO_IDENTIFIER: "without a usable key",
    LeftOut.TWICE: "twice in the segment",
    LeftOut.NO_CONSENT: "without consent",
    LeftOut.SUPPRESSED: "on the suppression list",
}


def plan_document(plan: Plan) -> dict[str, Any]:
    """The JSON document."""
    segments = [
        {
            "segment": each.segment,
            **asdict(each.changes),
            "left_out": plain(each.left_out),
            "skipped": None if each.skipped is None else str(each.skipped),
            "other_match": each.basis is Basis.MATCH,
            "basis": None if each.basis is None else each.basis.value,
        }
        for each in plan.segments
    ]
    return {
        "export": plan.export,
        "sync": plan.sync.value,
        **asdict(plan.changes),
        "left_out": plain(plan.left_out),
        "held": held_document(plan.held),
        "forecast": forecast_document(plan.forecast),
        "segments": segments,
        "members": [{**plain(each), "reason": str(each.reason)} for each in plan.members],
    }


def held_document(held: Held | None) -> dict[str, Any] | None:
    """What holds a plan or a run."""
    if held is None:
        return None
    return {
        "guard": held.guard.value,
        "sentence": held.sentence,
        "segment": held.segment or None,
        "share": held.share,
        "limit": held.limit,
        "audience": held.audience,
        "rows": [{"name": e.name, "before": e.before, "now": e.now, "gone": e.gone} for e in held.fewer],
        "cause": None if held.cause is None else held.cause.detail,
        "answer": held.answer or None,
    }


def forecast_document(forecast: Forecast | None) -> dict[str, Any] | None:
    """What sending takes; `seconds` at the documented pace, `quota` where the destination tells."""
    if forecast is None:
        return None
    quota = forecast.quota
    told = None if quota is None else {"left": quota.left, "limit": quota.limit, "renews_at": quota.renews_at}
    return {
        "requests": forecast.calls,
        "seconds": round(forecast.seconds, 1),
        "quota": told,
        "obstacle": " ".join(forecast.obstacle) or None,
    }


def plan_lines(plan: Plan) -> list[str]:
    """Numbers first, then the segments when there are several, then the first members."""
    lines = [f"{plan.export}, {plan.sync.value}: {_numbers(plan.changes)}. Nothing has been sent."]
    if plan.changes.in_doubt:
        lines.append(f"{plan.changes.in_doubt:,} of them were on their way when an earlier run stopped.")
    if plan.changes.strangers:
        lines.append(f"{plan.changes.strangers:,} of those to remove were never sent by Sendoff.")
    if plan.held is not None:
        cause = f" Likely cause: {plan.held.cause.detail}" if plan.held.cause is not None else ""
        lines.append(f"A run would be held. {plan.held.sentence}{cause}")
    if plan.forecast is not None and plan.changes.to_send:
        lines += _forecast_lines(plan.forecast)
    if plan.left_out:
        lines.append(f"Left out: {_reasons(plan.left_out)}.")
    lines += [line for each in plan.segments for line in _segment_lines(each, alone=len(plan.segments) == 1)]
    for member in plan.members:
        values = ", ".join(f"{field} {value}" for field, value in member.values.items() if value)
        reason = f"  {printable(str(member.reason))}" if member.reason else ""
        lines.append(f"  {member.change.value:<8} {printable(member.member)}  {printable(values)}{reason}")
    return lines


def _forecast_lines(forecast: Forecast) -> list[str]:
    about = forecast.about
    time = of(about, "second") if about < 60 else of(about // 60, "minute")
    line = f"Sending takes about {of(forecast.calls, 'request')} and {time}."
    if forecast.quota is not None:
        line += f" {forecast.quota.left:,} of {forecast.quota.limit:,} requests are left today."
    return [line, f"A run would stop. {' '.join(forecast.obstacle)}"] if forecast.obstacle else [line]


def _segment_lines(plan: SegmentPlan, *, alone: bool) -> list[str]:
    if plan.skipped is not None:
        return [f"{plan.segment} would be skipped. {plan.skipped}"]
    lines = [] if alone else [f"{plan.segment}: {_numbers(plan.changes)}."]
    return lines if plan.basis is None else [*lines, f"{plan.segment}: {plan.basis.phrase}"]


def _numbers(changes: Changes) -> str:
    words = ("added", "changed", "removed", "unchanged")
    return ", ".join(f"{getattr(changes, word):,} {word}" for word in words)


def _reasons(left_out: Mapping[LeftOut, int]) -> str:
    return ", ".join(f"{number:,} {LEFT_OUT[reason]}" for reason, number in left_out.items())
