"""Google Cloud Storage: files in a bucket, signed in with a service account's key file."""

from __future__ import annotations

from app.destinations.contract import Settings
from app.destinations.google_cloud_storage.account import account
from app.destinations.google_cloud_storage.bucket import GoogleBucket
from app.destinations.objects import ObjectStore


def create(settings: Settings) -> ObjectStore:
    """Open the destination; raises FixSettings when the settings are not complete."""
    found = account(settings)
    return ObjectStore(lambda: GoogleBucket(found), f"gs://{found.bucket}", settings)
