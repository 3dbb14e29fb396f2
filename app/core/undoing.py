"""What undoing a run takes back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Undoable:
    """Members a run added and removed, and those it changed, which keep their new values: the earlier ones are not kept.

    Added are all whom it sent to a place that, as far as we know, did not hold them from us.
    """

    added: int = 0
    removed: int = 0
    changed: int = 0
