"""What a person meets for an error of Spark: sorted by its SQLSTATE (docs: Spark 4.2, error conditions).

Where the cluster could not be asked at all, the status of gRPC tells why.
"""

from __future__ import annotations

import re
from typing import Any

from app.core.errors import FixData, FixSettings, SendoffError, SignInAgain, TellUs, TryAgain
from app.core.servers import ServerAddress
from app.data.engines.server_errors import UNREACHABLE, broken, not_trusted


def asking(error: Any, address: ServerAddress, *, token: bool) -> SendoffError:  # noqa: ANN401 - the driver's error
    """The error for a question that failed; `token` tells whether one was sent."""
    status, said = _status(error), _said(error)
    state, condition = str(_told(error, "getSqlState")), str(_told(error, "getCondition"))
    if status == "UNAUTHENTICATED":
        return _not_let_in(token=token)
    if status == "PERMISSION_DENIED" or state == "42501":
        return FixSettings(
            "The cluster does not let Sendoff read everything that is needed.",
            said,
            "Have reading of the tables granted.",
            code="server_rights",
        )
    if status in {"UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED", "CANCELLED"}:
        return _no_service(address, str(error), status)
    if condition.startswith("INVALID_HANDLE"):
        return broken(address, said)
    if state in {"42P01", "42703", "42704"}:
        return FixData(
            "A table of the server is not as it was.", said, "Refresh the table, or remove it.", code="server_changed"
        )
    if state.startswith(("0A", "22", "42")):
        return FixData("The server can't answer that.", said, "Correct the segment.", code="server_refused")
    if state.startswith("53") or "OutOfMemory" in said:
        return TryAgain("The server has no room left.", said, "Try again later.", code="server_full")
    return TellUs(
        "The server can't answer that.", said, "Try again; when it comes back, send us the log.", code="server"
    )


def no_table(error: Any) -> bool:  # noqa: ANN401 - as above
    """Whether the error says that a table is not there."""
    return _told(error, "getSqlState") in {"42P01", "42704"}


def no_catalog(address: ServerAddress) -> FixSettings:
    """The error for a catalog the cluster does not have."""
    return FixSettings(
        f"The server has no catalog {address.database}.", "", "Check the catalog's name.", code="server_database"
    )


def missing() -> FixSettings:
    """The error for a computer without the library."""
    return FixSettings(
        "Spark can't be asked from this computer yet.",
        "The library for it is an extra that is not installed.",
        'Install it with: pip install "sendoff[spark]"',
        code="spark_missing",
    )


def token_in_clear(address: ServerAddress) -> FixSettings:
    """The error for a token that anybody on the way could read."""
    return FixSettings(
        f"The token is not sent to {address.host}.",
        "The way there is not encrypted, so anybody on it could read the token.",
        "Switch encryption on at the server and here.",
        code="server_tls",
    )


def too_old(version: str, oldest: int) -> FixSettings:
    """The error for a cluster Sendoff was never tried with."""
    return FixSettings(
        f"The cluster runs Spark {version}.",
        f"Sendoff reads Spark {oldest} and newer.",
        "Have the cluster brought up to date.",
        code="server_old",
    )


def _not_let_in(*, token: bool) -> SendoffError:
    if token:
        why = "It is wrong or has expired."
        return SignInAgain(
            "The server did not accept the token.", why, "Enter the token again.", code="server_password"
        )
    return SignInAgain(
        "The server wants a token.",
        "None is in the keyring of this computer.",
        "Enter the token.",
        code="server_password",
    )


def _no_service(address: ServerAddress, words: str, status: str) -> SendoffError:
    if re.search("CERTIFICATE_VERIFY_FAILED|certificate verify failed|Peer name|Hostname Verification", words):
        return not_trusted(address, "Its certificate is not one this computer believes, or is for another name.")
    if re.search("WRONG_VERSION_NUMBER|wrong version number", words, re.IGNORECASE):
        return FixSettings(
            f"The server {address.host} does not encrypt.",
            "Sendoff was told to talk to it in an encrypted way only.",
            "Switch TLS on at the server, or encryption off here if the network is safe.",
            code="server_tls",
        )
    if status == "UNIMPLEMENTED" or re.search("Trying to connect an http1.x server|Failed parsing HTTP/2", words):
        return FixSettings(
            f"What answers on {address.host}:{address.port} is not Spark Connect.",
            "It does not understand what Spark Connect is asked.",
            "Check the port; Spark Connect listens on 15002 unless told otherwise.",
            code="server_address",
        )
    return TryAgain(
        f"The connection to {address.host} broke.",
        "Spark Connect does not answer.",
        "Check that the cluster runs, that it expects the same encryption, and that the network is there; then try again.",
        code=UNREACHABLE,
    )


def _status(error: Any) -> str:  # noqa: ANN401 - as above
    status = _told(error, "getGrpcStatusCode") or _told(error, "code")
    return str(getattr(status, "name", ""))


def _told(error: Any, what: str) -> Any:  # noqa: ANN401 - as above
    asked = getattr(error, what, None)
    return (asked() or "") if callable(asked) else ""


def _said(error: Any) -> str:  # noqa: ANN401 - as above
    """Spark's own sentence alone: what follows it repeats the query, and so keys of members."""
    words = next((line for line in str(error).splitlines() if line.strip()), "")
    words = re.sub(r"^\[[A-Z0-9_.]+\]\s*", "", words.partition(" SQLSTATE:")[0].strip())
    return words[:1].upper() + words[1:].rstrip(". ") + "."
