"""Adobe Experience Platform: files in a container of Azure Blob Storage, from where its dataflows read them."""

from __future__ import annotations

from app.destinations.azure_blobs import blob_store
from app.destinations.contract import Settings
from app.destinations.objects import ObjectStore


def create(settings: Settings) -> ObjectStore:
    """Open the destination; raises FixSettings or SignInAgain when the settings are not complete."""
    return blob_store(settings)
