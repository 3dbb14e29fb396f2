from __future__ import annotations

import base64
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import urllib.parse
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.planted_secret import Hit, forms_of, search, search_processes

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "planted/ßecret+7f3a"
WRITERS = {
    "raw": lambda: SECRET.encode(),
    "utf-16": lambda: SECRET.encode("utf-16"),
    "base64": lambda: base64.b64encode(SECRET.encode()),
    "base64 of user and secret": lambda: base64.b64encode(f"ann:{SECRET}".encode()),
    "base64url": lambda: base64.urlsafe_b64encode(f"an:{SECRET}.".encode()),
    "base64 of utf-16": lambda: base64.b64encode(SECRET.encode("utf-16")),
    "hex": lambda: SECRET.encode().hex().encode(),
    "url": lambda: urllib.parse.quote_plus(SECRET).encode(),
    "url, lower case": lambda: urllib.parse.quote(SECRET, safe="").lower().encode(),
    "json": lambda: json.dumps({"v": SECRET}).encode(),
    "gzip": lambda: gzip.compress(b"x" * 1000 + SECRET.encode()),
    "gzip, two members": lambda: gzip.compress(b"first") + gzip.compress(SECRET.encode()),
    "gzip in gzip": lambda: gzip.compress(gzip.compress(base64.b64encode(SECRET.encode()))),
    "gzip, cut off": lambda: gzip.compress(SECRET.encode() + os.urandom(200_000))[:-5000],
}


@pytest.mark.parametrize("writer", WRITERS)
def test_each_form_is_found(tmp_path: Path, writer: str) -> None:
    (tmp_path / "clean").write_bytes(b"nothing to see" * 1000)
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "file"
    file.write_bytes(b"before " * (not writer.startswith("gzip")) + WRITERS[writer]())
    hits = search([tmp_path], SECRET)
    assert hits
    assert all(hit.where.startswith(str(file)) for hit in hits)
    assert search([tmp_path], "another-secret-1") == []


@given(secret=st.text(min_size=8, max_size=40), before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_base64_is_found_at_any_offset(secret: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after)
    assert any(needle in encoded for needle in forms_of(secret)["base64"])


def test_a_secret_across_the_reading_chunks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tools.planted_secret._CHUNK", 64)
    for start in range(130):
        (tmp_path / "f").write_bytes(b"." * start + SECRET.encode() + b"." * 100)
        assert Hit(str(tmp_path / "f"), "raw") in search([tmp_path / "f"], SECRET)


def test_zip_and_file_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "x" * 1000 + "planted-in-a-sheet")
    (tmp_path / "planted-in-a-name").touch()
    assert [hit.where for hit in search([tmp_path], "planted-in-a-sheet")] == [f"{tmp_path / 'book.xlsx'} (sheet.xml)"]
    assert [hit.where for hit in search([tmp_path], "planted-in-a-name")] == [
        f"name of {tmp_path / 'planted-in-a-name'}"
    ]


def test_parquet_columns(tmp_path: Path) -> None:
    table = pa.table({"a": ["x" * 50 + "planted-in-parquet"] * 100, "n": list(range(100))})
    pa.parquet.write_table(table, tmp_path / "t.parquet", compression="zstd")
    assert f"{tmp_path / 't.parquet'} (columns)" in {hit.where for hit in search([tmp_path], "planted-in-parquet")}


def test_sqlite_table_log_and_deleted_rows(tmp_path: Path) -> None:
    file = tmp_path / "workspace.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (v TEXT)")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("INSERT INTO t VALUES (?)", [SECRET])
        database.commit()
        assert SECRET.encode() not in file.read_bytes()
        where = {hit.where for hit in search([tmp_path], SECRET)}
        assert where == {f"{file} (cells)", f"{file}-wal"}
        database.execute("DELETE FROM t")
        database.commit()
        assert {hit.where for hit in search([tmp_path], SECRET)} == {f"{file}-wal"}


def test_a_long_secret_cut_by_database_pages_is_found(tmp_path: Path) -> None:
    secret = "".join(f"{n:05d}" for n in range(2000))
    file = tmp_path / "workspace.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (v TEXT)")
        database.execute("INSERT INTO t VALUES (?)", [secret])
        database.commit()
    assert secret.encode() not in file.read_bytes()
    assert set(search([tmp_path], secret)) >= {Hit(str(file), "piece"), Hit(f"{file} (cells)", "raw")}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_arguments_and_environment_of_processes() -> None:
    code = "import sys; print('up', flush=True); sys.stdin.read()"

    def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    with (
        start() as clean,
        start(f"--key={SECRET}") as told,
        start(KEY=base64.b64encode(SECRET.encode()).decode()) as set_,
    ):
        pids = [clean.pid, told.pid, set_.pid]
        hits = search_processes(pids, SECRET)
        for process in (clean, told, set_):
            process.communicate()
    assert hits == [Hit(f"/proc/{told.pid}/cmdline", "raw"), Hit(f"/proc/{set_.pid}/environ", "base64")]
    with pytest.raises(ProcessLookupError):
        search_processes([clean.pid], SECRET)


def test_a_search_that_cannot_look_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        search([tmp_path / "nowhere"], SECRET)
    with pytest.raises(ValueError, match="at least"):
        search([tmp_path], "short")
