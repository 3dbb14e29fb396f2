"""The embedded engine: one in-memory DuckDB instance over the Parquet files of the workspace.

No DuckDB file is ever held open: two processes may not share one (research: duckdb 2.0.0 refuses the second). Rows are
immutable Parquet generations, `folder/data/{table.id}/{generation}/*.parquet`, which any number of processes may read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import duckdb
from sqlglot import exp

from app.core.errors import FixData, SendoffError, TellUs, TryAgain
from app.core.tables import Column, Table
from app.data.engines.interrupting import Interrupter
from app.data.engines.protocol import Server
from app.data.engines.types import column_type
from app.jobs import Cancelled, CancelToken

Cursor = duckdb.DuckDBPyConnection


def generation_folder(folder: Path, table: Table) -> Path:
    """Where the rows of this generation of the table lie below the workspace folder."""
    return folder / "data" / table.id / str(table.generation)


def literal(value: str | Path) -> str:
    """A value as a literal of DuckDB's SQL, for the places that take no parameter."""
    return exp.Literal.string(str(value)).sql(dialect="duckdb")


def quoted(value: str) -> str:
    """A table's or column's name as a quoted identifier of DuckDB's SQL."""
    return exp.to_identifier(value, quoted=True).sql(dialect="duckdb")


def listed(words: Iterable[str | Path]) -> str:
    """Values as literals of DuckDB's SQL in a list."""
    return ", ".join(literal(word) for word in words)


def columns_of(cursor: Cursor, query: str) -> list[str]:
    """The names of a query's columns."""
    return [row[0] for row in cursor.execute(f"DESCRIBE {query}").fetchall()]


class DuckDBEngine:
    """One DuckDB instance for the process; thread safe, while each cursor belongs to one job and one thread.

    `memory_limit` is DuckDB's text such as "2GB"; what does not fit spills to `folder/tmp`. `threads` defaults to one less
    than the machine has, so that a window stays quick. `server` gives what answers for the tables that are kept on one.

    A `lean` one works in one thread and does not buffer rows to keep an order that no query asks for: with that 4 million
    members are compared within 128 MB, without it 192 MB were not enough.
    """

    dialect: ClassVar[str] = "duckdb"

    def __init__(
        self,
        folder: Path,
        memory_limit: str = "2GB",
        threads: int | None = None,
        server: Callable[[], Server] | None = None,
        *,
        lean: bool = False,
    ) -> None:
        self.folder = folder
        self.server = server
        self._lock = threading.Lock()
        spill = folder / "tmp"
        spill.mkdir(parents=True, exist_ok=True)
        self._instance = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "threads": 1 if lean else threads or max(1, (os.cpu_count() or 2) - 1),
                "preserve_insertion_order": not lean,
                "temp_directory": str(spill),
                "autoinstall_known_extensions": False,  # nothing is ever fetched from the network behind one's back
                "autoload_known_extensions": False,
                "python_enable_replacements": False,  # a name in SQL never means a Python variable
            },
        )
        # For all of the instance: each cursor would take the computer's zone of its own.
        self._instance.execute("SET GLOBAL TimeZone = 'UTC'")
        alone = not lean and threads is None and os.cpu_count() == 2
        self.hands = 2 if alone else 1
        """How many parts of a short question are worth asking at once, because each takes one thread.

        A half of 10 million rows takes 17 to 20 ms, all of them 35; a window ticking meanwhile waited 20 ms at most.
        """

    def set_limits(self, memory_limit: str, threads: int) -> None:
        """Use so much of the computer from now on; takes effect at once, also for cursors at work."""
        with self._lock:
            self._instance.execute(f"SET memory_limit = {literal(memory_limit)}")
            self._instance.execute(f"SET threads = {int(threads)}")

    @contextmanager
    def cursor(self, token: CancelToken) -> Iterator[Cursor]:
        """A cursor for one job in one thread; it ends with the block.

        Raises `Cancelled` when the token is cancelled before or while the block runs, TryAgain when the drive or the memory
        is full, FixData when a file is missing or damaged. Other errors of DuckDB pass unchanged.
        """
        token.check()
        with self._lock:
            cursor = self._instance.cursor()
        interrupter = Interrupter(partial(_interrupt, cursor))
        try:
            with token.on_cancel(interrupter.start):
                yield cursor
        except Exception as error:
            if token.cancelled and _interrupted(error):
                raise Cancelled from None
            ours = as_ours(error)
            if ours is None:
                raise
            raise ours from error
        finally:
            interrupter.stop()
            cursor.close()

    def ask_together(self, queries: Sequence[str], token: CancelToken) -> list[list[Any]]:
        """The rows of short questions, asked by as many hands as there are; raises as `cursor`."""

        def rows(query: str) -> list[Any]:
            with self.cursor(token) as cursor:
                return cursor.execute(query).fetchall()

        if self.hands == 1 or len(queries) == 1:
            return [rows(query) for query in queries]
        with ThreadPoolExecutor(self.hands, thread_name_prefix="sendoff-part") as pool:
            return list(pool.map(rows, queries))

    def table_files(self, table: Table) -> list[str]:
        """Full paths of the table's Parquet files, sorted; raises FixData when none is left, or the table is elsewhere."""
        if table.server is not None:
            raise FixData(
                f"{table.name} is on the server, and other tables of the question are on this computer.",
                "A question is answered where all of its tables are.",
                "Ask for tables of one place only.",
                code="two_places",
            )
        files = sorted(str(path) for path in generation_folder(self.folder, table).glob("*.parquet"))
        if not files:
            raise FixData(
                f"The rows of table {table.name} are gone.",
                "The files were removed from the workspace folder.",
                "Refresh the table from its source, or remove it.",
                code="rows_missing",
            )
        return files

    def relation(self, table: Table) -> exp.Expression:
        """`read_parquet([...])` of the table's files, to stand after FROM; raises FixData when they are gone."""
        return parquet(self.table_files(table))

    def sql(self, query: exp.Expr) -> str:
        """The query in DuckDB's words."""
        return query.sql(self.dialect)

    def describe(self, files: Sequence[str | Path]) -> tuple[Column, ...]:
        """The columns of Parquet files of one table."""
        with self.cursor(CancelToken()) as cursor:
            rows = cursor.execute("DESCRIBE SELECT * FROM read_parquet(?)", [[str(file) for file in files]]).fetchall()
        return tuple(Column(row[0], column_type(row[1]), native_type=row[1]) for row in rows)

    def close(self) -> None:
        """Close the instance; cursors still in use fail afterwards."""
        with self._lock:
            self._instance.close()


def parquet(files: Sequence[str | Path]) -> exp.Table:
    """A reading of these Parquet files as a relation."""
    names = [exp.Literal.string(str(file)) for file in files]
    return exp.Table(this=exp.ReadParquet(expressions=[exp.Array(expressions=names)]))


def rows_in(files: Sequence[str | Path]) -> str:
    """What stands after FROM to read these Parquet files, as DuckDB's SQL."""
    return parquet(files).sql(dialect="duckdb")


def as_ours(error: BaseException) -> SendoffError | None:
    """The error a person meets for one of DuckDB's, or None when it has to be understood nearer to the query."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return _full_drive() if "temp_directory_size" in str(error) else _full_memory()
    if isinstance(error, duckdb.IOException):
        return _broken_file(str(error))
    if isinstance(error, duckdb.InterruptException | duckdb.FatalException | duckdb.InternalException):
        return TellUs(
            "The query was stopped.",
            f"The database engine reported a {type(error).__name__}.",
            "Try again; when it comes back, send us the log.",
            code="engine",
        )
    return None


def _broken_file(message: str) -> SendoffError:
    if "No space left" in message or "not enough space" in message.lower():
        return _full_drive()
    return FixData(
        "A file could not be read or written.",
        message.splitlines()[0].removeprefix("IO Error: ").rstrip(".") + ".",
        "Check that the file is there, complete and not in use by another program.",
        code="file",
    )


def _full_drive() -> TryAgain:
    return TryAgain(
        "The drive is full.",
        "There was no room left for the rows or for intermediate results; nothing was replaced.",
        "Free some space, then try again.",
        code="disk_full",
    )


def _full_memory() -> TryAgain:
    return TryAgain(
        "There was not enough memory.",
        "The question needed more than the memory Sendoff may use.",
        "Close other programs or ask for fewer columns, then try again.",
        code="memory_full",
    )


def _interrupt(cursor: Cursor) -> None:
    """Interrupt what the cursor does; a run that ends may have closed the instance under it."""
    with suppress(duckdb.ConnectionException):
        cursor.interrupt()


def _interrupted(error: BaseException) -> bool:
    """Whether the error is the interrupt, also when Arrow wrapped it while batches were read."""
    return isinstance(error, duckdb.InterruptException | Cancelled) or "INTERRUPT" in str(error).upper()
