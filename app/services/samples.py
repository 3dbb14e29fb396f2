"""The sample workspace: tables, segments, a folder to deliver into, a vendor to rehearse with, exports ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from app.core.connections import Access
from app.core.tables import Meaning
from app.jobs import JobContext, Progress
from app.services.documents import read_documents

if TYPE_CHECKING:  # the engine is loaded only when samples are made
    from app.services.connections import ConnectionService
    from app.services.exports import ExportService
    from app.services.segments import SegmentService
    from app.services.tables import TableService

FIRST_RUNS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "consumers": ("VIP early access", "Customer 360"),
        "businesses": ("Key contacts", "Account base"),
    }
)
"""For each audience the segment export and the data-out export that the demo runs without a window."""


def fill(
    tables: TableService,
    segments: SegmentService,
    connections: ConnectionService,
    exports: ExportService,
    folder: Path,
    audience: str,
    ctx: JobContext,
) -> None:
    """Fill an empty workspace with sample data in seconds; exports write into `delivered` and `practice` below the folder."""
    from app.data import samples

    source = folder / "sample-source"
    make = samples.consumers if audience == "consumers" else samples.businesses
    files = make(source, ctx)
    ctx.report(Progress("Importing the tables"))
    tables.add(files, None, ctx)
    for table in tables.all():
        for column in table.columns:
            # Countries stand there in many ways, as in real data: they remain for the person to look at.
            if column.meaning not in {Meaning.NONE, Meaning.COUNTRY}:
                tables.set_meaning(table.name, column.name, column.meaning)
    ctx.report(Progress("Saving segments and exports"))
    for file in samples.segment_files("consumers" if audience == "consumers" else "businesses"):
        segments.save_all(read_documents(file), file.parent)
    delivered = folder / "delivered"
    delivered.mkdir(exist_ok=True)
    connections.add(
        "Shared drive", "local-folder", {"folder": str(delivered)}, {}, Access.CONTRIBUTORS, agreed=True, tested=None
    )
    rehearsal = {"folder": str(folder / "practice"), "mood": "strict"}
    connections.add("Practice", "practice", rehearsal, {}, Access.CONTRIBUTORS, agreed=True, tested=None)
    exports.apply_all(_documents(audience))


def _documents(audience: str) -> list[dict[str, Any]]:
    recipe = Path(__file__).resolve().parents[2] / "resources" / "samples" / f"exports-{audience}.yaml"
    return read_documents(recipe)
