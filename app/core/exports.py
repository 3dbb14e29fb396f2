"""Exports: what goes, where, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.core.connections import Consent
from app.core.file_formats import Format
from app.core.schedules import Schedule


class ExportKind(StrEnum):
    """Members of segments to a marketing system, or whole tables to storage."""

    SEGMENT = "segment"
    DATA_OUT = "data-out"


class SyncMode(StrEnum):
    """What a run does to the audience on the other side.

    ADD adds who is new and changes nobody. UPDATE adds and updates. MIRROR also removes who left and was sent by us.
    REPLACE also removes whom we never sent, but not those whom another segment or export sends to the same audience.
    """

    ADD = "add"
    UPDATE = "update"
    MIRROR = "mirror"
    REPLACE = "replace"


REMOVING = frozenset({SyncMode.MIRROR, SyncMode.REPLACE})
"""The sync modes that take members out."""


class OnlyChanges(StrEnum):
    """Which rows of a table are written: all, or those that changed since the last run that came to its end.

    CHANGED writes added and changed rows together, THREE_FILES added, changed and removed ones apart.
    """

    OFF = "off"
    CHANGED = "changed"
    THREE_FILES = "three-files"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where files land below the connection's folder; tokens stand in braces (core/layouts.py).

    Metadata are `model_json`, the Common Data Model's `manifest` with its entities, a `json_schema` for each table, and the
    script that makes a `lake_database` of the tables.
    Of the earlier runs that are kept the newest `keep_runs` stay, this one among them; None for all of them. `latest` asks for
    a small file that names the folder of the newest run, `sums` for the SHA-256 sums of its files.
    With `plain_names` file names hold only unaccented letters, digits, `-`, `_` and `.`, whatever stands for the tokens.
    """

    folder: str = "{export}/{table}/{yyyy}/{mm}/{dd}/{hhmm}"
    file: str = "{table}_{part}"
    model_json: bool = True
    keep_earlier_runs: bool = True
    keep_runs: int | None = None
    manifest: bool = False
    json_schema: bool = False
    latest: bool = False
    sums: bool = False
    plain_names: bool = False
    lake_database: bool = False
    only_changes: OnlyChanges = OnlyChanges.OFF


@dataclass(frozen=True, slots=True)
class TableChoice:
    """A table of a data-out export; `fields` None means all, also those that appear later."""

    name: str
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """When a run waits for a person before it sends: shares of the audience in percent, None for any.

    `removed_percent` matters where a sync mode removes, and for files, where it is the share of the last run's rows that are
    gone; `changed_percent` only where members or rows are compared. With `empty_source` a run is also held when a segment or
    table is empty or has less than half the members or rows of the last run.
    """

    removed_percent: float | None = 20.0
    changed_percent: float | None = None
    empty_source: bool = True


@dataclass(frozen=True, slots=True)
class Export:
    """One export; `segments`, `target`, `match` and `sync` belong to segment exports, `tables` to data-out.

    `connection` is the connection's id or None when detached. `match` maps a target field to `Table.Column`; for a
    target that takes any column it maps the column name to write. `target` holds the destination's own export fields.
    Who is on the suppression list is in no segment export; with `leave_out_suppressed` a data-out export leaves such rows out
    of tables with an e-mail or phone column too.
    `revision` is the one that was read from the store; a save on an older one is refused.
    """

    id: str
    name: str
    kind: ExportKind
    destination: str
    connection: str | None
    created_at: datetime
    created_by: str
    segments: tuple[str, ...] = ()
    target: Mapping[str, str] = field(default_factory=dict)
    match: Mapping[str, str] = field(default_factory=dict)
    sync: SyncMode = SyncMode.UPDATE
    guard: Guard = field(default_factory=Guard)
    tables: tuple[TableChoice, ...] = ()
    leave_out_suppressed: bool = False
    format: Format = field(default_factory=Format)
    layout: Layout = field(default_factory=Layout)
    schedule: Schedule | None = None
    consent: Consent | None = None
    revision: int = field(default=0, compare=False)
