"""Files below the connection's folder on the server."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import posixpath
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar, cast

import asyncssh

from app.core.errors import TryAgain
from app.destinations.budgets import Line
from app.destinations.calls import Retry
from app.destinations.contract import StoredFile
from app.destinations.files import blocks, disk_full, not_whole
from app.destinations.ssh.link import STALL_SECONDS, Link
from app.jobs import JobContext

T = TypeVar("T")

log = logging.getLogger(__name__)

_BLOCK = 4 << 20  # asyncssh splits it into requests of the server's size and has many of them under way
_READ_BACK = 8 << 20  # files up to this size are read back and compared by SHA-256
_CLEAN_UP_SECONDS = 10.0
_GLANCE = 0.2  # how often a wait looks for a cancel, in seconds
RETRY = Retry(attempts=5)
_MENDED = frozenset(
    {"reset", "refused", "unreachable", "connect_timeout", "dns"}
)  # what may pass while a file is on its way
_NEW = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL


class _Sending:
    """How far a file is: what the server has acknowledged, and the hash of it."""

    def __init__(self) -> None:
        self.begun = False
        self.settled = 0
        self.digest = hashlib.sha256()

    def settle(self, sent: int, digest: hashlib._Hash) -> None:
        """So many bytes are acknowledged."""
        self.settled, self.digest = sent, digest.copy()

    async def look(self, sftp: asyncssh.SFTPClient, place: str) -> None:
        """After a cut: begin anew when less is there than was acknowledged, as after a crash of the server."""
        if self.begun and ((await _timely(sftp.stat(place))).size or 0) < self.settled:
            self.settle(0, hashlib.sha256())


class SftpStorage:
    """A `Storage` over a `Link`; used by one thread. `way` limits how fast files leave."""

    def __init__(self, link: Link, folder: str, where: str, way: Line) -> None:
        self._link = link
        self._folder = folder
        self._where = where
        self._way = way

    def open(self, ctx: JobContext | None = None) -> None:
        """Connect; make the folder when it does not exist."""
        self._link.connect(ctx or JobContext())
        if self._folder not in {"", "/"}:
            self._link.run(lambda sftp: sftp.makedirs(self._folder, exist_ok=True), self._folder, ctx)

    def close(self) -> None:
        """See `Storage.close`."""
        self._link.close()

    def make_folders(self, folder: str) -> None:
        """See `Storage.make_folders`."""
        self._link.run(lambda sftp: sftp.makedirs(self._at(folder), exist_ok=True), folder)

    def write(
        self,
        source: Path,
        path: str,
        final: str,  # noqa: ARG002 - a rename needs only the temporary name
        ctx: JobContext,
        progress: Callable[[int], None],
    ) -> StoredFile:
        """See `Storage.write`; the size is always compared, the content of files up to 8 MB too.

        A connection that is cut is made again some times, and the file goes on where the server had acknowledged it.
        """
        size = source.stat().st_size
        sending = _Sending()

        async def work(sftp: asyncssh.SFTPClient) -> StoredFile:
            free = await _free(sftp, self._folder)
            if free is not None and size - sending.settled > free:
                raise disk_full(self._where, size, free)
            try:
                return await self._send(sftp, source, path, sending, ctx, progress)
            except asyncssh.SFTPFailure as error:  # OpenSSH has one answer for all: look whether the drive is full
                free = await _free(sftp, self._folder)
                if free is not None and free < size:
                    raise disk_full(self._where, size, free) from error
                raise

        for attempt in range(1, RETRY.attempts + 1):
            try:
                return self._link.run(work, path, ctx, seconds=None)
            except TryAgain as error:
                if error.code not in _MENDED or attempt == RETRY.attempts or not sending.begun:
                    raise
                log.info("%s after %d bytes of a file, trying again", error.code, sending.settled)
                ctx.token.sleep(RETRY.wait(attempt))
        raise AssertionError("the last attempt returns or raises")

    def keep(self, path: str, aside: str) -> bool | None:
        """See `Storage.keep`: a hard link where the server has them."""

        async def work(sftp: asyncssh.SFTPClient) -> bool | None:
            if not await sftp.lexists(self._at(path)):
                return None
            try:
                await sftp.link(self._at(path), self._at(aside))
            except asyncssh.SFTPError:
                return False
            return True

        return self._link.run(work, path)

    def move(self, path: str, final: str) -> None:
        """See `Storage.move`; a server without a rename that replaces gets the old file removed first."""

        async def work(sftp: asyncssh.SFTPClient) -> None:
            try:
                await sftp.posix_rename(self._at(path), self._at(final))
            except asyncssh.SFTPOpUnsupported:
                with suppress(asyncssh.SFTPNoSuchFile):
                    await sftp.remove(self._at(final))
                await sftp.rename(self._at(path), self._at(final))

        self._link.run(work, final)

    def size(self, path: str) -> int | None:
        """See `Storage.size`; drop boxes that show nothing are believed."""

        async def work(sftp: asyncssh.SFTPClient) -> int | None:
            try:
                return (await sftp.stat(self._at(path))).size
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return -1
            except asyncssh.SFTPPermissionDenied:
                return None

        return self._link.run(work, path)

    def remove(self, path: str) -> None:
        """See `Storage.remove`."""

        async def work(sftp: asyncssh.SFTPClient) -> None:
            with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                await sftp.remove(self._at(path))

        self._link.run(work, path, seconds=_CLEAN_UP_SECONDS)

    def files_below(self, folder: str) -> list[str]:
        """See `Storage.files_below`."""

        async def work(sftp: asyncssh.SFTPClient) -> list[str]:
            with suppress(asyncssh.SFTPNoSuchFile):
                return [path async for path, is_folder in _walk(sftp, self._at(folder)) if not is_folder]
            return []

        return [self._relative(path) for path in self._link.run(work, folder)]

    def are_one(self, path: str, other: str) -> bool:
        """See `Storage.are_one`: a server that tells them apart lists both."""
        parts, others = PurePosixPath(path).parts, PurePosixPath(other).parts
        place = next(i for i, (one, two) in enumerate(zip(parts, others, strict=True)) if one != two)
        folder = "/".join(parts[:place])

        async def work(sftp: asyncssh.SFTPClient) -> bool:
            try:
                there = set(await sftp.listdir(self._at(folder)))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return False
            except asyncssh.SFTPPermissionDenied:
                return True
            return not {parts[place], others[place]} <= there

        return self._link.run(work, path)

    def remove_empty_folders(self, folder: str) -> None:
        """See `Storage.remove_empty_folders`."""

        async def work(sftp: asyncssh.SFTPClient) -> None:
            folders = [path async for path, is_folder in _walk(sftp, self._at(folder)) if is_folder]
            for path in sorted(folders, key=len, reverse=True):
                with suppress(asyncssh.SFTPError):  # not empty, or somebody else's
                    await sftp.rmdir(path)

        self._link.run(work, folder)

    async def _send(
        self,
        sftp: asyncssh.SFTPClient,
        source: Path,
        path: str,
        sending: _Sending,
        ctx: JobContext,
        progress: Callable[[int], None],
    ) -> StoredFile:
        place = self._at(path)
        await sending.look(sftp, place)
        digest, sent = sending.digest.copy(), sending.settled
        how = asyncssh.FXF_WRITE if sending.begun else _NEW
        async with _closing(await _timely(sftp.open(place, how, encoding=None))) as file:
            sending.begun = True
            pending: asyncio.Task[int] | None = None
            began = sent
            try:
                for block in blocks(source, self._way.piece if self._way.limited else _BLOCK, sent):
                    # One block is under way while the next is read and hashed; a cancel lets it end.
                    if pending is not None:
                        await pending
                        sending.settle(sent, digest)
                        progress(sent)
                    await _rest(self._way.delay(len(block)), ctx)
                    pending = asyncio.create_task(_timely(file.write(block, sent)))
                    digest.update(block)
                    sent += len(block)
            finally:
                self._link.count(sent - began, 0)
                if pending is not None:
                    await pending
            sending.settle(sent, digest)
            progress(sent)
            with suppress(asyncssh.SFTPOpUnsupported):
                await _timely(file.fsync())
        arrived = (await _timely(sftp.stat(place))).size or 0
        if arrived != sent:
            raise not_whole(path, sent, arrived)
        if sent <= _READ_BACK:
            self._link.count(0, sent)
            if await _sha256(sftp, place) != digest.hexdigest():
                raise not_whole(path, sent, arrived)
        return StoredFile(path, sent, digest.hexdigest())

    def _at(self, path: str) -> str:
        return posixpath.join(self._folder, path) if path else self._folder or "."

    def _relative(self, path: str) -> str:
        return posixpath.relpath(path, self._folder) if self._folder else path


async def _rest(seconds: float, ctx: JobContext) -> None:
    """Let the connection go on for so long; raises Cancelled."""
    end = time.monotonic() + seconds
    ctx.check()
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(left, _GLANCE))
        ctx.check()


async def _timely(work: Awaitable[T]) -> T:
    """Wait for an answer of the server, but not for ever; raises TimeoutError."""
    return await asyncio.wait_for(work, STALL_SECONDS)


@asynccontextmanager
async def _closing(file: asyncssh.SFTPClientFile) -> AsyncIterator[asyncssh.SFTPClientFile]:
    """Close the file; a failure to close counts unless something failed before."""
    try:
        yield file
    except BaseException:
        with suppress(asyncssh.Error, OSError, TimeoutError):
            await asyncio.wait_for(file.close(), _CLEAN_UP_SECONDS)
        raise
    await _timely(file.close())


async def _sha256(sftp: asyncssh.SFTPClient, place: str) -> str:
    digest = hashlib.sha256()
    async with _closing(await _timely(sftp.open(place, asyncssh.FXF_READ, encoding=None))) as file:
        while block := await _timely(file.read(_BLOCK)):
            digest.update(cast("bytes", block))  # opened without an encoding
    return digest.hexdigest()


async def _free(sftp: asyncssh.SFTPClient, folder: str) -> int | None:
    """The bytes this user may still write, None when the server does not tell."""
    try:
        room = await _timely(sftp.statvfs(folder or "."))
    except asyncssh.SFTPError:
        return None
    return room.bavail * room.frsize


async def _walk(sftp: asyncssh.SFTPClient, folder: str) -> AsyncIterator[tuple[str, bool]]:
    """All paths below the folder and whether each is a folder; links are not followed."""
    async for entry in sftp.scandir(folder):
        if entry.filename in {".", ".."}:
            continue
        path = posixpath.join(folder, str(entry.filename))
        is_folder = entry.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY
        yield path, is_folder
        if is_folder:
            async for below in _walk(sftp, path):
                yield below
