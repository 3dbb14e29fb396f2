"""Which exports are shown: chip, words, and the filter menu."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from app.core.runs import Status
from app.ui.pages.exports.lines import ExportLine

ALL, RUNNING, ATTENTION, SCHEDULED = "all", "running", "attention", "scheduled"


def in_chip(line: ExportLine, chip: str) -> bool:
    """Whether a line belongs to a chip."""
    if chip == RUNNING:
        return line.status in {Status.RUNNING, Status.QUEUED}
    if chip == ATTENTION:
        return line.needs_attention
    if chip == SCHEDULED:
        return line.export.schedule is not None
    return True


@dataclass(frozen=True)
class Filters:
    """What the filter menu has on; empty sets let everything through."""

    kinds: frozenset[str] = field(default_factory=frozenset)
    destinations: frozenset[str] = field(default_factory=frozenset)

    @property
    def active(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.kinds or self.destinations)

    def accepts(self, line: ExportLine) -> bool:
        """Whether a line passes."""
        kind = not self.kinds or line.export.kind in self.kinds
        return kind and (not self.destinations or line.export.destination in self.destinations)

    def with_kind(self, kind: str) -> Filters:
        """Turn a kind on or off."""
        return replace(self, kinds=self.kinds ^ {kind})

    def with_destination(self, destination: str) -> Filters:
        """Turn a destination on or off."""
        return replace(self, destinations=self.destinations ^ {destination})


def count_chips(lines: Iterable[ExportLine]) -> dict[str, int]:
    """Return how many lines belong to each chip."""
    listed = list(lines)
    return {chip: sum(in_chip(line, chip) for line in listed) for chip in (ALL, RUNNING, ATTENTION, SCHEDULED)}
