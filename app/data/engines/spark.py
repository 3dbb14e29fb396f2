"""Tables on a Spark cluster (4 or newer), asked through Spark Connect: it finds the members, Arrow batches come here.

Nothing is written there. Each question has a session of its own (measured: 10 ms), because a session goes by the files that a
table had when it was first asked for; its settings make the SQL of `spark_sql` mean what DuckDB's does.
"""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

from app.core.servers import ServerAccess, ServerAddress, ServerTest, Tls
from app.core.tables import Column, Link, ServerTable, Table
from app.data.engines import spark_errors as errors
from app.data.engines.interrupting import Interrupter
from app.data.engines.server_errors import column_changed, no_answer, no_host, place_of, slow, table_gone
from app.data.engines.spark_columns import SparkColumn
from app.data.engines.spark_sql import SETTINGS, SendoffSpark, text_rows
from app.jobs import Cancelled, CancelToken

if TYPE_CHECKING:
    from app.data.engines.spark_driver import Session

OLDEST = 4
_CONNECT_SECONDS = 10
_CANCEL_AGAIN_SECONDS = 0.5
_CUT_SECONDS = 5
"""A cluster that does not stop when told is not waited for any longer."""
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class SparkEngine:
    """A `Server` (app/data/engines/protocol.py). Thread safe; `access` is asked again after a question failed."""

    def __init__(self, access: Callable[[], ServerAccess]) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._reached: ServerAccess | None = None
        self._shapes: dict[ServerTable, dict[str, SparkColumn]] = {}

    @property
    def address(self) -> ServerAddress:
        """Where it is."""
        return self._reachable().address

    def sql(self, query: exp.Expr) -> str:
        """The query in Spark's words."""
        return query.sql(SendoffSpark)

    @contextmanager
    def cursor(self, token: CancelToken) -> Iterator[SparkCursor]:
        """A cursor of one job; see `Engine.cursor` and `Server` for what it raises."""
        with self._asking(token) as session:
            yield SparkCursor(session)

    @contextmanager
    def reader(self, query: str, token: CancelToken, *, time_limit: bool = True) -> Iterator[pa.RecordBatchReader]:
        """See `Server.reader`; what breaks in the middle is raised as if it had at the start, whoever reads the batches."""
        broken: list[Exception] = []
        ended = False

        def guarded(batches: Generator[pa.RecordBatch, None, None]) -> Generator[pa.RecordBatch, None, None]:
            nonlocal ended
            try:
                yield from batches
                ended = True
            except Exception as error:  # it does not come through Arrow's stream
                broken.append(error)
                raise

        with self._asking(token, time_limit=time_limit) as session:
            schema, batches = session.ask(query)
            reader = pa.RecordBatchReader.from_batches(schema, guarded(batches))
            try:
                yield reader
            except Exception:
                if token.cancelled:
                    raise Cancelled from None
                if broken:
                    raise broken[0] from None
                raise
            finally:
                if not ended and not broken:
                    session.stop()
                reader.close()
                with suppress(ValueError):  # a reader that was interrupted may be in the middle of it
                    batches.close()

    def test(self, token: CancelToken) -> ServerTest:
        """See `Server.test`; what Sendoff may write there is not asked, since Spark can't tell."""
        self.forget()
        begun = time.perf_counter()
        with self._asking(token) as session:
            version = _version(session)
            milliseconds = round((time.perf_counter() - begun) * 1000)
        encrypted = self.address.tls is not Tls.OFF
        return ServerTest(version, milliseconds, len(self.tables(token)), encrypted, writes=False)

    def tables(self, token: CancelToken) -> list[tuple[ServerTable, int]]:
        """See `Server.tables`; Spark does not know how many rows they have."""
        found = []
        address = self.address
        with self._asking(token) as session:
            cursor, catalog = SparkCursor(session), _quoted(address.database)
            try:
                cursor.execute(f"SHOW SCHEMAS IN {catalog}")
            except _driver().Failed as error:
                if errors.no_table(error):
                    raise errors.no_catalog(address) from None
                raise
            for (schema,) in cursor.fetchall():
                cursor.execute(f"SHOW TABLES IN {catalog}.{_quoted(schema)}")
                found += [ServerTable(schema, row[1]) for row in cursor.fetchall() if not row[2]]
        return [(place, 0) for place in sorted(found, key=lambda place: (place.schema, place.name))]

    def describe(self, place: ServerTable, token: CancelToken) -> tuple[Column, ...]:
        """See `Server.describe`."""
        return tuple(column.column() for column in self._learnt(place, token).values())

    def unique(self, table: Table, column: str, token: CancelToken) -> bool:  # noqa: ARG002 - the protocol's
        """See `Server.unique`; Spark sees to nothing of that kind."""
        return False

    def links(self, tables: Sequence[Table], token: CancelToken) -> list[Link]:  # noqa: ARG002 - the protocol's
        """See `Server.links`; Spark knows of none."""
        return []

    def relation(self, table: Table) -> exp.Expr:
        """See `Engine.relation`; columns behave as the types the workspace knows them by."""
        return self._rows_of(table, self._source(table))

    def sampled(self, table: Table, percent: int) -> exp.Expr | None:
        """See `Server.sampled`."""
        source = self._source(table)
        size, seed = exp.Literal.number(percent), exp.Literal.number(1)
        source.set("sample", exp.TableSample(percent=size, seed=seed))
        return self._rows_of(table, source)

    def state(self, tables: Sequence[Table], token: CancelToken) -> str | None:  # noqa: ARG002 - the protocol's
        """See `Server.state`; Spark can't tell."""
        return None

    def keys(self, values: Sequence[str]) -> exp.Expr:
        """See `Server.keys`."""
        return exp.subquery(text_rows(values), "listed")

    def travelling(self, table: Table, column: Column, value: exp.Expr) -> exp.Expr:
        """See `Server.travelling`."""
        there = self._known(table).get(column.name)
        if there is None:
            raise column_changed(table, column.name)
        return there.travelling(value)

    def write(
        self, query: str, folder: Path, compression: str, rows_per_file: int | None, token: CancelToken
    ) -> int | None:
        """See `Server.write`; the cluster sees the folder when it reads there what was just written here."""
        with self._asking(token, time_limit=False) as session:
            if not _sees(session, folder):
                return None
            cursor = SparkCursor(session)
            # One session goes by the same files of a table: the count is of the rows that are written.
            ((rows,),) = cursor.execute(f"SELECT COUNT(*) FROM ({query})").fetchall()  # noqa: S608 - our own query
            options = f"'compression' '{compression}'"
            hint = "/*+ COALESCE(1) */ "
            if rows_per_file is not None:
                options, hint = f"{options}, 'maxRecordsPerFile' '{int(rows_per_file)}'", ""
            cursor.execute(
                f"INSERT OVERWRITE DIRECTORY {_literal(folder.as_uri())} USING parquet "  # noqa: S608 - quoted
                f"OPTIONS ({options}) SELECT {hint}* FROM ({query})"
            )
            return int(rows)

    def forget(self) -> None:
        """Let go of what was learnt about the server, because its address changed."""
        with self._lock:
            self._reached = None
            self._shapes.clear()

    def close(self) -> None:
        """See `Engine.close`."""
        self.forget()

    def _source(self, table: Table) -> exp.Table:
        place = place_of(table)
        return exp.table_(place.name, db=place.schema, catalog=self.address.database, quoted=True)

    def _rows_of(self, table: Table, source: exp.Table) -> exp.Expr:
        shape = self._known(table)
        shown = []
        for column in table.columns:
            there = shape.get(column.name)
            if there is None or there.column().type is not column.type:
                raise column_changed(table, column.name)
            shown.append(exp.alias_(there.shown(), column.name, quoted=True))
        return exp.select(*shown).from_(source).subquery()

    def _known(self, table: Table) -> dict[str, SparkColumn]:
        place = place_of(table)
        with self._lock:
            known = self._shapes.get(place)
        return self._learnt(place, CancelToken()) if known is None else known

    def _learnt(self, place: ServerTable, token: CancelToken) -> dict[str, SparkColumn]:
        name = ".".join(_quoted(part) for part in (self.address.database, place.schema, place.name))
        with self._asking(token) as session:
            try:
                found = session.schema(f"SELECT * FROM {name}")  # noqa: S608 - quoted names
            except _driver().Failed as error:
                if errors.no_table(error):
                    raise table_gone(place) from None
                raise
        shape = {called: SparkColumn(called, kind) for called, kind in found}
        with self._lock:
            self._shapes[place] = shape
        return shape

    def _reachable(self) -> ServerAccess:
        with self._lock:
            reached = self._reached
        return reached or self._access()

    @contextmanager
    def _asking(self, token: CancelToken, *, time_limit: bool = True) -> Iterator[Session]:
        """A session, stopped when the token is cancelled or the time is over."""
        token.check()
        access = self._reachable()
        driver = _driver()
        session = _begun(access)
        with self._lock:
            self._reached = access
        late, stopping = threading.Event(), threading.Lock()
        interrupter = Interrupter(session.stop, _CANCEL_AGAIN_SECONDS)
        cut, patience = (
            threading.Timer(_CUT_SECONDS, session.cut),
            threading.Timer(access.address.seconds, lambda: give_up()),
        )
        cut.daemon = patience.daemon = True

        def stop() -> None:
            if stopping.acquire(blocking=False):  # once, whoever is first
                interrupter.start()
                cut.start()

        def give_up() -> None:
            late.set()
            stop()

        if time_limit:
            patience.start()
        try:
            with token.on_cancel(stop):
                yield session
        except driver.Failed as error:
            self.forget()
            if token.cancelled:
                raise Cancelled from None
            if late.is_set():
                raise slow(access.address) from None
            # Spark's error repeats the query, and so keys of members.
            raise errors.asking(error, access.address, token=access.password is not None) from None
        finally:
            patience.cancel()
            interrupter.stop()
            cut.cancel()
            session.close()


class SparkCursor:
    """Answers SQL in Spark's words; belongs to one job and one thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, query: str, /) -> SparkCursor:
        """Ask; the whole answer comes."""
        schema, batches = self._session.ask(query)
        columns = pa.Table.from_batches(batches, schema).columns
        self._rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that were not fetched yet."""
        rows, self._rows = self._rows, []
        return rows


def _begun(access: ServerAccess) -> Session:
    address = access.address
    driver = _driver()
    if access.password is not None and address.tls is Tls.OFF and address.host not in _HERE:
        raise errors.token_in_clear(address)
    _reach(address)
    try:
        session: Session = driver.Session(access, SETTINGS)
    except driver.Failed as error:
        raise errors.asking(error, address, token=access.password is not None) from None
    return session


def _version(session: Session) -> str:
    """Which Spark it is; FixSettings when it is too old."""
    (told,) = SparkCursor(session).execute("SELECT version()").fetchall()[0]
    version = str(told).split()[0]
    if int(version.partition(".")[0]) < OLDEST:
        raise errors.too_old(version, OLDEST)
    return version


def _reach(address: ServerAddress) -> None:
    """Knock: the driver would wait long for who does not answer, and not say why."""
    try:
        socket.create_connection((address.host, address.port), _CONNECT_SECONDS).close()
    except socket.gaierror:
        raise no_host(address, "") from None
    except OSError as error:
        raise no_answer(address, f"{error.strerror or error}.") from None


def _driver() -> ModuleType:
    """Pyspark's client, loaded when it is needed; FixSettings when it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # it says that it was not tried with the newest pandas, which it does not use here
            return import_module("app.data.engines.spark_driver")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pyspark", "grpc", "google", "grpc_status", "zstandard"}:
            raise
        raise errors.missing() from None


def _sees(session: Session, folder: Path) -> bool:
    """Whether the cluster reads what stands in that folder here."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    word = token_hex(16)
    probe = folder.with_name(f"{folder.name}-probe.txt")
    probe.write_text(word)
    try:
        place = _quoted(probe.as_uri())
        found = SparkCursor(session).execute(f"SELECT value FROM text.{place}").fetchall()  # noqa: S608 - quoted
    except _driver().Failed:
        return False
    finally:
        probe.unlink()
    return found == [(word,)]


def _literal(value: str) -> str:
    return exp.Literal.string(value).sql("spark")


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("spark")
