"""What differs between two runs of one export: who is in one's audience and not in the other's, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.core.configurations import SegmentChange
from app.core.reasons import Reason


class Side(StrEnum):
    """How a member differs: it came after the earlier run, it went, or it stayed with other values."""

    JOINED = "joined"
    LEFT = "left"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Differing:
    """One member that differs. `reason` is that of its last change, empty when it is not kept; `run` and `at` tell which run made it."""

    member: str
    segment: str
    side: Side
    reason: Reason
    fields: tuple[str, ...]
    run: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """Some of the members that differ, from `offset` on; `total` counts those that were asked for."""

    members: tuple[Differing, ...]
    offset: int
    total: int


@dataclass(frozen=True, slots=True)
class RunDifference:
    """Two runs in numbers. `reasons` are those of who joined and of who left, with how many each; a changed one has none.

    `before` and `after` are the sizes of the audience, None when they are not known. `missing` are the runs between whose
    changes are not kept any more: then the numbers hold only what is. `configuration` says what was set differently, as
    sentences, None when that is not kept; `segments` are those of it whose rules differ.
    """

    joined: int
    left: int
    changed: int
    before: int | None
    after: int | None
    reasons: Mapping[Side, Mapping[Reason, int]] = field(default_factory=dict)
    missing: int = 0
    configuration: tuple[str, ...] | None = None
    segments: tuple[SegmentChange, ...] = ()

    @property
    def both(self) -> int | None:
        """Members in both audiences, changed ones included; None when the later size is not known."""
        return None if self.after is None or self.missing else max(0, self.after - self.joined)

    @property
    def differing(self) -> int:
        """All that differ."""
        return self.joined + self.left + self.changed
