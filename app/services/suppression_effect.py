"""What the suppression list does to a segment export: whom it leaves out, and whom the next run takes out of the audience."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from app.core.counts import Verdict
from app.core.exports import REMOVING, Export
from app.core.segments import Segment
from app.core.suppression import Effect
from app.data.engines.duckdb import DuckDBEngine
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.sent import Held
from app.data.suppression import ListedValues
from app.data.workspace_rows import KeyFacts
from app.delivery.matching import identity_of, matched_fields
from app.jobs import JobContext
from app.services.counts import CountService
from app.services.destinations import DestinationService
from app.services.finding import segment_named
from app.services.scopes import scope_of
from app.store import Store


class SuppressionEffect:
    """Counts from what is known here; no destination is asked. Thread safe; each call works in the calling thread."""

    def __init__(
        self,
        store: Store,
        engine: Callable[[], DuckDBEngine],
        counts: CountService,
        destinations: DestinationService,
        listed: Callable[[], ListedValues],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._engine = engine
        self._counts = counts
        self._destinations = destinations
        self._listed = listed
        self._clock = clock

    def of(self, export: Export, ctx: JobContext) -> Effect:
        """The effect on a segment export as things are now, each member once; raises as `CountService.total`.

        Who left the segment besides is not among those removed for the list's sake.
        """
        left_out = self._counts.suppressed(export, ctx)
        audience = self._destinations.get(export.destination).for_target(export.target).audience_id
        counts = [
            self._counts.count(name, export.destination, ctx, match=export.match, audience=audience)
            for name in export.segments
        ]
        going = [count.segment for count in counts if count.verdict is Verdict.OK]
        removed = [self._removed(export, name, ctx) for name in going] if export.sync in REMOVING else []
        known = [number for number in removed if number is not None]
        return Effect(left_out, sum(known) if known else None, skipped=not going)

    def _removed(self, export: Export, name: str, ctx: JobContext) -> int | None:
        engine, segment = self._engine(), segment_named(self._store, name)
        held = Held.newest(engine, export.id, segment.name)
        if held is None:
            return None
        scope = scope_of(self._store, engine.folder, self._clock())
        members = Members(engine, KeyFacts(engine), self._listed())
        return members.suppressed(scope, segment, self._spec(export, segment), ctx, held)

    def _spec(self, export: Export, segment: Segment) -> MemberSpec:
        description = self._destinations.get(export.destination).for_target(export.target)
        catalog, country = self._store.tables.catalog(), self._store.workspace.info().country_code
        matched = matched_fields(export.match, description.columns, catalog)
        return MemberSpec(matched, identity_of(matched, description.key_fields, segment, catalog, country))
