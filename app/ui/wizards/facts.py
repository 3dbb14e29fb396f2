"""What a wizard knows of the workspace: read in one job, shown from memory, read again when something changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.exports import ExportKind
from app.core.names import fold
from app.core.roles import Role
from app.core.segments import Segment, SegmentOf
from app.core.tables import Catalog
from app.core.workspaces import Audience, WorkspaceInfo

if TYPE_CHECKING:
    from app.bootstrap import Services
    from app.destinations.description import Description
    from app.services.connections import ConnectionRow
    from app.services.drafts import KeptDraft
    from app.services.exports import ExportRow

OF_AUDIENCE = {
    Audience.CONSUMERS: frozenset({SegmentOf.CUSTOMERS}),
    Audience.BUSINESSES: frozenset({SegmentOf.CONTACTS, SegmentOf.ACCOUNTS}),
}


@dataclass(frozen=True)
class Facts:
    """The workspace at one moment. `taken` holds the folded names of other exports, `editing` the export being changed."""

    role: Role
    person: str
    workspace: WorkspaceInfo
    taken: frozenset[str]
    editing: ExportRow | None
    connections: tuple[ConnectionRow, ...]
    descriptions: tuple[Description, ...]
    catalog: Catalog
    segments: tuple[Segment, ...]
    kept: KeptDraft | None

    def description(self, destination_id: str, connection_id: str | None = None) -> Description | None:
        """The description of that id, as it is through that connection; also of one that only the edited export still uses."""
        row = self.connection(connection_id)
        if row is not None and row.description.id == destination_id and row.description.limit_fields:
            return row.description.offered_for(OF_AUDIENCE[self.workspace.audience])
        if self.editing is not None and self.editing.description.id == destination_id:
            return self.editing.description.offered_for(OF_AUDIENCE[self.workspace.audience])
        return next((each for each in self.descriptions if each.id == destination_id), None)

    def connection(self, connection_id: str | None) -> ConnectionRow | None:
        """The usable connection of that id."""
        return next((row for row in self.connections if row.connection.id == connection_id), None)


def load(services: Services, kind: ExportKind, export_name: str | None) -> Facts:
    """Read everything; blocks, for a worker thread. Raises FixData when the export to edit is gone."""
    editing = None if export_name is None else services.exports.get(export_name)
    own = None if editing is None else editing.export.id
    others = [row.export for row in services.exports.all() if row.export.id != own]
    workspace = services.workspace.info()
    offered = tuple(
        d.offered_for(OF_AUDIENCE[workspace.audience])
        for d in services.destinations.all()
        if _offered(d, kind, workspace.audience)
    )
    ids = {description.id for description in offered} | ({editing.description.id} if editing else set())
    return Facts(
        role=services.roles.role(),
        person=services.roles.person(),
        workspace=workspace,
        taken=frozenset(fold(export.name) for export in others),
        editing=editing,
        connections=tuple(row for row in services.connections.usable() if row.description.id in ids),
        descriptions=offered,
        catalog=Catalog(tuple(services.tables.all()), tuple(services.tables.links.all())),
        segments=tuple(row.segment for row in services.segments.all()) if kind is ExportKind.SEGMENT else (),
        kept=services.drafts.latest(kind, own),
    )


def _offered(description: Description, kind: ExportKind, audience: Audience) -> bool:
    """Storage for whole tables; for segments only what takes the kind of members this workspace has."""
    if kind not in description.kinds:
        return False
    return kind is ExportKind.DATA_OUT or bool(description.takes & OF_AUDIENCE[audience])
