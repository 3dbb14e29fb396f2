"""What a plan takes to send, and whether the account may still make so many requests: known before anything leaves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from app.core.errors import SendoffError
from app.core.forecasts import Forecast, Quota, too_few_left
from app.core.plans import Changes
from app.destinations.contract import MeteredDestination, SegmentDestination
from app.destinations.description import Description
from app.jobs import JobContext

logger = logging.getLogger(__name__)


def forecast(
    description: Description, destination: SegmentDestination, segments: Sequence[Changes], ctx: JobContext
) -> Forecast | None:
    """What it takes to do this to the segments, the quota asked for where the target tells; None when nothing is known."""
    found = description.forecast(segments)
    quota = None if found is None else _quota(destination, ctx)
    if found is None or quota is None:
        return found
    short = too_few_left(description.name, found.calls, quota)
    obstacle = () if short is None else (short.what, short.why, short.fix)
    return replace(found, quota=quota, obstacle=obstacle)


def demand_quota(description: Description, found: Forecast) -> None:
    """Raise TryAgain or FixSettings when fewer requests are left than it takes."""
    short = None if found.quota is None else too_few_left(description.name, found.calls, found.quota)
    if short is not None:
        raise short


def _quota(destination: SegmentDestination, ctx: JobContext) -> Quota | None:
    """A target that can't say what is left stops no run: it says so itself when nothing is."""
    if not isinstance(destination, MeteredDestination):
        return None
    try:
        return destination.quota(ctx)
    except SendoffError as error:
        logger.info("How many requests are left could not be asked: %s", error.code)
        return None
