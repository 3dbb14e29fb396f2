"""Work that takes time: cancel, progress and named pools, with the standard library only."""

from __future__ import annotations

from app.jobs.context import Cancelled, CancelToken, JobContext, Progress
from app.jobs.pools import Pools

__all__ = ["CancelToken", "Cancelled", "JobContext", "Pools", "Progress"]
