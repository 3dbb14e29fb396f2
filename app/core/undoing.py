"""What undoing a run takes back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Undoable:
    """Members a run added and removed, and those it changed, which keep their new values: the earlier ones are not kept.

    Added are all whom it sent to a place that, as far as we know, did not hold them from us. Who was on the way when it stopped
    counts as if it had arrived.
    """

    added: int = 0
    removed: int = 0
    changed: int = 0


def kept_words(number: int) -> str:
    """That so many members keep what the run gave them, as a sentence; empty for nobody."""
    if not number:
        return ""
    members = "1 member keeps the new values" if number == 1 else f"{number:,} members keep their new values"
    return f"{members}: the earlier ones are not kept."
