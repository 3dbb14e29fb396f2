"""What sending takes, as far as it can be told before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """`requests` at least, and the `seconds` they take at the pace a destination allows; None where it names no pace.

    How long the destination works on what it was sent is its own affair and not in it.
    """

    requests: int
    seconds: float | None = None
