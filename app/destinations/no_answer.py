"""What a request that got no answer means, in sentences; never the error's own text, which may hold the address."""

from __future__ import annotations

import socket
import ssl
from urllib.request import getproxies, proxy_bypass

import httpx2

from app.core.errors import FixSettings, SendoffError, TellUs, TryAgain

CONNECT_SECONDS = 10.0
NEVER_ARRIVED = frozenset({"dns", "refused", "connect_timeout", "unreachable", "proxy"})
"""Codes of errors after which the target can't have got anything."""


def no_answer(target: str, host: str, error: httpx2.HTTPError) -> SendoffError:
    """The error for what went wrong with a request to that host."""
    again = "Check the internet connection, then try again."
    cause = _root(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FixSettings(
            f"The certificate of {target} cannot be trusted.",
            f"{host} shows a certificate this computer does not accept; someone may be in between.",
            "Check the address, and the certificates a company proxy needs on this computer.",
            code="tls",
        )
    if isinstance(cause, ssl.SSLError):
        return FixSettings(
            f"No safe connection to {target} is possible.",
            f"{host} did not agree on encryption; the address may belong to something else.",
            "Check the address in the connection.",
            code="tls",
        )
    reached = not isinstance(cause, socket.gaierror) and not isinstance(
        error, httpx2.ConnectError | httpx2.ConnectTimeout
    )
    if isinstance(error, httpx2.ProxyError) or (not reached and goes_through_proxy(host)):
        return TryAgain(
            f"{target} cannot be reached through the proxy.",
            "The proxy that this computer is set to use did not make the connection.",
            "Check the proxy settings of this computer, then try again.",
            code="proxy",
        )
    if isinstance(cause, socket.gaierror):
        return TryAgain(
            f"{target} cannot be found.",
            f"No address is known for {host}: there is no internet connection, or the name is wrong.",
            again,
            code="dns",
        )
    if isinstance(cause, ConnectionRefusedError):
        return TryAgain(
            f"{target} does not answer.", f"{host} refused the connection.", "Try again later.", code="refused"
        )
    if isinstance(error, httpx2.ConnectTimeout):
        return TryAgain(
            f"{target} does not answer.",
            f"{host} did not take the connection within {CONNECT_SECONDS:.0f} seconds.",
            again,
            code="connect_timeout",
        )
    if isinstance(error, httpx2.TimeoutException):
        return TryAgain(
            f"{target} took too long to answer.",
            f"{host} was silent for too long, or its answer did not end in time.",
            "Try again later.",
            code="timeout",
        )
    if isinstance(error, httpx2.ConnectError):
        return TryAgain(f"{target} cannot be reached.", f"No way to {host} was found.", again, code="unreachable")
    if isinstance(error, httpx2.DecodingError):
        return TellUs(
            f"{target} answered in a way we do not understand.",
            "Its answer is damaged: it cannot be unpacked.",
            "Try again; when it comes back, send us the log.",
            code="malformed_answer",
        )
    return broken(target, host, again)


def broken(target: str, host: str, fix: str) -> TryAgain:
    """The error for a connection that ended too early."""
    return TryAgain(f"The connection to {target} broke.", f"{host} ended it before the answer came.", fix, code="reset")


def goes_through_proxy(host: str) -> bool:
    """Whether the system's or environment's settings send requests for this host to a proxy."""
    return bool(getproxies().keys() & {"https", "http", "all"}) and not proxy_bypass(host)


def _root(error: BaseException) -> BaseException:
    """The first error of a chain: the operating system's own."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        below = error.__cause__ or error.__context__
        if below is None:
            break
        error = below
    return error
