"""A real Spark Connect server on loopback: pyspark brings its jars, this machine the Java to run them with.

It keeps its tables in a temporary folder, so what the tests write there as Parquet it reads.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.core.servers import SPARK_CATALOG, ServerAccess, ServerAddress, ServerKind, Tls
from app.core.tables import ServerTable, Table, TableRole
from app.data.engines.spark import SparkEngine
from app.jobs import CancelToken
from tests.data.rows import WHEN


def _jars() -> Path | None:
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "jars"
    return folder if any(folder.glob("spark-connect_*.jar")) else None


JARS = _jars()
JAVA = shutil.which("java")
USABLE = JARS is not None and JAVA is not None
OPENED = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action"),
    "sun.util.calendar",
)
"""What Spark's own starter opens of Java's modules (org.apache.spark.launcher.JavaModuleOptions)."""
KINDS = {
    pa.string(): "STRING",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.decimal128(10, 2): "DECIMAL(10,2)",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP_NTZ",
}


@dataclass
class SparkServer:
    """A running server that asks for a token."""

    root: Path
    port: int
    token: str
    process: subprocess.Popen[bytes] | None = None

    def address(self, **changes: Any) -> ServerAddress:
        address = ServerAddress("127.0.0.1", SPARK_CATALOG, "", self.port, Tls.OFF, kind=ServerKind.SPARK)
        return replace(address, **changes)

    def access(self, **changes: Any) -> ServerAccess:
        return ServerAccess(self.address(**changes), self.token)

    def engine(self, **changes: Any) -> SparkEngine:
        access = self.access(**changes)
        return SparkEngine(lambda: access)

    def run(self, *statements: str) -> None:
        """Each on its own."""
        with self.engine().cursor(CancelToken()) as cursor:
            for statement in statements:
                cursor.execute(statement)

    @contextmanager
    def schema(self) -> Iterator[str]:
        """A schema of its own, gone after the block."""
        name = f"s{token_hex(4)}"
        self.run(f"CREATE SCHEMA {name}")
        try:
            yield name
        finally:
            self.run(f"DROP SCHEMA {name} CASCADE")

    def create(self, schema: str, name: str, rows: pa.Table) -> None:
        """A table with these rows."""
        columns = ", ".join(f"`{field.name}` {KINDS[field.type]}" for field in rows.schema)
        place = self._folder(schema, name)
        self.run(f"CREATE TABLE {schema}.`{name}` ({columns}) USING parquet LOCATION '{place.as_uri()}'")
        self.fill(schema, name, rows)

    def fill(self, schema: str, name: str, rows: pa.Table) -> None:
        """Replace the rows."""
        place = self._folder(schema, name)
        for file in place.glob("*.parquet"):
            file.unlink()
        pq.write_table(rows, place / f"{token_hex(4)}.parquet")

    def _folder(self, schema: str, name: str) -> Path:
        place = self.root / "tables" / schema / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def start(self) -> None:
        assert JAVA is not None
        settings = {
            "spark.connect.grpc.binding.port": self.port,
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.authenticate.token": self.token,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": 1,
            # Few rows and many questions: compiling each of them would take most of the time.
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.warehouse.dir": self.root / "warehouse",
        }
        command = [
            *(
                JAVA,
                "-cp",
                f"{JARS}/*",
                "-Xmx1g",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Duser.timezone=Asia/Tokyo",
            ),
            *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED),
            *("org.apache.spark.deploy.SparkSubmit", "--master", "local[2]"),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
            *(word for key, value in settings.items() for word in ("--conf", f"{key}={value}")),
            "spark-internal",
        ]
        with (self.root / "log").open("ab") as log:
            here = {**os.environ, "SPARK_LOCAL_DIRS": str(self.root / "spill")}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.root, env=here)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError((self.root / "log").read_text())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("Spark does not answer")

    def stop(self) -> None:
        """At once, as when the machine is switched off."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(120)
            self.process = None


@contextmanager
def running_spark() -> Iterator[SparkServer]:
    """A server for the block."""
    root = Path(tempfile.mkdtemp(prefix="sendoff-spark-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = SparkServer(root, port, token_hex(12))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkServer]:
    """One server for all tests of this process; each makes a schema of its own."""
    if not USABLE:
        pytest.skip("Java or pyspark is not installed")
    with running_spark() as server:
        yield server


def described(engine: SparkEngine, schema: str, name: str, *, key: str | None, role: TableRole, called: str) -> Table:
    place = ServerTable(schema, name)
    columns = engine.describe(place, CancelToken())
    return Table(called.lower(), called, role, columns, key, 0, 1, "server", WHEN, server=place)
