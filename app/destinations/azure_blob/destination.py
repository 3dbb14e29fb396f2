"""Azure Blob Storage: files in a container, signed in with an account key, a shared access signature or an application."""

from __future__ import annotations

from app.destinations.azure_account import account
from app.destinations.azure_blob.bucket import BlobBucket
from app.destinations.contract import Settings
from app.destinations.objects import ObjectStore

TARGET = "Azure Blob Storage"


def create(settings: Settings) -> ObjectStore:
    """Open the destination; raises FixSettings or SignInAgain when the settings are not complete."""
    found = account(settings, "blob", TARGET)
    return ObjectStore(lambda: BlobBucket(found), found.address, settings)
