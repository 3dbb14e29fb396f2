"""One request on its way and its answer: the way there, limits of time and size, unpacking, the ledger of hosts, being cut off."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import weakref
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx2
import truststore

from app.core.errors import TellUs
from app.destinations.answers import Answer
from app.destinations.calls import Local, LocalRequest
from app.destinations.contract import Exchange, Ledger
from app.destinations.description import Pace
from app.destinations.direct import DirectTransport
from app.destinations.no_answer import CONNECT_SECONDS, broken, no_answer
from app.jobs import Cancelled, CancelToken

_LINE_END = len("\r\n")
_GZIP = 16 + zlib.MAX_WBITS


class Wire:
    """The way to one host, straight or through the proxy that is set for it, or to a `Local`. Thread safe.

    Each request is told to the ledger, answered or not. An answer may have `max_bytes` bytes, packed or not.
    """

    def __init__(
        self,
        target: str,
        host: str,
        base_url: str,
        headers: Mapping[str, str],
        pace: Pace,
        ledger: Ledger,
        max_bytes: int,
        local: Local | None = None,
    ) -> None:
        self._target = target
        self._host = host
        self._base_url = base_url
        self._ledger = ledger
        self._max_bytes = max_bytes
        self._local = local
        self._deadline = pace.deadline_seconds
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        trusted = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = _Client(
            headers=headers,
            verify=trusted,
            timeout=httpx2.Timeout(pace.timeout_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=True,
        )
        self._timeout = self._client.timeout.as_dict()
        self._proxy = None if local is not None else self._client.proxy_for(httpx2.URL(base_url))
        self._way = self._proxy or DirectTransport(trusted, self._sockets.add)

    @property
    def headers(self) -> httpx2.Headers:
        """Those of every request; a copy."""
        return self._client.headers.copy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; closing twice is harmless."""
        self._way.close()
        self._client.close()

    def ask(self, request: httpx2.Request, token: CancelToken, *, may_abort: bool = False) -> Answer:
        """Send it and give the answer, whatever it is; a cancel cuts off only what may be aborted.

        Raises TryAgain, FixSettings or TellUs when no answer came, and Cancelled.
        """
        with ExitStack() as stack:
            if may_abort:
                stack.enter_context(token.on_cancel(self._cut_off))
            if self._local is not None:
                # As with a host a cancel ends only what may be aborted.
                return self._ask_local(self._local, request, token if may_abort else CancelToken())
            try:
                return self._ask_host(request)
            except httpx2.HTTPError as error:
                if may_abort and token.cancelled:
                    raise Cancelled from None
                raise no_answer(self._target, self._host, error) from None

    def _ask_host(self, request: httpx2.Request) -> Answer:
        until = time.monotonic() + self._deadline
        request.extensions = {"timeout": self._timeout, "until": until, "trace": self._watch}
        # The proxy's way looks at each step alone: a head that comes byte by byte would never end.
        late = None if self._proxy is None else threading.Timer(self._deadline, self._cut_off)
        if late is not None:
            late.daemon = True
            late.start()
        try:
            return self._exchange(request, until)
        except httpx2.HTTPError:
            if time.monotonic() <= until:
                raise
        finally:
            if late is not None:
                late.cancel()
        raise httpx2.ReadTimeout("the whole request took too long")

    def _exchange(self, request: httpx2.Request, until: float) -> Answer:
        received, answered = 0, False
        response: httpx2.Response | None = None
        try:
            response = self._way.handle_request(request)
            self._remember(response.extensions.get("network_stream"))
            packed = bytearray()
            for block in response.iter_raw():
                packed += block
                if len(packed) > self._max_bytes:
                    raise _too_large(self._target, self._max_bytes)
                if time.monotonic() > until:
                    break
            if time.monotonic() > until:  # what was cut off may look like the end of the answer
                raise httpx2.ReadTimeout("the whole request took too long")
            headers = {name.lower(): value for name, value in response.headers.items()}
            body = self._unpacked(bytes(packed), headers.get("content-encoding", ""))
            answered = True
            return Answer(response.status_code, headers, body)
        finally:
            if response is not None:
                received = len(f"HTTP/1.1 {response.status_code} {response.reason_phrase}") + _LINE_END
                received += _size(response.headers) + _LINE_END + response.num_bytes_downloaded
                response.close()
            self._note(request, received, answered=answered)

    def _unpacked(self, body: bytes, how: str) -> bytes:
        """The body of an answer; never makes more of it than is taken, because a few bytes may hold gigabytes."""
        if not body or how.strip().lower() in {"", "identity"}:
            return body
        unpacker = zlib.decompressobj(_GZIP)
        try:
            whole = unpacker.decompress(body, self._max_bytes + 1)
        except zlib.error as error:
            raise httpx2.DecodingError(str(error)) from error
        if len(whole) > self._max_bytes:
            raise _too_large(self._target, self._max_bytes)
        if not unpacker.eof:
            raise httpx2.DecodingError("it is not whole")
        return whole

    def _ask_local(self, local: Local, request: httpx2.Request, token: CancelToken) -> Answer:
        path = str(request.url).removeprefix(self._base_url)
        received, answered = 0, False
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            answer = local.answer(LocalRequest(request.method, path, headers, request.content), token)
            received = len(answer.body) + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
            answered = True
            return answer
        except ConnectionError:
            raise broken(self._target, self._host, "Try again later.") from None
        finally:
            self._note(request, received, answered=answered)

    def _note(self, request: httpx2.Request, received: int, *, answered: bool) -> None:
        sent = len(f"{request.method}  HTTP/1.1") + len(request.url.raw_path) + _LINE_END
        sent += _size(request.headers) + _LINE_END + len(request.content)
        self._ledger(Exchange(self._host, sent, received, request.content, answered=answered))

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember sockets as soon as they are open, so that a wait for an answer can be ended."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._remember(info.get("return_value"))

    def _remember(self, stream: Any) -> None:  # noqa: ANN401 - the client's own kind of stream
        raw = stream.get_extra_info("socket") if stream is not None else None
        if isinstance(raw, socket.socket):
            self._sockets.add(raw)

    def _cut_off(self) -> None:
        for raw in list(self._sockets):
            try:
                # The plain method: that of a TLS socket would pull its state from under the thread that reads.
                socket.socket.shutdown(raw, socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


class _Client(httpx2.Client):
    """Knows the proxies. Requests go past it: cookies, redirects and a history, which `HttpClient` sees to, nobody here asks for."""

    def proxy_for(self, url: httpx2.URL) -> httpx2.BaseTransport | None:
        """The way through the proxy that is set for the address, None when none is."""
        way = self._transport_for_url(url)
        return None if way is self._transport else way


def _too_large(target: str, most: int) -> TellUs:
    return TellUs(
        f"{target} sent an answer that is far too large.",
        f"It is longer than {most >> 20} MB.",
        "Try again; when it comes back, send us the log.",
        code="answer_too_large",
    )


def _size(headers: httpx2.Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw)
