"""Export files: an `Export` as the document people write, and back, with an error that names the entry and what it may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.core.connections import Consent
from app.core.document_reader import DocumentReader
from app.core.errors import FixData
from app.core.exports import Export, ExportKind, Guard, Layout, OnlyChanges, SyncMode, TableChoice
from app.core.file_formats import Format
from app.core.format_documents import format_document, read_format
from app.core.layout_presets import PRESETS
from app.core.names import checked_name, fold
from app.core.schedules import WEEKDAYS, Every, Schedule
from app.core.segments import FieldRef

_SEGMENT_ONLY = ("segments", "target", "match", "sync")
_DATA_OUT_ONLY = ("tables", "leave_out_suppressed")
_COMMON = ("name", "kind", "connection", "destination", "format", "layout", "schedule", "guard", "consent")
_LAYOUT = (
    "preset",
    "folder",
    "file",
    "model_json",
    "manifest",
    "json_schema",
    "keep_earlier_runs",
    "keep_runs",
    "latest",
    "sums",
    "plain_names",
    "lake_database",
    "only_changes",
)
_ONLY_CHANGES: Mapping[OnlyChanges, bool | str] = {
    OnlyChanges.OFF: False,
    OnlyChanges.CHANGED: True,
    OnlyChanges.THREE_FILES: OnlyChanges.THREE_FILES.value,
}
_STOP, _ALLOW = "stop", "allow"
_TIME = re.compile(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True, slots=True)
class Where:
    """What a connection's name in a document stands for, and the sync mode, format and layout that are usual there."""

    destination: str
    connection: str | None
    sync: SyncMode = SyncMode.UPDATE
    format: Format = field(default_factory=Format)
    layout: Layout = field(default_factory=Layout)


def to_document(export: Export, connection: str | None) -> dict[str, Any]:
    """The document of an export whose connection has that name; `from_document` gives the same export again."""
    document: dict[str, Any] = {"name": export.name, "kind": export.kind.value, "connection": connection}
    if connection is None:
        document["destination"] = export.destination
    if export.kind is ExportKind.SEGMENT:
        document["segments"] = list(export.segments)
        document["target"] = dict(export.target)
        document["match"] = dict(export.match)
        document["sync"] = export.sync.value
    else:
        document["tables"] = [_table_document(choice) for choice in export.tables]
        document["leave_out_suppressed"] = export.leave_out_suppressed
    document["guard"] = guard_document(export.guard)
    document["format"] = format_document(export.format)
    document["layout"] = layout_document(export.layout)
    document["schedule"] = None if export.schedule is None else schedule_document(export.schedule)
    document["consent"] = {"agreed": export.consent is not None}
    return document


def from_document(
    document: Mapping[str, Any],
    base: Export,
    where: Callable[[str | None, str | None], Where],
    now: datetime,
    person: str,
) -> Export:
    """The export a document describes.

    `base` is the export of that name, or a new one with only id and origin: it gives what a document never holds. `where`
    resolves connection and destination names. Raises FixData naming the wrong entry; nothing is guessed or dropped.
    """
    reader = DocumentReader(f"The export “{document.get('name', '')}”", document)
    kind = reader.choice("kind", ExportKind)
    reader.only(*_COMMON, *(_SEGMENT_ONLY if kind is ExportKind.SEGMENT else _DATA_OUT_ONLY))
    name = checked_name(reader.text("name"), "export")
    place = where(reader.optional_text("connection"), reader.optional_text("destination"))
    made = replace(
        base,
        name=name,
        kind=kind,
        destination=place.destination,
        connection=place.connection,
        segments=(),
        target={},
        match={},
        sync=SyncMode.UPDATE,
        guard=read_guard(reader.mapping("guard"), reader.subject),
        tables=(),
        leave_out_suppressed=False,
        format=read_format(reader.mapping("format"), reader.subject, place.format),
        layout=read_layout(reader.mapping("layout"), reader.subject, place.layout),
        schedule=read_schedule(reader.mapping_or_none("schedule"), reader.subject),
        consent=_consent(reader, base, place, now, person),
    )
    if kind is ExportKind.DATA_OUT:
        leave_out = reader.flag("leave_out_suppressed", default=False)
        return replace(made, tables=_tables(reader), leave_out_suppressed=leave_out)
    return replace(
        made,
        segments=_distinct(reader, "segments", reader.texts("segments")),
        target=reader.text_map("target"),
        match=_match(reader),
        sync=reader.choice("sync", SyncMode, place.sync),
    )


def guard_document(guard: Guard) -> dict[str, Any]:
    """A guard as it stands in a document."""
    return {
        "removed_percent": _whole(guard.removed_percent),
        "changed_percent": _whole(guard.changed_percent),
        "empty_source": _STOP if guard.empty_source else _ALLOW,
    }


def read_guard(document: Mapping[str, Any], subject: str) -> Guard:
    """A guard from its part of a document; what is not named is as usual."""
    reader = DocumentReader(f"{subject}, guard", document)
    usual = Guard()
    reader.only("removed_percent", "changed_percent", "empty_source")
    empty = reader.text("empty_source", _STOP)
    if empty not in {_STOP, _ALLOW}:
        reader.wrong("empty_source", empty, f"{_STOP} or {_ALLOW}")
    return Guard(
        reader.percent("removed_percent", usual.removed_percent),
        reader.percent("changed_percent", usual.changed_percent),
        empty == _STOP,
    )


def layout_document(layout: Layout) -> dict[str, Any]:
    """A layout as it stands in a document."""
    return {
        "folder": layout.folder,
        "file": layout.file,
        "model_json": layout.model_json,
        "manifest": layout.manifest,
        "json_schema": layout.json_schema,
        "keep_earlier_runs": layout.keep_earlier_runs,
        "keep_runs": layout.keep_runs,
        "latest": layout.latest,
        "sums": layout.sums,
        "plain_names": layout.plain_names,
        "lake_database": layout.lake_database,
        "only_changes": _ONLY_CHANGES[layout.only_changes],
    }


def schedule_document(schedule: Schedule) -> dict[str, Any]:
    """A schedule as it stands in a document."""
    return {
        "every": schedule.every.value,
        "on": list(schedule.on),
        "at": f"{schedule.at:%H:%M}",
        "time_zone": schedule.time_zone,
    }


def read_layout(document: Mapping[str, Any], subject: str, usual: Layout | None = None) -> Layout:
    """A layout from its part of a document, as `read_format`; whether its patterns can be used is core/layouts.py's to say.

    `preset` gives the patterns that are not named themselves.
    """
    reader = DocumentReader(f"{subject}, layout", document)
    reader.only(*_LAYOUT)
    preset = reader.optional_text("preset")
    if preset is not None and preset not in PRESETS:
        reader.wrong("preset", preset, " or ".join(PRESETS))
    usual = usual or Layout()
    usual = usual if preset is None else PRESETS[preset].of(usual)
    return Layout(
        folder=reader.text("folder", usual.folder),
        file=reader.text("file", usual.file),
        model_json=reader.flag("model_json", default=usual.model_json),
        keep_earlier_runs=reader.flag("keep_earlier_runs", default=usual.keep_earlier_runs),
        keep_runs=reader.whole_number("keep_runs") if reader.has("keep_runs") else usual.keep_runs,
        manifest=reader.flag("manifest", default=usual.manifest),
        json_schema=reader.flag("json_schema", default=usual.json_schema),
        latest=reader.flag("latest", default=usual.latest),
        sums=reader.flag("sums", default=usual.sums),
        plain_names=reader.flag("plain_names", default=usual.plain_names),
        lake_database=reader.flag("lake_database", default=usual.lake_database),
        only_changes=_only_changes(reader),
    )


def _only_changes(reader: DocumentReader) -> OnlyChanges:
    value = reader.value("only_changes", default=False)
    found = next(
        (each for each, written in _ONLY_CHANGES.items() if written is value or written == value == each), None
    )
    wanted = "true, false or three-files"
    return found if found is not None else reader.wrong("only_changes", value, wanted)


def read_schedule(document: Mapping[str, Any] | None, subject: str) -> Schedule | None:
    """A schedule from its part of a document, None for none."""
    if not document:
        return None
    reader = DocumentReader(f"{subject}, schedule", document)
    reader.only("every", "on", "at", "time_zone")
    every = reader.choice("every", Every)
    at = reader.text("at", "00:00" if every is Every.HOUR else None)
    if not _TIME.fullmatch(at):
        reader.wrong("at", at, 'a time such as "05:30", in quotes')
    zone = reader.text("time_zone")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reader.wrong("time_zone", zone, "a name such as Europe/Berlin or UTC")
    hour, minute = at.split(":")
    return Schedule(every, time(int(hour), int(minute)), zone, _days(reader, every))


def _consent(reader: DocumentReader, base: Export, where: Where, now: datetime, person: str) -> Consent | None:
    """A consent already given stays while the connection stays; to another one it must be given again, by this person."""
    agreement = DocumentReader(f"{reader.subject}, consent", reader.mapping("consent"))
    agreement.only("agreed")
    if not agreement.flag("agreed", default=False):
        return None
    if base.consent is not None and base.connection == where.connection:
        return base.consent
    return Consent(person, now)


def _match(reader: DocumentReader) -> dict[str, str]:
    match = reader.text_map("match")
    for target, source in match.items():
        try:
            FieldRef.parse(source)
        except ValueError:
            reader.wrong(f"match, {target}", source, "Table.Column")
    return match


def _whole(number: float | None) -> float | None:
    return int(number) if number is not None and number.is_integer() else number


def _table_document(choice: TableChoice) -> dict[str, Any]:
    return {"name": choice.name} if choice.fields is None else {"name": choice.name, "fields": list(choice.fields)}


def _tables(reader: DocumentReader) -> tuple[TableChoice, ...]:
    choices = []
    for item in reader.items("tables"):
        if isinstance(item, str):
            choices.append(TableChoice(item))
            continue
        if not isinstance(item, Mapping):
            reader.wrong("tables", item, "a list of {name: ..., fields: [...]}")
        table = DocumentReader(f"{reader.subject}, tables", item)
        table.only("name", "fields")
        name, fields = table.text("name"), table.texts("fields")
        if table.has("fields") and item["fields"] is not None and not fields:
            table.wrong("fields", item["fields"], f"at least one field of “{name}”, or left out for all")
        choices.append(TableChoice(name, _distinct(table, "fields", fields) or None))
    _distinct(reader, "tables", [choice.name for choice in choices])
    return tuple(choices)


def _distinct(reader: DocumentReader, key: str, names: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for name in names:
        if fold(name) in seen:
            raise FixData(
                f"{reader.subject} names “{name}” twice.",
                f"Each of its {key} stands once.",
                "Remove one of them.",
                code="export_document",
            )
        seen[fold(name)] = name
    return tuple(seen.values())


def _days(reader: DocumentReader, every: Every) -> tuple[str, ...]:
    days = reader.items("on")
    if every is Every.WEEK:
        for day in days:
            if day not in WEEKDAYS:
                reader.wrong("on", day, f"weekdays: {', '.join(WEEKDAYS)}")
        return tuple(day for day in WEEKDAYS if day in days)
    if every is Every.MONTH:
        for day in days:
            if isinstance(day, bool) or not str(day).isdecimal() or not str(day).isascii() or not 1 <= int(day) <= 31:
                reader.wrong("on", day, "days of the month from 1 to 31")
        return tuple(str(day) for day in sorted({int(day) for day in days}))
    if days:
        reader.wrong("on", days, f"left out: an export that runs every {every} has no days")
    return ()
