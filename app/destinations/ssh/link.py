"""A signed-in connection to the server, with an event loop of its own that runs in the calling thread.

Blocking calls go through `Link.run`. A cancel lets what is under way go on for a short grace, so that a block being
written ends; then it is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncssh

from app.core.connections import ChangedHostKey, UnknownHostKey
from app.core.errors import SendoffError
from app.destinations.contract import Exchange
from app.destinations.ssh.keys import private_key, public_key
from app.destinations.ssh.sentences import not_connected, not_done, not_signed_in
from app.jobs import Cancelled, JobContext

T = TypeVar("T")

CONNECT_SECONDS = 15.0
SIGN_IN_SECONDS = 30.0
STALL_SECONDS = 60.0
CANCEL_GRACE_SECONDS = 5.0
_CIPHERS = (  # the first is the fastest (research: 204 against 153 MB/s with ChaCha20)
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
)

log = logging.getLogger(__name__)
logging.getLogger("asyncssh").setLevel(logging.WARNING)  # its lines name users and paths for each request


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect and as whom; `repr` shows no secret."""

    host: str
    port: int
    user: str
    by_key: bool
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    host_key: str = ""

    @property
    def where(self) -> str:
        """The server as sentences name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 22 else f"{host}:{self.port}"


class _Client(asyncssh.SSHClient):
    """Remembers the server's key and accepts only the trusted one."""

    def __init__(self, trusted: asyncssh.SSHKey | None) -> None:
        self._trusted = trusted
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Whether this is the key a person has trusted."""
        self.shown = key
        return self._trusted is not None and key.public_data == self._trusted.public_data


class _NoKeyOfThatType(Exception):
    """The server and we have no type of host key in common."""


class Link:
    """One connection; used by one thread. `close` ends it and its loop.

    `ledger` is told of each sign-in and each piece of work as one request, and by `count` of the bytes of files.
    """

    def __init__(self, server: Server, ledger: Callable[[Exchange], None] = lambda _exchange: None) -> None:
        self._server = server
        self._ledger = ledger
        self._key = private_key(server.private_key, server.passphrase) if server.by_key else None
        self._trusted = public_key(server.host_key) if server.host_key.strip() else None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None

    @property
    def software(self) -> str:
        """What the server calls itself, such as `OpenSSH_9.2p1`; empty before the connection."""
        version = str(self._connection.get_extra_info("server_version") or "") if self._connection else ""
        return version.removeprefix("SSH-2.0-").split(" ")[0]

    def connect(self, ctx: JobContext) -> None:
        """Connect and sign in, unless that is done and still holds.

        Raises UnknownHostKey, ChangedHostKey, SignInAgain, FixSettings, TryAgain or Cancelled.
        """
        if self._connection is None or self._loop.run_until_complete(_closed(self._connection)):
            self._ledger(Exchange(self._server.host, 0, 0))
            self._work(self._connect(), ctx, grace=0)

    def count(self, sent: int, received: int) -> None:
        """Tell the ledger of one request with that many bytes of files."""
        self._ledger(Exchange(self._server.host, sent, received))

    def run(
        self,
        work: Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, T]],
        path: str,
        ctx: JobContext | None = None,
        *,
        seconds: float | None = STALL_SECONDS,
    ) -> T:
        """Do something with the server's files; `path` is for the sentence when it fails, `seconds` None sets no limit."""
        self.connect(ctx or JobContext())
        sftp = self._sftp
        if sftp is None:
            raise AssertionError("connected")
        self._ledger(Exchange(self._server.host, 0, 0))

        async def timed() -> T:
            try:
                return await asyncio.wait_for(work(sftp), seconds)
            except (SendoffError, Cancelled):
                raise
            except (asyncssh.Error, OSError, TimeoutError) as error:
                raise not_done(error, path, self._server.where) from error

        return self._work(timed(), ctx, grace=CANCEL_GRACE_SECONDS)

    def close(self) -> None:
        """Disconnect; never raises."""
        if self._own_loop is None:
            return
        with contextlib.suppress(Exception):  # whatever is wrong with a connection we leave
            self._loop.run_until_complete(self._disconnect())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
        self._own_loop = None

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        if self._own_loop is None:
            self._own_loop = asyncio.new_event_loop()
            self._own_loop.set_exception_handler(_note)
        return self._own_loop

    def _work(self, coroutine: Coroutine[Any, Any, T], ctx: JobContext | None, *, grace: float) -> T:
        if ctx is None:
            return self._loop.run_until_complete(coroutine)
        loop = self._loop
        task = loop.create_task(coroutine)

        def stop() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the work is over
                loop.call_soon_threadsafe(lambda: loop.call_later(grace, task.cancel))

        with ctx.token.on_cancel(stop):
            try:
                return loop.run_until_complete(task)
            except asyncio.CancelledError:
                raise Cancelled from None

    async def _connect(self) -> None:
        await self._disconnect()
        client = _Client(self._trusted)
        try:
            await self._sign_in(client, self._trusted)
        except _NoKeyOfThatType:
            # The trusted type of key may be gone: look which one is there now, so that it can be shown.
            await self._sign_in(client, None)

    async def _sign_in(self, client: _Client, like: asyncssh.SSHKey | None) -> None:
        """Connect; with `like`, the server must show a key of that type."""
        server, where = self._server, self._server.where
        algorithms: Any = [each.decode() for each in like.sig_algorithms] if like else ()
        try:
            connection, _client = await asyncssh.create_connection(
                lambda: client,
                server.host,
                server.port,
                username=server.user,
                password=None if server.by_key else server.password,
                client_keys=[self._key] if self._key else None,
                preferred_auth="publickey" if server.by_key else "password,keyboard-interactive",
                known_hosts=([], [], []),
                server_host_key_algs=algorithms,
                encryption_algs=list(_CIPHERS),
                config=None,
                agent_path=None,
                connect_timeout=CONNECT_SECONDS,
                login_timeout=SIGN_IN_SECONDS,
                keepalive_interval=STALL_SECONDS / 4,
                keepalive_count_max=4,
            )
            self._connection = connection
            self._sftp = await asyncio.wait_for(connection.start_sftp_client(), SIGN_IN_SECONDS)
        except asyncssh.HostKeyNotVerifiable:
            raise self._host_key_error(client) from None
        except asyncssh.PermissionDenied:
            raise not_signed_in(where, server.user, by_key=server.by_key) from None
        except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionResetError) as error:
            if like and client.shown is None:  # either side may be the first to say that there is nothing in common
                raise _NoKeyOfThatType from None
            raise not_connected(error, where, CONNECT_SECONDS) from error
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise not_connected(error, where, CONNECT_SECONDS) from error

    def _host_key_error(self, client: _Client) -> SendoffError:
        key = client.shown
        if key is None:
            return not_connected(asyncssh.ConnectionLost(""), self._server.where, CONNECT_SECONDS)
        shown = (key.get_algorithm(), key.get_fingerprint(), key.export_public_key().decode().strip())
        if self._trusted is None:
            return UnknownHostKey(self._server.where, *shown)
        return ChangedHostKey(self._server.where, *shown, trusted=self._trusted.get_fingerprint())

    async def _disconnect(self) -> None:
        sftp, connection, self._sftp, self._connection = self._sftp, self._connection, None, None
        if sftp is not None:
            sftp.exit()
        if connection is not None:
            connection.close()
            try:
                await asyncio.wait_for(connection.wait_closed(), 2)
            except (TimeoutError, asyncssh.Error, OSError):
                connection.abort()


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """When a connection breaks, all parallel requests fail, and only the first error reaches anybody: the others are noise."""
    error = context.get("exception")
    if isinstance(error, asyncssh.Error | OSError):
        log.debug("A parallel SFTP request failed too: %s", type(error).__name__)
    else:
        loop.default_exception_handler(context)


async def _closed(connection: asyncssh.SSHClientConnection) -> bool:
    """Whether the other side ended it; the loop must turn a few times to hear of it: read, close, tell."""
    for _turn in range(4):
        await asyncio.sleep(0)
    return connection.is_closed()
