"""Which segments a destination takes, and what to say of the others."""

from __future__ import annotations

from app.core.phrases import Part, Phrase, joined
from app.core.segments import Segment, SegmentOf
from app.core.tables import Catalog


def why_not_eligible(segment: Segment, takes: frozenset[SegmentOf], catalog: Catalog) -> Phrase | None:
    """None when the destination takes the segment, else one sentence.

    `takes` comes from the destination's description: account segments go only where the target takes accounts.
    """
    holds = Phrase(segment.of.value)
    if segment.of not in takes:
        wanted: list[Part] = [Phrase(of.value) for of in SegmentOf if of in takes]
        return Phrase("not_taken", (holds, joined("or", wanted)))
    if catalog.by_role(segment.of.role) is None:
        return Phrase("no_table", (holds,))
    return None
