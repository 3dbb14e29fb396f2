"""What changed in a table since it was written to a place last: which rows go into which files, and how many they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.exports import OnlyChanges, TableChoice
from app.core.tables import Catalog


class Rows(StrEnum):
    """Which rows of a table a file holds; CHANGES are the added and the changed ones together, REMOVED only have their key."""

    ALL = "all"
    CHANGES = "changes"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Whole(StrEnum):
    """Why all rows are written although only the changed ones are asked for."""

    FIRST = "first"
    OTHER_FIELDS = "other-fields"


@dataclass(frozen=True, slots=True)
class RowChanges:
    """The numbers of one table; with `whole` nothing was compared, and `added` counts all its rows."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    whole: Whole | None = None

    def number(self, rows: Rows) -> int:
        """How many rows such a file set has."""
        return {
            Rows.ALL: self.added + self.changed + self.unchanged,
            Rows.CHANGES: self.added + self.changed,
            Rows.ADDED: self.added,
            Rows.CHANGED: self.changed,
            Rows.REMOVED: self.removed,
        }[rows]


def problems(only: OnlyChanges, tables: Sequence[TableChoice], catalog: Catalog) -> list[str]:
    """What keeps these tables from being written by what changed, one sentence each."""
    found = []
    for choice in tables if only is not OnlyChanges.OFF else ():
        table = catalog.table(choice.name)
        if table is None:
            continue
        if table.key is None:
            found.append(f"“{table.name}” has no key, without which nobody can tell which of its rows changed.")
        elif choice.fields is not None and table.key not in choice.fields:
            found.append(
                f"“{table.key}”, the key of “{table.name}”, must be written to tell which of its rows changed."
            )
    return found


def file_sets(only: OnlyChanges, *, whole: bool = False) -> tuple[Rows, ...]:
    """The file sets of each table, in the order in which a reader should take them up."""
    if whole or only is OnlyChanges.OFF:
        return (Rows.ALL,)
    return (Rows.CHANGES,) if only is OnlyChanges.CHANGED else (Rows.REMOVED, Rows.CHANGED, Rows.ADDED)
