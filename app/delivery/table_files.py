"""Tables and segments of an export written as files: which, where, and the small files that tell about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from app.core import layouts
from app.core.errors import FixData, FixSettings
from app.core.exports import Export, ExportKind, OnlyChanges
from app.core.file_formats import sheet_problem
from app.core.layouts import Place
from app.core.row_deltas import Rows, file_sets
from app.core.run_pointers import SentFile
from app.core.segments import Segment
from app.core.tables import Catalog, Table
from app.data.changed_rows import Comparison
from app.data.table_files import RowSource
from app.delivery.about import AboutFiles, ToldTable
from app.delivery.parted_tables import demand_parts, not_parted, note_parted
from app.delivery.ports import PartFile, RowCount
from app.delivery.segment_checks import chosen_segments
from app.jobs import JobContext


@dataclass(frozen=True, slots=True)
class TablePart:
    """The rows of a table that go, with the fields chosen, in the table's own order."""

    table: Table
    fields: tuple[str, ...]


Item = TablePart | Segment
_BASES = "tables"
"""The folder with what a place holds of each table."""


TargetOf = Callable[[int, tuple[str, ...]], str]
"""Where a part is to lie, by its number, from 1, and the folders of its partition."""


class Writer(Protocol):
    """Writes rows as files; made from the engine (app/delivery/engine_source.py)."""

    def count(self, item: Item, ctx: JobContext) -> RowCount:
        """How many rows will be written, and how many are left out."""
        ...

    def compare(self, part: TablePart, base: Path, folder: Path, ctx: JobContext) -> Comparison:
        """Compare the rows with what the file `base` says of the place."""
        ...

    def write(
        self, item: Item | RowSource, folder: Path, ctx: JobContext, target: TargetOf, near: Path | None = None
    ) -> Iterator[PartFile]:
        """Write part after part; see `FileSource.parts`."""
        ...


class ExportFiles:
    """A `FileSource` for one run of an export; used by one thread."""

    def __init__(
        self, export: Export, catalog: Catalog, segments: Sequence[Segment], place: Place, writer: Writer
    ) -> None:
        self._export = export
        self._catalog = catalog
        self._segments = segments
        self._place = place
        self._writer = writer
        self._items: dict[str, Item] = {}
        self._names: dict[str, str] = {}
        self._compared: dict[str, Comparison] = {}

    @property
    def replace_below(self) -> str | None:
        """See `FileSource.replace_below`."""
        return layouts.replace_below(self._export, self._place)

    def items(self) -> Sequence[str]:
        """See `FileSource.items`."""
        segments = self._export.kind is ExportKind.SEGMENT
        self._items = self._chosen_segments() if segments else self._chosen_tables()
        if not segments:
            demand_parts(self._export.format.partition, self._export.tables, self._catalog)
        layouts.demand(self._export.layout, self._export.format, len(self._items))
        names = layouts.safe_names(self._items, plain=self._export.layout.plain_names)
        self._names = dict(zip(self._items, names, strict=True))
        return list(self._items)

    def count(self, item: str, known: Path, folder: Path, ctx: JobContext) -> RowCount:
        """See `FileSource.count`."""
        chosen, only = self._items[item], self._export.layout.only_changes
        by = self._export.format.partition
        apart = isinstance(chosen, TablePart) and not_parted(by, chosen.table, chosen.fields, known)
        count = replace(self._writer.count(chosen, ctx), not_parted_by=by.field if by is not None and apart else "")
        self._demand_room(item, count.rows)
        if only is OnlyChanges.OFF or not isinstance(chosen, TablePart):
            return count
        compared = self._writer.compare(chosen, known / _BASES / f"{chosen.table.id}.parquet", folder, ctx)
        self._compared[item] = compared
        changes = compared.changes
        rows = sum(changes.number(which) for which in file_sets(only, whole=changes.whole is not None))
        return replace(count, rows=rows, changes=changes)

    def _demand_room(self, item: str, rows: int) -> None:
        """Raise FixSettings when so many rows can't be written as sheets of Excel."""
        chosen = self._items[item]
        fields = self._export.match if isinstance(chosen, Segment) else chosen.fields
        problem = sheet_problem(self._export.format, item, rows, len(fields))
        if problem is not None:
            raise FixSettings(
                problem, "Nothing was sent.", "Choose CSV or Parquet, or fewer rows per file.", code="too_large"
            )

    def parts(self, item: str, folder: Path, ctx: JobContext, near: Path | None = None) -> Iterator[PartFile]:
        """See `FileSource.parts`."""
        compared = self._compared.get(item)
        if compared is None:
            yield from self._parts(item, self._items[item], Rows.ALL, folder, ctx, near)
            return
        for which in file_sets(self._export.layout.only_changes, whole=compared.changes.whole is not None):
            yield from self._parts(item, compared.rows(which), which, folder, ctx)

    def _parts(
        self, item: str, rows: Item | RowSource, which: Rows, folder: Path, ctx: JobContext, near: Path | None = None
    ) -> Iterator[PartFile]:
        def target(number: int, parted: tuple[str, ...]) -> str:
            return layouts.path_of(self._export, self._place, self._names[item], number, which, parted)

        for part in self._writer.write(rows, folder, ctx, target, near):
            yield replace(part, which=which)

    def published(self, known: Path) -> None:
        """See `FileSource.published`; of a table that was not compared nobody knows any more what the place holds."""
        for compared in self._compared.values():
            compared.settle()
        by, tables = self._export.format.partition, [i for i in self._items.values() if isinstance(i, TablePart)]
        note_parted(by, [part.table.id for part in tables if by is not None and by.field in part.fields], known)
        current = {compared.base for compared in self._compared.values()}
        for base in (known / _BASES).glob("*"):
            if base not in current:
                base.unlink()

    def about(
        self,
        run: str,
        sent: Sequence[SentFile],
        folder: Path,
        where: Callable[[str], str],
        kept: Mapping[str, str],
    ) -> Iterator[PartFile]:
        """See `FileSource.about`."""
        export, tables = self._export, list(self._told(sent))
        ours = layouts.about_paths(export, self._place, list(self._names.values()))
        standing = {path: sum_ for path, sum_ in kept.items() if path not in ours}
        about = AboutFiles(export, self._place, self._catalog, tables, standing if layouts.sums_of_all(export) else {})
        yield from about.files(run, sent, folder, where)

    def _told(self, sent: Sequence[SentFile]) -> Iterator[ToldTable]:
        """The tables, and where keys of removed rows were written, those as tables of their own."""
        three = self._export.layout.only_changes is OnlyChanges.THREE_FILES
        for item, part in self._items.items():
            if isinstance(part, TablePart):
                name, table = self._names[item], part.table
                files = [file for file in sent if file.item == item]
                yield ToldTable(name, table, part.fields, [f for f in files if f.which is not Rows.REMOVED])
                if three and table.key is not None:
                    keys = replace(table, name=layouts.removed_name(table.name))
                    gone = [file for file in files if file.which is Rows.REMOVED]
                    yield ToldTable(layouts.removed_name(name), keys, [table.key], gone)

    def chosen(self) -> Sequence[tuple[str, Item]]:
        """Each table or segment by its name."""
        return [(name, self._items[name]) for name in self.items()]

    def path_of(self, item: str, number: int, folders: tuple[str, ...] = ()) -> str:
        """Where a file of one of them lies; `folders` are those of its partition."""
        return layouts.path_of(self._export, self._place, self._names[item], number, Rows.ALL, folders)

    def _chosen_segments(self) -> dict[str, Item]:
        return {segment.name: segment for segment in chosen_segments(self._export, self._segments)}

    def _chosen_tables(self) -> dict[str, Item]:
        chosen: dict[str, Item] = {}
        for choice in self._export.tables:
            table = self._catalog.table(choice.name)
            if table is None:
                raise _gone(f"The table “{choice.name}” is gone.", "tables")
            wanted = None if choice.fields is None else set(choice.fields)
            missing = sorted((wanted or set()) - {c.name for c in table.columns})
            if missing:
                raise _gone(f"The field “{missing[0]}” of the table “{table.name}” is gone.", "fields")
            fields = tuple(c.name for c in table.columns if wanted is None or c.name in wanted)
            chosen[table.name] = TablePart(table, fields)
        return chosen


def _gone(what: str, things: str) -> FixData:
    return FixData(
        what,
        "It was removed or renamed after this export was made; nothing was replaced.",
        f"Edit the export and choose its {things} again.",
        code="table_gone",
    )
