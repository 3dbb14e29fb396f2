"""Work that a vendor does after it answered: asked for until it has ended, ever more patiently."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from app.core.errors import FixData, FixSettings, TryAgain
from app.jobs import JobContext

T = TypeVar("T")

JOB_LOST = "job_lost"
"""The code of the error for work a vendor does not know (any more)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to the first question, the longest wait between two, and how long it may take altogether."""

    first: float = 1.0
    longest: float = 30.0
    altogether: float = 3_600.0


@contextmanager
def after_taking(target: str) -> Iterator[None]:
    """For questions about members the vendor took already.

    What would be said of a request that brings members is raised as TryAgain: to halve them or to change the export is no help
    when a vendor does not know a job (any more).
    """
    try:
        yield
    except (FixData, FixSettings) as error:
        raise TryAgain(
            f"{target} does not tell what became of what was sent.",
            f"It took the members, but not the question after them. {error.why}".strip(),
            "Run the export again; it sends these members once more, which changes nothing for those who arrived.",
            code=JOB_LOST,
        ) from error


def wait_for(target: str, ask: Callable[[], T | None], patience: Patience, ctx: JobContext) -> T:
    """What `ask` gives as soon as it gives something; it is asked in waits that grow by half.

    Raises TryAgain when the vendor is not done in time or does not know the work any more, Cancelled, and what else `ask` raises.
    """
    deadline = time.monotonic() + patience.altogether
    wait = patience.first
    while True:
        left = deadline - time.monotonic()
        ctx.token.sleep(max(0.0, min(wait, left)))
        with after_taking(target):
            answer = ask()
        if answer is not None:
            return answer
        if time.monotonic() >= deadline:
            raise TryAgain(
                f"{target} is still working on what was sent.",
                f"It did not end within {patience.altogether / 60:,.0f} minutes, so that what became of it is not known.",
                "Run the export again later; it goes on where it stopped.",
                code="job_not_done",
            )
        wait = min(wait * 1.5, patience.longest)
