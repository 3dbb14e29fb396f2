"""What a person meets for an error of PostgreSQL: sorted by its SQLSTATE (docs: PostgreSQL 15, appendix A).

While a connection is being made libpq tells no SQLSTATE, so its words and the server's are looked at; servers that answer in
another language end in the last case, which repeats what they said.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adbc_driver_manager import Error as AdbcError

from app.core.errors import FixData, FixSettings, SendoffError, SignInAgain, TellUs, TryAgain
from app.core.servers import ServerAddress
from app.data.engines.postgres_columns import TOO_FINE
from app.data.engines.server_errors import UNREACHABLE, broken, no_answer, no_host, not_trusted, slow


def connecting(error: AdbcError, address: ServerAddress) -> SendoffError:
    """The error for a connection that could not be made."""
    said = _said(error)
    for pattern, make in _CONNECTING:
        if re.search(pattern, said, re.IGNORECASE):
            return make(address, said)
    return TryAgain(
        f"The server {address.host} did not let Sendoff in.",
        said,
        "Check the server, then try again.",
        code=UNREACHABLE,
    )


def asking(error: AdbcError, address: ServerAddress) -> SendoffError:
    """The error for a question that failed."""
    state, said = error.sqlstate or "", _said(error)
    if state == "57014":
        return slow(address)
    if state == "42501":
        return FixSettings(
            f"The role {address.user} may not read everything that is needed.",
            said,
            "Have it granted SELECT on the table, and USAGE on its schema.",
            code="server_rights",
        )
    if state in {"42P01", "42703", "3F000"}:
        return FixData(
            "A table of the server is not as it was.", said, "Refresh the table, or remove it.", code="server_changed"
        )
    if state.startswith(("22", "25", "42")):
        return FixData("The server can't answer that.", said, "Correct the segment.", code="server_refused")
    if state.startswith("53"):
        return TryAgain("The server has no room left.", said, "Try again later.", code="server_full")
    if not state or state.startswith(("08", "57", "58")):
        return broken(address, said)
    return TellUs(
        "The server can't answer that.", said, "Try again; when it comes back, send us the log.", code="server"
    )


def streaming(error: OSError, address: ServerAddress) -> SendoffError:
    """The error for an answer that ended in the middle; Arrow keeps its words only."""
    said = _said(error)
    if "statement timeout" in said:
        return slow(address)
    if TOO_FINE in said:
        return FixData(
            "A number has more decimals than it had when the table was last refreshed.",
            "Its column sets no limit, so Sendoff goes by what it saw.",
            "Refresh the table.",
            code="server_changed",
        )
    if "ERROR:" in str(error) and not re.search("terminating connection", said):
        return FixData("The server can't answer that.", said, "Correct the segment.", code="server_refused")
    return broken(address, said)


def _said(error: AdbcError | OSError) -> str:
    """The server's or libpq's own sentence, without what Arrow put around it."""
    for key, value in getattr(error, "details", None) or ():
        if key == "PG_DIAG_MESSAGE_PRIMARY":
            return _sentence(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
    said = re.sub(r"^([A-Z_]+: )?(\[libpq\] )?", "", re.split(r"\nQuery was:|\n?\. SQLSTATE:", str(error))[0])
    said = re.sub(r"^.*?(FATAL|ERROR):\s+", "", said, flags=re.DOTALL).removeprefix("Failed to connect: ")
    said = said.partition("\nLINE ")[0].partition("\n\tIs the server running")[0]
    return _sentence(" ".join(said.split()))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(". ") + "."


_Made = Callable[[ServerAddress, str], SendoffError]


def _wrong_password(address: ServerAddress, _said: str) -> SendoffError:
    return SignInAgain(
        f"The server did not accept the password of {address.user}.",
        "It is wrong, has expired, or the role does not exist.",
        "Enter the password again.",
        code="server_password",
    )


def _no_password(address: ServerAddress, _said: str) -> SendoffError:
    return SignInAgain(
        f"The server wants a password for {address.user}.",
        "None is in the keyring of this computer.",
        "Enter the password.",
        code="server_password",
    )


def _no_database(address: ServerAddress, _said: str) -> SendoffError:
    return FixSettings(
        f"The server has no database {address.database}.", "", "Check the database's name.", code="server_database"
    )


def _no_tls(address: ServerAddress, _said: str) -> SendoffError:
    return FixSettings(
        f"The server {address.host} does not encrypt.",
        "Sendoff was told to talk to it in an encrypted way only.",
        "Switch TLS on at the server, or encryption off here if the network is safe.",
        code="server_tls",
    )


def _tls_wanted(address: ServerAddress, said: str) -> SendoffError:
    return FixSettings(
        f"The server {address.host} does not let {address.user} in from here.",
        said,
        "Have it allowed in the server's pg_hba.conf; when it wants encryption, switch that on.",
        code="server_access",
    )


_CONNECTING: tuple[tuple[str, _Made], ...] = (
    (r"password authentication failed|role .* does not exist|auth.*failed for user", _wrong_password),
    (r"no password supplied", _no_password),
    (r"database .* does not exist", _no_database),
    (r"does not support SSL", _no_tls),
    (r"no pg_hba.conf entry|pg_hba.conf rejects", _tls_wanted),
    (r"certificate verify failed|certificate for|root certificate|certificate authority|SSL error", not_trusted),
    (r"could not translate host name|Name or service not known|nodename nor servname", no_host),
    (
        r"connection refused|timeout expired|timed out|no route|unreachable|closed the connection|starting up|shutting down",
        no_answer,
    ),
)
