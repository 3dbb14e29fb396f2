"""What engines do for the rest of the data room.

DuckDB, in this process, holds the tables of the workspace and does all that is the same wherever members come from:
normalising, hashing, telling them apart, comparing with what was sent. A server holds tables of its own and answers
questions about them: who belongs to a segment, how many, and with which values.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from sqlglot import exp

from app.core.servers import ServerAddress, ServerTest
from app.core.tables import Column, Link, ServerTable, Table
from app.jobs import CancelToken


class Cursor(Protocol):
    """Answers SQL in the engine's own words; belongs to one job and one thread."""

    def execute(self, query: str, /) -> Any:  # noqa: ANN401 - the drivers return themselves
        """Ask; the answer is fetched from the cursor."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - a row of whatever was asked for
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows."""
        ...


class Engine(Protocol):
    """Holds the rows of tables and answers questions about them; thread safe, its cursors are not."""

    def cursor(self, token: CancelToken) -> AbstractContextManager[Any]:
        """A cursor of one job, stopped when the token is cancelled (`Cancelled` leaves the block then)."""
        ...

    def sql(self, query: exp.Expr) -> str:
        """The query in the engine's own words."""
        ...

    def relation(self, table: Table) -> exp.Expr:
        """What stands after FROM to read the rows of the table; FixData when they are gone."""
        ...

    def close(self) -> None:
        """Let go of memory and connections; cursors in use fail afterwards."""
        ...


class Server(Engine, Protocol):
    """An engine elsewhere. Everything but `sql` and `relation` of a known table may wait for the network.

    Raises TryAgain with code "server_unreachable" when it can't be asked, SignInAgain when it refuses who we are, FixSettings
    and FixData with what it said.
    """

    @property
    def address(self) -> ServerAddress:
        """Where it is."""
        ...

    def test(self, token: CancelToken) -> ServerTest:
        """Connect anew and look around."""
        ...

    def tables(self, token: CancelToken) -> list[tuple[ServerTable, int]]:
        """What may be read there, by name, with about how many rows each has."""
        ...

    def describe(self, place: ServerTable, token: CancelToken) -> tuple[Column, ...]:
        """The columns that may be read; FixData when there are none."""
        ...

    def unique(self, table: Table, column: str, token: CancelToken) -> bool:
        """Whether the server itself sees to it that every row has a value there that no other has."""
        ...

    def links(self, tables: Sequence[Table], token: CancelToken) -> list[Link]:
        """The references between these tables that the server knows."""
        ...

    def sampled(self, table: Table, percent: int) -> exp.Expr | None:
        """As `relation`, of about so many rows in a hundred; None when that can't be had."""
        ...

    def state(self, tables: Sequence[Table], token: CancelToken) -> str | None:
        """Differs from an earlier one when rows of these tables were changed since; None when that can't be told.

        A change may show some seconds late.
        """
        ...

    def keys(self, values: Sequence[str]) -> exp.Expr:
        """A list of texts as a relation with one column `member`."""
        ...

    def reader(
        self, query: str, token: CancelToken, *, time_limit: bool = True
    ) -> AbstractContextManager[pa.RecordBatchReader]:
        """The answer as a stream of Arrow batches, for the block; constant memory.

        The time limit counts the time of who reads, too; without it only the token ends a slow reading.
        """
        ...

    def write(
        self, query: str, folder: Path, compression: str, rows_per_file: int | None, token: CancelToken
    ) -> int | None:
        """Write the answer as Parquet files into a new folder, which is one of this computer too; how many rows it has.

        One file, or files of at most so many rows. None when the server does not see that folder, and nothing was written.
        """
        ...

    def forget(self) -> None:
        """Let go of idle connections and of what was learnt about the server, because its address changed."""
        ...

    def travelling(self, table: Table, column: Column, value: exp.Expr) -> exp.Expr:
        """A value of this column in a form that comes through `reader` and can be cast to the column's native type."""
        ...
