"""Finding a segment by the name a person gave."""

from __future__ import annotations

from app.core.errors import FixData
from app.core.segments import Segment
from app.store import Store


def segment_named(store: Store, name: str) -> Segment:
    """The segment of that name, regardless of case; raises FixData with code "no_segment"."""
    segment = store.segments.get(name)
    if segment is None:
        raise FixData(
            f"There is no segment named “{name}”.",
            "It was removed or renamed, or the name is misspelt.",
            "Choose one of the list of segments.",
            code="no_segment",
        )
    return segment
