"""What a run reads of the workspace, taken once at its start: tables, segments, their members and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from typing import Final

from app.core.exports import Export
from app.core.layouts import Place
from app.data.counting import Counter
from app.data.engines.duckdb import DuckDBEngine
from app.data.members import Members
from app.data.suppression import ListedValues
from app.data.workspace_rows import KeyFacts
from app.delivery.engine_files import EngineWriter
from app.delivery.ports import Deps
from app.delivery.table_files import ExportFiles
from app.destinations.contract import TargetField
from app.destinations.description import Description
from app.services.run_members import WorkspaceMembers
from app.services.scopes import scope_of
from app.store import Store

_COUNTING: Final = "64MB"
_READING: Final = "160MB"
"""What the engine of one run may use: more spills, so that a run of ten million members needs no more than a small one.

Counting ten million takes no longer with 64 MB than with 160, comparing them does.
"""


def make_deps(
    store: Store,
    engine: DuckDBEngine,
    listed: ListedValues,
    redact: Callable[[str], str],
    clock: Callable[[], datetime],
) -> Callable[[], AbstractContextManager[Deps]]:
    """What each run asks for its surroundings and gives back at its end.

    Members are counted and read by an engine of the run's own, whose memory ends with the run: live counts keep theirs.
    """
    shared = Members(engine, listed=listed)

    @contextmanager
    def deps() -> Iterator[Deps]:
        # To the minute, as counts are, so that who is planned is who was counted.
        scope = scope_of(store, engine.folder, clock().replace(second=0, microsecond=0))
        info = store.workspace.info()
        with closing(DuckDBEngine(engine.folder, memory_limit=_COUNTING, server=engine.server, lean=True)) as own:
            facts, values = KeyFacts(own), ListedValues(own)
            counter, members = Counter(own, facts, values), Members(own, facts, values)

            def counted() -> None:
                for table in scope.catalog.tables:
                    counter.forget(table)
                own.set_limits(_READING, threads=1)

            def source(export: Export, description: Description, fields: Sequence[TargetField]) -> WorkspaceMembers:
                country = info.country_code
                return WorkspaceMembers(own, counter, members, scope, export, description, fields, country, counted)

            def files(export: Export, description: Description, moment: datetime) -> ExportFiles:
                place = Place(export.name, info.name, moment, info.id)
                fields = description.for_target(export.target).columns
                writer = EngineWriter(engine, shared, listed, scope, export, info.country_code, fields)
                return ExportFiles(export, scope.catalog, scope.segments, place, writer)

            yield Deps(engine.folder, scope.catalog, scope.segments, source, files, redact, clock)

    return deps
