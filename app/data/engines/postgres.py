"""Tables on a PostgreSQL server (12 or newer): read where they are, in transactions that can't write.

A role that may SELECT is enough: nothing is created there, not even temporary. Each question is a transaction of its own
with its own settings, so a connection pooler between does no harm. Answers come as Arrow (adbc-driver-postgresql; measured on
loopback: 7 M narrow rows a second).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from adbc_driver_manager import Error as AdbcError
from adbc_driver_postgresql import dbapi
from sqlglot import exp

from app.core.errors import FixSettings
from app.core.servers import ServerAccess, ServerAddress, ServerTest, Tls
from app.core.tables import Column, Link, ServerTable, Table
from app.data.engines import postgres_catalog as catalog
from app.data.engines import postgres_errors as errors
from app.data.engines.authorities import system_authorities
from app.data.engines.interrupting import Interrupter
from app.data.engines.postgres_sql import ICU, SendoffPostgres, text_array
from app.data.engines.server_errors import column_changed, place_of, table_gone
from app.jobs import Cancelled, CancelToken

OLDEST = 12
_IDLE_KEPT = 2
_CANCEL_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a server once it was reached."""

    version: str
    collation: str
    encrypted: bool


class PostgresEngine:
    """A `Server` (app/data/engines/protocol.py). Thread safe; `access` is asked whenever a connection is made."""

    def __init__(self, access: Callable[[], ServerAccess]) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._facts: _Facts | None = None
        self._shapes: dict[ServerTable, catalog.Shape] = {}

    @property
    def address(self) -> ServerAddress:
        """Where it is."""
        return self._access().address

    def sql(self, query: exp.Expr) -> str:
        """The query in PostgreSQL's words; connects when the server is not known yet, because words depend on it."""
        return query.sql(SendoffPostgres(collation=self._known().collation))

    @contextmanager
    def cursor(self, token: CancelToken) -> Iterator[Any]:
        """A cursor of one job in a transaction that can't write; see `Engine.cursor` and `Server` for what it raises."""
        token.check()
        connection, cursor = self._begin()
        whole = False
        interrupter = Interrupter(partial(_stop, cursor), _CANCEL_AGAIN_SECONDS)
        try:
            with token.on_cancel(interrupter.start):
                yield cursor
            whole = True
        except AdbcError as error:
            if token.cancelled:
                raise Cancelled from None
            raise errors.asking(
                error, self.address
            ) from None  # the driver's error repeats the query, and so keys of members
        finally:
            interrupter.stop()
            self._end(connection, cursor, keep=whole)

    @contextmanager
    def reader(self, query: str, token: CancelToken, *, time_limit: bool = True) -> Iterator[pa.RecordBatchReader]:
        """See `Server.reader`; what breaks in the middle is raised as if it had at the start, whoever reads the batches."""
        broken: list[OSError] = []
        ended = False

        def guarded(batches: pa.RecordBatchReader) -> Generator[pa.RecordBatch, None, None]:
            nonlocal ended
            try:
                yield from batches
                ended = True
            except OSError as error:  # the driver's own error does not come through Arrow's stream
                broken.append(error)
                raise

        with self.cursor(token) as cursor:
            if not time_limit:
                cursor.execute(catalog.NO_TIME_LIMIT)
                cursor.fetchall()
            cursor.execute(query)
            batches = cursor.fetch_record_batch()
            try:
                yield pa.RecordBatchReader.from_batches(batches.schema, guarded(batches))
            except Exception:
                if token.cancelled:
                    raise Cancelled from None
                if broken:
                    raise errors.streaming(broken[0], self.address) from None
                raise
            finally:
                if not ended and not broken:
                    _stop(cursor)  # the driver would read to the end what nobody wants: seconds of it
                batches.close()

    def test(self, token: CancelToken) -> ServerTest:
        """See `Server.test`."""
        self.forget()
        begun = time.perf_counter()
        facts = self._known()
        with self.cursor(token) as cursor:
            milliseconds = round((time.perf_counter() - begun) * 1000)
            cursor.execute(catalog.COUNT_TABLES)
            tables, writable = cursor.fetchone()
        return ServerTest(facts.version, milliseconds, tables, facts.encrypted, writes=writable > 0)

    def tables(self, token: CancelToken) -> list[tuple[ServerTable, int]]:
        """See `Server.tables`."""
        with self.cursor(token) as cursor:
            cursor.execute(catalog.TABLES)
            return [(ServerTable(schema, name), int(rows)) for schema, name, rows in cursor.fetchall()]

    def describe(self, place: ServerTable, token: CancelToken) -> tuple[Column, ...]:
        """See `Server.describe`; columns without a limit of decimals are looked through for how many there are."""
        with self.cursor(token) as cursor:
            shape = catalog.shape(cursor, place)
            if not shape.columns:
                raise table_gone(place)
            decimals = catalog.decimals(cursor, place, [c for c in shape.columns.values() if c.open_decimal])
        with self._lock:
            self._shapes[place] = shape
        return tuple(column.column(decimals.get(name)) for name, column in shape.columns.items())

    def unique(self, table: Table, column: str, token: CancelToken) -> bool:
        """See `Server.unique`."""
        return column in self._shape(place_of(table), token).unique

    def links(self, tables: Sequence[Table], token: CancelToken) -> list[Link]:
        """See `Server.links`."""
        by_place = {table.server: table.name for table in tables}
        with self.cursor(token) as cursor:
            cursor.execute(catalog.REFERENCES)
            found = cursor.fetchall()
        return [
            Link(one, one_column, many, many_column)
            for one_schema, one_name, one_column, many_schema, many_name, many_column in found
            if (one := by_place.get(ServerTable(one_schema, one_name)))
            and (many := by_place.get(ServerTable(many_schema, many_name)))
            and one != many
        ]

    def relation(self, table: Table) -> exp.Expr:
        """See `Engine.relation`; columns behave as the types the workspace knows them by."""
        return self._rows_of(table, exp.table_(place_of(table).name, db=place_of(table).schema, quoted=True))

    def sampled(self, table: Table, percent: int) -> exp.Expr | None:
        """See `Server.sampled`; views have no sample."""
        if not self._shape(place_of(table), CancelToken()).stored:
            return None
        source = exp.table_(place_of(table).name, db=place_of(table).schema, quoted=True)
        seed = exp.Literal.number(1)
        source.set("sample", exp.TableSample(method="system", percent=exp.Literal.number(percent), seed=seed))
        return self._rows_of(table, source)

    def state(self, tables: Sequence[Table], token: CancelToken) -> str | None:
        """See `Server.state`; the server counts changes of what it stores, ten seconds late at most, and not behind views."""
        with self.cursor(token) as cursor:
            return catalog.state(cursor, [place_of(table) for table in tables])

    def keys(self, values: Sequence[str]) -> exp.Expr:
        """See `Server.keys`."""
        list_of = exp.Unnest(expressions=[text_array(values)], alias=exp.TableAlias(this="k", columns=["member"]))
        return exp.select("member").from_(list_of).subquery("listed")

    def travelling(self, table: Table, column: Column, value: exp.Expr) -> exp.Expr:
        """See `Server.travelling`."""
        there = self._shape(place_of(table), CancelToken()).columns.get(column.name)
        if there is None:
            raise column_changed(table, column.name)
        return exp.var(there.travelling(column, self.sql(value)))

    def write(
        self,
        query: str,  # noqa: ARG002 - the protocol's, as the others
        folder: Path,  # noqa: ARG002 - the protocol's names
        compression: str,  # noqa: ARG002 - the protocol's names
        rows_per_file: int | None,  # noqa: ARG002 - the protocol's names
        token: CancelToken,  # noqa: ARG002 - the protocol's names
    ) -> int | None:
        """See `Server.write`; whoever may only read has no files written."""
        return None

    def forget(self) -> None:
        """Let go of every idle connection and of what was learnt about the server, because its address changed."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._facts = None
            self._shapes.clear()
        for connection in idle:
            _close(connection)

    def close(self) -> None:
        """See `Engine.close`."""
        self.forget()

    def _rows_of(self, table: Table, source: exp.Expr) -> exp.Expr:
        shape = self._shape(place_of(table), CancelToken())
        shown = []
        for column in table.columns:
            there = shape.columns.get(column.name)
            if there is None or (there.column(0).type is not column.type and not there.open_decimal):
                raise column_changed(table, column.name)
            shown.append(exp.alias_(exp.var(there.shown(column.native_type)), column.name, quoted=True))
        return exp.select(*shown).from_(source).subquery()

    def _shape(self, place: ServerTable, token: CancelToken) -> catalog.Shape:
        with self._lock:
            known = self._shapes.get(place)
        if known is None:
            with self.cursor(token) as cursor:
                known = catalog.shape(cursor, place)
            if not known.columns:
                raise table_gone(place)
            with self._lock:
                self._shapes[place] = known
        return known

    def _known(self) -> _Facts:
        with self._lock:
            facts = self._facts
        if facts is None:
            connection, cursor = self._begin()
            self._end(connection, cursor, keep=True)
            with self._lock:
                facts = self._facts
        assert facts is not None
        return facts

    def _begin(self) -> tuple[Any, Any]:
        """A connection with its question's transaction begun: an idle one when it still works, else a new one."""
        access = self._access()
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                return connection, _begun(connection, access.address)
            except AdbcError:  # the server was restarted, or a firewall forgot about it
                _close(connection)
        try:
            connection = dbapi.connect(_words(access))
        except AdbcError as error:
            raise errors.connecting(error, access.address) from None
        try:
            cursor = _begun(connection, access.address)
            self._learn(cursor, access.address)
        except AdbcError as error:
            _close(connection)
            raise errors.asking(error, access.address) from None
        except BaseException:
            _close(connection)
            raise
        return connection, cursor

    def _learn(self, cursor: Any, address: ServerAddress) -> None:  # noqa: ANN401 - the driver's cursor
        with self._lock:
            if self._facts is not None:
                return
        cursor.execute(catalog.FACTS)
        number, version, encoding, collation, encrypted = cursor.fetchone()
        if number < OLDEST * 10_000:
            raise FixSettings(
                f"The server is PostgreSQL {version}.",
                f"Sendoff reads PostgreSQL {OLDEST} and newer.",
                "Have the server brought up to date.",
                code="server_old",
            )
        if encoding != "UTF8":
            raise FixSettings(
                f"The database {address.database} is kept in {encoding}.",
                "Not every letter of a rule can be written in that.",
                "Copy it into a database with the encoding UTF8.",
                code="server_encoding",
            )
        with self._lock:
            self._facts = _Facts(version, collation or ICU, encrypted)

    def _end(self, connection: Any, cursor: Any, *, keep: bool) -> None:  # noqa: ANN401 - the driver's
        try:
            cursor.close()
            connection.rollback()
        except AdbcError:
            keep = False
        with self._lock:
            keep = keep and len(self._idle) < _IDLE_KEPT
            if keep:
                self._idle.append(connection)
        if not keep:
            _close(connection)


def _begun(connection: Any, address: ServerAddress) -> Any:  # noqa: ANN401 - the driver's
    cursor = connection.cursor()
    try:
        cursor.execute(catalog.settings(address.seconds))
        cursor.fetchall()
    except AdbcError:
        cursor.close()
        raise
    return cursor


def _stop(cursor: Any) -> None:  # noqa: ANN401 - the driver's
    """Tell the server to stop what it does for the cursor; a server that is gone has stopped."""
    with suppress(AdbcError):
        cursor.adbc_cancel()


def _close(connection: Any) -> None:  # noqa: ANN401 - the driver's
    with suppress(AdbcError):
        connection.close()


def _words(access: ServerAccess) -> str:
    """What libpq is told (docs: PostgreSQL 15, 34.1.2)."""
    address = access.address
    told = {
        "host": address.host,
        "port": str(address.port),
        "dbname": address.database,
        "user": address.user,
        "application_name": "Sendoff",
        "client_encoding": "UTF8",
        "connect_timeout": "10",
        "keepalives_idle": "30",
        "tcp_user_timeout": "30000",
        "sslmode": {Tls.VERIFY: "verify-full", Tls.REQUIRE: "require", Tls.OFF: "disable"}[address.tls],
        "gssencmode": "disable",
    }
    if access.password is not None:
        told["password"] = access.password
    if address.tls is Tls.VERIFY and not address.host.startswith("/"):
        told["sslrootcert"] = address.certificate or system_authorities()
    return " ".join(f"{key}={_conninfo(value)}" for key, value in told.items())


def _conninfo(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
