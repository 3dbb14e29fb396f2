"""Counts of segments on their way to targets: counted, estimated, added up, and remembered with what they were counted from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from app.core.counts import Count, Limits, Total, Verdict
from app.core.eligibility import why_not_eligible
from app.core.exports import Export
from app.core.matching import guess_keys
from app.core.names import fold
from app.core.phrases import Phrase, joined
from app.core.segment_documents import to_document
from app.core.segments import Segment, SegmentOf, SegmentRef
from app.core.tables import Catalog
from app.data.count_query import Estimate
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity
from app.data.suppression import ListedValues
from app.data.workspace_rows import Scope
from app.delivery.matching import contacts_of, identity_of, matched_fields
from app.destinations.description import Description
from app.jobs import JobContext
from app.services.destinations import DestinationService
from app.services.finding import segment_named
from app.services.known_counts import matched_keys, newest_signature
from app.services.linked_members import linked_members
from app.services.scopes import scope_of
from app.store import Store

_SERVER_COUNTS_LAST = timedelta(minutes=10)
"""How long a count of rows on a server is taken for one of now: nobody tells when they change."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What is counted for which target; `why_nobody` says why nobody can be sent at all."""

    segment: Segment
    spec: CountSpec
    why_nobody: Phrase | None = None


class CountService:
    """Counts of the workspace's segments; thread safe. One counter, and so one set of caches, serves all questions."""

    def __init__(
        self,
        store: Store,
        engine: Callable[[], DuckDBEngine],
        destinations: DestinationService,
        *,
        listed: Callable[[], ListedValues] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._engine = engine
        self._destinations = destinations
        self._made: Counter | None = None
        self._lock = Lock()
        self._listed = listed
        self._clock = clock

    def count(
        self,
        segment_name: str,
        target: str | None,
        ctx: JobContext,
        *,
        match: Mapping[str, str] | None = None,
        audience: str = "",
    ) -> Count:
        """Count exactly and remember it. `target` is a connection's name or a destination's id, None counts members only.

        `audience` is the type of audience where the destination has several; without it, the one that takes the segment.
        Without a match the key fields are filled by the columns that mean the same. Raises FixData (no such segment, or one
        with issues), FixSettings (no such destination), Cancelled.
        """
        scope = self._scope()
        segment = segment_named(self._store, segment_name)
        description = self._description(target, audience, segment.of)
        question = self._question(segment, description, match, scope.catalog)
        counted = self.counter().count(scope, segment, question.spec, ctx)
        if question.why_nobody is not None:
            nobody = replace(counted, eligible=0, duplicates=0, no_consent=0, suppressed=0, to_send=0)
            counted = nobody.judged(Verdict.NOT_ELIGIBLE, question.why_nobody)
        counted = replace(counted, linked=linked_members(self.counter(), scope, segment, ctx))
        newest = (_newest(description, match), _newest(description))
        for signature in dict.fromkeys((_signature(question, description, scope), *newest)):
            self._store.counts.save(segment.id, signature, counted)
        return counted

    def total(
        self,
        names: Sequence[str],
        target: str | None,
        ctx: JobContext,
        *,
        match: Mapping[str, str] | None = None,
        audience: str = "",
    ) -> Total:
        """Several segments together, each member once; those the target does not take are left aside. Raises as `count`."""
        scope = self._scope()
        found = [segment_named(self._store, name) for name in dict.fromkeys(names)]
        questions = [
            self._question(segment, self._description(target, audience, segment.of), match, scope.catalog)
            for segment in found
        ]
        going = [question for question in questions if question.why_nobody is None]
        totals = [
            self.counter().totals(scope, [q.segment for q in going if q.spec == spec], spec, ctx)
            for spec in dict.fromkeys(question.spec for question in going)
        ]
        return _sum(totals, complete=len(going) == len(questions))

    def suppressed(self, export: Export, ctx: JobContext) -> int:
        """How many members of a segment export the suppression list keeps back, each once. Raises as `count`."""
        audience = self._destinations.get(export.destination).for_target(export.target).audience_id
        return self.total(export.segments, export.destination, ctx, match=export.match, audience=audience).suppressed

    def estimate(self, segment_name: str, ctx: JobContext) -> Estimate:
        """About how many members, in a few milliseconds. Raises as `count`."""
        return self.counter().estimate(self._scope(), segment_named(self._store, segment_name), ctx)

    def cached(
        self, segment_name: str, target: str | None, audience: str = "", match: Mapping[str, str] | None = None
    ) -> Count | None:
        """The newest count for the destination, without counting anew; it may be stale (`current`), its time says how old."""
        segment = segment_named(self._store, segment_name)
        description = self._description(target, audience, segment.of)
        for signature in dict.fromkeys((_newest(description, match), _newest(description))):
            if (found := self._store.counts.get(segment.id, signature)) is not None:
                return found
        return None

    def current(
        self, segment_name: str, target: str | None, match: Mapping[str, str] | None = None, audience: str = ""
    ) -> Count | None:
        """The count for exactly these rules, rows and match; None when it was never made, or a server's rows may have changed."""
        scope, segment = self._scope(), segment_named(self._store, segment_name)
        description = self._description(target, audience, segment.of)
        question = self._question(segment, description, match, scope.catalog)
        return self._kept(question, description, scope)

    def stale(self) -> list[str]:
        """Names of the segments whose members were never counted with these rules and rows; see `current`."""
        scope = self._scope()
        questions = [self._question(segment, None, None, scope.catalog) for segment in scope.segments]
        return [question.segment.name for question in questions if self._kept(question, None, scope) is None]

    def _kept(self, question: _Question, description: Description | None, scope: Scope) -> Count | None:
        segment = question.segment
        found = self._store.counts.get(segment.id, _signature(question, description, scope))
        table = scope.catalog.by_role(segment.of.role)
        if found is None or table is None or table.server is None:
            return found
        return found if self._clock() - found.counted_at < _SERVER_COUNTS_LAST else None

    def counter(self) -> Counter:
        """The counter of this service, for other questions about the same rows."""
        with self._lock:
            if self._made is None:
                self._made = Counter(self._engine(), listed=None if self._listed is None else self._listed())
            return self._made

    def _scope(self) -> Scope:
        return scope_of(self._store, self._engine().folder, self._clock())

    def _description(self, target: str | None, audience: str, of: SegmentOf) -> Description | None:
        if target is None:
            return None
        connection = self._store.connections.get(target)
        if connection is None:
            found = self._destinations.get(target)
        else:
            found = self._destinations.get(connection.destination).for_connection(connection.settings)
        return found.audience_type(audience) if audience else found.for_members(of)

    def _question(
        self, segment: Segment, description: Description | None, match: Mapping[str, str] | None, catalog: Catalog
    ) -> _Question:
        country = self._store.workspace.info().country_code
        if description is None:
            return _Question(segment, everybody(segment, catalog, country))
        why_nobody = why_not_eligible(segment, description.takes, catalog)
        table = catalog.by_role(segment.of.role)
        wanted = match if match is not None else guess_keys(description.fields, description.key_fields, table)
        fields = matched_fields(
            {key: value for key, value in wanted.items() if "." in value}, description.columns, catalog
        )
        identity = identity_of(fields, description.key_fields, segment, catalog, country)
        if why_nobody is None and description.key_fields and not identity.keys:
            why_nobody = _no_key(segment, description, catalog)
        spec = CountSpec(identity, description.limits) if why_nobody is None else CountSpec()
        return _Question(segment, spec, why_nobody)


def everybody(segment: Segment, catalog: Catalog, country: str) -> CountSpec:
    """How members are counted without a target: each by our own key, on the suppression list or not."""
    return CountSpec(Identity(country=country, contacts=contacts_of({}, segment, catalog)))


def _newest(description: Description | None, match: Mapping[str, str] | None = None) -> str:
    if description is None:
        return newest_signature(None)
    keys = matched_keys(description.key_fields, match or {})
    return newest_signature(description.id, description.audience_id, keys)


def _no_key(segment: Segment, description: Description, catalog: Catalog) -> Phrase:
    names = {field.id: field.name for field in description.fields}
    wanted = joined("or", [names.get(key, key) for key in description.key_fields])
    table = catalog.by_role(segment.of.role)
    return Phrase("no_key", (table.name if table else segment.of.value, wanted))


def _signature(question: _Question, description: Description | None, scope: Scope) -> str:
    """Changes with everything that can change the answer.

    That is the rules (also of the segments they name), the rows of any table, the links, the suppression list, the match and
    the target.
    """
    identity: Identity = question.spec.identity
    limits: Limits = question.spec.limits
    told = {
        "rules": [to_document(segment) for segment in _with_named(question.segment, scope.segments)],
        "tables": sorted((table.id, table.generation, table.key, table.role) for table in scope.catalog.tables),
        "links": sorted(repr(link) for link in scope.catalog.links),
        "identity": repr(identity),
        "limits": repr(limits),
        "reason": str(question.why_nobody or ""),
        "suppression": "" if scope.suppression is None else scope.suppression.generation,
        "destination": "" if description is None else f"{description.id}/{description.audience_id}",
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _with_named(segment: Segment, segments: Sequence[Segment]) -> list[Segment]:
    by_name = {fold(other.name): other for other in segments}
    found, waiting = {fold(segment.name): segment}, [segment]
    while waiting:
        for rule in waiting.pop().rules:
            other = by_name.get(fold(rule.body.name)) if isinstance(rule.body, SegmentRef) else None
            if other is not None and fold(other.name) not in found:
                found[fold(other.name)] = other
                waiting.append(other)
    return [found[name] for name in sorted(found)]


def _sum(totals: Sequence[Total], *, complete: bool) -> Total:
    return Total(
        segments=sum(t.segments for t in totals),
        members=sum(t.members for t in totals),
        not_eligible=sum(t.not_eligible for t in totals),
        duplicates=sum(t.duplicates for t in totals),
        in_several=sum(t.in_several for t in totals),
        no_consent=sum(t.no_consent for t in totals),
        suppressed=sum(t.suppressed for t in totals),
        to_send=sum(t.to_send for t in totals),
        complete=complete,
    )
