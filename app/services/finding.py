"""Finding things: by the name a person typed, saying when it is not there, and by what refers to them."""

from __future__ import annotations

from app.core.connections import Connection
from app.core.errors import FixData
from app.core.exports import Export
from app.core.runs import Run
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


def connection_of(store: Store, export: Export) -> Connection | None:
    """The export's connection; None when it has none, or it is gone."""
    return store.connections.by_id(export.connection) if export.connection else None


def connection_of_run(store: Store, run: Run) -> Connection | None:
    """The connection a run used; None when it had none, or it is gone."""
    return store.connections.by_id(run.connection_id) if run.connection_id else None
