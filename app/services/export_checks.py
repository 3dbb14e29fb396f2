"""What keeps an export from being saved or from running well, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core import layouts, row_deltas
from app.core.eligibility import why_not_eligible
from app.core.errors import FixSettings
from app.core.exports import Export, ExportKind, OnlyChanges, SyncMode
from app.core.file_formats import sheet_problem
from app.core.names import fold
from app.core.partitions import member_problems, not_parted, table_problems
from app.core.segments import FieldRef, Segment
from app.core.tables import Catalog
from app.delivery.encryption import read_key
from app.destinations.description import Description

_WHOLE_FILES = (SyncMode.UPDATE, SyncMode.REPLACE)
"""What may stand for files, which are written whole: the usual mode, and the one that says so."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an export is judged against."""

    description: Description
    catalog: Catalog
    segments: Sequence[Segment]
    now: datetime


def blocking(export: Export, around: Surroundings) -> list[str]:
    """What makes a run impossible; an export with one of these is not saved."""
    found = []
    if export.kind not in around.description.kinds:
        kinds = {ExportKind.SEGMENT: "segments", ExportKind.DATA_OUT: "tables"}
        found.append(f"{around.description.name} takes no {kinds[export.kind]}.")
    elif export.kind is ExportKind.SEGMENT:
        found += [*_segments(export, around), *_target(export, around), *_match(export, around)]
        if export.layout.only_changes is not OnlyChanges.OFF:
            found.append("Of segments all members are written; only tables can be written by what changed.")
    else:
        found += _tables(export, around)
    if around.description.any_field or export.kind is ExportKind.DATA_OUT:
        items = len(export.segments) if export.kind is ExportKind.SEGMENT else len(export.tables)
        found += [*layouts.check(export.layout, export.format, items), *_format(export, around)]
        found += around.description.file_rules.broken(
            around.description.name, export.format, export.layout, export.match
        )
        found += row_deltas.problems(export.layout.only_changes, export.tables, around.catalog)
        if export.guard.changed_percent is not None and export.layout.only_changes is OnlyChanges.OFF:
            found.append("A guard of changed_percent holds nothing here: files are written whole and not compared.")
    if export.connection is not None and export.consent is None:
        found.append("Nobody agreed yet that this data goes to the destination.")
    return found


def warnings(export: Export, around: Surroundings) -> list[str]:
    """What a person should know; the export runs all the same."""
    found = [] if export.connection is not None else ["It has no connection; its schedule is paused."]
    if export.kind is ExportKind.SEGMENT:
        found += [f"“{name}” is left out. {reason}" for name, reason in not_eligible(export, around).items()]
    elif (by := export.format.partition) is not None:
        found += [
            f"“{name}” has no field “{by.field}”: its rows are not parted into folders."
            for name in not_parted(by, export.tables, around.catalog)
        ]
    return found


def not_eligible(export: Export, around: Surroundings) -> dict[str, str]:
    """The export's segments the destination does not take, with the reason."""
    takes = around.description.takes
    return {
        segment.name: str(why)
        for segment in _chosen(export, around)
        if (why := why_not_eligible(segment, takes, around.catalog)) is not None
    }


def _chosen(export: Export, around: Surroundings) -> list[Segment]:
    wanted = {fold(name) for name in export.segments}
    return [segment for segment in around.segments if fold(segment.name) in wanted]


def _segments(export: Export, around: Surroundings) -> list[str]:
    if not export.segments:
        return ["It has no segment."]
    known = {fold(segment.name) for segment in around.segments}
    found = [f"There is no segment named “{name}”." for name in export.segments if fold(name) not in known]
    refused = not_eligible(export, around)
    if not found and len(refused) == len(export.segments):
        found = [f"“{name}” can't go there. {reason}" for name, reason in refused.items()]
    return found


def _target(export: Export, around: Surroundings) -> list[str]:
    fields = {field.id: field for field in around.description.export_fields}
    name = around.description.name
    found = [f"{name} has no export field “{key}”." for key in export.target if key not in fields]
    for key, field in fields.items():
        value = export.target.get(key, "")
        if not value and field.required and not field.default:
            found.append(f"“{field.label}” is not filled in.")
        elif value and field.choices is not None and value not in field.choices:
            found.append(f"“{field.label}” can't be “{value}”; it is one of {', '.join(field.choices)}.")
    able = around.description.sync_modes
    if export.sync not in (able or _WHOLE_FILES):
        words = f"it can do {', '.join(able)}" if able else "its files are written whole with each run"
        found.append(f"{name} can't do the sync mode “{export.sync}”; {words}.")
    return found


def _match(export: Export, around: Surroundings) -> list[str]:
    description = around.description
    found = []
    for source in export.match.values():
        ref = FieldRef.parse(source)
        table = around.catalog.table(ref.table)
        if table is None:
            found.append(f"There is no table named “{ref.table}”, which “{source}” is matched from.")
        elif table.column(ref.column) is None:
            found.append(f"The table “{table.name}” has no column “{ref.column}”.")
    if description.any_field and not export.match:
        return [*found, "No field is chosen to be written."]
    fields = {field.id: field for field in description.fields}
    if not description.free_fields and not description.any_field:
        found += [f"{description.name} has no field “{key}”." for key in export.match if key not in fields]
    missing = [field for field in description.fields if field.required and field.id not in export.match]
    found += [
        f"“{field.name}” has no field of yours; {description.name} takes no member without it." for field in missing
    ]
    keys = description.key_fields
    if keys and not missing and not any(key in export.match for key in keys):
        names = " or ".join(f"“{fields[key].name if key in fields else key}”" for key in keys)
        found.append(f"{names} is not matched; without it members can't be told apart.")
    return found


def _format(export: Export, around: Surroundings) -> list[str]:
    """What of the format does not fit what is written."""
    by, found = export.format.partition, _key(export, around)
    if export.kind is ExportKind.SEGMENT:
        return found if by is None else [*found, *member_problems(by, export.match)]
    found += [] if by is None else table_problems(by, export.tables, around.catalog)
    for choice in export.tables:
        table = around.catalog.table(choice.name)
        if table is not None:
            columns = len(table.columns if choice.fields is None else choice.fields)
            problem = sheet_problem(export.format, table.name, table.rows, columns)
            found += [] if problem is None else [problem]
    return found


def _key(export: Export, around: Surroundings) -> list[str]:
    """What is wrong with the key of whom the files are encrypted for."""
    if export.format.pgp_key:
        try:
            read_key(export.format.pgp_key, around.now)
        except FixSettings as error:
            return [f"The files can't be encrypted. {error.what} {error.why}"]
    return []


def _tables(export: Export, around: Surroundings) -> list[str]:
    if not export.tables:
        return ["It has no table."]
    found = []
    for choice in export.tables:
        table = around.catalog.table(choice.name)
        if table is None:
            found.append(f"There is no table named “{choice.name}”.")
            continue
        gone = [field for field in choice.fields or () if table.column(field) is None]
        found += [f"The table “{table.name}” has no column “{field}”." for field in gone]
    return found
