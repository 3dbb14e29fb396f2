"""What a builder of segments asks while a person edits: counts of each rule, reach, overlap, members, frequent values.

Each question is one job that can be cancelled; none changes anything. What is asked about need not be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.core.audit import Subject
from app.core.counts import Count, Overlap, Reach
from app.core.errors import FixData
from app.core.names import fold, free_name
from app.core.roles import Action, may
from app.core.segment_editing import finished, unfinished
from app.core.segments import FieldRef, Issue, Rule, Segment, SegmentRef, SetOperator
from app.core.tables import Catalog, Column, Meaning, Table
from app.data import key_lists
from app.data.counting import Counter
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity, MatchedField
from app.data.links import paths
from app.data.looking import frequent_values
from app.data.members import Members, segment_table
from app.data.segment_issues import placed_issues
from app.data.table_rows import LOOKED_AT, looked_at
from app.data.workspace_rows import KeyFacts, Scope
from app.jobs import JobContext
from app.services.audit import AuditService
from app.services.counts import everybody
from app.services.known_counts import newest_signature
from app.services.linked_members import linked_members
from app.services.roles import RoleService
from app.services.scopes import scope_of
from app.services.segment_members import MemberPage, member_page
from app.services.setting_aside import set_aside
from app.store import Store

FREQUENT = 200
"""Values offered of one column."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a builder works with: tables and links, all saved segments by name, and what this person may do."""

    catalog: Catalog
    segments: tuple[Segment, ...]
    may_change: bool
    may_show: bool

    def linked(self, table: Table) -> tuple[Table, ...]:
        """The tables a rule may ask about for members of that table: those with exactly one way there."""
        return tuple(
            other
            for other in self.catalog.tables
            if other.id != table.id and len(paths(self.catalog, table.name, other.name)) == 1
        )


@dataclass(frozen=True, slots=True)
class Look:
    """What a segment being edited gives now.

    `rules` and `running` have a number for each of its rules, None for one that is left out as unfinished; a fixed list and
    a query have one. `members` is None while issues keep it from being counted, or nothing is asked yet. `keys` says how many
    keys a fixed list holds, known ones or not.
    """

    issues: tuple[Issue, ...]
    rules: tuple[int | None, ...] = ()
    running: tuple[int | None, ...] = ()
    members: int | None = None
    everyone: int = 0
    keys: int | None = None


class SegmentBuilder:
    """Answers about segments that are being edited; thread safe."""

    def __init__(
        self,
        store: Store,
        engine: Callable[[], DuckDBEngine],
        counter: Callable[[], Counter],
        roles: RoleService,
        audit: AuditService,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._engine = engine
        self._counter = counter
        self._roles = roles
        self._audit = audit
        self._clock = clock
        self._looked = False

    def ground(self) -> Ground:
        """What there is to build from."""
        role = self._roles.role()
        return Ground(
            self._store.tables.catalog(),
            self._store.segments.all(),
            may(role, Action.CHANGE_SEGMENTS),
            may(role, Action.SHOW_PERSONAL_VALUES),
        )

    def look(self, draft: Segment, ctx: JobContext) -> Look:
        """Issues, and the counts when there are none; FixData when a query fails, Cancelled."""
        scope, segment = self._scope_with(draft)
        found = self._issues(draft, scope)
        ready = finished(segment)
        if found or not (ready.rules or ready.list_file or ready.sql):
            return Look(tuple(found))
        counted = self._counter().narrowing(scope, ready, ctx)
        self._set_aside()
        kept = _kept_rules(draft)
        if not draft.rules:
            keys = key_lists.keys_in(self._engine(), ready.list_file, ctx) if ready.list_file else None
            return Look((), counted.rules, counted.running, counted.running[-1], counted.everyone, keys)
        alone = dict(zip(kept, counted.rules, strict=True))
        after = dict(zip(kept, counted.running, strict=True))
        numbers = range(len(draft.rules))
        return Look(
            (),
            tuple(alone.get(number) for number in numbers),
            tuple(after.get(number) for number in numbers),
            counted.running[-1],
            counted.everyone,
        )

    def reach(self, draft: Segment, ctx: JobContext) -> Reach:
        """How many members have a usable address, a usable number, agreed, and are suppressed; raises as `look`."""
        scope, segment = self._countable(draft)
        table = segment_table(scope, segment)
        fields = {
            str(meaning): MatchedField(FieldRef(table.name, column.name), rule)
            for meaning, rule in ((Meaning.EMAIL, "email"), (Meaning.PHONE, "phone_e164"))
            if (column := table.first_meaning(meaning)) is not None
        }
        consent = table.first_meaning(Meaning.CONSENT)
        agreeing = None if consent is None else FieldRef(table.name, consent.name)
        words = () if consent is None else consent.means
        identity = Identity(consent=agreeing, empty_refuses=True, country=self._country(), consent_means=words)
        engine = self._engine()
        usable, agreed = Members(engine, KeyFacts(engine)).reach(scope, segment, fields, identity, ctx)
        if table.server is not None:  # so that the next look needs no long question there
            self._counter().warm(scope, [segment], everybody(segment, scope.catalog, self._country()), ctx)
        return Reach(
            usable.get(Meaning.EMAIL),
            usable.get(Meaning.PHONE),
            None if consent is None else agreed,
            self._suppressed(scope, segment, ctx),
            linked_members(self._counter(), scope, segment, ctx),
        )

    def _suppressed(self, scope: Scope, segment: Segment, ctx: JobContext) -> int:
        """How many members the list keeps back from every target."""
        if scope.suppression is None:
            return 0
        return self._counter().count(scope, segment, everybody(segment, scope.catalog, self._country()), ctx).suppressed

    def _country(self) -> str:
        return self._store.workspace.info().country_code

    def overlap(self, draft: Segment, other: str, ctx: JobContext) -> Overlap:
        """How many members are also in another segment; raises as `look`."""
        scope, segment = self._countable(draft)
        together = Segment(
            "",
            free_name("Overlap", frozenset(fold(s.name) for s in scope.segments)),
            segment.of,
            rules=(
                Rule(SetOperator.UNION, SegmentRef(segment.name)),
                Rule(SetOperator.INTERSECT, SegmentRef(other)),
            ),
        )
        counted = self._counter().narrowing(scope, together, ctx)
        return Overlap(counted.rules[0], counted.rules[1], counted.running[1])

    def members(self, draft: Segment, limit: int, ctx: JobContext, *, masked: bool) -> MemberPage:
        """The first members by key; personal values masked when asked, and always for a role that may not see them."""
        scope, segment = self._countable(draft)
        hide = masked or not may(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        page = member_page(self._engine(), scope, segment, limit, ctx, masked=hide)
        if not hide:
            note = f"{len(page.rows):,} members"
            self._audit.values_shown(Subject.SEGMENT, segment.name, subject_id=segment.id, note=note)
        return page

    def frequent(self, field: FieldRef, ctx: JobContext) -> tuple[tuple[str, int], ...]:
        """The most frequent values of a column with their rows; none of personal columns and where each row has its own."""
        found = self._column(field)
        if found is None:
            return ()
        table, column = found
        engine = self._engine()
        with engine.cursor(ctx.token) as cursor:
            source, _ = looked_at(engine, cursor, table, LOOKED_AT, ctx.token)
            return frequent_values(cursor, column, source, FREQUENT)

    def history(self, segment_id: str, limit: int) -> tuple[Count, ...]:
        """The newest counts of members of a saved segment, oldest first."""
        return tuple(reversed(self._store.counts.history(segment_id, limit, newest_signature(None))))

    def _set_aside(self) -> None:
        """With the first count everything is loaded, and what is loaded stays.

        Compiling rules makes and drops many small objects, so the garbage collector would walk through all that is loaded
        again and again while somebody types, and the window waits for it: 200 ms each time, measured.
        """
        if not self._looked:
            self._looked = True
            set_aside()

    def _issues(self, draft: Segment, scope: Scope) -> list[Issue]:
        """Of the draft as it is, so that places fit; what is unfinished is no issue."""
        named = replace(draft, name=scope.segments[-1].name)
        left_out = set(unfinished(draft))
        if not (draft.rules or draft.list_file or draft.sql):
            return []
        known = {other.name: other for other in scope.segments[:-1]}
        return [i for i in placed_issues(named, scope.catalog, known) if i.place not in left_out]

    def _countable(self, draft: Segment) -> tuple[Scope, Segment]:
        scope, segment = self._scope_with(draft)
        ready = finished(segment)
        if not (ready.rules or ready.list_file or ready.sql):
            raise FixData("Nothing is asked yet.", "The segment has no finished rule.", "Add one.", code="unfinished")
        return replace(scope, segments=(*scope.segments[:-1], ready)), ready

    def _scope_with(self, draft: Segment) -> tuple[Scope, Segment]:
        """Everything as saved but the draft as it is; it keeps the name others know it by, and stands last."""
        scope = scope_of(self._store, self._engine().folder, self._clock())
        segments: Sequence[Segment] = scope.segments
        saved = next((s for s in segments if s.id == draft.id), None)
        others = [s for s in segments if s.id != draft.id]
        taken = frozenset(fold(s.name) for s in others)
        name = saved.name if saved is not None else free_name(draft.name.strip() or "New segment", taken)
        segment = replace(draft, name=name)
        return replace(scope, segments=(*others, finished(segment))), segment

    def _column(self, field: FieldRef) -> tuple[Table, Column] | None:
        table = self._store.tables.get(field.table)
        column = None if table is None else table.column(field.column)
        return None if table is None or column is None else (table, column)


def _kept_rules(draft: Segment) -> list[int]:
    """The numbers of the rules that `finished` keeps."""
    return [number for number, rule in enumerate(draft.rules) if finished(replace(draft, rules=(rule,))).rules]
