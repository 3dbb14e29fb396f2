"""SFTP with a password or a key; the server's own key must have been trusted by a person."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import cast

import asyncssh

from app.core.connections import TestResult
from app.core.errors import FixSettings
from app.destinations.budgets import Line
from app.destinations.contract import Exchange, Settings
from app.destinations.files import StagedFiles, not_whole, safe_path
from app.destinations.speed import Speed
from app.destinations.ssh.link import Link, Server
from app.destinations.ssh.storage import SftpStorage
from app.jobs import JobContext

_PROBE = b"Sendoff"


def sftp(settings: Settings) -> Sftp:
    """The server a connection describes; raises FixSettings when host, port or user name are missing or wrong."""
    server, most = _server(settings), Speed.of(settings.values).bytes_per_second
    way = settings.budgets.line(f"{server.user}@{server.where}", settings.secrets.values(), most)
    return Sftp(server, settings.values.get("folder", "").strip(), way, settings.ledger)


class Sftp:
    """A `FileDestination`; thread safe, each test and session has a connection of its own."""

    def __init__(self, server: Server, folder: str, way: Line, ledger: Callable[[Exchange], None]) -> None:
        if ".." in folder.split("/") or "\0" in folder:
            raise FixSettings(
                "The folder is not usable.",
                "It must not hold “..”.",
                "Enter the folder's plain path.",
                code="bad_folder",
            )
        self._server = server
        self._way = way
        self._ledger = ledger
        self._folder = posixpath.normpath(folder) if folder else ""

    def test(self, ctx: JobContext) -> TestResult:
        """See `FileDestination.test`; also raises UnknownHostKey and ChangedHostKey."""
        began = time.monotonic()
        link = Link(self._server, self._ledger)
        try:
            SftpStorage(link, self._folder, self._server.where, self._way).open(ctx)
            ctx.check()
            place = posixpath.join(self._folder, f".sendoff-test-{token_hex(6)}")
            link.run(lambda sftp: _probe(sftp, place), self._folder or "the user's folder", ctx)
            software = link.software
        finally:
            link.close()
        reached = f"{self._server.user}@{self._server.where}"
        return TestResult(
            f"{reached} ({software})" if software else reached,
            round((time.monotonic() - began) * 1000),
            ("write files", "read files", "remove files"),
        )

    def where(self, path: str) -> str:
        """See `FileDestination.where`; a folder below the user's own is shown with `~`."""
        folder = self._folder if self._folder.startswith("/") else posixpath.join("/~", self._folder)
        place = posixpath.join(folder, safe_path(path)) if path else folder
        return f"sftp://{self._server.user}@{self._server.where}{place}"

    def session(self, notes: Path | None = None) -> StagedFiles:
        """See `FileDestination.session`."""
        link = Link(self._server, self._ledger)
        return StagedFiles(SftpStorage(link, self._folder, self._server.where, self._way), notes=notes)


async def _probe(sftp: asyncssh.SFTPClient, place: str) -> None:
    """Write, read and remove a small file; it is removed even when reading fails."""
    try:
        async with sftp.open(place, "wb") as file:
            await file.write(_PROBE)
        async with sftp.open(place, "rb") as file:
            back = cast("bytes", await file.read())  # opened without an encoding
    except asyncssh.SFTPError:
        if await sftp.lexists(place):
            await sftp.remove(place)
        raise
    await sftp.remove(place)
    if back != _PROBE:
        raise not_whole(place, len(_PROBE), len(back))


def _server(settings: Settings) -> Server:
    values, secrets = settings.values, settings.secrets
    host, user = values.get("host", "").strip().strip("[]"), values.get("user", "").strip()
    port = values.get("port", "").strip() or "22"
    if not host or not user:
        raise FixSettings(
            "The connection is not complete.",
            "Host and user name are needed.",
            "Enter both in the connection.",
            code="incomplete",
        )
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise FixSettings(
            f"“{port}” is not a port.",
            "Ports are numbers from 1 to 65535.",
            "Enter the port; most servers use 22.",
            code="bad_port",
        )
    return Server(
        host=host,
        port=int(port),
        user=user,
        by_key=values.get("sign_in", "password") == "key",
        password=secrets.get("password", ""),
        private_key=secrets.get("private_key", ""),
        passphrase=secrets.get("passphrase", ""),
        host_key=values.get("host_key", ""),
    )
