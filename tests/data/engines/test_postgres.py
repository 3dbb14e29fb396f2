"""The way to a real server: who is let in, what breaks, what is never written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from app.core.clocks import Clock
from app.core.errors import FixData, FixSettings, SendoffError, SignInAgain, TryAgain
from app.core.segment_documents import parse
from app.core.servers import ServerAccess, ServerAddress, ServerUrl, Tls
from app.core.tables import Catalog, ColumnType, ServerTable, Table, TableRole
from app.data.engines.postgres import PostgresEngine
from app.data.sql import SegmentSql
from app.jobs import Cancelled, CancelToken
from tests.data import pg_tables
from tests.data.rows import WHEN
from tests.servers.postgres import OWNER, PostgresServer, postgres, running_postgres

__all__ = ["postgres"]

MANY_ROWS = "SELECT i, repeat('x', 100) FROM generate_series(1, 20000000) i"


@pytest.fixture
def engine(postgres: PostgresServer) -> Iterator[PostgresEngine]:
    engine = postgres.engine()
    yield engine
    engine.close()


def refused(access: ServerAccess) -> SendoffError:
    engine = PostgresEngine(lambda: access)
    with pytest.raises(SendoffError) as caught:
        engine.test(CancelToken())
    engine.close()
    assert caught.value.what.endswith(".")
    if access.password:
        assert access.password not in str(caught.value)
    return caught.value


def test_a_test_says_what_is_there(postgres: PostgresServer, engine: PostgresEngine) -> None:
    with postgres.schema() as schema:
        postgres.run(f"CREATE TABLE {schema}.a (i int)", f"CREATE VIEW {schema}.b AS SELECT * FROM {schema}.a")
        found = engine.test(CancelToken())
        assert (found.tables, found.encrypted, found.writes) == (2, False, False)
        assert int(found.version.partition(".")[0]) >= 12
        postgres.run(f"GRANT DELETE ON {schema}.a TO reader")
        assert engine.test(CancelToken()).writes


def test_encryption_is_kept_to(postgres: PostgresServer) -> None:
    for address in (
        postgres.address(tls=Tls.REQUIRE),
        postgres.address(tls=Tls.VERIFY, certificate=postgres.authority),
    ):
        engine = PostgresEngine(lambda address=address: ServerAccess(address, postgres.password))
        assert engine.test(CancelToken()).encrypted
        engine.close()
    stranger = refused(postgres.access(tls=Tls.VERIFY, certificate="/etc/ssl/certs/ca-certificates.crt"))
    assert stranger.code == "server_certificate"
    other_name = refused(postgres.access(host="localhost", tls=Tls.VERIFY, certificate=postgres.authority))
    assert other_name.code == "server_certificate"
    assert refused(postgres.access(tls=Tls.VERIFY, certificate="/nowhere.crt")).code == "server_certificate"


@pytest.mark.parametrize(
    ("changes", "password", "kind", "code"),
    [
        ({}, "not it", SignInAgain, "server_password"),
        ({}, None, SignInAgain, "server_password"),
        ({"user": "nobody"}, "zzz", SignInAgain, "server_password"),
        ({"database": "no such"}, "right", FixSettings, "server_database"),
        ({"port": 1}, "zzz", TryAgain, "server_unreachable"),
        ({"host": "nowhere.invalid"}, "zzz", TryAgain, "server_unreachable"),
    ],
)
def test_who_is_not_let_in_is_told_why(
    postgres: PostgresServer, changes: dict[str, Any], password: str | None, kind: type[SendoffError], code: str
) -> None:
    word = postgres.password if password == "right" else password
    error = refused(ServerAccess(postgres.address(**changes), word))
    assert isinstance(error, kind)
    assert error.code == code
    assert error.fix


def test_a_server_without_encryption_is_refused(postgres: PostgresServer) -> None:
    postgres.run("ALTER SYSTEM SET ssl = off", "SELECT pg_reload_conf()", database="postgres")
    try:
        deadline = time.monotonic() + 10
        while (error := _refusal(postgres.access(tls=Tls.REQUIRE))) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert error is not None
        assert error.code == "server_tls"
    finally:
        postgres.run("ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()", database="postgres")


def _refusal(access: ServerAccess) -> SendoffError | None:
    engine = PostgresEngine(lambda: access)
    try:
        engine.test(CancelToken())
    except SendoffError as error:
        return error
    finally:
        engine.close()
    return None


def test_nothing_is_written_even_by_who_may(postgres: PostgresServer) -> None:
    engine = PostgresEngine(lambda: ServerAccess(postgres.address(user=OWNER), postgres.password))
    for statement in ("CREATE TABLE public.x (i int)", "CREATE TEMP TABLE x (i int)", "SELECT 1; DROP SCHEMA public"):
        with pytest.raises(SendoffError), engine.cursor(CancelToken()) as cursor:
            cursor.execute(statement)
    with engine.cursor(CancelToken()) as cursor:
        cursor.execute("SELECT to_regclass('public.x')::text, to_regnamespace('public')::text")
        assert cursor.fetchone() == (None, "public")
    engine.close()


def test_a_cancel_ends_a_question_and_a_stream(engine: PostgresEngine) -> None:
    for ask in (_sleep, _stream):
        token = CancelToken()
        threading.Timer(0.3, token.cancel).start()
        begun = time.monotonic()
        with pytest.raises(Cancelled):
            ask(engine, token)
        assert time.monotonic() - begun < 60


def _sleep(engine: PostgresEngine, token: CancelToken) -> None:
    with engine.cursor(token) as cursor:
        cursor.execute("SELECT pg_sleep(120)::text")
        cursor.fetchall()


def _stream(engine: PostgresEngine, token: CancelToken) -> None:
    with engine.reader(MANY_ROWS, token) as batches, duckdb.connect() as connection:
        connection.register("batches", batches)
        connection.execute("SELECT count(*), max(repeat) FROM batches").fetchall()


def test_a_stream_nobody_reads_on_ends_at_once(engine: PostgresEngine) -> None:
    with engine.reader(MANY_ROWS, CancelToken()) as batches:
        next(iter(batches))
        begun = time.monotonic()
    assert time.monotonic() - begun < 10  # all of it would take longer


def test_a_slow_question_is_given_up(postgres: PostgresServer) -> None:
    engine = postgres.engine(seconds=1)
    with pytest.raises(TryAgain) as caught:
        _sleep(engine, CancelToken())
    assert caught.value.code == "server_slow"
    rows = "SELECT repeat('x', 1000) FROM generate_series(1, 60000)"
    with pytest.raises(TryAgain) as caught:
        _read_with_a_pause(engine, rows, time_limit=True)
    assert caught.value.code == "server_slow"
    assert _read_with_a_pause(engine, rows, time_limit=False) == 60_000
    engine.close()


def _read_with_a_pause(engine: PostgresEngine, query: str, *, time_limit: bool) -> int:
    """As somebody reads who uploads the rows meanwhile."""
    read = 0
    with engine.reader(query, CancelToken(), time_limit=time_limit) as batches:
        for batch in batches:
            time.sleep(1.2 if not read else 0)
            read += batch.num_rows
    return read


def test_a_server_that_goes_away_and_comes_back() -> None:
    with running_postgres() as server:
        engine = server.engine()
        assert engine.test(CancelToken()).tables == 0
        server.stop()
        for _ in range(2):
            with pytest.raises(TryAgain) as caught:
                engine.tables(CancelToken())
            assert caught.value.code == "server_unreachable"
        server.start()
        assert engine.tables(CancelToken()) == []
        threading.Timer(0.5, server.stop).start()
        with pytest.raises(TryAgain) as caught:
            _read_slowly(engine)
        assert caught.value.code == "server_unreachable"
        engine.close()


def _read_slowly(engine: PostgresEngine) -> None:
    with engine.reader(MANY_ROWS, CancelToken()) as batches:
        for _ in batches:
            time.sleep(0.05)


def test_only_what_may_be_read_is_offered_and_described(postgres: PostgresServer, engine: PostgresEngine) -> None:
    with postgres.schema() as schema:
        postgres.run(
            f'CREATE TABLE {schema}."Odd ""Name" (id int PRIMARY KEY, secret text, "Öl" text)',
            f'REVOKE ALL ON {schema}."Odd ""Name" FROM reader',
            f'GRANT SELECT (id, "Öl") ON {schema}."Odd ""Name" TO reader',
            f"CREATE TABLE {schema}.hidden (i int)",
            f"REVOKE ALL ON {schema}.hidden FROM reader",
        )
        place = ServerTable(schema, 'Odd "Name')
        assert [found for found, _ in engine.tables(CancelToken())] == [place]
        columns = engine.describe(place, CancelToken())
        assert [(c.name, c.type) for c in columns] == [("id", ColumnType.INTEGER), ("Öl", ColumnType.TEXT)]
        with pytest.raises(FixData) as caught:
            engine.describe(ServerTable(schema, "hidden"), CancelToken())
        assert caught.value.code == "server_changed"
        table = Table("t", "T", TableRole.OTHER, columns, "id", 0, 1, "", WHEN, server=place)
        assert engine.unique(table, "id", CancelToken())
        assert not engine.unique(table, "Öl", CancelToken())


def test_a_column_that_goes_is_said(postgres: PostgresServer, engine: PostgresEngine) -> None:
    with postgres.schema() as schema:
        postgres.run(f"CREATE TABLE {schema}.t (id int, gone text)")
        table = pg_tables.described(engine, schema, "t", key="id")
        postgres.run(f"ALTER TABLE {schema}.t DROP COLUMN gone")
        fresh = postgres.engine()
        with pytest.raises(FixData) as caught:
            fresh.relation(table)
        assert caught.value.what == "t.gone is not on the server as it was."
        words = engine.sql(engine.relation(table))
        with pytest.raises(FixData) as caught, engine.cursor(CancelToken()) as cursor:
            cursor.execute(f"SELECT * FROM {words} AS t")
        assert caught.value.code == "server_changed"
        fresh.close()


def test_addresses() -> None:
    known = ServerAddress("db.example", "shop", "reader", tls=Tls.REQUIRE, seconds=5)
    told = ServerUrl.parse("postgresql://db.example/shop/crm/Customer", known)
    assert (told.address, told.schema, told.table) == (known, "crm", "Customer")
    told = ServerUrl.parse("postgres://me%40x@db.example:6432/a%20b?sslmode=disable", known)
    assert told.address == ServerAddress("db.example", "a b", "me@x", 6432, Tls.OFF)
    assert (told.schema, told.table) == (None, None)
    with pytest.raises(FixSettings) as caught:
        ServerUrl.parse("postgresql://me:s3cret@db.example/shop")
    assert caught.value.code == "secret_in_address"
    assert "s3cret" not in str(caught.value)
    for text in ("postgresql:///shop", "postgresql://h", "postgresql://u@h:x/d", "postgresql://u@h/d?sslmode=prefer"):
        with pytest.raises(FixSettings):
            ServerUrl.parse(text)
    for changes in ({"host": " "}, {"port": 0}, {"user": "a\nb"}, {"seconds": 0}):
        with pytest.raises(FixSettings):
            replace(known, **changes)


def test_ten_thousand_values(postgres: PostgresServer, engine: PostgresEngine) -> None:
    with postgres.schema() as schema:
        postgres.run(f"CREATE TABLE {schema}.t AS SELECT 'k' || i AS \"Id\" FROM generate_series(0, 19999) i")
        table = pg_tables.described(engine, schema, "t", key="Id", role=TableRole.CUSTOMER, called="Customer")
        many = {"field": "Customer.Id", "is_one_of": [f"k{i * 2}" for i in range(10_000)]}
        sql = SegmentSql(
            Catalog((table,)),
            {},
            relation=engine.relation,
            clock=Clock(WHEN),
            key_list=lambda _name: engine.keys([]),
        )
        query = sql.members(parse({"name": "S", "rules": [{"all": [many]}]}, segment_id="s")).subquery("m")
        with engine.cursor(CancelToken()) as cursor:
            cursor.execute(engine.sql(exp.select("count(*)").from_(query)))
            assert cursor.fetchone() == (10_000,)
