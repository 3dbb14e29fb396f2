from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from app.core.errors import FixData, TryAgain
from app.core.tables import ColumnType, Table, TableRole
from app.data.engines.duckdb import DuckDBEngine, as_ours, generation_folder
from app.jobs import Cancelled, CancelToken

ENDLESS = "SELECT sum(a.range * b.range % 7) FROM range(1000000) a, range(1000000) b"


@pytest.fixture
def engine(tmp_path: Path):
    engine = DuckDBEngine(tmp_path, memory_limit="500MB", threads=1)
    yield engine
    engine.close()


def a_table(generation: int = 1) -> Table:
    return Table("t1", "Customer", TableRole.CUSTOMER, (), None, 3, generation, "x", datetime.now(UTC))


def test_a_cancel_stops_a_running_query_and_the_engine_goes_on(engine):
    token = CancelToken()
    timer = threading.Timer(0.2, token.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled), engine.cursor(token) as cursor:
        cursor.execute(ENDLESS).fetchone()
    timer.join()
    assert time.monotonic() - began < 60
    with engine.cursor(CancelToken()) as cursor:
        assert cursor.execute("SELECT 42").fetchone() == (42,)


def test_parts_of_a_question_are_asked_together_and_stopped_together(engine):
    engine.hands = 2
    queries = [f"SELECT {part}, count(*) FROM range(1000)" for part in range(5)]
    assert engine.ask_together(queries, CancelToken()) == [[(part, 1000)] for part in range(5)]
    token = CancelToken()
    timer = threading.Timer(0.2, token.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        engine.ask_together([ENDLESS, ENDLESS, ENDLESS], token)
    timer.join()
    assert time.monotonic() - began < 60


def test_a_cancel_that_falls_between_two_queries_stops_the_next(engine):
    token = CancelToken()

    def two_queries() -> None:
        with engine.cursor(token) as cursor:
            cursor.execute("SELECT 1").fetchone()
            token.cancel()
            cursor.execute(ENDLESS).fetchone()

    with pytest.raises(Cancelled):
        two_queries()


def test_a_token_cancelled_before_never_begins(engine):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled), engine.cursor(token):
        pytest.fail("the block must not run")


def test_one_job_s_cancel_leaves_another_alone(engine):
    first, second = CancelToken(), CancelToken()
    with engine.cursor(second) as other:
        threading.Timer(0.1, first.cancel).start()
        with pytest.raises(Cancelled), engine.cursor(first) as cursor:
            cursor.execute(ENDLESS).fetchone()
        assert other.execute("SELECT count(*) FROM range(1000)").fetchone() == (1000,)


def test_relation_reads_the_files_of_the_generation_and_no_other(engine, tmp_path):
    for generation, rows in ((1, 3), (2, 5)):
        folder = generation_folder(tmp_path, a_table(generation))
        folder.mkdir(parents=True)
        with engine.cursor(CancelToken()) as cursor:
            cursor.execute(f"COPY (FROM range({rows})) TO '{folder / 'part-0.parquet'}' (FORMAT parquet)")
    relation = engine.relation(a_table(2)).sql(dialect="duckdb")
    with engine.cursor(CancelToken()) as cursor:
        assert cursor.execute(f"SELECT count(*) FROM {relation}").fetchone() == (5,)


def test_rows_that_are_gone_are_said_so(engine):
    with pytest.raises(FixData) as caught:
        engine.relation(a_table())
    assert caught.value.code == "rows_missing"
    assert caught.value.fix


def test_a_damaged_file_is_a_clear_error(engine, tmp_path):
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 not really")
    with pytest.raises((FixData, duckdb.Error)), engine.cursor(CancelToken()) as cursor:
        cursor.execute("SELECT * FROM read_parquet(?)", [str(bad)]).fetchall()


def test_a_missing_file_is_fix_data(engine, tmp_path):
    with pytest.raises(FixData), engine.cursor(CancelToken()) as cursor:
        cursor.execute("SELECT * FROM read_parquet(?)", [str(tmp_path / "none.parquet")]).fetchall()


def test_describe_maps_types(engine, tmp_path):
    file = tmp_path / "types.parquet"
    with engine.cursor(CancelToken()) as cursor:
        cursor.execute(
            "COPY (SELECT 'a' t, 1::BIGINT i, 1.5::DECIMAL(10,2) d, 1.5::DOUBLE n, true b, DATE '2026-01-01' da, TIME '10:00' ti, "
            "TIMESTAMP '2026-01-01 10:00' ts, TIMESTAMPTZ '2026-01-01 10:00Z' tz, 'x'::BLOB bl, [1] l, {'a': 1} s, "
            f"uuid() u) TO '{file}' (FORMAT parquet)"
        )
    got = {column.name: column.type for column in engine.describe([file])}
    assert got == {
        "t": ColumnType.TEXT,
        "i": ColumnType.INTEGER,
        "d": ColumnType.DECIMAL,
        "n": ColumnType.NUMBER,
        "b": ColumnType.BOOLEAN,
        "da": ColumnType.DATE,
        "ti": ColumnType.TIME,
        "ts": ColumnType.TIMESTAMP,
        "tz": ColumnType.TIMESTAMP,
        "bl": ColumnType.BINARY,
        "l": ColumnType.NESTED,
        "s": ColumnType.NESTED,
        "u": ColumnType.TEXT,
    }


def test_a_full_drive_is_told_from_full_memory():
    assert as_ours(duckdb.IOException("IO Error: Could not write file: No space left on device")).code == "disk_full"
    assert (
        as_ours(duckdb.OutOfMemoryException("failed to offload: max_temp_directory_size exceeded")).code == "disk_full"
    )
    memory = as_ours(duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"))
    assert isinstance(memory, TryAgain)
    assert memory.code == "memory_full"
    assert as_ours(duckdb.BinderException("no such column")) is None


def test_many_threads_with_a_cursor_each(engine):
    results: list[int] = []

    def work(n: int) -> None:
        for _ in range(20):
            with engine.cursor(CancelToken()) as cursor:
                results.append(cursor.execute("SELECT sum(range) FROM range(?)", [n]).fetchone()[0])

    threads = [threading.Thread(target=work, args=(1000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [499500] * 80


def test_the_network_is_never_asked_for_an_extension(engine):
    with engine.cursor(CancelToken()) as cursor:
        assert cursor.execute("SELECT current_setting('autoinstall_known_extensions')").fetchone() == (False,)
