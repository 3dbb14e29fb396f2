"""The public key of whom files are encrypted for, as far as people look at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """An OpenPGP key: its fingerprint in capital hex, whose it is, until when it holds (None: for ever)."""

    fingerprint: str
    owners: tuple[str, ...]
    expires: datetime | None
