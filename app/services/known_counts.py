"""The counts the workspace remembers, read without loading the engine."""

from __future__ import annotations

from app.core.counts import Count
from app.store import Store


def newest_signature(destination: str | None, audience: str = "") -> str:
    """Under what the newest count for a destination (its id; None: members only) stands, stale or not."""
    return f"last:{destination or ''}/{audience}" if audience else f"last:{destination or ''}"


def newest_count(store: Store, segment: str, destination: str | None, audience: str = "") -> Count | None:
    """The newest count of the segment of that name for the destination, or None; its time says how old it is."""
    found = store.segments.get(segment)
    return None if found is None else store.counts.get(found.id, newest_signature(destination, audience))
