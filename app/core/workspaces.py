"""Workspaces: one folder with the data, connections and exports of one business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Audience(StrEnum):
    """Whom the business sells to; it decides which segments and destinations are offered."""

    CONSUMERS = "consumers"
    BUSINESSES = "businesses"


@dataclass(frozen=True, slots=True)
class WorkspaceInfo:
    """What a workspace is; `country_code` (ISO 3166, two letters) reads phone numbers without a country."""

    id: str
    name: str
    audience: Audience
    created_at: datetime
    country_code: str = "US"
