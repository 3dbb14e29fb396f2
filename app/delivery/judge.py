"""Which segments of an export may go, counted at the moment of the run; a segment goes whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.core.counts import Count, LimitScope, Verdict
from app.core.eligibility import why_not_eligible
from app.core.exports import REMOVING, Export
from app.core.phrases import Phrase
from app.core.runs import Status
from app.core.segments import Segment
from app.core.tables import Catalog
from app.delivery.ports import MemberSource, PlannedSegment
from app.destinations.description import Description
from app.jobs import JobContext

NOBODY = Phrase("nobody")

P = TypeVar("P", bound=PlannedSegment)


class NothingSent(Exception):
    """No segment may go; the status says why and the reasons stand in the run's skipped segments."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


class Judge:
    """Counts the segments again at the moment of the run and decides which may go; a segment goes whole or not at all."""

    def __init__(
        self,
        export: Export,
        description: Description,
        catalog: Catalog,
        source: MemberSource,
        on_count: Callable[[Count], None],
        on_skip: Callable[[str, Phrase], None],
    ) -> None:
        self._removes = export.sync in REMOVING
        self._description = description
        self._catalog = catalog
        self._source = source
        self._on_count = on_count
        self._on_skip = on_skip
        self.skip_status: Status | None = None
        """What the run is called because of the segments left out; too large weighs more than too small."""

    def allowed(self, segments: Sequence[Segment], ctx: JobContext) -> list[tuple[Segment, Count]]:
        """The segments that may go with their counts; raises NothingSent when there are none."""
        counts = [(s, c) for s in segments if (c := self._count(s, ctx)) is not None]
        counts = self._within_export_limit(counts, ctx)
        if not counts:
            raise NothingSent(self.skip_status or Status.SKIPPED_TOO_SMALL)
        return counts

    def _count(self, segment: Segment, ctx: JobContext) -> Count | None:
        why_not = why_not_eligible(segment, self._description.takes, self._catalog)
        if why_not is not None:
            self._skip(segment.name, why_not, Status.SKIPPED_TOO_SMALL)
            return None
        count = self._source.count(segment, ctx)
        self._on_count(count)
        if count.phrase is not None:
            large = count.verdict is Verdict.TOO_LARGE
            self._skip(segment.name, count.phrase, Status.SKIPPED_TOO_LARGE if large else Status.SKIPPED_TOO_SMALL)
        elif count.to_send or self._removes:
            return count
        else:
            self._skip_empty(segment)
        return None

    def with_somebody(self, planned: Sequence[tuple[Segment, P]]) -> list[tuple[Segment, P]]:
        """The plans but those of empty segments of which nobody is at the target either; NothingSent when none is left."""
        for segment, plan in planned:
            if not plan.changes.to_send and not plan.changes.unchanged:
                self._skip_empty(segment)
        kept = [(s, plan) for s, plan in planned if plan.changes.to_send or plan.changes.unchanged]
        if not kept:
            raise NothingSent(self.skip_status or Status.SKIPPED_TOO_SMALL)
        return kept

    def _skip_empty(self, segment: Segment) -> None:
        self._skip(segment.name, NOBODY, Status.SKIPPED_TOO_SMALL)

    def _within_export_limit(self, counts: list[tuple[Segment, Count]], ctx: JobContext) -> list[tuple[Segment, Count]]:
        """A limit on the whole export counts the members of all its segments once, as the wizard shows them.

        No segment can be picked to stay behind for it.
        """
        limits = self._description.limits
        if limits.maximum is None or limits.scope is LimitScope.PER_SEGMENT:
            return counts
        if sum(c.to_send for _s, c in counts) <= limits.maximum:
            return counts
        total = self._source.unique([s for s, _c in counts], ctx)
        if total <= limits.maximum:
            return counts
        for segment, _count in counts:
            why = Phrase("too_large_together", (total, limits.maximum))
            self._skip(segment.name, why, Status.SKIPPED_TOO_LARGE)
        return []

    def _skip(self, segment: str, why: Phrase, status: Status) -> None:
        self._on_skip(segment, why)
        if self.skip_status is not Status.SKIPPED_TOO_LARGE:
            self.skip_status = status
