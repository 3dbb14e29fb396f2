"""Putting back as before what an entry of the audit trail changed; each is a new change with an entry of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.core.audit import AuditEntry, Deed
from app.core.connections import Connection
from app.core.errors import FixData
from app.core.exports import Export
from app.core.roles import Action, Role, may
from app.core.segments import FieldRef
from app.core.tables import Meaning, TableRole
from app.services.audit import AuditService
from app.services.connections import ConnectionService
from app.services.exports import ExportService
from app.services.workspaces import WorkspaceService
from app.store import Store
from app.store.codec import plain, segment_codec

if TYPE_CHECKING:  # they load the engine
    from app.services.segments import SegmentService
    from app.services.suppression import SuppressionService
    from app.services.tables import TableService

ARROW = " → "
_MEANING = "meaning of "


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)

_NEEDS: Mapping[Deed, Action] = {
    Deed.EXPORT_CHANGED: Action.CHANGE_EXPORTS,
    Deed.EXPORT_REMOVED: Action.CHANGE_EXPORTS,
    Deed.CONNECTION_CHANGED: Action.CHANGE_CONNECTIONS,
    Deed.CONNECTION_REMOVED: Action.CHANGE_CONNECTIONS,
    Deed.SEGMENT_CHANGED: Action.CHANGE_SEGMENTS,
    Deed.SEGMENT_REMOVED: Action.CHANGE_SEGMENTS,
    Deed.TABLE_CHANGED: Action.CHANGE_TABLES,
    Deed.TABLE_REMOVED: Action.CHANGE_TABLES,
    Deed.SUPPRESSION_LIST: Action.CHANGE_SUPPRESSION,
    Deed.SETTING_CHANGED: Action.CHANGE_SETTINGS,
}


def can_put_back(entry: AuditEntry, role: Role) -> bool:
    """Whether the entry holds what is needed and the role may; that the thing is still there shows when it is done."""
    needed = _NEEDS.get(entry.deed)
    if needed is None or not may(role, needed):
        return False
    if entry.deed is Deed.TABLE_CHANGED:
        return bool(_said_before(entry) or _link(entry))
    if entry.deed is Deed.SETTING_CHANGED:
        return bool({"name", "country"} & entry.before.keys())
    return bool(entry.former)


class PuttingBack:
    """Thread safe; each call is a change of the service that owns the thing, and raises what that one does."""

    def __init__(
        self,
        store: Store,
        audit: AuditService,
        exports: ExportService,
        connections: ConnectionService,
        workspace: WorkspaceService,
        segments: Callable[[], SegmentService],
        tables: Callable[[], TableService],
        suppression: Callable[[], SuppressionService],
    ) -> None:
        self._store = store
        self._audit = audit
        self._exports = exports
        self._connections = connections
        self._workspace = workspace
        self._segments = segments
        self._tables = tables
        self._suppression = suppression
        self._ways: Mapping[Deed, Callable[[AuditEntry], object]] = {
            Deed.EXPORT_CHANGED: self._export,
            Deed.EXPORT_REMOVED: lambda e: exports.put_back(_found(store.exports.removed(), e)),
            Deed.CONNECTION_CHANGED: self._connection,
            Deed.CONNECTION_REMOVED: lambda e: connections.put_back(_found(store.connections.removed(), e)),
            Deed.SEGMENT_CHANGED: self._segment,
            Deed.SEGMENT_REMOVED: lambda e: segments().put_back(_found(store.segments.removed(), e)),
            Deed.TABLE_CHANGED: self._table,
            Deed.TABLE_REMOVED: lambda e: tables().put_back(_found(store.tables.removed(), e)),
            Deed.SUPPRESSION_LIST: self._list,
            Deed.SETTING_CHANGED: self._setting,
        }

    def put_back(self, entry_id: int) -> AuditEntry:
        """Make the thing as it was before the entry and return the entry.

        Raises FixData with code "no_way_back" when the entry can't be taken back or its thing is gone, NotAllowed.
        """
        entry = self._audit.get(entry_id)
        way = self._ways.get(entry.deed)
        if way is None or not can_put_back(entry, Role.ADMIN):  # whether this role may is the services' to say
            raise FixData(
                "Nothing was put back.",
                "What this entry tells can't be taken back by itself.",
                "Change it by hand where it belongs.",
                code="no_way_back",
            )
        way(entry)
        return entry

    def _export(self, entry: AuditEntry) -> None:
        former = plain(Export).decode(entry.former)
        now = _found(self._store.exports.all(), entry)
        self._exports.save(replace(former, revision=now.revision))

    def _connection(self, entry: AuditEntry) -> None:
        former = plain(Connection).decode(entry.former)
        now = _found(self._store.connections.all(), entry)
        self._connections.edit(now.name, new_name=former.name, settings=former.settings, access=former.access)

    def _segment(self, entry: AuditEntry) -> None:
        former = segment_codec().decode(entry.former)
        now = _found(self._store.segments.all(), entry)
        self._segments().save_edited(replace(former, revision=now.revision))

    def _table(self, entry: AuditEntry) -> None:
        link = _link(entry)
        if link is not None:
            one, many = link
            if entry.before.get("link"):
                self._tables().links.add(one, many)
            else:
                self._tables().links.remove(one, many)
            return
        name = _found(self._store.tables.all(), entry).name
        said = _said_before(entry)
        for fact, value in said.items():
            if fact.startswith(_MEANING):
                meaning = Meaning(value.partition(",")[0])
                self._tables().set_meaning(name, fact.removeprefix(_MEANING), meaning)
        if {"role", "key"} & said.keys():
            table = _found(self._store.tables.all(), entry)
            role, key = said.get("role", table.role.value), said.get("key", table.key)
            self._tables().set_role(name, TableRole(role), key or None)

    def _list(self, entry: AuditEntry) -> None:
        former = json.loads(entry.former)
        if "undo_import" in former:
            self._suppression().undo_import(former["undo_import"])
        else:
            self._suppression().put_back_source(former["put_back_source"])

    def _setting(self, entry: AuditEntry) -> None:
        if "name" in entry.before:
            self._workspace.rename(entry.before["name"])
        else:
            self._workspace.set_country(entry.before["country"])


def _said_before(entry: AuditEntry) -> dict[str, str]:
    """What was said of a table and is something else now; that a meaning was only guessed is not taken back."""
    known = {"role", "key"}
    return {
        fact: value
        for fact, value in entry.before.items()
        if (fact in known or fact.startswith(_MEANING))
        and value.partition(",")[0] != entry.after.get(fact, "").partition(",")[0]
    }


def _link(entry: AuditEntry) -> tuple[FieldRef, FieldRef] | None:
    words = entry.before.get("link") or entry.after.get("link") or ""
    one, arrow, many = words.partition(ARROW)
    return (FieldRef.parse(one), FieldRef.parse(many)) if arrow else None


def _found(there: Iterable[T], entry: AuditEntry) -> T:
    found = next((each for each in there if each.id == entry.subject_id), None)
    if found is None:
        raise FixData(
            f"“{entry.name}” was not put back.",
            "It is not there any more, or was removed too long ago.",
            "Make it anew.",
            code="no_way_back",
        )
    return found
