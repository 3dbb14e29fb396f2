"""Drafts: an export on its way through a wizard, kept between the steps and judged step by step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core import layouts
from app.core.connections import Consent
from app.core.errors import FixData, SendoffError
from app.core.export_documents import (
    layout_document,
    read_layout,
    read_schedule,
    schedule_document,
)
from app.core.exports import Export, ExportKind, Guard, Layout, OnlyChanges, SyncMode, TableChoice
from app.core.file_formats import Format
from app.core.file_rules import FileRules
from app.core.format_documents import format_document, read_format
from app.core.names import checked_name, fold, new_id
from app.core.schedules import Schedule


class Step(StrEnum):
    """The steps of both wizards; CONTENT is segments or tables, SHAPE is matching or format and layout."""

    DESTINATION = "destination"
    CONTENT = "content"
    SHAPE = "shape"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Needs:
    """What the steps are judged by: the world outside the draft, as far as it is known.

    `taken` holds the folded names of other exports. `blocked` gives the sentence for each segment that can't go (not
    eligible, too large). `required` and `keys` map target fields to their names, `target` the destination's own export
    fields that must be filled to their labels. `sync_modes` empty means that the destination has none to choose. `file_rules`
    are those of the destination, whose name is `destination`.
    """

    taken: frozenset[str] = frozenset()
    blocked: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    target: Mapping[str, str] = field(default_factory=dict)
    sync_modes: tuple[SyncMode, ...] = ()
    any_field: bool = False
    file_rules: FileRules = field(default_factory=FileRules)
    destination: str = "The destination"


@dataclass(frozen=True, slots=True)
class _Draft:
    """What both wizards share; `export_id`, `revision` and the origin are those of the export being edited, if any."""

    id: str = field(default_factory=new_id)
    export_id: str | None = None
    revision: int = 0
    created_at: datetime | None = None
    created_by: str = ""
    step: Step = Step.DESTINATION
    name: str = ""
    destination: str = ""
    connection: str | None = None
    format: Format = field(default_factory=Format)
    layout: Layout = field(default_factory=Layout)
    schedule: Schedule | None = None
    agreed: bool = False
    guard: Guard = field(default_factory=Guard)

    def _destination_issues(self, needs: Needs) -> list[str]:
        found = []
        try:
            name = checked_name(self.name, "export")
            if fold(name) in needs.taken:
                found.append(f"There is already an export named “{name}”.")
        except SendoffError as error:
            found.append(error.what)
        if not self.destination:
            found.append("Choose where it goes.")
        elif self.connection is None:
            found.append("Choose a connection.")
        return found

    def _file_issues(self, needs: Needs, items: int, columns: Iterable[str] = ()) -> list[str]:
        return [
            *layouts.check(self.layout, self.format, items),
            *needs.file_rules.broken(needs.destination, self.format, self.layout, columns),
        ]

    def _review_issues(self) -> list[str]:
        return [] if self.agreed else ["Agree that this data goes to the destination."]

    def _base(self, kind: ExportKind, now: datetime, person: str) -> Export:
        return Export(
            id=self.export_id or new_id(),
            revision=self.revision,
            name=self.name.strip(),
            kind=kind,
            destination=self.destination,
            connection=self.connection,
            created_at=self.created_at or now,
            created_by=self.created_by or person,
            format=self.format,
            layout=self.layout,
            schedule=self.schedule,
            guard=self.guard,
            consent=Consent(person, now) if self.agreed else None,
        )

    def to_json(self) -> str:
        """The draft as text for the store."""
        document = asdict(self)
        document["format"] = format_document(self.format)
        document["layout"] = layout_document(self.layout)
        document["schedule"] = None if self.schedule is None else schedule_document(self.schedule)
        document["created_at"] = None if self.created_at is None else self.created_at.isoformat()
        return json.dumps(document, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class SegmentDraft(_Draft):
    """A segment export in the making; the fields mean what those of `Export` mean."""

    segments: tuple[str, ...] = ()
    target: Mapping[str, str] = field(default_factory=dict)
    match: Mapping[str, str] = field(default_factory=dict)
    sync: SyncMode | None = None

    def issues(self, step: Step, needs: Needs | None = None) -> list[str]:
        """What keeps this step from being done, one sentence each; empty when the wizard may go on."""
        needs = needs or Needs()
        return {
            Step.DESTINATION: self._destination_issues,
            Step.CONTENT: self._segment_issues,
            Step.SHAPE: self._match_issues,
            Step.REVIEW: self._last_issues,
        }[step](needs)

    def to_export(self, now: datetime, person: str, needs: Needs | None = None) -> Export:
        """The export, once no step has an issue; raises FixData with the first one."""
        _demand_done(self, needs)
        export = self.so_far(now, person)
        return _uncompared(export) if needs is not None and needs.any_field else export

    def so_far(self, now: datetime, person: str) -> Export:
        """The export as far as it is, to look at what it would send; not to be saved."""
        return replace(
            self._base(ExportKind.SEGMENT, now, person),
            segments=self.segments,
            target=dict(self.target),
            match=dict(self.match),
            sync=self.sync or SyncMode.UPDATE,
        )

    @classmethod
    def from_export(cls, export: Export) -> SegmentDraft:
        """A draft that edits the export."""
        return cls(
            **_shared(export), segments=export.segments, target=export.target, match=export.match, sync=export.sync
        )

    @classmethod
    def from_json(cls, text: str) -> SegmentDraft:
        """The draft that `to_json` wrote; raises FixData for any other text."""
        document = _document(text)
        try:
            return cls(
                **_read_shared(document),
                segments=tuple(document["segments"]),
                target=dict(document["target"]),
                match=dict(document["match"]),
                sync=None if document["sync"] is None else SyncMode(document["sync"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(error) from None

    def _segment_issues(self, needs: Needs) -> list[str]:
        if not self.segments:
            return ["Choose at least one segment."]
        blocked = [f"“{name}”: {needs.blocked[name]}" for name in self.segments if name in needs.blocked]
        # One that can go is enough: the others are skipped as a whole, and the step says so beside them.
        return blocked if len(blocked) == len(self.segments) else []

    def _match_issues(self, needs: Needs) -> list[str]:
        found = [f"Fill in “{label}”." for key, label in needs.target.items() if not self.target.get(key)]
        found += [f"Choose a field for “{name}”." for key, name in needs.required.items() if not self.match.get(key)]
        if needs.keys and not any(self.match.get(key) for key in needs.keys):
            names = " or ".join(f"“{name}”" for name in needs.keys.values())
            found.append(f"Choose a field for {names}: without it members can't be told apart.")
        if needs.any_field and not self.match:
            found.append("Choose at least one field to write.")
        if needs.any_field:
            found += self._file_issues(needs, len(self.segments), self.match)
        return found

    def _last_issues(self, needs: Needs) -> list[str]:
        found = self._review_issues()
        if needs.sync_modes and self.sync is not None and self.sync not in needs.sync_modes:
            found.insert(0, f"The destination can't {self.sync}; choose another way to sync.")
        return found


@dataclass(frozen=True, slots=True)
class DataOutDraft(_Draft):
    """A data-out export in the making; the fields mean what those of `Export` mean."""

    tables: tuple[TableChoice, ...] = ()
    leave_out_suppressed: bool = False

    def issues(self, step: Step, needs: Needs | None = None) -> list[str]:
        """What keeps this step from being done, one sentence each; empty when the wizard may go on."""
        if step is Step.DESTINATION:
            return self._destination_issues(needs or Needs())
        if step is Step.CONTENT:
            return self._table_issues()
        if step is Step.SHAPE:
            return self._file_issues(needs or Needs(), len(self.tables))
        return self._review_issues()

    def to_export(self, now: datetime, person: str, needs: Needs | None = None) -> Export:
        """The export, once no step has an issue; raises FixData with the first one."""
        _demand_done(self, needs)
        export = self.so_far(now, person)
        return _uncompared(export) if self.layout.only_changes is OnlyChanges.OFF else export

    def so_far(self, now: datetime, person: str) -> Export:
        """The export as far as it is, to look at what it would write; not to be saved."""
        return replace(
            self._base(ExportKind.DATA_OUT, now, person),
            tables=self.tables,
            leave_out_suppressed=self.leave_out_suppressed,
        )

    @classmethod
    def from_export(cls, export: Export) -> DataOutDraft:
        """A draft that edits the export."""
        return cls(**_shared(export), tables=export.tables, leave_out_suppressed=export.leave_out_suppressed)

    @classmethod
    def from_json(cls, text: str) -> DataOutDraft:
        """The draft that `to_json` wrote; raises FixData for any other text."""
        document = _document(text)
        try:
            tables = tuple(
                TableChoice(item["name"], None if item["fields"] is None else tuple(item["fields"]))
                for item in document["tables"]
            )
            # Drafts of the first version have no such entry.
            leave_out = bool(document.get("leave_out_suppressed", False))
            return cls(**_read_shared(document), tables=tables, leave_out_suppressed=leave_out)
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(error) from None

    def _table_issues(self) -> list[str]:
        if not self.tables:
            return ["Choose at least one table."]
        return [
            f"Choose at least one field of “{t.name}”." for t in self.tables if t.fields is not None and not t.fields
        ]


def _uncompared(export: Export) -> Export:
    """The export without the limit that its form does not show, because what it writes is compared with nothing."""
    return replace(export, guard=replace(export.guard, changed_percent=None))


def _demand_done(draft: SegmentDraft | DataOutDraft, needs: Needs | None) -> None:
    for step in Step:
        found = draft.issues(step, needs)
        if found:
            raise FixData("The export is not complete.", found[0], f"Go back to the step “{step}”.", code="draft")


def _shared(export: Export) -> dict[str, Any]:
    return {
        "export_id": export.id,
        "revision": export.revision,
        "created_at": export.created_at,
        "created_by": export.created_by,
        "name": export.name,
        "destination": export.destination,
        "connection": export.connection,
        "format": export.format,
        "layout": export.layout,
        "schedule": export.schedule,
        "agreed": export.consent is not None,
        "guard": export.guard,
    }


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _unreadable(error) from None
    if not isinstance(document, dict):
        raise _unreadable(TypeError())
    return document


def _read_shared(document: Mapping[str, Any]) -> dict[str, Any]:
    shared = {each.name: document[each.name] for each in fields(_Draft) if each.name in document}
    shared["guard"] = Guard(**shared.get("guard", {}))
    shared["step"] = Step(shared["step"])
    shared["format"] = read_format(shared["format"], "The draft")
    shared["layout"] = read_layout(shared["layout"], "The draft")
    shared["schedule"] = read_schedule(shared["schedule"], "The draft")
    if shared["created_at"] is not None:
        shared["created_at"] = datetime.fromisoformat(shared["created_at"])
    return shared


def _unreadable(error: Exception) -> FixData:
    return FixData(
        "This draft can't be opened.",
        f"It was not written by this version of Sendoff ({type(error).__name__}).",
        "Begin the export anew.",
        code="draft_unreadable",
    )
