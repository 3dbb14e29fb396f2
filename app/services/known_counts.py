"""The counts the workspace remembers, read without loading the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.core.counts import Count
from app.store import Store


def matched_keys(key_fields: Iterable[str], match: Mapping[str, str]) -> dict[str, str]:
    """The part of a match that decides who is counted: the fields by which a destination knows people."""
    return {key: match[key] for key in key_fields if match.get(key)}


def newest_signature(destination: str | None, audience: str = "", keys: Mapping[str, str] | None = None) -> str:
    """Under what the newest count for a destination (its id; None: members only) stands, stale or not.

    `keys` are those of `matched_keys`: an export that knows people by e-mail alone reaches others than one with phones too.
    """
    place = f"last:{destination or ''}/{audience}" if audience else f"last:{destination or ''}"
    return place if not keys else f"{place}?{'&'.join(f'{key}={column}' for key, column in sorted(keys.items()))}"


def newest_count(
    store: Store, segment: str, destination: str | None, audience: str = "", keys: Mapping[str, str] | None = None
) -> Count | None:
    """The newest count of the segment of that name for the destination, or None; its time says how old it is.

    With `keys` the one that was made with them, or, until there is one, with all the destination can know people by.
    """
    found = store.segments.get(segment)
    if found is None:
        return None
    signatures = dict.fromkeys(newest_signature(destination, audience, each) for each in (keys, None))
    counts = (store.counts.get(found.id, signature) for signature in signatures)
    return next((count for count in counts if count is not None), None)
