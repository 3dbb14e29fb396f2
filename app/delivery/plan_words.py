"""Counts, plans and forecasts as lines of a run's log."""

from __future__ import annotations

from app.core.counts import Count
from app.core.forecasts import Forecast
from app.core.plans import Changes
from app.delivery.ports import PlannedSegment


def words_of_count(count: Count) -> str:
    """A count as a line of the log."""
    left_out = {
        "without a usable key": count.members - count.eligible,
        "twice": count.duplicates,
        "without consent": count.no_consent,
        "suppressed": count.suppressed,
    }
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in left_out.items() if number)
    text = f"“{count.segment}” has {count.members:,} members, {count.to_send:,} to send."
    return f"{text} Left out: {reasons}." if reasons else text


def words_of_plan(segment: str, changes: Changes) -> str:
    """What would be done with a segment, as a line of the log."""
    numbers = {
        "to add": changes.added,
        "to change": changes.changed,
        "to remove": changes.removed,
        "unchanged": changes.unchanged,
    }
    text = f"“{segment}”: {', '.join(f'{number:,} {words}' for words, number in numbers.items())}."
    if changes.strangers:
        text = f"{text} {changes.strangers:,} of those to remove were never sent by Sendoff."
    if not changes.in_doubt:
        return text
    return f"{text} {changes.in_doubt:,} of them were on their way when an earlier run stopped."


def words_of_rest(segment: str, plan: PlannedSegment) -> str:
    """What is left to do with a segment after an interruption, as a line of the log."""
    changes = plan.changes
    text = f"“{segment}”: resumed with {changes.to_send:,} members left to send"
    in_doubt = f", {changes.in_doubt:,} of them in doubt." if changes.in_doubt else "."
    if not plan.dropped:
        return text + in_doubt
    return f"{text}{in_doubt} {plan.dropped:,} are left out: they left the segment or may not be sent any more."


def words_of_forecast(found: Forecast) -> str:
    """A forecast as a line of the log."""
    text = f"To send this takes about {found.calls:,} requests."
    if found.quota is None:
        return text
    return f"{text} {found.quota.left:,} of {found.quota.limit:,} are left today."
