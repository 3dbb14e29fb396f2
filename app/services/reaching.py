"""How runs, plans and undoing reach the destination of an export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.connections import Connection
from app.core.exports import Export
from app.delivery.ports import OnSlow, Opened
from app.destinations.contract import FileDestination, Ledger, SegmentDestination
from app.destinations.description import Description

OpenConnection = Callable[[Connection, OnSlow, Ledger], SegmentDestination | FileDestination]


@dataclass(frozen=True, slots=True)
class Reach:
    """The way from an export to its destination, for all that take it. Thread safe."""

    describe: Callable[[str], Description]
    open_connection: OpenConnection

    def opened(self, export: Export, connection: Connection) -> Opened:
        """The connection as this export uses it; its secrets are read when it is opened."""
        description = self.describe(connection.destination).for_connection(connection.settings)
        return Opened(
            description.for_target(export.target),
            lambda on_slow, ledger: self.open_connection(connection, on_slow, ledger),
        )
