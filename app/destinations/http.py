"""The one HTTP client: certificates of the system, pace, retry, timeouts, bounded answers, redaction and the ledger of hosts.

One client belongs to one destination object and is used by one job at a time. A proxy comes from the system's or
environment's settings; without one requests go straight to the host (direct.py). Redirects are never followed: a secret goes
to no address that was not entered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
import orjson

from app.core.errors import FixData, FixSettings, SendoffError, SignInAgain, TryAgain
from app.core.tokens import secrets_in
from app.destinations.answers import Answer, Redactor, failure, masked_header, words_of
from app.destinations.calls import Access, Call, Key, Local, Retry
from app.destinations.contract import PreparedRequest, Settings
from app.destinations.counting import Counted
from app.destinations.description import Pace
from app.destinations.no_answer import NEVER_ARRIVED
from app.destinations.wire import Wire
from app.jobs import JobContext
from app.version import VERSION

T = TypeVar("T")

log = logging.getLogger(__name__)
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # their lines hold whole addresses, which may hold secrets

_JSON = {"Content-Type": "application/json"}
_KEPT = 16  # addresses and heads of requests
_MAX_BYTES = 64 << 20

RETRY = Retry()


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

    `account` tells apart whose requests are counted together where the settings don't (see `Pace.counted_by`); `whose` asks the
    vendor for it, with this client.
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
        account: str = "",
        whose: Callable[[HttpClient, JobContext], str] | None = None,
    ) -> None:
        self.target = target
        self._secrets = (*(part for text in settings.secrets.values() for part in secrets_in(text)), *also_secret)
        host = checked_host(target, base_url) if local is None else local.host
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._access = access or Key(sign_in)
        self._seal = seal
        self._slow_down = slow_down
        self._signed_out = signed_out
        self._meaning = meaning
        self._max_body_bytes = pace.max_body_bytes
        self._retry = retry or RETRY
        self._counted = Counted(host, pace, settings, account)
        self._whose = whose if self._counted.unknown else None
        self._budget = self._counted.budget()
        own = {
            "User-Agent": f"Sendoff/{VERSION}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **(headers or {}),
        }
        self._wire = Wire(target, host, self._base_url, _sendable(target, own), pace, settings.ledger, max_bytes, local)
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
        self._wire.close()

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
        """Seconds the target asks to wait; None when it asks for none. Most say it in a header."""
        return answer.asked_wait

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
        if self._whose is not None:
            self._learn_whose(self._whose, ctx)
        self._access.renew()
        proof = self._access.headers()
        answer = self._send(call, ctx)
        if not self._signed_out(answer) or not self._access.renew(proof):
            return answer
        log.info("%s ended our access; it was renewed", self.target)
        return self._send(call, ctx)

    def _learn_whose(self, whose: Callable[[HttpClient, JobContext], str], ctx: JobContext) -> None:
        self._whose = None  # the question comes by here as well
        self._counted.learn(lambda: whose(self, ctx))
        self._budget = self._counted.budget()

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
            # Some ask for 0 seconds again and again: what they ask for is the least, and our own waits grow.
            wait = max(self._retry.wait(attempt), asked or 0.0)
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
        address = self._address(call.path, *{**call.query, **self.proof_in_address(proof)}.items())
        return httpx2.Request(call.method, address, headers=headers, content=body)

    def _address_of(self, path: str, *query: tuple[str, str]) -> httpx2.URL:
        return httpx2.URL(f"{self._base_url}/{path.lstrip('/')}", **({"params": dict(query)} if query else {}))

    def _headers_of(self, *own: tuple[str, str]) -> httpx2.Headers:
        headers = self._wire.headers
        headers.update(_sendable(self.target, dict(own)))
        return headers

    def _once(self, call: Call, ctx: JobContext) -> Answer:
        with self._budget.turn(ctx, lambda seconds: self._settings.on_slow(seconds, "")):
            ctx.check()
            request = self._request(call, self._access.headers())
            return self._wire.ask(request, ctx.token, may_abort=call.may_abort)


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
