"""Azure Synapse Analytics: tables and their description in the workspace's data lake, ready for a lake database."""

from __future__ import annotations

from app.destinations.azure_lake import lake_store
from app.destinations.contract import Settings
from app.destinations.objects import ObjectStore


def create(settings: Settings) -> ObjectStore:
    """Open the destination; raises FixSettings or SignInAgain when the settings are not complete."""
    return lake_store(settings)
