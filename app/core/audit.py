"""The audit trail: who did what, on what, when, and what it was before and after.

An entry never holds a secret or a personal value: facts are settings and names of columns, and whatever looks like an address
or a phone number is left out of every text (`without_people`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from app.core.roles import Role
from app.core.segment_words import words
from app.core.segments import Condition, Group, Segment, Span
from app.core.tables import Catalog, Column, Meaning, Table

HIDDEN = "…"
"""Stands where a value would point at a person."""

_ADDRESS = re.compile(r"[^\s@,;\"'<>()\[\]:=]+@[^\s@,;\"'<>()\[\]]+")
_NUMBER = re.compile(r"\+\d[\d ()./-]{6,}\d")
_LITERAL = re.compile(r"'(?:[^']|'')*'")


class Area(StrEnum):
    """What deeds are grouped by; SECURITY are those that a person who guards the data wants to see."""

    EXPORTS = "exports"
    RUNS = "runs"
    CONNECTIONS = "connections"
    DATA = "data"
    SETTINGS = "settings"
    SECURITY = "security"


class Deed(StrEnum):
    """What was done."""

    EXPORT_ADDED = "export_added"
    EXPORT_CHANGED = "export_changed"
    EXPORT_REMOVED = "export_removed"
    EXPORT_PUT_BACK = "export_put_back"
    RUN_FINISHED = "run_finished"
    RUN_FAILED = "run_failed"
    RUN_SKIPPED = "run_skipped"
    RUN_HELD = "run_held"
    RUN_CANCELLED = "run_cancelled"
    RUN_INTERRUPTED = "run_interrupted"
    RUN_UNDONE = "run_undone"
    REJECTS_SAVED = "rejects_saved"
    PLAN_SAVED = "plan_saved"
    CONNECTION_ADDED = "connection_added"
    CONNECTION_CHANGED = "connection_changed"
    CONNECTION_REMOVED = "connection_removed"
    CONNECTION_PUT_BACK = "connection_put_back"
    SEGMENT_ADDED = "segment_added"
    SEGMENT_CHANGED = "segment_changed"
    SEGMENT_REMOVED = "segment_removed"
    SEGMENT_PUT_BACK = "segment_put_back"
    TABLE_ADDED = "table_added"
    TABLE_CHANGED = "table_changed"
    TABLE_REFRESHED = "table_refreshed"
    TABLE_REMOVED = "table_removed"
    TABLE_PUT_BACK = "table_put_back"
    SUPPRESSION_LIST = "suppression_list"
    ENGINE_CHANGED = "engine_changed"
    SETTING_CHANGED = "setting_changed"
    ROLE_CHANGED = "role_changed"
    ADMIN_UNLOCKED = "admin_unlocked"
    ADMIN_LOCKED = "admin_locked"
    WRONG_PASSPHRASE = "wrong_passphrase"  # noqa: S105 - a deed, not a secret
    PASSPHRASE_CHANGED = "passphrase_changed"  # noqa: S105 - a deed, not a secret
    VALUES_SHOWN = "values_shown"
    GUARD_PASSED = "guard_passed"
    CONNECTION_PACKED = "connection_packed"
    CONNECTION_UNPACKED = "connection_unpacked"
    PERSON_ERASED = "person_erased"

    @property
    def area(self) -> Area:
        """The group it is listed in."""
        return _AREAS.get(self) or _AREA_OF_WORD.get(self.value.partition("_")[0], Area.SECURITY)


_AREAS: dict[Deed, Area] = {
    Deed.REJECTS_SAVED: Area.RUNS,
    Deed.PLAN_SAVED: Area.RUNS,
    Deed.SUPPRESSION_LIST: Area.DATA,
    Deed.ENGINE_CHANGED: Area.SETTINGS,
    Deed.SETTING_CHANGED: Area.SETTINGS,
    Deed.CONNECTION_PACKED: Area.SECURITY,
    Deed.CONNECTION_UNPACKED: Area.SECURITY,
}
_AREA_OF_WORD = {
    "export": Area.EXPORTS,
    "run": Area.RUNS,
    "connection": Area.CONNECTIONS,
    "segment": Area.DATA,
    "table": Area.DATA,
}


class Subject(StrEnum):
    """What kind of thing it was done to."""

    EXPORT = "export"
    RUN = "run"
    PLAN = "plan"
    CONNECTION = "connection"
    SEGMENT = "segment"
    TABLE = "table"
    SUPPRESSION_LIST = "suppression_list"
    ENGINE = "engine"
    WORKSPACE = "workspace"
    COMPUTER = "computer"


class Seat(StrEnum):
    """Where a person sat."""

    WINDOW = "window"
    COMMAND_LINE = "command_line"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry; `at` is UTC, `person` a system account, `role` the one in force then.

    With `by_schedule` nobody was there: `person` is who set up the schedule. `before` and `after` hold what changed, with the
    settings that belong to it, by dotted names as in an export's file. `former` is what *Put back* needs, in a form of its
    kind of subject; empty where nothing can be put back. `id` counts up in the order of writing.
    """

    at: datetime
    deed: Deed
    subject: Subject
    name: str
    person: str
    role: Role
    seat: Seat
    computer: str
    subject_id: str = ""
    note: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    by_schedule: bool = False
    former: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: None and empty mean all; `text` is looked for in names, accounts, notes and the words of deeds."""

    area: Area | None = None
    person: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    subject_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries, the newest first; `older` continues the list, None at its end."""

    entries: tuple[AuditEntry, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class AuditNumbers:
    """How many entries a filter finds in all and in each area, whatever area it names itself."""

    total: int
    by_area: Mapping[Area, int]


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What differs, with the settings of the same group (`schedule.at` and `schedule.time_zone` are of one)."""
    names = [*before, *(name for name in after if name not in before)]
    groups = {_group(name) for name in names if before.get(name, "") != after.get(name, "")}
    kept = [name for name in names if _group(name) in groups]
    return {n: before.get(n, "") for n in kept}, {n: after.get(n, "") for n in kept}


def as_document(entry: AuditEntry) -> dict[str, object]:
    """An entry as `--json` and saved files show it; the time is UTC."""
    return {
        "id": entry.id,
        "time": entry.at.isoformat(),
        "person": entry.person,
        "role": entry.role.value,
        "by_schedule": entry.by_schedule,
        "seat": entry.seat.value,
        "computer": entry.computer,
        "deed": entry.deed.value,
        "area": entry.deed.area.value,
        "subject": entry.subject.value,
        "name": entry.name,
        "note": entry.note,
        "before": dict(entry.before),
        "after": dict(entry.after),
    }


def facts(document: Mapping[str, object]) -> dict[str, str]:
    """A document as dotted names with plain text: `{"schedule": {"at": "05:30"}}` is `{"schedule.at": "05:30"}`."""
    found: dict[str, str] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": text for inner, text in facts(value).items()}
        else:
            found[name] = _text(value)
    return found


def segment_facts(segment: Segment, catalog: Catalog) -> dict[str, str]:
    """A segment as facts: its rules in words, without values that point at a person."""
    told = {"name": segment.name, "of": segment.of.value}
    if segment.sql is not None:
        return told | {"sql": _LITERAL.sub(f"'{HIDDEN}'", segment.sql)}
    if segment.list_file is not None:
        return told | {"list": segment.list_file}
    return told | {f"rule_{n}": sentence for n, sentence in enumerate(words(unnamed(segment, catalog)), 1)}


def names_nobody(segment: Segment, catalog: Catalog) -> bool:
    """Whether the segment may be kept as it is, because none of its values points at a person."""
    if segment.sql is not None:
        return _LITERAL.search(segment.sql) is None
    return unnamed(segment, catalog) == segment


def unnamed(segment: Segment, catalog: Catalog) -> Segment:
    """The segment without the values it compares personal columns and keys with."""
    return replace(
        segment,
        rules=tuple(
            replace(rule, body=_unnamed_group(rule.body, catalog)) if isinstance(rule.body, Group) else rule
            for rule in segment.rules
        ),
    )


def table_facts(table: Table) -> dict[str, str]:
    """What is said about a table and its columns."""
    told = {"name": table.name, "role": table.role.value, "key": table.key or "", "source": table.source}
    told |= {f"meaning of {column.name}": _meaning_text(column) for column in table.columns}
    said = {column.name: ", ".join(f"{value} = {meant}" for value, meant in column.means) for column in table.columns}
    return told | {f"values of {name}": words for name, words in said.items() if words}


def _meaning_text(column: Column) -> str:
    guessed = column.meaning is not Meaning.NONE and not column.confirmed
    return f"{column.meaning.value}, guessed" if guessed else column.meaning.value


def without_people(text: str) -> str:
    """The text with everything that looks like an e-mail address or an international phone number hidden."""
    return _NUMBER.sub(HIDDEN, _ADDRESS.sub(HIDDEN, text))


def _group(name: str) -> str:
    return name.partition(".")[0]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(f"{name}: {_text(inner)}" if name != "name" else _text(inner) for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return str(value)


def _unnamed_group(group: Group, catalog: Catalog) -> Group:
    return replace(
        group,
        items=tuple(
            _unnamed_group(item, catalog) if isinstance(item, Group) else _unnamed_condition(item, catalog)
            for item in group.items
        ),
    )


def _unnamed_condition(condition: Condition, catalog: Catalog) -> Condition:
    table = catalog.table(condition.field.table)
    column = None if table is None else table.column(condition.field.column)
    if condition.aggregate is not None or table is None or column is None:
        return condition
    if not column.meaning.personal and column.name != table.key:
        return condition
    if condition.value is None or isinstance(condition.value, Span):
        return condition
    several = isinstance(condition.value, tuple)
    return replace(condition, value=(HIDDEN,) if several else HIDDEN)
