"""Two runs side by side, as `sendoff runs compare` prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.cli.output import plain
from app.core.reasons import Reason
from app.core.run_differences import RunDifference, Side
from app.core.runs import Run

SIDES = {
    Side.JOINED: "only in the later",
    Side.LEFT: "only in the earlier",
    Side.CHANGED: "in both with changed values",
}
NOT_KEPT = "reason no longer kept"


def difference_document(difference: RunDifference) -> dict[str, Any]:
    """The JSON document."""
    reasons = {side.value: _by_words(by) for side, by in difference.reasons.items()}
    return {**plain(replace(difference, reasons={})), "reasons": reasons}


def _by_words(reasons: Mapping[Reason, int]) -> dict[str, int]:
    found: Counter[str] = Counter()  # what an earlier version kept as a sentence may be the same
    for reason, number in reasons.items():
        found[Reason.bare(str(reason))] += number
    return dict(found.most_common())


def difference_lines(earlier: Run, later: Run, difference: RunDifference) -> list[str]:
    """Sizes, numbers, reasons, what was set differently."""
    lines = [
        f"{later.export_name}: {earlier.id} ({_when(earlier)}) and {later.id} ({_when(later)}).",
        f"In the audience: {_size(difference.before)} then, {_size(difference.after)} after.",
        ", ".join(
            f"{number:,} {SIDES[side]}"
            for side, number in (
                (Side.JOINED, difference.joined),
                (Side.LEFT, difference.left),
                (Side.CHANGED, difference.changed),
            )
        )
        + ".",
    ]
    for side, words in ((Side.JOINED, "joined"), (Side.LEFT, "left")):
        lines += [
            f"  {number:>9,} {words}: {reason or NOT_KEPT}"
            for reason, number in _by_words(difference.reasons[side]).items()
        ]
    if difference.missing:
        lines.append(
            f"Who changed in {difference.missing:,} of the runs between is no longer kept; the numbers lack it."
        )
    if difference.configuration is None:
        lines.append("What was set differently is no longer kept.")
    else:
        lines += difference.configuration or ("Same configuration.",)
    return lines


def _when(run: Run) -> str:
    return f"{run.started_at or run.queued_at:%Y-%m-%d %H:%M} UTC"


def _size(members: int | None) -> str:
    return "unknown" if members is None else f"{members:,}"
