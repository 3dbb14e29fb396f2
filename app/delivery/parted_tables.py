"""Which tables of an export lie in the folders of a partition at a place, so that none falls out of them unseen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.core.errors import FixData
from app.core.exports import TableChoice
from app.core.file_formats import PartitionBy
from app.core.partitions import table_problems
from app.core.tables import Catalog, Table
from app.jobs.drive import write_whole

_NAME = "parted.json"


@dataclass(frozen=True, slots=True)
class _Parted:
    """The field, and the tables by their ids."""

    field: str
    tables: tuple[str, ...]


def demand_parts(by: PartitionBy | None, chosen: Sequence[TableChoice], catalog: Catalog) -> None:
    """Raise FixData when these tables can't be parted so."""
    problems = [] if by is None else table_problems(by, chosen, catalog)
    if problems:
        raise FixData(
            "The rows can't be parted into their folders.",
            f"{problems[0]} Nothing was replaced.",
            "Edit the export and choose what its rows are parted by again.",
            code="partition",
        )


def not_parted(by: PartitionBy | None, table: Table, fields: Collection[str], known: Path) -> bool:
    """Whether the table is written outside the folders of a partition that others have; `known` as in `FileSource.count`.

    Raises FixData when its files lay in such folders and would no more, because readers would miss them there.
    """
    if by is None or by.field in fields:
        return False
    before = _read(known)
    if before.field == by.field and table.id in before.tables:
        raise FixData(
            f"The field “{by.field}” of the table “{table.name}” is gone.",
            "Its files lie in folders by this field, where readers look for the new ones. Nothing was replaced.",
            "Bring the field back, or edit the export: part the rows by another field or by none.",
            code="partition",
        )
    return True


def note_parted(by: PartitionBy | None, tables: Collection[str], known: Path) -> None:
    """Those tables, by their ids, lie in folders now."""
    noted = _Parted("" if by is None else by.field, tuple(tables))
    write_whole(known / _NAME, [msgspec.json.encode(noted)])


def _read(known: Path) -> _Parted:
    """What was noted; a broken note, as one that is not there, stops nothing."""
    try:
        return msgspec.json.decode((known / _NAME).read_bytes(), type=_Parted)
    except (OSError, msgspec.DecodeError):
        return _Parted("", ())
