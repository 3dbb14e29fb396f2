"""What the page of exports reads in jobs: its rows, and counts that are missing or old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.core.exports import ExportKind
from app.core.roles import Action, Role, may
from app.core.tables import TableRole
from app.jobs import JobContext, Progress
from app.ui.pages.exports.empty import Readiness

if TYPE_CHECKING:
    from app.bootstrap import Services
    from app.services.exports import ExportRow


@dataclass(frozen=True)
class ExportsData:
    """One reading; `counted_at` is the age of the oldest count that is shown."""

    rows: tuple[ExportRow, ...]
    role: Role
    readiness: Readiness
    counted_at: datetime | None


def read_exports(services: Services) -> ExportsData:
    """Read everything the page shows; blocks, for a job."""
    rows = tuple(services.exports.all())
    role = services.roles.role()
    return ExportsData(rows, role, _readiness(services, role), _oldest_count(services, rows))


def count_again(services: Services, rows: Sequence[ExportRow], ctx: JobContext) -> None:
    """Count the segments of these exports anew, each segment once for a destination that knows people by the same fields."""
    wanted = list(
        dict.fromkeys(
            (name, row.export.destination, row.description.audience_id, tuple(row.keys.items()))
            for row in rows
            if row.export.kind is ExportKind.SEGMENT
            for name in row.export.segments
        )
    )
    for number, (segment, destination, audience, keys) in enumerate(wanted):
        ctx.report(Progress("count", number, len(wanted), "segments", segment))
        services.counts.count(segment, destination, ctx, match=dict(keys) or None, audience=audience)
    ctx.report(Progress("count", len(wanted), len(wanted), "segments"), final=True)


def _readiness(services: Services, role: Role) -> Readiness:
    tables = services.tables.all()
    customers = sum(table.rows for table in tables if table.role in {TableRole.CUSTOMER, TableRole.CONTACT})
    return Readiness(
        tables=len(tables),
        customers=customers,
        connections=len(services.connections.all()),
        may_connect=may(role, Action.CHANGE_CONNECTIONS),
    )


def _oldest_count(services: Services, rows: Sequence[ExportRow]) -> datetime | None:
    ages = []
    for row in rows:
        if row.export.kind is not ExportKind.SEGMENT:
            continue
        for name in row.export.segments:
            count = services.counts.cached(name, row.export.destination, row.description.audience_id, row.keys)
            if count is not None:
                ages.append(count.counted_at)
    return min(ages, default=None)
