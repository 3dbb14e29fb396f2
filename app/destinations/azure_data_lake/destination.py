"""Azure Data Lake Storage Gen2: files in a container with real folders, published by renaming."""

from __future__ import annotations

from app.destinations.azure_account import account
from app.destinations.azure_data_lake.bucket import LakeBucket
from app.destinations.contract import Settings
from app.destinations.objects import ObjectStore

TARGET = "Azure Data Lake Storage"


def create(settings: Settings) -> ObjectStore:
    """Open the destination; raises FixSettings or SignInAgain when the settings are not complete."""
    found = account(settings, "dfs", TARGET)
    return ObjectStore(lambda: LakeBucket(found), found.address, settings)
