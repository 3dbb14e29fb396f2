"""Finding a thing by the name a person typed, or saying that it is not there."""

from __future__ import annotations

from app.core.connections import Connection
from app.core.errors import FixData
from app.core.exports import Export
from app.store import Store


def export_named(store: Store, name: str) -> Export:
    """The export of that name, regardless of case; raises FixData when there is none."""
    export = store.exports.get(name)
    if export is None:
        raise FixData(
            f"There is no export named “{name}”.",
            "It was removed or renamed, or the name is spelled differently.",
            "Look at the list of exports.",
            code="no_export",
        )
    return export


def connection_named(store: Store, name: str) -> Connection:
    """The connection of that name, regardless of case; raises FixData when there is none."""
    connection = store.connections.get(name)
    if connection is None:
        raise no_connection(name)
    return connection


def no_connection(name: str) -> FixData:
    """What is said of a connection that is not there, or not for this person."""
    return FixData(
        f"There is no connection named “{name}”.",
        "It was removed or renamed, or it is not shared with you.",
        "Look at the list of connections.",
        code="no_connection",
    )
