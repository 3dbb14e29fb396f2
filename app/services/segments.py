"""Segments: made from documents and rule builders, listed, looked into, removed and put back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.audit import Subject
from app.core.counts import Count
from app.core.errors import FixData, FixSettings
from app.core.names import checked_name, fold, new_id
from app.core.roles import Action, may
from app.core.segment_documents import parse, to_document
from app.core.segment_editing import unfinished
from app.core.segment_references import circle, circle_words, names_in, referring
from app.core.segment_words import words
from app.core.segments import Segment, SegmentOf
from app.core.tables import Catalog
from app.data import key_lists
from app.data.engines.duckdb import DuckDBEngine
from app.data.segment_issues import issues
from app.data.segment_query import query_refusal
from app.jobs import JobContext
from app.services.finding import segment_named
from app.services.roles import RoleService
from app.services.scopes import scope_of
from app.services.segment_members import MemberPage, member_page
from app.services.trail import Trail
from app.store import Store


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment as a list shows it: its rules, one sentence each, and its newest count of any kind, with its time."""

    segment: Segment
    words: tuple[str, ...]
    count: Count | None


@dataclass(frozen=True, slots=True)
class FixedList:
    """A list of keys in the workspace: `name` for a segment's `list_file`, and how many keys it holds."""

    name: str
    keys: int


class SegmentService:
    """Segments of the workspace; thread safe. The engine is asked for only by what looks at rows."""

    def __init__(
        self,
        store: Store,
        engine: Callable[[], DuckDBEngine],
        roles: RoleService,
        folder: Path,
        trail: Trail,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._engine = engine
        self._roles = roles
        self._folder = folder
        self._trail = trail
        self._clock = clock

    # Looking

    def all(self) -> list[SegmentRow]:
        """All segments, by name."""
        return [
            SegmentRow(segment, words(segment), next(iter(self._store.counts.history(segment.id, 1)), None))
            for segment in self._store.segments.all()
        ]

    def get(self, name: str) -> Segment:
        """The segment of that name, regardless of case; raises FixData with code "no_segment"."""
        return segment_named(self._store, name)

    def document(self, name: str) -> dict[str, object]:
        """The segment as its file would be."""
        return to_document(self.get(name))

    def words(self, name: str) -> tuple[str, ...]:
        """The segment in words, one sentence per rule."""
        return words(self.get(name))

    def issues(self, segment: str | Segment) -> list[str]:
        """What keeps a segment, saved or not, from being counted, in sentences; empty when all is well."""
        segment = self.get(segment) if isinstance(segment, str) else segment
        known = {other.name: other for other in self._store.segments.all() if other.id != segment.id}
        return issues(segment, self._store.tables.catalog(), known)

    def used_by(self, name: str) -> list[str]:
        """Names of the segments, then of the exports, that need it."""
        wanted = fold(self.get(name).name)
        segments = [s.name for s in self._store.segments.all() if wanted in names_in(s)]
        exports = [e.name for e in self._store.exports.all() if wanted in {fold(s) for s in e.segments}]
        return segments + exports

    def members(self, name: str, limit: int, ctx: JobContext, *, masked: bool = False) -> MemberPage:
        """The first members by key; personal values masked when asked, and always for a role that may not see them.

        FixData when the segment has issues.
        """
        scope = scope_of(self._store, self._engine().folder, self._clock())
        hide = masked or not may(self._roles.role(), Action.SHOW_PERSONAL_VALUES)
        segment = self.get(name)
        page = member_page(self._engine(), scope, segment, limit, ctx, masked=hide)
        if not hide:
            note = f"{len(page.rows):,} members"
            self._trail.audit.values_shown(Subject.SEGMENT, segment.name, subject_id=segment.id, note=note)
        return page

    # Making and changing

    def save(self, document: Mapping[str, Any], base: Path | None = None, ctx: JobContext | None = None) -> Segment:
        """Create or change the segment a document names; `base` is where a `list:` file is looked for.

        Raises FixData for the document and its list, NotAllowed, and the store's errors. A segment with issues is saved:
        it may wait for its tables.
        """
        return self.save_all([document], base, ctx)[0]

    def save_all(
        self, documents: Sequence[Mapping[str, Any]], base: Path | None = None, ctx: JobContext | None = None
    ) -> list[Segment]:
        """Create or change the segments of all documents; none is saved when one of them is wrong."""
        self._roles.demand(Action.CHANGE_SEGMENTS)
        parsed = [self._identified(parse(document, segment_id=new_id())) for document in documents]
        names = [fold(segment.name) for segment in parsed]
        twice = next((segment.name for segment in parsed if names.count(fold(segment.name)) > 1), None)
        if twice is not None:
            raise FixData(f"“{twice}” is defined twice.", "Each segment stands once.", "Remove one.", code="twice")
        for segment in parsed:
            self._refuse_writing(segment)
        catalog, taken = self._store.tables.catalog(), ctx or JobContext()
        self._refuse_circles(parsed)
        return self._save([self._with_list(segment, base, catalog, taken) for segment in parsed])

    def save_edited(self, segment: Segment) -> Segment:
        """Save what a builder made: a new segment, or the one of that id; another name is taken over by what uses it.

        Raises FixData with code "unfinished", "circle" or "not_read_only", NotAllowed, and the store's errors.
        """
        self._roles.demand(Action.CHANGE_SEGMENTS)
        segment = replace(segment, name=checked_name(segment.name, "segment"))
        if unfinished(segment) or not (segment.rules or segment.list_file or segment.sql):
            raise FixData(
                f"“{segment.name}” is not finished.",
                "A condition lacks its field or its value, or there is none yet.",
                "Fill it in or take it out.",
                code="unfinished",
            )
        self._refuse_writing(segment)
        before = self._store.segments.by_id(segment.id)
        old = fold(segment.name if before is None else before.name)
        return self._save_renamed(segment, old)

    def rename(self, name: str, new_name: str) -> Segment:
        """Give it another name, also in the segments and exports that use it."""
        self._roles.demand(Action.CHANGE_SEGMENTS)
        segment = self.get(name)
        return self._save_renamed(replace(segment, name=checked_name(new_name, "segment")), fold(segment.name))

    def _save_renamed(self, renamed: Segment, old: str) -> Segment:
        """Save it, and let what knew it by its old folded name know it by the new one."""
        using = [s for s in self._store.segments.all() if s.id != renamed.id and old in names_in(s)]
        changed = (
            [renamed] if fold(renamed.name) == old else [renamed, *(referring(s, old, renamed.name) for s in using)]
        )
        self._refuse_circles(changed)
        saved, *_ = self._save(changed)
        if fold(renamed.name) == old:
            return saved
        for export in self._store.exports.all():
            if old in {fold(name) for name in export.segments}:
                named = tuple(renamed.name if fold(name) == old else name for name in export.segments)
                self._store.exports.save(replace(export, segments=named))
        return saved

    def take_list(self, source: Path, of: SegmentOf, ctx: JobContext) -> FixedList:
        """Read the keys of a file into the workspace; raises FixData as `save` does, Cancelled."""
        self._roles.demand(Action.CHANGE_SEGMENTS)
        name = key_lists.take_in(self._engine(), source, self._key_of(of, self._store.tables.catalog()), ctx)
        return FixedList(name, key_lists.keys_in(self._engine(), name, ctx))

    def paste_list(self, text: str, ctx: JobContext) -> FixedList:
        """Keep the keys of a text, which stand between line breaks, commas, semicolons or tabs; raises as `take_list`."""
        self._roles.demand(Action.CHANGE_SEGMENTS)
        keys = [part.strip().strip('"') for part in re.split(r"[\r\n,;\t]+", text)]
        name = key_lists.keep(self._engine(), keys, ctx)
        return FixedList(name, key_lists.keys_in(self._engine(), name, ctx))

    def remove(self, name: str) -> Segment:
        """Remove a segment and return it for `put_back`; FixSettings with code "in_use" while something needs it."""
        self._roles.demand(Action.CHANGE_SEGMENTS)
        segment = self.get(name)
        users = self.used_by(name)
        if users:
            raise FixSettings(
                f"“{segment.name}” is in use.",
                f"It is needed by {', '.join(users)}.",
                "Take it out there first.",
                code="in_use",
            )
        removed = self._store.segments.remove(segment.id)
        self._trail.segment_removed(removed)
        return removed

    def put_back(self, segment: Segment) -> Segment:
        """Bring back what `remove` returned."""
        self._roles.demand(Action.CHANGE_SEGMENTS)
        stored = self._store.segments.save(segment)
        self._trail.segment_put_back(stored)
        return stored

    def _save(self, segments: Sequence[Segment]) -> list[Segment]:
        before = [self._store.segments.by_id(segment.id) for segment in segments]
        saved = self._store.segments.save_all(segments)
        for was, segment in zip(before, saved, strict=True):
            self._trail.segment_saved(was, segment)
        return saved

    def _identified(self, segment: Segment) -> Segment:
        """With the id and revision of the segment it changes, when there is one of that name."""
        checked = replace(segment, name=checked_name(segment.name, "segment"))
        before = self._store.segments.get(checked.name)
        return checked if before is None else replace(checked, id=before.id, revision=before.revision)

    def _refuse_circles(self, parsed: Sequence[Segment]) -> None:
        ids = {segment.id for segment in parsed}
        known = {fold(s.name): s for s in self._store.segments.all() if s.id not in ids}
        known |= {fold(s.name): s for s in parsed}
        for segment in parsed:
            found = circle(segment, known)
            if found:
                raise FixData(
                    f"“{segment.name}” can't be saved.",
                    circle_words(found),
                    "Take one of them out of the circle.",
                    code="circle",
                )

    def _with_list(self, segment: Segment, base: Path | None, catalog: Catalog, ctx: JobContext) -> Segment:
        if segment.list_file is None or key_lists.known(self._engine(), segment.list_file):
            return segment
        source = (base or self._folder) / segment.list_file
        key = self._key_of(segment.of, catalog)
        return replace(segment, list_file=key_lists.take_in(self._engine(), source, key, ctx))

    def purge_removed(self, lapsed: datetime) -> None:
        """Delete for good what was removed before that moment."""
        for segment in self._store.segments.removed(lapsed):
            self._store.segments.purge(segment.id)

    def clear_away(self, lapsed: datetime) -> None:
        """Delete the lists that were taken in before that moment and that no segment needs, removed ones included."""
        segments = (*self._store.segments.all(), *self._store.segments.removed())
        needed = frozenset(segment.list_file for segment in segments if segment.list_file)
        key_lists.clear_away(self._folder, needed, lapsed)

    @staticmethod
    def _key_of(of: SegmentOf, catalog: Catalog) -> str:
        table = catalog.by_role(of.role)
        return "key" if table is None or table.key is None else table.key

    @staticmethod
    def _refuse_writing(segment: Segment) -> None:
        sentence = "" if segment.sql is None else query_refusal(segment.sql, DuckDBEngine.dialect)
        if sentence:
            raise FixData(
                f"“{segment.name}” can't be saved.",
                sentence,
                "Write one SELECT that gives the key of the members.",
                code="not_read_only",
            )
