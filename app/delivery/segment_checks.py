"""Whether an export of segments fits its destination, the tables and segments there are, and its own match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.errors import FixData, FixSettings
from app.core.exports import Export
from app.core.segments import FieldRef, Segment
from app.core.tables import Catalog
from app.destinations.contract import TargetField
from app.destinations.description import Description


def chosen_segments(export: Export, segments: Sequence[Segment]) -> list[Segment]:
    """The export's segments in its order; raises FixData for one that is gone."""
    by_name = {s.name.casefold(): s for s in segments}
    chosen: list[Segment] = []
    for name in export.segments:
        segment = by_name.get(name.casefold())
        if segment is None:
            raise FixData(
                f"The segment “{name}” is gone.",
                "It was removed or renamed after this export was made.",
                "Edit the export and choose its segments again.",
                code="segment_gone",
            )
        chosen.append(segment)
    if not chosen:
        raise FixData("This export has no segment.", "There is nobody to send.", "Edit the export and choose segments.")
    return chosen


def check_sync_mode(export: Export, description: Description) -> None:
    """Raise FixSettings when the target can't do what the export asks for."""
    if export.sync not in description.sync_modes:
        able = ", ".join(description.sync_modes)
        raise FixSettings(
            f"{description.name} can't do the sync mode “{export.sync}”.",
            f"It can do: {able}.",
            "Edit the export and choose another sync mode.",
            code="sync_mode",
        )


def check_match(export: Export, description: Description, fields: Mapping[str, TargetField], catalog: Catalog) -> None:
    """Raise FixSettings when the match lacks a key or a required field, or names a field or column that is gone."""
    for target, source in export.match.items():
        if target not in fields:
            raise _match_error(
                f"{description.name} has no field “{target}” any more.", "It was removed or renamed there."
            )
        ref = FieldRef.parse(source)
        table = catalog.table(ref.table)
        if table is None or table.column(ref.column) is None:
            raise _match_error(f"The field “{source}” is gone.", "Its table was removed or its columns were renamed.")
    for field in fields.values():
        if field.required and field.id not in export.match:
            raise _match_error(
                f"“{field.name}” has no field of yours.", f"{description.name} takes no member without it."
            )
    if description.key_fields and not any(key in export.match for key in description.key_fields):
        names = " or ".join(f"“{fields[key].name}”" for key in description.key_fields if key in fields)
        raise _match_error(f"Neither {names} is matched.", f"{description.name} can't tell members apart without it.")


def _match_error(what: str, why: str) -> FixSettings:
    return FixSettings(what, why, "Edit the export and choose the field in Data matching.", code="match")
