"""What the clouds' own libraries share: the system's certificates, the ledger of hosts, and sentences for what goes wrong.

All of them send through urllib3, two of them by way of requests.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import truststore
from requests.adapters import HTTPAdapter

from app.core.errors import FixSettings, NotAllowed, SendoffError, SignInAgain, TellUs, TryAgain
from app.destinations.answers import Answer
from app.destinations.contract import Exchange, Settings
from app.destinations.no_answer import goes_through_proxy
from app.destinations.objects import SLOW_DOWN
from app.destinations.speed import MOST_PARALLEL

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0

for _name in ("azure", "boto3", "botocore", "google", "msal", "requests", "s3transfer", "urllib3"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # their lines hold whole addresses, which may hold secrets


class Noted(HTTPAdapter):
    """Sends a requests session's calls and notes each in the ledger, answered or not; `sign_in` tells what they are for."""

    def __init__(self, settings: Settings, *, sign_in: bool) -> None:
        self._settings = settings
        self._sign_in = sign_in
        super().__init__(pool_maxsize=MOST_PARALLEL)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - requests' signature
        """See requests."""
        received, answered = 0, False
        try:
            answer = super().send(request, *args, **kwargs)
            received, answered = _length(answer.headers), True
            return answer
        finally:
            host = urlsplit(request.url or "").hostname or ""
            sent = _length(request.headers) + len(request.url or "")
            self._settings.ledger(Exchange(host, sent, received, sign_in=self._sign_in, answered=answered))


class SystemTrust(Noted):
    """Trusts what the operating system trusts."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' signature
        """See requests."""
        super().init_poolmanager(*args, **kwargs, ssl_context=system_certificates())

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' signature
        """See requests."""
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=system_certificates())


def system_certificates() -> ssl.SSLContext:
    """A TLS context that trusts what the operating system trusts."""
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusting(session: requests.Session, settings: Settings, *, sign_in: bool = False) -> requests.Session:
    """The session, with the system's certificates, enough connections, and each request noted in the ledger.

    `sign_in` tells that it is used for signing in only.
    """
    session.mount("https://", SystemTrust(settings, sign_in=sign_in))
    session.mount("http://", Noted(settings, sign_in=sign_in))
    return session


def no_answer(target: str, host: str, error: BaseException) -> SendoffError | None:
    """The sentence for a request that got no answer, None when that is not what happened.

    Never holds the error's own text, which may hold the address.
    """
    chain = list(_chain(error))
    kinds = {type(each).__name__ for each in chain}
    again = "Check the internet connection, then try again. Nothing was replaced."
    if any(isinstance(each, ssl.SSLError) for each in chain) or "SSLError" in kinds:
        return FixSettings(
            f"The certificate of {target} cannot be trusted.",
            f"{host} shows a certificate this computer does not accept, or does not speak TLS.",
            "Check the address, and the certificates a company proxy needs on this computer.",
            code="tls",
        )
    unreached = kinds & {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ConnectTimeout"}
    if "ProxyError" in kinds or "ProxyConnectionError" in kinds or (unreached and goes_through_proxy(host)):
        return TryAgain(
            f"{target} cannot be reached through the proxy.",
            "The proxy that this computer is set to use did not make the connection.",
            "Check the proxy settings of this computer, then try again.",
            code="proxy",
        )
    if any(isinstance(each, socket.gaierror) for each in chain) or "NameResolutionError" in kinds:
        return TryAgain(
            f"{target} cannot be found.",
            f"No address is known for {host}: there is no internet connection, or a name in the connection is wrong.",
            again,
            code="dns",
        )
    if any(isinstance(each, ConnectionRefusedError) for each in chain):
        return TryAgain(f"{target} does not answer.", f"{host} refused the connection.", again, code="refused")
    if kinds & {"ConnectTimeoutError", "ConnectTimeout"}:
        return TryAgain(
            f"{target} does not answer.",
            f"{host} did not take the connection within {CONNECT_SECONDS:.0f} seconds.",
            again,
            code="connect_timeout",
        )
    if unreached:
        return TryAgain(f"{target} cannot be reached.", f"No way to {host} was found.", again, code="unreachable")
    if any(isinstance(each, TimeoutError) for each in chain) or kinds & {"ReadTimeoutError", "ReadTimeout"}:
        return TryAgain(f"{target} took too long to answer.", f"{host} was silent for too long.", again, code="timeout")
    if any(isinstance(each, OSError) for each in chain) or kinds & {"ProtocolError", "ConnectionClosedError"}:
        return TryAgain(
            f"The connection to {target} broke.", f"{host} ended it before the answer came.", again, code="reset"
        )
    return None


def refused_sign_in(target: str, why: str, fix: str) -> SignInAgain:
    """The cloud does not accept who we are."""
    return SignInAgain(f"{target} does not accept the sign-in.", why, fix, code="refused_sign_in")


def expired(target: str, what: str, fix: str) -> SignInAgain:
    """What we sign in with was good once."""
    return SignInAgain(f"The sign-in to {target} has expired.", what, fix, code="expired")


def wrong_clock(target: str) -> FixSettings:
    """Signatures hold for some minutes only."""
    return FixSettings(
        f"{target} does not accept the time of this computer.",
        "Its clock differs from theirs by more than a quarter of an hour.",
        "Set this computer's date, time and time zone right, then try again.",
        code="clock_skew",
    )


def missing_right(target: str, doing: str, fix: str) -> NotAllowed:
    """The account may not do something: `doing` names it, `fix` the right to give."""
    return NotAllowed(
        f"{target} does not allow this.", f"This sign-in may not {doing} there.", fix, code="missing_right"
    )


def no_bucket(target: str, word: str, name: str) -> FixSettings:
    """The bucket or container is not there."""
    return FixSettings(
        f"{target} has no {word} “{name}”.",
        "It was removed, the name is spelt differently, or it belongs to another account.",
        f"Correct the {word} in the connection, or have it created there.",
        code="no_bucket",
    )


def asked_wait(headers: Mapping[str, str] | None) -> float | None:
    """The seconds that an answer asks to wait, as a number or a date; None when it asks for none, or there was no answer."""
    return Answer(0, {name.lower(): value for name, value in (headers or {}).items()}, b"").retry_after


def slow_down(target: str, words: str, headers: Mapping[str, str] | None) -> TryAgain:
    """The cloud takes no more for now."""
    return TryAgain(
        f"{target} asks us to slow down and did not stop asking.",
        words or "It takes no more requests for now.",
        "Try again later, or set fewer parts at the same time in the connection.",
        code=SLOW_DOWN,
        retry_after=asked_wait(headers),
    )


def server_error(target: str, status: int, headers: Mapping[str, str] | None) -> TryAgain:
    """A fault on their side."""
    return TryAgain(
        f"{target} has a problem of its own.",
        f"It answered with status {status}. Nothing was replaced.",
        "Try again later.",
        code="server_error",
        retry_after=asked_wait(headers),
    )


def damaged(target: str) -> TryAgain:
    """The cloud's checksum differs from ours."""
    return TryAgain(
        "A part of a file arrived damaged.",
        f"{target} compared its checksum and refused it. Nothing was replaced.",
        "Run the export again; when it happens again, have the network checked.",
        code="damaged",
    )


def out_of_room(target: str) -> TryAgain:
    """A quota is used up."""
    return TryAgain(
        f"{target} is full.",
        "The quota of the account or bucket is used up. Nothing was replaced.",
        "Free some space there or have the quota raised, then run the export again.",
        code="disk_full",
    )


def changed_meanwhile(target: str) -> TryAgain:
    """Somebody else wrote under the same name while we did."""
    return TryAgain(
        f"A file was changed by someone else on {target}.",
        "Another run or program published the same name at the same time; its file was left as it is.",
        "Run the export again when the other one is done, or give it a folder of its own.",
        code="changed_meanwhile",
    )


def not_understood(target: str, words: str) -> TellUs:
    """An answer we know nothing about; `words` is the cloud's own name for it."""
    return TellUs(
        f"{target} answered in a way we do not understand.",
        f"It said: {words}.",
        "Try again; when it comes back, send us the log.",
        code="unexpected_answer",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all it was caused by; urllib3 and requests also hide causes in their arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        waiting += [getattr(each, "inner_exception", None), getattr(each, "kwargs", {}).get("error")]


def _length(headers: Mapping[str, str | bytes]) -> int:
    """The bytes of a message: its headers and the body they announce."""
    body = str(headers.get("Content-Length", "0"))
    return (int(body) if body.isdigit() else 0) + sum(len(name) + len(value) + 4 for name, value in headers.items())
