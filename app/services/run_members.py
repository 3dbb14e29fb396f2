"""The members of segments on their way to one target, as a run reads them from the engine."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from app.core.counts import Count
from app.core.exports import Export
from app.core.runs import Reject
from app.core.segments import Segment
from app.data.counting import Counter, CountSpec
from app.data.identity import Identity
from app.data.members import Members, MemberSpec
from app.data.workspace_rows import Scope
from app.delivery.matching import identity_of, matched_fields
from app.destinations.contract import Member, TargetField
from app.destinations.description import Description
from app.jobs import JobContext


class WorkspaceMembers:
    """Fulfils delivery's `MemberSource` over the tables and segments of one moment; used by one thread."""

    def __init__(
        self,
        counter: Counter,
        members: Members,
        scope: Scope,
        export: Export,
        description: Description,
        fields: Sequence[TargetField],
        country: str,
    ) -> None:
        self._counter = counter
        self._members = members
        self._scope = scope
        self._description = description
        self._names = {field.id: field.name for field in fields}
        self._matched = matched_fields(export.match, fields)
        self._country = country
        self._sent_empty: Tally[str] = Tally()

    @property
    def sent_empty(self) -> Mapping[str, int]:
        """How many values of each target field, by its name, were there but unusable in what was read to its end."""
        return {self._names.get(target, target): number for target, number in self._sent_empty.items()}

    def count(self, segment: Segment, ctx: JobContext) -> Count:
        """See `MemberSource.count`."""
        spec = CountSpec(self._identity(segment), self._description.limits)
        return self._counter.count(self._scope, segment, spec, ctx)

    def unique(self, segments: Sequence[Segment], ctx: JobContext) -> int:
        """See `MemberSource.unique`."""
        if len(segments) == 1:
            return self.count(segments[0], ctx).to_send
        spec = CountSpec(self._identity(segments[0]), self._description.limits)
        return self._counter.totals(self._scope, segments, spec, ctx).to_send

    def left_out(self, segment: Segment, ctx: JobContext) -> Iterator[Reject]:
        """See `MemberSource.left_out`."""
        return self._members.left_out(self._scope, segment, self._spec(segment), ctx)

    def batches(self, segment: Segment, size: int, ctx: JobContext) -> Iterator[Sequence[Member]]:
        """See `MemberSource.batches`; the engine is let go of when the iterator is closed."""
        with closing(self._members.stream(self._scope, segment, self._spec(segment), size, ctx)) as stream:
            for rows in stream:
                yield [Member(row.key, row.values) for row in rows]
            self._sent_empty += stream.sent_empty

    def _spec(self, segment: Segment) -> MemberSpec:
        return MemberSpec(self._matched, self._identity(segment))

    def _identity(self, segment: Segment) -> Identity:
        keys = self._description.key_fields
        return identity_of(self._matched, keys, segment, self._scope.catalog, self._country)
