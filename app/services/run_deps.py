"""What a run reads of the workspace, taken once at its start: tables, segments, their members and their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.core.exports import Export
from app.core.layouts import Place
from app.data.counting import Counter
from app.data.engines.duckdb import DuckDBEngine
from app.data.members import Members
from app.data.workspace_rows import Scope
from app.delivery.engine_files import EngineWriter
from app.delivery.ports import Deps
from app.delivery.table_files import ExportFiles
from app.destinations.contract import TargetField
from app.destinations.description import Description
from app.services.run_members import WorkspaceMembers
from app.store import Store


def make_deps(
    store: Store,
    engine: DuckDBEngine,
    counter: Counter,
    redact: Callable[[str], str],
    clock: Callable[[], datetime],
) -> Callable[[], Deps]:
    """What each run asks for its surroundings; the counter and what is known of keys are shared by all of them."""
    members = Members(engine)

    def deps() -> Deps:
        scope = Scope(store.tables.catalog(), store.segments.all(), clock())
        info = store.workspace.info()

        def source(export: Export, description: Description, fields: Sequence[TargetField]) -> WorkspaceMembers:
            return WorkspaceMembers(counter, members, scope, export, description, fields, info.country_code)

        def files(export: Export, moment: datetime) -> ExportFiles:
            place = Place(export.name, info.name, moment)
            writer = EngineWriter(engine, members, scope, export, info.country_code)
            return ExportFiles(export, scope.catalog, scope.segments, place, writer)

        return Deps(engine.folder, scope.catalog, scope.segments, source, files, redact, clock)

    return deps
