"""What every engine does for the rest of the data room."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from sqlglot import exp

from app.core.tables import Column, Table
from app.jobs import CancelToken


class Engine(Protocol):
    """Holds the rows of tables and answers SQL written in its dialect; thread safe, its cursors are not."""

    dialect: ClassVar[str]
    """The name under which sqlglot knows the engine's SQL."""

    def cursor(self, token: CancelToken) -> AbstractContextManager[Any]:
        """A cursor of one job, stopped when the token is cancelled (`Cancelled` leaves the block then)."""
        ...

    def relation(self, table: Table) -> exp.Expression:
        """What stands after FROM to read the rows of the table; FixData when they are gone."""
        ...

    def table_files(self, table: Table) -> list[str]:
        """The files that hold the table's rows, in a steady order; empty where the engine keeps no files."""
        ...

    def describe(self, files: Sequence[str | Path]) -> tuple[Column, ...]:
        """The columns of Parquet files of one table, with the types the product tells apart."""
        ...

    def close(self) -> None:
        """Let go of memory and files; cursors in use fail afterwards."""
        ...
