"""What emulators of HTTP vendors share: a threaded server, faults on demand, a record of requests, checks against a description."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.vendors.description import VendorDescription


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    raw: bytes = b""


@dataclass(frozen=True)
class Reply:
    """An answer to send."""

    status: int = 200
    document: Any = None
    raw: bytes | None = None
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.document is None else json.dumps(self.document).encode()


@dataclass
class Fault:
    """Something going wrong: `kind` is latency, reset, cut, drip, malformed, lost or reply; it happens `times` times.

    `lost` lets the vendor act and then breaks the connection; `cut` sends half of the answer, `drip` a byte of it now and then.
    Only requests whose method and path fit are struck, after `after` of them went well. `met` is set when one was, and `over`
    ends a latency before its time.
    """

    kind: str
    method: str = ""
    path: str = ""
    times: int = 1_000_000
    after: int = 0
    seconds: float = 0.0
    reply: Reply = field(default_factory=Reply)
    met: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def strikes(self, request: Request) -> bool:
        if self.times <= 0 or (self.method and self.method != request.method) or self.path not in request.path:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        self.met.set()
        return True


class Emulator:
    """A vendor on loopback; subclasses answer requests in `answer`. A context manager. Thread safe: one request acts at a time."""

    def __init__(self, port: int = 0, description: VendorDescription | None = None, base_path: str = "") -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.other_keys: set[str] = set()
        """Further keys of the same account, where an emulator has keys."""
        self.validated = 0
        self.undescribed: set[str] = set()  # paths that are no part of the description, such as those of the sign-in
        self.simultaneous_allowed = 10
        self.most_simultaneous = 0
        self.lines: list[socket.socket] = []
        self._now = 0
        self._description = description
        self._base_path = base_path
        self._lock = threading.RLock()
        emulator = self

        class Handler(_Handler):
            owner = emulator

        self._server = _Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        for fault in self.faults:
            fault.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._base_path}"

    def fail(self, kind: str, **details: Any) -> Fault:
        """Let something go wrong from now on."""
        fault = Fault(kind, **details)
        self.faults.append(fault)
        return fault

    def break_all(self) -> None:
        """End every connection there is, as a router does that forgot them."""
        for line in self.lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self.lines.clear()

    def skips_checks(self) -> None:
        """Hold nothing against the vendor's description any more: where requests are only counted."""
        self._description = None

    def answer(self, request: Request) -> Reply:
        """What the vendor does; called under the lock."""
        raise NotImplementedError

    def crowded(self) -> Reply:
        """The answer to one connection too many."""
        return Reply(429)

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        with self._lock:
            self._now += 1
            self.most_simultaneous = max(self.most_simultaneous, self._now)
            crowded = self._now > self.simultaneous_allowed
            fault = next((each for each in self.faults if each.strikes(request)), None)
        try:
            if crowded:
                return None, self.crowded()
            if fault is not None and fault.kind == "latency":
                fault.over.wait(fault.seconds)
            if fault is not None and fault.kind == "reply":
                return fault, fault.reply
            if fault is not None and fault.kind == "reset":
                return fault, Reply()
            with self._lock:
                self.requests.append(request)
                reply = self.answer(request)
                self._check(request, reply)
            return fault, reply
        finally:
            with self._lock:
                self._now -= 1

    def _check(self, request: Request, reply: Reply) -> None:
        if self._description is None or request.path in self.undescribed:
            return
        path = request.path.removeprefix(self._base_path) or "/"
        self.violations += self._description.problems_of_request(
            request.method, path, request.query, request.headers, request.body
        )
        self.violations += self._description.problems_of_reply(request.method, path, reply.status, reply.document)
        self.validated += 1


def _read(kind: str, raw: bytes) -> Any:
    """A body as its kind says; a file of several parts stays as it came."""
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(raw.decode()))
    return None if kind.startswith("multipart/") else json.loads(raw)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Emulator
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.owner.lines.append(self.connection)

    def log_message(self, *_args: Any) -> None:
        """Quiet."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        parts = urlsplit(self.path)
        body = _read(self.headers.get("Content-Type", ""), raw) if raw else None
        request = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
            raw,
        )
        fault, reply = self.owner.handle(request)
        kind = fault.kind if fault else ""
        if kind in {"reset", "lost"}:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        data = reply.body
        if kind == "malformed":
            data = data[: len(data) // 2] or b"{"
        (self.send_response_only if "Date" in reply.headers else self.send_response)(reply.status)
        if data:
            self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if kind == "cut":
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        if kind == "drip":
            self.close_connection = True
            for place in range(len(data) // 2):
                self.wfile.write(data[place : place + 1])
                time.sleep(fault.seconds or 0.05)
            return
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the standard library
