"""Connections on their way to use: what runs, plans and undoing open, and when."""

from __future__ import annotations

from collections.abc import Callable

from app.core.connections import Connection
from app.core.exports import Export
from app.delivery.ports import OnSlow, Opened
from app.destinations.contract import FileDestination, Ledger, SegmentDestination
from app.destinations.description import Description

OpenConnection = Callable[[Connection, OnSlow, Ledger], SegmentDestination | FileDestination]


def reach(
    export: Export, connection: Connection, describe: Callable[[str], Description], open_connection: OpenConnection
) -> Opened:
    """The connection as this export uses it; its secrets are read when it is opened."""
    description = describe(connection.destination).for_connection(connection.settings).for_target(export.target)
    return Opened(description, lambda on_slow, ledger: open_connection(connection, on_slow, ledger))
