"""Amazon S3 and stores that speak like it: files in a bucket, signed in with keys or a profile, in a role when asked."""

from __future__ import annotations

from app.destinations.amazon_s3.account import account
from app.destinations.amazon_s3.bucket import S3Bucket
from app.destinations.contract import Settings
from app.destinations.objects import ObjectStore


def create(settings: Settings) -> ObjectStore:
    """Open the destination; raises FixSettings or SignInAgain when the settings are not complete."""
    found = account(settings)
    return ObjectStore(lambda: S3Bucket(found), f"s3://{found.bucket}", settings)
