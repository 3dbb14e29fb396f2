"""Which segments a destination takes, and the sentence that says why not."""

from __future__ import annotations

from app.core.segments import Segment, SegmentOf
from app.core.tables import Catalog

WORDS = {
    SegmentOf.CUSTOMERS: "individual consumers",
    SegmentOf.CONTACTS: "contacts",
    SegmentOf.ACCOUNTS: "business accounts",
}


def why_not_eligible(segment: Segment, takes: frozenset[SegmentOf], catalog: Catalog) -> str:
    """An empty text when the destination takes the segment, else one sentence.

    `takes` comes from the destination's description: account segments go only where the target takes accounts.
    """
    if segment.of not in takes:
        wanted = " or ".join(WORDS[of] for of in SegmentOf if of in takes)
        return f"Holds {WORDS[segment.of]}, not {wanted}."
    if catalog.by_role(segment.of.role) is None:
        return f"No table of this workspace holds {WORDS[segment.of]}."
    return ""
