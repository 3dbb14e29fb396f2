"""The sync mode replace: who is in a place already, by its own word, so that whom Sendoff never sent can leave too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.errors import FixSettings, TellUs
from app.core.exports import Export, SyncMode
from app.core.segments import Segment
from app.delivery.ports import NOT_ASKED, There
from app.destinations.contract import Place, ReadingDestination, SegmentDestination
from app.jobs import JobContext


def who_is_there(
    export: Export, destination: SegmentDestination, places: Sequence[tuple[Segment, Place]], ctx: JobContext
) -> Mapping[str, There]:
    """Everybody in the places that are there, asked of the destination, by the segments' names; none in other sync modes.

    Raises TellUs for a destination that says it can replace, but can't be asked.
    """
    if export.sync is not SyncMode.REPLACE:
        return NOT_ASKED
    if not isinstance(destination, ReadingDestination):
        raise TellUs(
            "This destination can't say who is there.",
            "It says that it can replace an audience, but has no way to read it.",
            "Choose another sync mode in the export, and send us the log.",
            code="no_reading",
        )
    return {
        segment.name: destination.read_members(export.target, segment.name, ctx)
        for segment, place in places
        if place.there
    }


def places_of(
    export: Export, destination: SegmentDestination, segments: Sequence[Segment], ctx: JobContext
) -> list[tuple[Segment, Place]]:
    """Where the members of each segment go.

    Raises FixSettings when two segments would replace the same audience: each would take out the other's members.
    """
    places = [(segment, destination.place(export.target, segment.name, ctx)) for segment in segments]
    by_place: dict[str, Segment] = {}
    for segment, place in places if export.sync is SyncMode.REPLACE else ():
        first = by_place.setdefault(place.name, segment)
        if first is not segment:
            raise FixSettings(
                f"“{first.name}” and “{segment.name}” can't replace the same audience.",
                "It can be equal to one segment only.",
                "Give each segment an audience of its own, keep one segment in this export, or choose another sync mode.",
                code="same_place",
            )
    return places
