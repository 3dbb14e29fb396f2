"""Export files: an `Export` as the document people write, and back, with an error that names the entry and what it may be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.core.connections import Consent
from app.core.errors import FixData
from app.core.exports import (
    Compression,
    Export,
    ExportKind,
    FileType,
    Format,
    Guard,
    Layout,
    OnlyChanges,
    Quotes,
    SyncMode,
    TableChoice,
)
from app.core.layout_presets import PRESETS
from app.core.names import checked_name, fold
from app.core.schedules import WEEKDAYS, Every, Schedule
from app.core.segments import FieldRef

E = TypeVar("E", bound=StrEnum)

ENCODINGS = ("utf-8", "utf-8-sig")
"""Text encodings of CSV files; the second begins with the mark that makes Excel read it rightly."""

COMPRESSIONS: Mapping[FileType, tuple[Compression, ...]] = {
    FileType.CSV: (Compression.NONE, Compression.GZIP),
    FileType.JSON_LINES: (Compression.NONE, Compression.GZIP),
    FileType.PARQUET: (Compression.SNAPPY, Compression.ZSTD, Compression.GZIP, Compression.NONE),
}
"""What each file type can be compressed with, the usual first."""

_SEGMENT_ONLY = ("segments", "target", "match", "sync", "guard")
_DATA_OUT_ONLY = ("tables", "leave_out_suppressed")
_COMMON = ("name", "kind", "connection", "destination", "format", "layout", "schedule", "consent")
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
        document["guard"] = guard_document(export.guard)
    else:
        document["tables"] = [_table_document(choice) for choice in export.tables]
        document["leave_out_suppressed"] = export.leave_out_suppressed
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
    reader = _Reader(f"The export “{document.get('name', '')}”", document)
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
        guard=Guard(),
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
        guard=read_guard(reader.mapping("guard"), reader.subject),
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
    reader = _Reader(f"{subject}, guard", document)
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


def format_document(format: Format) -> dict[str, Any]:  # noqa: A002 - the field's word
    """A format as it stands in a document."""
    return {
        "type": format.type.value,
        "delimiter": format.delimiter,
        "compression": format.compression.value,
        "header": format.header,
        "encoding": format.encoding,
        "quotes": format.quotes.value,
        "rows_per_file": format.rows_per_file,
    }


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


def read_format(document: Mapping[str, Any], subject: str, usual: Format | None = None) -> Format:
    """A format from its part of a document; `subject` begins the sentence of an error, what is not named is as `usual`."""
    reader = _Reader(f"{subject}, format", document)
    usual = usual or Format()
    reader.only("type", "delimiter", "compression", "header", "encoding", "quotes", "rows_per_file")
    kind = reader.choice("type", FileType, usual.type)
    usually = usual.compression if kind is usual.type else COMPRESSIONS[kind][0]
    compression = reader.choice("compression", Compression, usually)
    if compression not in COMPRESSIONS[kind]:
        reader.wrong("compression", compression, " or ".join(COMPRESSIONS[kind]) + f" for {kind}")
    delimiter = reader.text("delimiter", usual.delimiter)
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(delimiter) != 1 or delimiter.isalnum() or delimiter in "\"'\r\n\0 .-+" or not delimiter.isascii():
        reader.wrong("delimiter", delimiter, "one character such as , ; | or tab")
    encoding = reader.text("encoding", usual.encoding).lower()
    if encoding not in ENCODINGS:
        reader.wrong("encoding", encoding, " or ".join(ENCODINGS))
    return Format(
        type=kind,
        compression=compression,
        delimiter=delimiter,
        header=reader.flag("header", default=usual.header),
        encoding=encoding,
        quotes=reader.choice("quotes", Quotes, usual.quotes),
        rows_per_file=_rows_per_file(reader, usual.rows_per_file),
    )


def read_layout(document: Mapping[str, Any], subject: str, usual: Layout | None = None) -> Layout:
    """A layout from its part of a document, as `read_format`; whether its patterns can be used is core/layouts.py's to say.

    `preset` gives the patterns that are not named themselves.
    """
    reader = _Reader(f"{subject}, layout", document)
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


def _only_changes(reader: _Reader) -> OnlyChanges:
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
    reader = _Reader(f"{subject}, schedule", document)
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


class _Reader:
    """One mapping of a document, read entry by entry; every complaint names the subject and the entry."""

    def __init__(self, subject: str, document: Mapping[str, Any]) -> None:
        self.subject = subject
        self._document = document

    def only(self, *keys: str) -> None:
        for key in self._document:
            if key in keys:
                continue
            near = difflib.get_close_matches(str(key), keys, 1)
            raise FixData(
                f"{self.subject} has an entry “{key}”, which is not known there.",
                f"Known are {', '.join(keys)}.",
                f"Did you mean “{near[0]}”?" if near else "Remove it, or correct its name.",
                code="export_document",
            )

    def wrong(self, key: str, value: object, wanted: str) -> NoReturn:
        raise FixData(
            f"{self.subject}: {key} can't be {_shown(value)}.",
            f"It must be {wanted}.",
            "Correct the entry.",
            code="export_document",
        )

    def missing(self, key: str, wanted: str) -> NoReturn:
        raise FixData(
            f"{self.subject} has no {key}.", f"It must be {wanted}.", "Add the entry.", code="export_document"
        )

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        value = self._document.get(key)
        wanted = ", ".join(kind)
        if value is None:
            return default if default is not None else self.missing(key, f"one of {wanted}")
        found = next((member for member in kind if member == value), None)
        return found if found is not None else self.wrong(key, value, f"one of {wanted}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self._document.get(key)
        if value is None:
            return default if default is not None else self.missing(key, "a text")
        return value if isinstance(value, str) else self.wrong(key, value, "a text; put it in quotes")

    def optional_text(self, key: str) -> str | None:
        return None if self._document.get(key) is None else self.text(key)

    def value(self, key: str, *, default: object) -> object:
        value = self._document.get(key)
        return default if value is None else value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._document.get(key)
        if value is None:
            return default
        return value if isinstance(value, bool) else self.wrong(key, value, "true or false")

    def has(self, key: str) -> bool:
        return key in self._document

    def whole_number(self, key: str) -> int | None:
        value = self._document.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            self.wrong(key, value, "a whole number from 1, or null for no limit")
        return value

    def percent(self, key: str, usual: float | None) -> float | None:
        value = self._document.get(key, usual)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            self.wrong(key, value, "a number from 0 to 100, or null for no limit")
        return float(value)

    def mapping(self, key: str) -> Mapping[str, Any]:
        return self.mapping_or_none(key) or {}

    def mapping_or_none(self, key: str) -> Mapping[str, Any] | None:
        value = self._document.get(key)
        if value is not None and not isinstance(value, Mapping):
            self.wrong(key, value, "lines of “key: value”")
        return value

    def items(self, key: str) -> list[Any]:
        value = self._document.get(key)
        if value is None:
            return []
        return value if isinstance(value, list) else self.wrong(key, value, "a list such as [a, b]")

    def texts(self, key: str) -> list[str]:
        values = self.items(key)
        for value in values:
            if not isinstance(value, str) or not value.strip():
                self.wrong(key, value, "a list of names")
        return values

    def text_map(self, key: str) -> dict[str, str]:
        """Values may be numbers in YAML, as ids often are; they are kept as the text they were."""
        result = {}
        for name, value in self.mapping(key).items():
            if isinstance(value, bool) or not isinstance(value, str | int):
                self.wrong(f"{key}, {name}", value, "a text; put it in quotes")
            result[str(name)] = str(value)
        return result


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | bool):
        text = str(value)
        return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"
    if isinstance(value, list):
        return "a list"
    return "lines of “key: value”" if isinstance(value, dict) else f"a {type(value).__name__}"


def _consent(reader: _Reader, base: Export, where: Where, now: datetime, person: str) -> Consent | None:
    """A consent already given stays while the connection stays; to another one it must be given again, by this person."""
    agreement = _Reader(f"{reader.subject}, consent", reader.mapping("consent"))
    agreement.only("agreed")
    if not agreement.flag("agreed", default=False):
        return None
    if base.consent is not None and base.connection == where.connection:
        return base.consent
    return Consent(person, now)


def _match(reader: _Reader) -> dict[str, str]:
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


def _tables(reader: _Reader) -> tuple[TableChoice, ...]:
    choices = []
    for item in reader.items("tables"):
        if isinstance(item, str):
            choices.append(TableChoice(item))
            continue
        if not isinstance(item, Mapping):
            reader.wrong("tables", item, "a list of {name: ..., fields: [...]}")
        table = _Reader(f"{reader.subject}, tables", item)
        table.only("name", "fields")
        name, fields = table.text("name"), table.texts("fields")
        if table.has("fields") and item["fields"] is not None and not fields:
            table.wrong("fields", item["fields"], f"at least one field of “{name}”, or left out for all")
        choices.append(TableChoice(name, _distinct(table, "fields", fields) or None))
    _distinct(reader, "tables", [choice.name for choice in choices])
    return tuple(choices)


def _distinct(reader: _Reader, key: str, names: Iterable[str]) -> tuple[str, ...]:
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


def _rows_per_file(reader: _Reader, usual: int | None) -> int | None:
    return reader.whole_number("rows_per_file") if reader.has("rows_per_file") else usual


def _days(reader: _Reader, every: Every) -> tuple[str, ...]:
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
