"""The one HTTP client: certificates of the system, pace, retry, timeouts, bounded answers, redaction and the ledger of hosts.

One client belongs to one destination object and is used by one job at a time. A proxy comes from the system's or
environment's settings; without one requests go straight to the host (direct.py). Redirects are never followed: a secret goes
to no address that was not entered.
"""

from __future__ import annotations

import logging
import random
import socket
import ssl
import time
import weakref
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
import orjson
import truststore

from app.core.errors import FixData, FixSettings, SendoffError, SignInAgain, TellUs, TryAgain
from app.core.tokens import Tokens, secrets_in
from app.destinations.answers import Answer, Redactor, failure, masked_header, words_of
from app.destinations.contract import Exchange, PreparedRequest, Settings
from app.destinations.description import Pace
from app.destinations.direct import DirectTransport
from app.destinations.no_answer import CONNECT_SECONDS, NEVER_ARRIVED, broken, no_answer
from app.jobs import Cancelled, CancelToken, JobContext
from app.version import VERSION

T = TypeVar("T")

log = logging.getLogger(__name__)
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # their lines hold whole addresses, which may hold secrets

_JSON = {"Content-Type": "application/json"}
_KEPT = 16  # addresses and heads of requests
_MAX_BYTES = 64 << 20
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently a request is repeated; waits double, with a random share so that clients spread.

    A target that asks for more than `longest_asked` seconds is not waited for: the run ends with TryAgain.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0
    longest_asked: float = 900.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait after that attempt (the first is 1)."""
        full = min(self.longest, self.first * 2.0 ** (attempt - 1))
        return full * random.uniform(0.6, 1.0)  # noqa: S311 - spreads load, protects nothing


RETRY = Retry()


@dataclass(frozen=True, slots=True)
class Call:
    """One request: a path below the base address, a query, a body and headers of its own (none of them secret).

    A body is `json`, or `content` as it is, whose kind the headers tell.

    `repeatable` tells whether sending it twice does no harm, so that it is repeated when its answer is lost; None means
    yes for GET, HEAD, PUT and DELETE. `abortable` calls are cut off by a cancel, others end first; None means GET and HEAD.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool | None = None
    abortable: bool | None = None
    content: bytes | None = field(default=None, repr=False)

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent twice."""
        return self.method in {"GET", "HEAD", "PUT", "DELETE"} if self.repeatable is None else self.repeatable

    @property
    def may_abort(self) -> bool:
        """Whether a cancel may cut it off."""
        return self.method in {"GET", "HEAD"} if self.abortable is None else self.abortable


class Access(Protocol):
    """Access that ends and is renewed while it is used. Thread safe."""

    def headers(self) -> Mapping[str, str]:
        """What proves who we are; asks nobody."""
        ...

    def renew(self, refused: Mapping[str, str] | None = None) -> bool:
        """Renew when it ends soon, or when the target refused these headers; whether there are other headers now."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What must be masked."""
        ...


@dataclass(frozen=True, slots=True)
class _Key:
    """Access by a key that never changes."""

    sign_in: Callable[[], Mapping[str, str]]

    def headers(self) -> Mapping[str, str]:
        return self.sign_in()

    def renew(self, refused: Mapping[str, str] | None = None) -> bool:  # noqa: ARG002 - the protocol's name
        return False

    def secrets(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A request as it reaches a `Local`: the address below the base with its query, headers in lower case, the body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Local(Protocol):
    """A target inside this program that answers in the place of a host; `host` is what the ledger calls it. Thread safe."""

    host: str

    def answer(self, request: LocalRequest, token: CancelToken) -> Answer:
        """What it answers; raises ConnectionError when no answer is to come, and Cancelled."""
        ...


def _asks_to_slow_down(answer: Answer) -> bool:
    """Most targets use 429, or 503 with a wait."""
    return answer.status == 429 or (answer.status == 503 and answer.retry_after is not None)


def _is_signed_out(answer: Answer) -> bool:
    """What the standard says."""
    return answer.status == 401


def _as_it_says(answer: Answer) -> int:
    """The status it came with."""
    return answer.status


class HttpClient:
    """Requests to one host; a context manager.

    `sign_in` gives the headers that prove who we are, or `access` does where they end and are renewed; `seal` makes some of a
    body, such as its signature. `headers` go with every request in the clear. `slow_down` tells whether an answer means "too
    fast", `signed_out` whether it means that our access ended: such requests were not acted upon, so that even one that is
    not repeatable is sent again. `meaning` gives the status an answer stands for where a vendor says 200 and tells of its
    failure in the body; everything here goes by that. `also_secret` are secrets made from those of the settings, such as
    their base64 form. With `local` nothing leaves this program: everything else is as with a host.
    """

    def __init__(
        self,
        target: str,
        base_url: str,
        settings: Settings,
        *,
        pace: Pace,
        sign_in: Callable[[], Mapping[str, str]] = dict,
        access: Access | None = None,
        seal: Callable[[bytes], Mapping[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        slow_down: Callable[[Answer], bool] = _asks_to_slow_down,
        signed_out: Callable[[Answer], bool] = _is_signed_out,
        meaning: Callable[[Answer], int] = _as_it_says,
        retry: Retry | None = None,
        max_bytes: int = _MAX_BYTES,
        also_secret: Iterable[str] = (),
        local: Local | None = None,
    ) -> None:
        self.target = target
        self._secrets = (*(part for text in settings.secrets.values() for part in secrets_in(text)), *also_secret)
        self._local = local
        self._host = checked_host(target, base_url) if local is None else local.host
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._access = access or _Key(sign_in)
        self._seal = seal
        self._slow_down = slow_down
        self._signed_out = signed_out
        self._meaning = meaning
        self._max_body_bytes = pace.max_body_bytes
        self._retry = retry or RETRY
        self._max_bytes = max_bytes
        # A sign-in is another text after each renewal; the app's own secret stays and tells the account just as well.
        lasting = [text for text in settings.secrets.values() if Tokens.read(text) is None]
        self._budget = settings.budgets.of(
            self._host, lasting or settings.secrets.values(), pace.simultaneous, pace.requests_per_second
        )
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        trusted = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = _Client(
            headers=_sendable(
                target,
                {
                    "User-Agent": f"Sendoff/{VERSION}",
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                    **(headers or {}),
                },
            ),
            verify=trusted,
            timeout=httpx2.Timeout(pace.timeout_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=True,
        )
        self._timeout = self._client.timeout.as_dict()
        self._deadline = pace.deadline_seconds
        proxy = None if local is not None else self._client.proxy_for(httpx2.URL(self._base_url))
        self._way = proxy or DirectTransport(trusted, self._sockets.add)
        # Millions go to one or two addresses with the same headers: putting these together took a fifth of a request.
        self._address = lru_cache(_KEPT)(self._address_of)
        self._headers = lru_cache(_KEPT)(self._headers_of)

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

    def json(self, call: Call, ctx: JobContext) -> Any:  # noqa: ANN401 - a vendor's answer can be anything
        """Send and read the answer as JSON; raises the errors of `send` and those of answers that are not ok."""
        return self._answered(call, ctx).json(self.target)

    def read(self, call: Call, shape: type[T], ctx: JobContext) -> T:
        """Send and read the answer as that msgspec type; raises TellUs when the answer has another shape."""
        return self._answered(call, ctx).read(self.target, shape, self.redact)

    def _answered(self, call: Call, ctx: JobContext) -> Answer:
        answer = self.send(call, ctx)
        if not answer.ok:
            raise self.failure(answer)
        return answer

    def redact(self, text: str) -> str:
        """The text with every secret of the connection replaced by a mask."""
        proofs = self.proof_in_address(self._access.headers()).values()
        return Redactor.of([*self._secrets, *self._access.secrets(), *proofs])(text)

    def failure(self, answer: Answer) -> SendoffError:
        """The general error for an answer that is not ok."""
        return failure(self.target, answer, self.words(answer), self.asked_wait(answer))

    def asked_wait(self, answer: Answer) -> float | None:
        """Seconds the target asks to wait; None when it asks for none. Most say it in the standard's header."""
        return answer.retry_after

    def proof_in_address(self, proof: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002 - for those that need it
        """What a target wants in the address beside the headers that prove who we are; it is masked like them."""
        return {}

    def words(self, answer: Answer) -> str:
        """What the target says in a failed answer, without secrets."""
        return words_of(answer, self.redact)

    def send(self, call: Call, ctx: JobContext) -> Answer:
        """Send one request, repeat it where that is safe and useful, and give the last answer, ok or not.

        Access that ended is renewed once. Raises TryAgain, FixSettings or TellUs when no answer came, SignInAgain when access
        ended for good, Cancelled when a wait or an abortable call was cancelled.
        """
        self._access.renew()
        proof = self._access.headers()
        answer = self._send(call, ctx)
        if not self._signed_out(answer) or not self._access.renew(proof):
            return answer
        log.info("%s ended our access; it was renewed", self.target)
        return self._send(call, ctx)

    def _send(self, call: Call, ctx: JobContext) -> Answer:
        for attempt in range(1, self._retry.attempts + 1):
            last = attempt == self._retry.attempts
            try:
                answer = self._once(call, ctx)
                status = self._meaning(answer)
                if status != answer.status:
                    answer = replace(answer, status=status)
            except TryAgain as error:
                if last or not (call.may_repeat or error.code in NEVER_ARRIVED):
                    raise
                log.info("%s: %s, trying again", self.target, error.code)
                ctx.token.sleep(self._retry.wait(attempt))
                continue
            slow = self._slow_down(answer)
            if last or not (slow or (answer.status >= 500 and call.may_repeat)):
                return answer
            asked = self.asked_wait(answer)
            wait = self._retry.wait(attempt) if asked is None else asked
            if wait > self._retry.longest_asked:
                return answer
            if slow:
                self._budget.hold(wait)
                self._settings.on_slow(wait, self.words(answer) or f"status {answer.status}")
            log.info("%s answered %s, trying again in %.1f s", self.target, answer.status, wait)
            ctx.token.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def prepared(self, call: Call) -> PreparedRequest:
        """The request as `send` would make it, with masked secrets, without any network."""
        proof = self._access.headers()
        request = self._request(call, proof)
        secret_names = {name.lower() for name in proof}
        headers = {
            name.title(): masked_header(value) if name.lower() in secret_names else self.redact(value)
            for name, value in request.headers.items()
        }
        return PreparedRequest(
            request.method,
            self.redact(str(request.url)),
            headers,
            self.redact(request.content.decode("utf-8", "replace")),
        )

    def _request(self, call: Call, proof: Mapping[str, str]) -> httpx2.Request:
        body = call.content if call.json is None else orjson.dumps(call.json)
        if body is not None and self._max_body_bytes is not None and len(body) > self._max_body_bytes:
            raise FixData(
                f"This is more than {self.target} takes at once.",
                f"It takes {self._max_body_bytes:,} bytes a request, this one has {len(body):,}.",
                "Match fewer fields, or shorten the values.",
                code="body_too_large",
            )
        own = {**(_JSON if call.json is not None else {}), **call.headers, **proof}
        headers = self._headers(*own.items())
        if self._seal is not None and body is not None:
            headers = headers.copy()
            headers.update(self._seal(body))
        extensions: dict[str, Any] = {"timeout": self._timeout}
        if call.may_abort:
            extensions["trace"] = self._watch
        address = self._address(call.path, *{**call.query, **self.proof_in_address(proof)}.items())
        return httpx2.Request(call.method, address, headers=headers, content=body, extensions=extensions)

    def _address_of(self, path: str, *query: tuple[str, str]) -> httpx2.URL:
        return httpx2.URL(f"{self._base_url}/{path.lstrip('/')}", **({"params": dict(query)} if query else {}))

    def _headers_of(self, *own: tuple[str, str]) -> httpx2.Headers:
        headers = self._client.headers.copy()
        headers.update(_sendable(self.target, dict(own)))
        return headers

    def _once(self, call: Call, ctx: JobContext) -> Answer:
        with ExitStack() as stack:
            stack.enter_context(self._budget.turn(ctx))
            ctx.check()
            if call.may_abort:
                stack.enter_context(ctx.token.on_cancel(self._cut_off))
            if self._local is not None:
                # As with a host a cancel ends only what may be aborted.
                token = ctx.token if call.may_abort else CancelToken()
                return self._ask(self._local, self._request(call, self._access.headers()), token)
            try:
                return self._exchange(self._request(call, self._access.headers()))
            except httpx2.HTTPError as error:
                if call.may_abort and ctx.token.cancelled:
                    raise Cancelled from None
                raise no_answer(self.target, self._host, error) from None

    def _exchange(self, request: httpx2.Request) -> Answer:
        sent = len(request.content) + _size(request.headers) + len(str(request.url))
        received, answered = 0, False
        response: httpx2.Response | None = None
        until = request.extensions["until"] = time.monotonic() + self._deadline
        try:
            response = self._way.handle_request(request)
            self._remember(response.extensions.get("network_stream"))
            packed = bytearray()
            for block in response.iter_raw():
                packed += block
                if len(packed) > self._max_bytes:
                    raise _too_large(self.target, self._max_bytes)
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout("the whole request took too long")
            headers = {name.lower(): value for name, value in response.headers.items()}
            body = self._unpacked(bytes(packed), headers.get("content-encoding", ""))
            answered = True
            return Answer(response.status_code, headers, body)
        finally:
            if response is not None:
                received = response.num_bytes_downloaded + _size(response.headers)
                response.close()
            self._settings.ledger(Exchange(self._host, sent, received, request.content, answered=answered))

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
            raise _too_large(self.target, self._max_bytes)
        if not unpacker.eof:
            raise httpx2.DecodingError("it is not whole")
        return whole

    def _ask(self, local: Local, request: httpx2.Request, token: CancelToken) -> Answer:
        path = str(request.url).removeprefix(self._base_url)
        received, answered = 0, False
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            answer = local.answer(LocalRequest(request.method, path, headers, request.content), token)
            received = len(answer.body) + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
            answered = True
            return answer
        except ConnectionError:
            raise broken(self.target, self._host, "Try again later.") from None
        finally:
            sent = len(request.content) + _size(request.headers) + len(str(request.url))
            self._settings.ledger(Exchange(self._host, sent, received, request.content, answered=answered))

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember sockets as soon as they are open, so that a cancel can end a wait for an answer."""
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
    """Knows the proxies. Requests go past it: cookies, redirects and a history, which `send` sees to, nobody here asks for."""

    def proxy_for(self, url: httpx2.URL) -> httpx2.BaseTransport | None:
        """The way through the proxy that is set for the address, None when none is."""
        way = self._transport_for_url(url)
        return None if way is self._transport else way


def checked_host(target: str, base_url: str) -> str:
    """The host of an address; plain HTTP is for this computer only."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    local = host in {"127.0.0.1", "::1", "localhost"}
    if not host or parts.scheme not in {"http", "https"} or parts.username or parts.query or parts.fragment:
        raise FixSettings(
            f"The address of {target} is not complete.",
            "It must begin with https:// and hold a host, without user name, “?” or “#”.",
            "Correct the address in the connection.",
            code="bad_address",
        )
    if parts.scheme == "http" and not local:
        raise FixSettings(
            f"The address of {target} is not safe.",
            "With http:// the key and the members could be read by others on the way.",
            "Enter an address that begins with https://.",
            code="plain_http",
        )
    return host


def _sendable(target: str, headers: dict[str, str]) -> dict[str, str]:
    """The headers; raises SignInAgain for signs that none can hold, which come from keys that were pasted with what stood around."""
    if all(value.isascii() and value.isprintable() for value in headers.values()):
        return headers
    raise SignInAgain(
        f"The key of {target} can't be right.",
        "It holds a sign that no key has, such as a letter with an accent, a long dash or the end of a line.",
        "Copy the key again and enter it in the connection.",
        code="secret_unusable",
    )


def _too_large(target: str, most: int) -> TellUs:
    return TellUs(
        f"{target} sent an answer that is far too large.",
        f"It is longer than {most >> 20} MB.",
        "Try again; when it comes back, send us the log.",
        code="answer_too_large",
    )


def _size(headers: httpx2.Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw)
