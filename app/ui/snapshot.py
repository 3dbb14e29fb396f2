"""What the frame of the window knows of the workspace: counts beside the pages, and what Ctrl+K finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.connections import HealthState
from app.core.roles import Role
from app.core.runs import Run
from app.core.servers import ServerAddress
from app.core.workspaces import WorkspaceInfo

if TYPE_CHECKING:
    from app.bootstrap import Services
    from app.services.connections import ConnectionRow
    from app.services.exports import ExportRow

RECENT_RUNS = 20
_PROBLEMS = frozenset({HealthState.FAILED, HealthState.SIGN_IN_EXPIRED, HealthState.SECRET_MISSING})


@dataclass(frozen=True)
class Snapshot:
    """One reading of the workspace."""

    info: WorkspaceInfo
    role: Role
    exports: tuple[ExportRow, ...]
    segments: tuple[str, ...]
    tables: tuple[str, ...]
    connections: tuple[ConnectionRow, ...]
    runs: tuple[Run, ...]
    server: ServerAddress | None = None

    @property
    def problems(self) -> int:
        """How many connections have a problem."""
        return sum(row.health.state in _PROBLEMS for row in self.connections)


def take_snapshot(services: Services) -> Snapshot:
    """Read the workspace; blocks, for a job."""
    return Snapshot(
        info=services.workspace.info(),
        role=services.roles.role(),
        exports=tuple(services.exports.all()),
        segments=tuple(row.segment.name for row in services.segments.all()),
        tables=tuple(table.name for table in services.tables.all()),
        connections=tuple(services.connections.all()),
        runs=tuple(services.runs.list(limit=RECENT_RUNS)),
        server=services.servers.address(),
    )
