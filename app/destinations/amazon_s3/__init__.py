"""Files in a bucket of Amazon S3 or of a store that speaks like it."""

from __future__ import annotations
