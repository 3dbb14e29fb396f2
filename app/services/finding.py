"""Finding things: by the name a person typed, saying when it is not there, and by what refers to them."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.connections import Connection
from app.core.errors import FixData
from app.core.exports import Export
from app.core.names import did_you_mean
from app.core.runs import Run
from app.core.segments import Segment
from app.store import Store


def export_named(store: Store, name: str) -> Export:
    """The export of that name, regardless of case; raises FixData when there is none."""
    export = store.exports.get(name)
    if export is None:
        raise FixData(
            f"There is no export named “{name}”.",
            "It was removed or renamed, or the name is spelled differently.",
            did_you_mean(name, (each.name for each in store.exports.all()), "Look at the list of exports."),
            code="no_export",
        )
    return export


def segment_named(store: Store, name: str) -> Segment:
    """The segment of that name, regardless of case; raises FixData with code "no_segment"."""
    segment = store.segments.get(name)
    if segment is None:
        raise FixData(
            f"There is no segment named “{name}”.",
            "It was removed or renamed, or the name is misspelt.",
            did_you_mean(name, (each.name for each in store.segments.all()), "Choose one of the list of segments."),
            code="no_segment",
        )
    return segment


def connection_named(store: Store, name: str) -> Connection:
    """The connection of that name, regardless of case; raises FixData when there is none."""
    connection = store.connections.get(name)
    if connection is None:
        raise no_connection(name)
    return connection


def no_connection(name: str, known: Iterable[str] = ()) -> FixData:
    """What is said of a connection that is not there, or not for this person, who may see the `known` ones."""
    return FixData(
        f"There is no connection named “{name}”.",
        "It was removed or renamed, or it is not shared with you.",
        did_you_mean(name, known, "Look at the list of connections."),
        code="no_connection",
    )


def connection_of(store: Store, export: Export) -> Connection | None:
    """The export's connection; None when it has none, or it is gone."""
    return store.connections.by_id(export.connection) if export.connection else None


def connection_of_run(store: Store, run: Run) -> Connection | None:
    """The connection a run used; None when it had none, or it is gone."""
    return store.connections.by_id(run.connection_id) if run.connection_id else None
