"""A real PostgreSQL server on loopback, with a cluster of its own in a temporary folder.

It refuses to run as root, so it runs as the system's user `postgres` then. Nothing of the machine's own clusters is touched.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from adbc_driver_postgresql import dbapi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core.servers import ServerAccess, ServerAddress, Tls
from app.data.engines.postgres import PostgresEngine
from tests.rights import IS_ROOT


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), default=None)


PROGRAMS = _programs()
USABLE = PROGRAMS is not None
OWNER = "admin"
READER = "reader"
DATABASE = "shop"


@dataclass
class PostgresServer:
    """A running server with a database `shop`; `reader` may read what its schemas hold, `admin` may do everything."""

    root: Path
    port: int
    password: str
    authority: str
    process: subprocess.Popen[bytes] | None = None

    def address(self, **changes: Any) -> ServerAddress:
        address = ServerAddress("127.0.0.1", DATABASE, READER, self.port, Tls.OFF)
        return replace(address, **changes)

    def access(self, **changes: Any) -> ServerAccess:
        return ServerAccess(self.address(**changes), self.password)

    def engine(self, **changes: Any) -> PostgresEngine:
        access = self.access(**changes)
        return PostgresEngine(lambda: access)

    def run(self, *statements: str, database: str = DATABASE) -> None:
        """As the owner, each on its own."""
        for statement in statements:
            self.ask(statement, database=database)

    def ask(self, statement: str, *, database: str = DATABASE) -> None:
        with closing(self.connection(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def connection(self, database: str = DATABASE) -> Any:
        uri = f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"
        return dbapi.connect(uri, autocommit=True)

    @contextmanager
    def schema(self) -> Iterator[str]:
        """A schema of its own that `reader` may read, gone after the block."""
        name = f"s{token_hex(4)}"
        self.run(
            f"CREATE SCHEMA {name}",
            f"GRANT USAGE ON SCHEMA {name} TO {READER}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT ON TABLES TO {READER}",
        )
        try:
            yield name
        finally:
            self.run(f"DROP SCHEMA {name} CASCADE")

    def start(self) -> None:
        assert PROGRAMS is not None
        log = (self.root / "log").open("ab")
        command = [str(PROGRAMS / "postgres"), "-D", str(self.root / "data")]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.root, **_owner())
        log.close()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError((self.root / "log").read_text())
            try:
                self.connection("postgres").close()
                return
            except dbapi.Error:
                time.sleep(0.05)
        raise RuntimeError("PostgreSQL does not answer")

    def stop(self) -> None:
        """At once, as when the machine is switched off: whoever is connected is cut off."""
        if self.process is not None:
            self.process.send_signal(3)
            self.process.wait(120)
            self.process = None


def _owner() -> dict[str, Any]:
    """Who runs the server: this user, or `postgres` when this is root."""
    if not IS_ROOT:
        return {}
    import pwd  # Windows has none, and nobody there is root

    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server for the block."""
    assert PROGRAMS is not None
    root = Path(tempfile.mkdtemp(prefix="sendoff-pg-"))
    try:
        owner = _owner()
        root.chmod(0o700)
        password = token_hex(12)
        (root / "password").write_text(password)
        authority = _certificates(root)
        if owner:
            for path in (root, *root.iterdir()):
                os.chown(path, owner["user"], owner["group"])
        made = subprocess.run(
            [
                *(str(PROGRAMS / "initdb"), "-D", str(root / "data"), "-U", OWNER, "--auth=scram-sha-256"),
                *("--pwfile", str(root / "password"), "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=root,
            **owner,
        )
        if made.returncode:
            raise RuntimeError(made.stderr)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        with (root / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{root}'\nfsync = off\n"
                f"ssl = on\nssl_cert_file = '{root}/server.crt'\nssl_key_file = '{root}/server.key'\n"
                "autovacuum = off\nshared_buffers = 32MB\nmax_connections = 20\n"
                "jit = off\n"  # few rows and many questions: compiling each would take longer than answering
            )
        server = PostgresServer(root, port, password, authority)
        server.start()
        try:
            server.run(
                f"CREATE DATABASE {DATABASE}",
                f"CREATE ROLE {READER} LOGIN PASSWORD '{password}'",
                database="postgres",
            )
            server.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC", f"REVOKE TEMP ON DATABASE {DATABASE} FROM PUBLIC")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of this process; each makes a schema of its own."""
    if not USABLE:
        pytest.skip("PostgreSQL is not installed")
    with running_postgres() as server:
        yield server


def _certificates(root: Path) -> str:
    """The server's key and certificate for 127.0.0.1; returns the file of the authority that signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (root / "server.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (root / "server.key").write_bytes(pem)
    (root / "server.key").chmod(0o600)
    return str(root / "server.crt")
