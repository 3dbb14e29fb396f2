"""Letting what is in flight end when somebody cancels, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from app.jobs import CancelToken, JobContext

GRACE_SECONDS = 20.0
"""Enough for the few requests of a batch; a target that asks to wait for minutes is not waited for after a cancel."""


@contextmanager
def grace(ctx: JobContext, seconds: float = GRACE_SECONDS) -> Iterator[JobContext]:
    """A context like `ctx` whose work is cancelled only `seconds` after somebody cancelled `ctx`."""
    token = CancelToken()
    timers: list[threading.Timer] = []

    def cancel_later() -> None:
        timer = threading.Timer(seconds, token.cancel)
        timer.daemon = True
        timers.append(timer)
        timer.start()

    try:
        with ctx.token.on_cancel(cancel_later):
            yield replace(ctx, token=token)
    finally:
        for timer in timers:
            timer.cancel()
