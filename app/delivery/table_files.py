"""Tables and segments of an export written as files: which, where, and the small files that tell about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.core import layouts
from app.core.errors import FixData
from app.core.exports import Export, ExportKind
from app.core.layouts import Place
from app.core.run_pointers import SentFile
from app.core.segments import Segment
from app.core.tables import Catalog, Table
from app.delivery.about import AboutFiles, ToldTable
from app.delivery.ports import PartFile, RowCount
from app.delivery.segment_delivery import chosen_segments
from app.jobs import JobContext


@dataclass(frozen=True, slots=True)
class TablePart:
    """The rows of a table that go, with the fields chosen, in the table's own order."""

    table: Table
    fields: tuple[str, ...]


Item = TablePart | Segment


class Writer(Protocol):
    """Writes rows as files; made from the engine (app/delivery/engine_source.py)."""

    def count(self, item: Item, ctx: JobContext) -> RowCount:
        """How many rows will be written, and how many are left out."""
        ...

    def write(self, item: Item, folder: Path, ctx: JobContext, near: Path | None = None) -> Iterator[tuple[Path, int]]:
        """Write part after part; path and rows of each. See `FileSource.parts`."""
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

    @property
    def replace_below(self) -> str | None:
        """See `FileSource.replace_below`."""
        return layouts.replace_below(self._export, self._place)

    def items(self) -> Sequence[str]:
        """See `FileSource.items`."""
        segments = self._export.kind is ExportKind.SEGMENT
        self._items = self._chosen_segments() if segments else self._chosen_tables()
        layouts.demand(self._export.layout, self._export.format, len(self._items))
        names = layouts.safe_names(self._items, plain=self._export.layout.plain_names)
        self._names = dict(zip(self._items, names, strict=True))
        return list(self._items)

    def count(self, item: str, ctx: JobContext) -> RowCount:
        """See `FileSource.count`."""
        return self._writer.count(self._items[item], ctx)

    def parts(self, item: str, folder: Path, ctx: JobContext, near: Path | None = None) -> Iterator[PartFile]:
        """See `FileSource.parts`."""
        for number, (path, rows) in enumerate(self._writer.write(self._items[item], folder, ctx, near), 1):
            target = layouts.path_of(self._export, self._place, self._names[item], number)
            yield PartFile(path, target, rows)

    def about(
        self, run: str, sent: Sequence[SentFile], folder: Path, where: Callable[[str], str]
    ) -> Iterator[PartFile]:
        """See `FileSource.about`."""
        tables = [
            ToldTable(self._names[name], item.table, item.fields)
            for name, item in self._items.items()
            if isinstance(item, TablePart)
        ]
        yield from AboutFiles(self._export, self._place, self._catalog, tables).files(run, sent, folder, where)

    def first_files(self) -> Iterator[tuple[str, Item]]:
        """Each table or segment with the path of its first file."""
        for name in self.items():
            yield layouts.path_of(self._export, self._place, self._names[name], 1), self._items[name]

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
