"""What a person meets for a server that can't be asked, or for a table that is not as it was; the same for every kind."""

from __future__ import annotations

from app.core.errors import FixData, FixSettings, SendoffError, TryAgain
from app.core.servers import ServerAddress
from app.core.tables import ServerTable, Table

UNREACHABLE = "server_unreachable"
"""The code of every error that says that the server can't be asked now."""


def place_of(table: Table) -> ServerTable:
    """Where on the server the table is; FixData when it is on this computer."""
    if table.server is None:
        raise FixData(
            f"{table.name} is on this computer, and other tables of the question are on the server.",
            "A question is answered where all of its tables are.",
            "Ask for tables of one place only.",
            code="two_places",
        )
    return table.server


def table_gone(place: ServerTable) -> FixData:
    """The error for a table that is not there or may not be read."""
    return FixData(
        f"The server has no table {place.schema}.{place.name} that may be read.",
        "It was removed, renamed, or its reading was taken away.",
        "Have it granted, or remove the table here.",
        code="server_changed",
    )


def column_changed(table: Table, column: str) -> FixData:
    """The error for a column that is not as it was when the table was described."""
    return FixData(
        f"{table.name}.{column} is not on the server as it was.",
        "The column was removed, renamed, or given another type.",
        f"Refresh {table.name}.",
        code="server_changed",
    )


def slow(address: ServerAddress) -> SendoffError:
    """The error for a question that took longer than the address gives it."""
    return TryAgain(
        f"The server took longer than {address.seconds} seconds.",
        "It was told to give up after that time.",
        "Try again when it is less busy, or give it more time in Settings.",
        code="server_slow",
    )


def broken(address: ServerAddress, said: str) -> SendoffError:
    """The error for a connection that ended in the middle."""
    return TryAgain(
        f"The connection to {address.host} broke.",
        said,
        "Check that the server runs and the network is there, then try again.",
        code=UNREACHABLE,
    )


def no_host(address: ServerAddress, _said: str) -> SendoffError:
    """The error for a name that no address is known for."""
    return TryAgain(
        f"The server {address.host} can't be found.",
        "No address is known for that name.",
        "Check the host's name and the network.",
        code=UNREACHABLE,
    )


def no_answer(address: ServerAddress, said: str) -> SendoffError:
    """The error for a server that takes no connection."""
    return TryAgain(
        f"The server {address.host} does not answer on port {address.port}.",
        said,
        "Check that it runs, and that the network and its firewall let Sendoff through.",
        code=UNREACHABLE,
    )


def not_trusted(address: ServerAddress, said: str) -> SendoffError:
    """The error for a certificate that does not prove who the server is."""
    return FixSettings(
        f"The server can't prove that it is {address.host}.",
        said,
        "Name the file with its certificate authority, or the host as its certificate does.",
        code="server_certificate",
    )
