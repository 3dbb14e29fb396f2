"""Folders of the Common Data Model: each entity of `model.json` or of a manifest becomes a table with its declared types."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from app.core.tables import Column, ColumnType, Meaning
from app.data.engines.duckdb import Cursor, literal, quoted
from app.data.readers import delimited, json_lines, parquet
from app.data.readers.cdm_model import Entity, Model, Part, is_model, model_file, model_of
from app.data.readers.declared import Decided, Declared, decide_declared
from app.data.readers.incoming import Incoming, ReadJob, ReadOptions, refused
from app.data.readers.kinds import Cast
from app.data.readers.names import column_names
from app.data.readers.parquet import write_parquet

__all__ = ["is_model", "model_file", "read", "size"]

_EMPTY: Final[Mapping[ColumnType | None, str]] = {
    None: "VARCHAR",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.DECIMAL: "DECIMAL(18, 2)",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIME: "TIME",
    ColumnType.TIMESTAMP: "TIMESTAMP",
    ColumnType.BINARY: "BLOB",
    ColumnType.NESTED: "JSON",
}
_KNOWING: Final = {
    ".parquet": parquet.read,
    ".jsonl": json_lines.read,
    ".ndjson": json_lines.read,
    ".json": json_lines.read,
}
"""Formats whose files tell their columns themselves."""


def read(job: ReadJob, document: Path) -> Iterator[Incoming]:
    """The entities as tables, or the one that is wanted; raises FixData when a file is elsewhere, gone, or not as declared."""
    model = model_of(document)
    notes = _elsewhere(model)
    entities = [entity for entity in model.entities if job.only is None or entity.name == job.only]
    found = 0
    for entity in entities:
        job.ctx.check()
        if not entity.attributes and not entity.parts:
            notes = (*notes, f"{entity.name} was left out: the model names neither its columns nor its files.")
            continue
        table = _read(job, entity, model, str(document.parent))
        found += 1
        yield replace(
            table,
            notes=(*table.notes, *notes),
            columns=_meant(entity, table.columns),
            key=entity.key,
            links=model.links,
            within=entity.name,
        )
    if entities and not found:
        raise refused(document.name, notes[-1], "Choose a folder that holds the files too.", "cdm_no_entity")


def size(document: Path) -> int:
    """Bytes of the files the document names, for the progress; raises FixData as `read` does."""
    return sum(part.file.stat().st_size for entity in model_of(document).entities for part in entity.parts)


def _elsewhere(model: Model) -> tuple[str, ...]:
    if not model.elsewhere:
        return ()
    names = ", ".join(model.elsewhere)
    return (f"Left out, because other models keep them: {names}.",)


def _read(job: ReadJob, entity: Entity, model: Model, source: str) -> Incoming:
    parts = [part for part in entity.parts if part.file.stat().st_size > 0]
    names, _notes = column_names([attribute.name for attribute in entity.attributes])
    types = {name: attribute.type for name, attribute in zip(names, entity.attributes, strict=True)}
    declared = Declared(types, model.day_first)
    if not parts:
        return _empty(job, entity, types, source)
    parts = [_unpacked(job, part) for part in parts]
    endings = {_knowing(part.file) for part in parts}
    if len(endings) > 1:
        raise refused(
            entity.name,
            "Its files are of several formats.",
            "Files of one entity need the same format.",
            "parts_differ",
        )
    ending = endings.pop()
    if ending:
        table = _KNOWING[ending](job, entity.name, [part.file for part in parts], source)
        return _retyped(job, table, declared)
    if not names:
        return delimited.read_each(job, entity.name, [(part.file, part.options) for part in parts], source)
    notes: list[str] = []

    def decide(
        cursor: Cursor, relation: str, columns: Sequence[str], sample: Sequence[Sequence[str | None]]
    ) -> tuple[list[Cast], int]:
        texts = [(column, "VARCHAR") for column in columns]
        decided = decide_declared(cursor, relation, texts, declared, sample)
        notes[:] = decided.notes
        return list(decided.casts), decided.rows

    files = [(part.file, _with_header(part, names)) for part in parts]
    table = delimited.read_declared(job, entity.name, files, names, decide, source)
    return replace(table, notes=(*table.notes, *notes))


def _knowing(file: Path) -> str:
    """The ending below .gz of a format whose files tell their columns themselves, or nothing."""
    ending = Path(file.name.lower().removesuffix(".gz")).suffix
    return ending if ending in _KNOWING else ""


def _with_header(part: Part, names: Sequence[str]) -> ReadOptions:
    """The part's options; where the model does not say whether there is a header, its first line is compared."""
    if part.options.header is not None:
        return part.options
    with part.file.open("rb") as file:
        first = file.readline(1 << 20).decode("utf-8-sig", errors="replace")
    cells = [cell.strip().strip('"').casefold() for cell in first.split(part.options.delimiter or ",")]
    return replace(part.options, header=cells == [name.casefold() for name in names])


def _unpacked(job: ReadJob, part: Part) -> Part:
    """The part without Zstandard around it; gzip is read as it is."""
    if part.file.suffix.lower() != ".zst":
        return part
    target = job.folder("text") / part.file.stem
    try:
        with pa.CompressedInputStream(pa.OSFile(str(part.file)), "zstd") as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except OSError as error:
        raise refused(part.file.name, "The compressed file is damaged or cut off.", "Get it again.", "zstd") from error
    return replace(part, file=target)


def _retyped(job: ReadJob, table: Incoming, declared: Declared) -> Incoming:
    """The table with the declared types where its own differ and nothing is lost by it."""
    relation = f"read_parquet([{', '.join(literal(file) for file in table.files)}])"
    columns = [(column.name, column.native_type) for column in table.columns]
    wanted = {name: declared.types.get(name) for name, _native in columns}
    typed = {c.name: c.type for c in table.columns}
    if all(kind is None or kind is typed[name] for name, kind in wanted.items()):
        return table
    with job.engine.cursor(job.ctx.token) as cursor:
        # A column the model leaves open keeps the type the file gives it.
        known = Declared({name: kind or typed[name] for name, kind in wanted.items()}, declared.day_first)
        decided: Decided = decide_declared(cursor, relation, columns, known)
        folder = job.folder()
        target = folder / "part-0000.parquet"
        delimited.copy(cursor, relation, decided.casts, target)
    shutil.rmtree(table.folder, ignore_errors=True)
    return replace(
        table,
        columns=job.engine.describe([target]),
        folder=folder,
        files=(target,),
        notes=(*table.notes, *decided.notes),
    )


def _empty(job: ReadJob, entity: Entity, types: Mapping[str, ColumnType | None], source: str) -> Incoming:
    """A table without rows, with the columns the model names."""
    if not types:
        raise refused(entity.name, "Its files are empty and its columns unknown.", "Get the files again.", "empty_file")
    folder = job.folder()
    target = folder / "part-0000.parquet"
    listed = ", ".join(f"CAST(NULL AS {_EMPTY[kind]}) AS {quoted(name)}" for name, kind in types.items())
    with job.engine.cursor(job.ctx.token) as cursor:
        rows = write_parquet(cursor, f"SELECT {listed} WHERE false", len(types), target)
    note = "Its files are empty." if entity.parts else "The model names no file for it, so it has no rows."
    return Incoming(entity.name, job.engine.describe([target]), rows, folder, (target,), source, (note,))


def _meant(entity: Entity, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns with the meanings the model declares."""
    names, _notes = column_names([attribute.name for attribute in entity.attributes])
    meanings = {name: attribute.meaning for name, attribute in zip(names, entity.attributes, strict=True)}
    return tuple(
        replace(column, meaning=meanings[column.name], confirmed=True)
        if meanings.get(column.name, Meaning.NONE) is not Meaning.NONE
        else column
        for column in columns
    )
