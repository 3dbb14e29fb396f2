"""Files into storage beside the vendors' own clients: the same file to the same local server, in turns.

`sftp_ratio`, `blob_ratio` and `s3_ratio` are the vendor's wall time over ours, the least of several: the machine is shared,
and noise only ever adds. SFTP's is OpenSSH's own `sftp`, with the same key. Azure's client is told to check each block by
MD5, as ours does; S3's to sign each part, as ours does, in place of a checksum of its own that not every store takes. All
make a client each time, as a run does. Ours takes the file's SHA-256, looks for parts of an earlier run, compares sizes and
publishes in the same time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import boto3.session
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from app.destinations.amazon_s3 import destination as amazon_s3
from app.destinations.azure_blob import destination as azure_blob
from app.destinations.contract import FileDestination, Settings
from app.destinations.sftp import destination as sftp
from app.jobs import JobContext
from tests.servers import azurite, openssh, s3

LARGEST = 200_000_000
SMALLEST = 16_000_000
_BYTES_A_ROW = 200
_PARALLEL = 8
_OFTEN = 5


def ratios(rows: int, folder: Path) -> dict[str, float]:
    """The ratios with a file as large as so many rows; without sshd or Azure's emulator theirs are left out."""
    source = folder / "upload.bin"
    source.write_bytes(os.urandom(min(max(rows * _BYTES_A_ROW, SMALLEST), LARGEST)))
    times = _OFTEN if source.stat().st_size > SMALLEST else 1
    found = {"s3_ratio": _s3_ratio(source, times)}
    if openssh.USABLE and shutil.which("sftp"):
        found["sftp_ratio"] = _sftp_ratio(source, times, folder)
    if not azurite.provide():
        found["blob_ratio"] = _blob_ratio(source, times)
    source.unlink()
    return found


def _sftp_ratio(source: Path, times: int, folder: Path) -> float:
    server = openssh.start(folder / "sshd")
    try:
        key, known = folder / "key", folder / "known_hosts"
        key.write_text(server.key)
        key.chmod(0o600)
        known.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
        ours = sftp.create(Settings(server.values(), {"private_key": server.key}))
        options = (f"Port={server.port}", f"IdentityFile={key}", f"UserKnownHostsFile={known}", "BatchMode=yes")
        command = ["sftp", "-q", "-b", "-", *(part for each in options for part in ("-o", each))]

        def theirs() -> None:
            put = f"put {source} {server.folder / token_hex(8)}\n"
            subprocess.run(
                [*command, f"{server.user}@127.0.0.1"], input=put, text=True, check=True, capture_output=True
            )

        return _ratio(theirs, ours, source, times)
    finally:
        server.stop()


def _blob_ratio(source: Path, times: int) -> float:
    with azurite.running() as server:
        container = server.container()
        values = {
            "account": azurite.ACCOUNT,
            "container": str(container.container_name),
            "endpoint": server.endpoint,
            "sign_in": "account_key",
        }
        ours = azure_blob.create(Settings(values, {"account_key": server.key}))

        def theirs() -> None:
            with source.open("rb") as file:
                container.upload_blob(token_hex(8), file, max_concurrency=_PARALLEL, validate_content=True)

        return _ratio(theirs, ours, source, times)


def _s3_ratio(source: Path, times: int) -> float:
    with s3.running() as server:
        bucket = server.bucket()
        values = {
            "bucket": bucket,
            "region": s3.REGION,
            "endpoint": server.endpoint,
            "sign_in": "keys",
            "access_key_id": server.admin.key_id,
        }
        ours = amazon_s3.create(Settings(values, {"secret_access_key": server.admin.key}))

        def theirs() -> None:
            client = boto3.session.Session().client(
                "s3",
                endpoint_url=server.endpoint,
                region_name=s3.REGION,
                aws_access_key_id=server.admin.key_id,
                aws_secret_access_key=server.admin.key,
                config=Config(request_checksum_calculation="when_required"),
            )
            client.upload_file(str(source), bucket, token_hex(8), Config=TransferConfig(max_concurrency=_PARALLEL))

        return _ratio(theirs, ours, source, times)


def _ratio(theirs: Callable[[], None], destination: FileDestination, source: Path, times: int) -> float:
    """The vendor's least time over ours, taken in turns."""

    def ours() -> None:
        with destination.session() as session:
            session.put(source, token_hex(8), JobContext(), lambda _sent: None)
            session.publish(JobContext())

    took: dict[Callable[[], None], list[float]] = {theirs: [], ours: []}
    for _time in range(times):
        for work, seconds in took.items():
            begin = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begin)
    return round(min(took[theirs]) / min(took[ours]), 2)
