"""The way to a real Spark cluster: who is let in, what breaks, what is read."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from app.core.errors import FixData, FixSettings, SendoffError, SignInAgain, TryAgain
from app.core.servers import SPARK_CATALOG, ServerAccess, ServerAddress, ServerKind, ServerUrl, Tls
from app.core.tables import ServerTable, Table, TableRole
from app.data.engines.spark import SparkEngine
from app.jobs import Cancelled, CancelToken
from tests.data.rows import WHEN
from tests.servers.spark import SparkServer, running_spark, spark

__all__ = ["spark"]
pytestmark = pytest.mark.slow

MANY_ROWS = "SELECT id, repeat('x', 100) AS text FROM range(0, 40000000, 1, 800)"
LONG = "SELECT count(*) FROM range(10000000000000)"


@pytest.fixture
def engine(spark: SparkServer) -> Iterator[SparkEngine]:
    engine = spark.engine()
    yield engine
    engine.close()


def refused(access: ServerAccess) -> SendoffError:
    engine = SparkEngine(lambda: access)
    with pytest.raises(SendoffError) as caught:
        engine.test(CancelToken())
    engine.close()
    assert caught.value.what.endswith(".")
    assert caught.value.fix
    if access.password:
        assert access.password not in str(caught.value)
    return caught.value


def test_a_test_says_what_is_there(spark: SparkServer, engine: SparkEngine) -> None:
    with spark.schema() as schema:
        spark.run(
            f"CREATE TABLE {schema}.a (i INT) USING parquet", f"CREATE VIEW {schema}.b AS SELECT * FROM {schema}.a"
        )
        found = engine.test(CancelToken())
        assert (found.tables, found.encrypted) == (2, False)
        assert int(found.version.partition(".")[0]) >= 4
        assert [place for place, _ in engine.tables(CancelToken())] == [ServerTable(schema, name) for name in "ab"]


@pytest.mark.parametrize(
    ("changes", "token", "kind", "code"),
    [
        ({}, "not it", SignInAgain, "server_password"),
        ({}, None, SignInAgain, "server_password"),
        ({"database": "no such"}, "right", FixSettings, "server_database"),
        ({"port": 1}, "right", TryAgain, "server_unreachable"),
        ({"host": "nowhere.invalid", "tls": Tls.VERIFY}, "right", TryAgain, "server_unreachable"),
        ({"host": "nowhere.invalid"}, "right", FixSettings, "server_tls"),
        ({"tls": Tls.VERIFY}, "right", FixSettings, "server_tls"),
    ],
)
def test_who_is_not_let_in_is_told_why(
    spark: SparkServer, changes: dict[str, Any], token: str | None, kind: type[SendoffError], code: str
) -> None:
    error = refused(ServerAccess(spark.address(**changes), spark.token if token == "right" else token))
    assert isinstance(error, kind)
    assert error.code == code


def test_who_does_not_speak_spark_is_told_apart() -> None:
    """A server of another kind, which says something else."""
    import http.server

    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    address = ServerAddress("127.0.0.1", SPARK_CATALOG, "", server.server_port, Tls.OFF, kind=ServerKind.SPARK)
    error = refused(ServerAccess(address))
    server.shutdown()
    thread.join()
    server.server_close()
    assert error.code in {"server_address", "server_unreachable"}


def test_without_the_extra_it_is_said_how_to_install_it(spark: SparkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "app.data.engines.spark_driver", raising=False)
    monkeypatch.setitem(sys.modules, "grpc", None)
    error = refused(spark.access())
    assert error.code == "spark_missing"
    assert "pip install" in error.fix


def _count(engine: SparkEngine, token: CancelToken) -> None:
    with engine.cursor(token) as cursor:
        cursor.execute(LONG)


def _stream(engine: SparkEngine, token: CancelToken) -> None:
    with engine.reader(MANY_ROWS, token) as batches, duckdb.connect() as connection:
        connection.register("batches", batches)
        connection.execute("SELECT count(*), max(text) FROM batches").fetchall()


@pytest.mark.parametrize("ask", [_count, _stream])
def test_a_cancel_ends_a_question_and_a_stream(
    engine: SparkEngine, ask: Callable[[SparkEngine, CancelToken], None]
) -> None:
    token = CancelToken()
    threading.Timer(1, token.cancel).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        ask(engine, token)
    assert time.monotonic() - begun < 60


def test_a_stream_nobody_reads_on_ends_at_once(engine: SparkEngine) -> None:
    with engine.reader(MANY_ROWS, CancelToken()) as batches:
        next(iter(batches))
        begun = time.monotonic()
    assert time.monotonic() - begun < 60


def test_a_slow_question_is_given_up(spark: SparkServer) -> None:
    engine = spark.engine(seconds=1)
    with pytest.raises(TryAgain) as caught:
        _count(engine, CancelToken())
    assert caught.value.code == "server_slow"
    engine.close()


def test_what_is_gone_or_wrong_is_said_without_the_query(spark: SparkServer, engine: SparkEngine) -> None:
    with pytest.raises(FixData) as caught:
        engine.describe(ServerTable("default", "nothing"), CancelToken())
    assert caught.value.what == "The server has no table default.nothing that may be read."
    with spark.schema() as schema:
        spark.run(f"CREATE TABLE {schema}.t (id INT, gone STRING) USING parquet")
        place = ServerTable(schema, "t")
        columns = engine.describe(place, CancelToken())
        table = Table("t", "t", TableRole.OTHER, columns, "id", 0, 1, "", WHEN, server=place)
        spark.run(f"DROP TABLE {schema}.t", f"CREATE TABLE {schema}.t (id INT) USING parquet")
        words = engine.sql(engine.relation(table))
        with pytest.raises(FixData) as caught, engine.cursor(CancelToken()) as cursor:
            cursor.execute(f"SELECT * FROM {words} AS t WHERE gone = 'a_key_of_a_member'")
        assert caught.value.code == "server_changed"
        assert "a_key_of_a_member" not in str(caught.value)
        with pytest.raises(FixData) as caught:
            engine.relation(table)  # what failed was forgotten
        assert caught.value.what == "t.gone is not on the server as it was."


def test_a_cluster_that_goes_away() -> None:
    with running_spark() as server:
        engine = server.engine()
        assert engine.test(CancelToken()).tables == 0
        threading.Timer(2, server.stop).start()
        with pytest.raises(TryAgain) as caught:
            _stream(engine, CancelToken())
        assert caught.value.code == "server_unreachable"
        with pytest.raises(TryAgain) as caught:
            engine.tables(CancelToken())
        assert caught.value.code == "server_unreachable"
        assert "does not answer" in caught.value.what
        engine.close()


def test_addresses() -> None:
    known = ServerAddress("node", "lake", "", 15_002, Tls.OFF, seconds=5, kind=ServerKind.SPARK)
    told = ServerUrl.parse("spark://node/lake/crm/Customer", known)
    assert (told.address, told.schema, told.table) == (known, "crm", "Customer")
    told = ServerUrl.parse("spark://me@node:443")
    assert told.address == ServerAddress("node", SPARK_CATALOG, "me", 443, Tls.VERIFY, kind=ServerKind.SPARK)
    assert str(told.address) == "spark://node:443/spark_catalog"
    with pytest.raises(FixSettings) as caught:
        ServerUrl.parse("spark://node/lake?sslmode=require")
    assert caught.value.code == "server_address"
