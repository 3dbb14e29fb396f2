"""The way to a host that needs no proxy: HTTP/1.1 by Python's own client, for a third of the work of httpx2's own way.

It stands below httpx2: requests, answers, their unpacking and the errors are those, so that nobody above can tell the ways
apart. Connections are kept for the next request, but not for long: what is between may forget them without a word.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead, parse_headers
from typing import Any

import httpx2

KEPT_SECONDS = 5.0
_BLOCK = 1 << 20
_GLANCE = 0.1
_MUST_LOOK = sys.platform == "win32"
"""Whether who waits for a line has to look now and then: Windows need not wake them when another thread shuts it."""
_PORTS = {"http": 80, "https": 443}


class DirectTransport(httpx2.BaseTransport):
    """Requests to one host; thread safe, each connection carries one request at a time.

    A request's `timeout` extension limits each step, and its `until`, a moment of the monotonic clock, the whole: a host that
    sends a byte now and then ends too. `opened` is told of each socket as soon as it is there.
    """

    def __init__(self, context: ssl.SSLContext, opened: Callable[[socket.socket], None]) -> None:
        self._context = context
        self._context.set_alpn_protocols(["http/1.1"])
        self._opened = opened
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._closed = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The head of the answer; its body is read from the response, which is to be closed. Raises httpx2's errors."""
        timeouts = request.extensions["timeout"]
        connection = self._kept() or self._connect(request.url, timeouts["connect"])
        try:
            answer = connection.ask(request, timeouts["write"], timeouts["read"], request.extensions["until"])
        except BaseException:
            connection.close()
            raise
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.getheaders()]
        return httpx2.Response(answer.status, headers=headers, stream=_Body(answer, connection, self._keep))

    def close(self) -> None:
        """Close what is idle now, and the rest as soon as it is."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _kept(self) -> _Connection | None:
        """The one that was used last, when the host has not closed it."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.fresh:
                return connection
            connection.close()

    def _keep(self, connection: _Connection) -> None:
        connection.since = time.monotonic()
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self, url: httpx2.URL, timeout: float | None) -> _Connection:
        host = url.raw_host.decode("ascii")
        try:
            line = socket.create_connection((host, url.port or _PORTS[url.scheme]), timeout)
            try:
                self._opened(line)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if url.scheme == "https":
                    line = self._context.wrap_socket(line, server_hostname=host)
                    self._opened(line)
            except BaseException:
                line.close()
                raise
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from error
        return _Connection(line)


class _Wire(io.RawIOBase):
    """What comes from a host piece by piece; no piece takes longer than `patience` seconds, nor all of them than `until`."""

    def __init__(self, raw: io.RawIOBase, line: socket.socket, patience: float | None, until: float) -> None:
        self._raw = raw
        self._line = line
        self._patience = patience
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any, /) -> int | None:  # noqa: ANN401 - the type in Python's own declarations is private
        seconds = _within(self._patience, self._until)
        if _MUST_LOOK:
            _wait(self._line, seconds)
        self._line.settimeout(seconds)
        return self._raw.readinto(into)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lines(io.BufferedReader):
    """What comes from a host, of which a line that was cut off is none: Python takes that for the end of the head."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise IncompleteRead(line)
        return line


class _Answer(HTTPResponse):
    """The head of an answer and what follows; hints that come before it (status 102 to 199) are passed over."""

    def __init__(self, line: socket.socket, *, method: str, patience: float | None, until: float) -> None:
        super().__init__(line, method=method)
        self.fp = _Lines(_Wire(self.fp.detach(), line, patience, until))

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # Python's own passes over 100 alone
            if not 102 <= status < 200:
                return version, status, reason
            parse_headers(self.fp)


class _Connection(HTTPConnection):
    """One that is open; it is never opened again."""

    auto_open = 0

    def __init__(self, line: socket.socket) -> None:
        super().__init__("")  # the request brings the name of the host
        self.sock = line
        self.since = time.monotonic()

    @property
    def fresh(self) -> bool:
        """Whether it can carry a request: what can be read from an idle one is its end."""
        return time.monotonic() - self.since < KEPT_SECONDS and not _readable(self.sock)

    def ask(self, request: httpx2.Request, write: float | None, read: float | None, until: float) -> HTTPResponse:
        """Send the request and read the head of the answer."""
        self._patience, self._until = write, until
        answering: Any = partial(_Answer, patience=read, until=until)
        self.response_class = answering
        self.putrequest(request.method, request.url.raw_path.decode(), skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.raw:
            self.putheader(name, value)
        try:
            self.endheaders(request.content or None)
        except TimeoutError as error:
            raise httpx2.WriteTimeout(str(error)) from error
        except OSError:
            pass  # it may have answered before it had everything, and closed: the answer tells why
        with _reading():
            answer = self.getresponse()
            if answer.status < 200:
                raise httpx2.RemoteProtocolError(f"an unexpected status {answer.status}")
        return answer

    def send(self, data: Any) -> None:  # noqa: ANN401 - the type in Python's own declarations is private
        """Send it all; the limit holds for each step, because a slow line may take long for a large body."""
        left = memoryview(data)
        while left:
            self.sock.settimeout(_within(self._patience, self._until))
            left = left[self.sock.send(left) :]


class _Body(httpx2.SyncByteStream):
    """What follows the head; a connection whose answer was read to its end is kept."""

    def __init__(self, answer: HTTPResponse, connection: _Connection, keep: Callable[[_Connection], None]) -> None:
        self._answer = answer
        self._connection = connection
        self._keep = keep
        self._whole = self._let_go = False

    def __iter__(self) -> Iterator[bytes]:
        with _reading():
            while block := self._answer.read(_BLOCK):
                yield block
            if self._answer.length:
                raise httpx2.RemoteProtocolError("the answer ended early")
        self._whole = True

    def close(self) -> None:
        """Let go of the connection; closing twice is harmless."""
        if self._let_go:
            return
        self._let_go = True
        if self._whole and not self._answer.will_close:
            self._keep(self._connection)
        else:
            self._answer.close()
            self._connection.close()


@contextmanager
def _reading() -> Iterator[None]:
    """Errors of Python's client as httpx2's."""
    try:
        yield
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except HTTPException as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise httpx2.ReadError(str(error)) from error


def _wait(line: socket.socket, seconds: float) -> None:
    """Wait until something came or the line was shut by another thread; after the time nothing happens."""
    until = time.monotonic() + seconds
    line.settimeout(0.0)
    while (left := until - time.monotonic()) > 0:
        if isinstance(line, ssl.SSLSocket) and line.pending():
            return
        if select.select([line], [], [], min(_GLANCE, left))[0]:
            return
        try:
            socket.socket.recv(line, 1, socket.MSG_PEEK)  # the plain method: nothing of TLS is touched
        except BlockingIOError:
            continue
        return


def _within(patience: float | None, until: float) -> float:
    """The seconds the next step may take; raises TimeoutError when none are left."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the whole request took too long")
    return left if patience is None else min(patience, left)


def _readable(line: socket.socket) -> bool:
    if hasattr(select, "poll"):  # select can't take a file whose number is above 1,023
        asked = select.poll()
        asked.register(line, select.POLLIN)
        return bool(asked.poll(0))
    return bool(select.select([line], [], [], 0)[0])
