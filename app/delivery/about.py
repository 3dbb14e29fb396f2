"""The small files about the files of a run: metadata of its tables, its sums, and the pointer to it."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core import layouts
from app.core.cdm_manifest import entity_document, manifest
from app.core.exports import Export, ExportKind
from app.core.lake_database import LakeTable, lake_database
from app.core.layouts import Place
from app.core.model_json import ModelTable, Partition, model_json
from app.core.row_schemas import row_schema
from app.core.run_pointers import SentFile, latest_document, sums_text
from app.core.tables import Catalog, Table
from app.delivery.ports import PartFile


@dataclass(frozen=True, slots=True)
class ToldTable:
    """A table of the run: its name in paths, the fields of it that were written, and the files with them."""

    name: str
    table: Table
    fields: Sequence[str]
    files: Sequence[SentFile]


@dataclass(frozen=True, slots=True)
class AboutFiles:
    """Writes them for one run; what it writes is what `layouts.about_paths` names. Segments have no metadata.

    `kept` are the SHA-256 of what stands there already and stays, by path: files of earlier runs.
    """

    export: Export
    place: Place
    catalog: Catalog
    tables: Sequence[ToldTable]
    kept: Mapping[str, str] = field(default_factory=dict)

    def files(
        self, run: str, sent: Sequence[SentFile], folder: Path, where: Callable[[str], str]
    ) -> Iterator[PartFile]:
        """See `FileSource.about`."""
        export, place, layout = self.export, self.place, self.export.layout
        if export.kind is ExportKind.DATA_OUT:
            for name, document in self._metadata(where):
                yield _written(folder, layouts.beside_model(export, place, name), _json(document))
            if layout.lake_database:
                path = layouts.beside_model(export, place, layouts.DATABASE_FILE)
                yield _written(folder, path, self._lake_database(where))
        if layout.sums:
            path = layouts.sums_path(export, place)
            sums = {each.path: each.sha256 for each in sent}
            yield _written(
                folder, path, sums_text({**sums, **{p: s for p, s in self.kept.items() if p not in sums}}, path)
            )
        if layout.latest:
            path = layouts.latest_path(export, place)
            yield _written(
                folder, path, _json(latest_document(export.name, run, place.moment, sent, path, self._tops()))
            )

    def _tops(self) -> dict[str, str]:
        """The folder of each table or segment, without those of a partition."""
        export = self.export
        items = [c.name for c in export.tables] if export.kind is ExportKind.DATA_OUT else list(export.segments)
        names = layouts.safe_names(items, plain=export.layout.plain_names)
        return {item: layouts.folder_of(export, self.place, name) for item, name in zip(items, names, strict=True)}

    def _metadata(self, where: Callable[[str], str]) -> Iterator[tuple[str, dict[str, Any]]]:
        export, layout, moment = self.export, self.export.layout, self.place.moment
        if layout.model_json:
            tables = list(self._tables(where).values())
            yield layouts.MODEL_FILE, model_json(export.name, tables, self.catalog, export.format, moment)
        here = posixpath.dirname(layouts.model_path(export, self.place))
        near = self._tables(lambda path: posixpath.relpath(path, here or "."))
        if layout.manifest:
            yield layouts.MANIFEST_FILE, manifest(export.name, near, self.catalog, export.format, moment)
            for name, table in near.items():
                yield f"{name}{layouts.ENTITY_END}", entity_document(name, table, export.format)
        if layout.json_schema:
            for name, table in near.items():
                yield f"{name}{layouts.SCHEMA_END}", row_schema(table, self.catalog, export.format)

    def _lake_database(self, where: Callable[[str], str]) -> str:
        """Over the folder of each table's files; Spark makes no table over a folder without any."""
        tables = [
            LakeTable(told.table, told.fields, where(layouts.folder_of(self.export, self.place, told.name)))
            for told in self.tables
            if told.files
        ]
        return lake_database(self.export.name, tables, self.export.format)

    def _tables(self, where: Callable[[str], str]) -> Mapping[str, ModelTable]:
        """The tables by their names in paths."""
        moment = self.place.moment
        return {
            told.name: ModelTable(
                told.table,
                told.fields,
                [Partition(Path(f.path).stem, where(f.path), moment, f.which) for f in told.files],
            )
            for told in self.tables
        }


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _written(folder: Path, target: str, text: str) -> PartFile:
    """A file about the others, by its own name in the folder."""
    path = folder / posixpath.basename(target)
    path.write_text(text, "utf-8", newline="\n")
    return PartFile(path, target, 0)
