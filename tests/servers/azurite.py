"""Azurite, Microsoft's own emulator of Azure Blob Storage, from npm, kept in a folder outside the repository.

It checks account keys, shared access signatures and their rights. The first use on a computer downloads it.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes, token_hex

import platformdirs
import pytest
from azure.storage.blob import AccessPolicy, BlobServiceClient, ContainerClient, generate_container_sas

from tests.servers.ports import free_port, wait_for

_VERSION = "3.35.0"
_FOLDER = Path(platformdirs.user_cache_dir("sendoff-tests")) / f"azurite-{_VERSION}"
_PROGRAM = _FOLDER / "node_modules/azurite/dist/src/blob/main.js"
ACCOUNT = "contosodata"


@dataclass
class Azurite:
    """A running server with one account; each test makes a container of its own."""

    port: int
    key: str = field(default_factory=lambda: base64.b64encode(token_bytes(64)).decode())

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    def service(self) -> BlobServiceClient:
        return BlobServiceClient(self.endpoint, credential={"account_name": ACCOUNT, "account_key": self.key})

    def container(self) -> ContainerClient:
        """A new container with an owner's client for it."""
        return self.service().create_container(f"c{token_hex(6)}")

    def sas(self, container: str, rights: str = "racwdl", hours: float = 1) -> str:
        now = datetime.now(UTC)
        return generate_container_sas(
            ACCOUNT,
            container,
            self.key,
            permission=rights,
            start=now - timedelta(hours=2),
            expiry=now + timedelta(hours=hours),
        )

    def sas_by_policy(self, container: ContainerClient, rights: str = "racwdl") -> str:
        """A SAS that lasts as long as the container's owner leaves the policy behind it."""
        now = datetime.now(UTC)
        policy = AccessPolicy(permission=rights, start=now - timedelta(hours=2), expiry=now + timedelta(hours=1))
        container.set_container_access_policy({"partner": policy})
        return generate_container_sas(ACCOUNT, str(container.container_name), self.key, policy_id="partner")


def provide() -> str:
    """Install Azurite when it is not there; an empty text, or why it cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Azurite needs node and npm"
    if os.name == "nt":
        return "several processes fetch it one after the other by locks that only Unix has"
    import fcntl

    _FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with (_FOLDER.parent / "azurite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _PROGRAM.exists():
            return ""
        command = ["npm", "install", "--prefix", str(_FOLDER), "--no-audit", "--no-fund", f"azurite@{_VERSION}"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
        return "" if done.returncode == 0 and _PROGRAM.exists() else "Azurite cannot be downloaded here"


@contextmanager
def running(*options: str) -> Iterator[Azurite]:
    """A server for the block; `options` are Azurite's own."""
    folder = Path(tempfile.mkdtemp(prefix="sendoff-azurite-"))
    server = Azurite(free_port())
    command = [
        *(
            shutil.which("node") or "node",
            str(_PROGRAM),
            "--silent",
            "--location",
            str(folder),
            "--skipApiVersionCheck",
            "--disableTelemetry",
        ),
        *("--blobHost", "127.0.0.1", "--blobPort", str(server.port), *options),
    ]
    environ = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{server.key}"}
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, cwd=folder)
    log.close()
    try:
        wait_for(server.port, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One server for all tests of this process."""
    if reason := provide():
        pytest.skip(reason)
    with running() as server:
        yield server
