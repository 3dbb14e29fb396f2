"""Targets that take hashes get nothing else: what is plain is kept here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.core.identifiers import SHA256_HEX
from app.destinations.batches import Batch, Outcome, OutcomeKind

_HASH = re.compile(SHA256_HEX)
_PLAIN = (
    "A value is not hashed, and the destination gets no other.",
    "Match the field again; it is hashed on its way.",
)


def not_hashed(batch: Batch, fields: Iterable[str]) -> dict[int, Outcome]:
    """The members of which a value of these fields is no SHA-256, by their places: they must not be sent."""
    found: dict[int, Outcome] = {}
    for field in fields:
        for place, value in enumerate(batch.columns.get(field, ())):
            if value and not _HASH.fullmatch(value):
                found.setdefault(place, Outcome(batch.keys[place], OutcomeKind.INVALID, field, *_PLAIN))
    return found
