"""Looking at an export before it runs: what would be sent, how much of it is filled, where files would land."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from app.core import layouts
from app.core.connections import Connection
from app.core.errors import FixSettings
from app.core.exports import Export, ExportKind
from app.core.row_deltas import Rows, file_sets
from app.core.run_pointers import SentFile
from app.core.segments import FieldRef, Segment
from app.core.tables import Catalog, Meaning, Table
from app.data.member_query import MemberSpec
from app.data.members import Members, SampleRow
from app.data.partition_counts import PartitionCounts
from app.data.personal import masked as mask
from app.data.sizes import TableSizes
from app.data.suppression import ListedValues
from app.data.workspace_rows import Scope
from app.delivery.engine_files import EngineWriter
from app.delivery.matching import identity_of, matched_fields
from app.delivery.segment_checks import chosen_segments
from app.delivery.table_files import ExportFiles, TablePart
from app.destinations.batches import Member
from app.destinations.contract import FileDestination, PreparedRequest, SegmentDestination, TargetField
from app.destinations.description import Description
from app.jobs import CancelToken, JobContext
from app.services.destinations import DestinationService
from app.services.hiding import hide
from app.services.scopes import scope_of
from app.store import Store

if TYPE_CHECKING:
    from app.data.engines.duckdb import DuckDBEngine

OpenConnection = Callable[[Connection], SegmentDestination | FileDestination]


@dataclass(frozen=True, slots=True)
class PreviewSample:
    """One member: per target field the value as it is in the table and as it would be sent (None: nothing usable)."""

    segment: str
    key: str
    values: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class PreviewFile:
    """The first lines of one file, where it would land."""

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """Exactly what would go over the wire, made by the code that sends; secrets are always masked."""

    requests: tuple[PreparedRequest, ...] = ()
    files: tuple[PreviewFile, ...] = ()
    samples: tuple[PreviewSample, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One table, segment or folder of a partition below the connection's folder: its first file, and how many there are.

    `bytes` is what all of them take together, estimated; None where it is not known. A file `about` the others has no rows.
    """

    path: str
    files: int
    rows: int | None
    bytes: int | None = None
    about: bool = False


@dataclass(frozen=True, slots=True)
class _PlannedFiles:
    """Files of one table or segment, with the rows of one set, in one folder; `first` is the number of the first."""

    item: str
    name: str
    which: Rows
    folders: tuple[str, ...] = ()
    first: int = 1
    files: int = 1
    rows: int | None = None
    bytes: int | None = None

    def path(self, export: Export, place: layouts.Place, number: int) -> str:
        """Where the file of that number lands."""
        return layouts.path_of(export, place, self.name, number, self.which, self.folders)


class ExportViews:
    """Thread safe; each call works in the calling thread."""

    def __init__(
        self,
        store: Store,
        destinations: DestinationService,
        engine: DuckDBEngine,
        open_connection: OpenConnection,
        clock: Callable[[], datetime],
        listed: ListedValues | None = None,
    ) -> None:
        self._store = store
        self._destinations = destinations
        self._engine = engine
        self._listed = listed or ListedValues(engine)
        self._members = Members(engine, listed=self._listed)
        self._sizes = TableSizes(engine)
        self._partitions = PartitionCounts(engine)
        self._open_connection = open_connection
        self._clock = clock

    def coverage(self, export: Export, ctx: JobContext) -> dict[str, float]:
        """For each matched target field the share of members with a usable value, 0 to 1, over the export's segments."""
        scope = self._scope()
        specs = self._specs(export, scope, self._description(export).columns)
        shares = [self._members.coverage(scope, segment, spec, ctx) for segment, spec in specs]
        return {target: sum(share[target] for share in shares) / len(shares) for target in export.match if shares}

    def preview(
        self, export: Export, connection: Connection | None, rows: int, ctx: JobContext, *, masked: bool
    ) -> Preview:
        """What a run would send for the first members of each segment, `rows` in all."""
        if connection is None:
            raise FixSettings(
                f"“{export.name}” has no connection.",
                "What would be sent depends on the destination.",
                "Attach a connection, then look again.",
                code="no_connection",
            )
        scope = self._scope()
        opened = self._open_connection(connection)
        if not isinstance(opened, SegmentDestination):
            known = self._description(export).fields
            samples = self._samples(scope, self._specs(export, scope, known), rows, ctx)
            return self._file_preview(export, scope, samples, rows, ctx, masked=masked)
        fields = list(opened.fields(export.target, ctx))
        samples = self._samples(scope, self._specs(export, scope, fields), rows, ctx)
        masks = _masks(samples, export.match, scope.catalog) if masked else {}
        requests: list[PreparedRequest] = []
        for segment, found in samples.items():
            members = [Member(row.key, {field: sent for field, (_, sent) in row.values.items()}) for row in found]
            requests += opened.preview(export.target, segment, export.sync, members)
        return Preview(
            requests=tuple(_hidden_request(request, masks) for request in requests),
            samples=_hidden_samples(samples, masks),
        )

    def _file_preview(
        self,
        export: Export,
        scope: Scope,
        samples: Mapping[str, Sequence[SampleRow]],
        rows: int,
        ctx: JobContext,
        *,
        masked: bool,
    ) -> Preview:
        writer = self._writer(export, scope)
        planned = ExportFiles(export, scope.catalog, scope.segments, self._place(export, self._clock()), writer)
        masks = _masks(samples, export.match, scope.catalog) if masked else {}
        chosen, files = planned.chosen(), []
        parted = export.format.partition is not None and export.kind is ExportKind.DATA_OUT
        found = self._planned(export, scope.catalog, lambda _segment: None) if parted else ()
        numbers = {(one.item, one.folders): one.first for one in found}
        for name, item in chosen:
            first = writer.first_rows(item, rows, ctx)
            if masked and isinstance(item, TablePart):
                masks |= _table_masks(item, first.values)
            path = planned.path_of(name, numbers.get((name, first.folders), 1), first.folders)
            files.append(PreviewFile(path, tuple(hide(line, masks) for line in first.lines)))
        return Preview(files=tuple(files), samples=_hidden_samples(samples, masks))

    def metadata(self, export: Export, connection: Connection | None, now: datetime) -> list[PreviewFile]:
        """The documents about the tables that a run at that moment would leave, by the code that writes them.

        How many files a table needs is estimated; segments have none. Raises FixData for a table that is gone, FixSettings for
        a layout that can't be used.
        """
        if export.kind is ExportKind.SEGMENT:
            return []
        where = _relative
        if connection is not None:
            opened = self._open_connection(connection)
            where = opened.where if isinstance(opened, FileDestination) else _relative
        scope, place = self._scope(), self._place(export, now)
        told = replace(export, layout=replace(export.layout, sums=False, latest=False))
        files = ExportFiles(told, scope.catalog, scope.segments, place, self._writer(export, scope))
        files.items()
        sent = [
            SentFile(one.item, one.path(export, place, number), 0, 0, "", one.which)
            for one in self._planned(export, scope.catalog, lambda _segment: None)
            for number in range(one.first, one.first + one.files)
        ]
        with TemporaryDirectory(prefix="sendoff-") as folder:
            return [
                PreviewFile(part.target, tuple(part.source.read_text("utf-8").splitlines()))
                for part in files.about("", sent, Path(folder), where, {})
            ]

    def tree(self, export: Export, now: datetime, members: Callable[[str], int | None]) -> list[TreeNode]:
        """Where the files of a run at that moment would land; `members` gives the last count of a segment.

        Raises FixSettings for a layout that can't be used.
        """
        place, names = self._place(export, now), list(_names(export).values())
        nodes = [
            TreeNode(one.path(export, place, one.first), one.files, one.rows, one.bytes)
            for one in self._planned(export, self._store.tables.catalog(), members)
        ]
        return [*nodes, *(TreeNode(path, 1, None, about=True) for path in layouts.about_paths(export, place, names))]

    def _planned(
        self, export: Export, catalog: Catalog, members: Callable[[str], int | None]
    ) -> Iterator[_PlannedFiles]:
        names = _names(export)
        layouts.demand(export.layout, export.format, len(names))
        for item, name in names.items():
            table = catalog.table(item)
            rows = members(item) if export.kind is ExportKind.SEGMENT else None if table is None else table.rows
            sets = file_sets(export.layout.only_changes)
            if sets != (Rows.ALL,):  # how many rows changed is known only when they are compared
                yield from (_PlannedFiles(item, name, which) for which in sets)
                continue
            size, first = self._bytes(export, item, table), 1
            for folders, some in self._folders(export, item, table, rows):
                share = size if not rows or some is None or size is None else round(size * some / rows)
                number = _files(some, share, export)
                yield _PlannedFiles(item, name, Rows.ALL, folders, first, number, some, share)
                first += number  # the parts of a table are counted on from folder to folder

    def _writer(self, export: Export, scope: Scope) -> EngineWriter:
        country, fields = self._store.workspace.info().country_code, self._description(export).columns
        return EngineWriter(self._engine, self._members, self._listed, scope, export, country, fields)

    def _place(self, export: Export, moment: datetime) -> layouts.Place:
        info = self._store.workspace.info()
        return layouts.Place(export.name, info.name, moment, info.id)

    def _folders(
        self, export: Export, item: str, table: Table | None, rows: int | None
    ) -> Sequence[tuple[tuple[str, ...], int | None]]:
        """The folders of a partition with their rows; of a segment they are known only when it is written."""
        by = export.format.partition
        if by is None or table is None or export.kind is ExportKind.SEGMENT:
            return [((), rows)]
        choice = next(choice for choice in export.tables if choice.name == item)
        if choice.fields is not None and by.field not in choice.fields:
            return [((), rows)]
        return self._partitions.folders(table, by, CancelToken())

    def _bytes(self, export: Export, item: str, table: Table | None) -> int | None:
        if export.kind is ExportKind.SEGMENT or table is None:
            return None
        choice = next(choice for choice in export.tables if choice.name == item)
        fields = choice.fields if choice.fields is not None else tuple(column.name for column in table.columns)
        return self._sizes.estimate_bytes(table, fields, export.format, CancelToken())

    def _description(self, export: Export) -> Description:
        return self._destinations.get(export.destination).for_target(export.target)

    def _scope(self) -> Scope:
        return scope_of(self._store, self._engine.folder, self._clock())

    def _specs(self, export: Export, scope: Scope, fields: Sequence[TargetField]) -> list[tuple[Segment, MemberSpec]]:
        """What is read of each chosen segment, as a run reads it."""
        keys = self._description(export).key_fields
        if export.kind is ExportKind.DATA_OUT:
            return []
        country = self._store.workspace.info().country_code
        matched = matched_fields(export.match, fields, scope.catalog)
        return [
            (segment, MemberSpec(matched, identity_of(matched, keys, segment, scope.catalog, country)))
            for segment in chosen_segments(export, scope.segments)
        ]

    def _samples(
        self, scope: Scope, specs: Sequence[tuple[Segment, MemberSpec]], rows: int, ctx: JobContext
    ) -> dict[str, list[SampleRow]]:
        samples: dict[str, list[SampleRow]] = {}
        left = rows
        for segment, spec in specs:
            found = self._members.sample(scope, segment, spec, left, ctx) if left > 0 else []
            left -= len(found)
            if found:
                samples[segment.name] = found
        return samples


def _names(export: Export) -> dict[str, str]:
    """The tables or segments, and what they are called in paths."""
    items = list(export.segments) if export.kind is ExportKind.SEGMENT else [c.name for c in export.tables]
    return dict(zip(items, layouts.safe_names(items, plain=export.layout.plain_names), strict=True))


def _relative(path: str) -> str:
    """Where a file lies while nobody knows to which connection it goes."""
    return path


def _meaning(source: str, catalog: Catalog) -> Meaning:
    ref = FieldRef.parse(source)
    table: Table | None = catalog.table(ref.table)
    column = None if table is None else table.column(ref.column)
    return Meaning.NONE if column is None else column.meaning


def _masks(samples: Mapping[str, Sequence[SampleRow]], match: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """The masked form of every personal value of the samples, raw and as it would be sent."""
    masks: dict[str, str] = {}
    for found in samples.values():
        for row in found:
            for target, pair in row.values.items():
                meaning = _meaning(match[target], catalog)
                if meaning.personal:
                    masks |= {value: mask(value, meaning) or "" for value in pair if value}
    return masks


def _table_masks(part: TablePart, rows: Sequence[Sequence[str | None]]) -> dict[str, str]:
    """The masked form of every personal value in these rows of a table."""
    meanings = {column.name: column.meaning for column in part.table.columns if column.meaning.personal}
    personal = [(at, meanings[name]) for at, name in enumerate(part.fields) if name in meanings]
    return {value: mask(value, meaning) or "" for row in rows for at, meaning in personal if (value := row[at])}


def _hidden_request(request: PreparedRequest, masks: Mapping[str, str]) -> PreparedRequest:
    return PreparedRequest(request.method, hide(request.url, masks), request.headers, hide(request.body, masks))


def _hidden_samples(samples: Mapping[str, Sequence[SampleRow]], masks: Mapping[str, str]) -> tuple[PreviewSample, ...]:
    def shown(value: str | None) -> str | None:
        return None if value is None else masks.get(value, value)

    return tuple(
        PreviewSample(segment, row.key, {field: (shown(raw), shown(sent)) for field, (raw, sent) in row.values.items()})
        for segment, found in samples.items()
        for row in found
    )


def _files(rows: int | None, size: int | None, export: Export) -> int:
    """How many files so many rows and bytes need."""
    form = export.format
    by_rows = -(-rows // form.rows_per_file) if rows and form.rows_per_file else 1
    by_size = -(-size // form.bytes_per_file) if size and form.bytes_per_file else 1
    return max(by_rows, by_size)
