"""Files in a bucket of Google Cloud Storage."""

from __future__ import annotations
